"""The fit of many items at once: against the score equations, on known truth, and with errors that hang together."""

from typing import Any

import numpy as np
import pytest

from decisions.domains.pricing.training.fitting import Design, Fit, Shock, blocks_of, fit_demand, shock_codes
from decisions.domains.pricing.training.pooling import Hyperprior

LOOSE = Hyperprior(mean=0.0, sd=1e3, spread=1e3)
USUAL = Hyperprior(mean=-2.6, sd=2.2, spread=0.5)


def world(*, items: int = 80, days: int = 140, prior: Hyperprior = USUAL, seed: int = 1, **how: Any):
    """Return a design with weekly prices and a week that moves all, and the slopes behind it."""
    rng = np.random.default_rng(seed)
    item, day = np.repeat(np.arange(items), days), np.tile(np.arange(days), items)
    slopes = rng.normal(-2.0, how.get("spread", 0.4), items)
    price = np.log(rng.choice([0.8, 0.9, 1.0, 1.1], (items, days // 7 + 1)))[item, day // 7]
    week = rng.normal(0.0, how.get("week", 0.2), days // 7 + 1)
    noise = rng.normal(0.0, how.get("lasting", 0.0), (items, days // 28 + 1))[item, day // 28]
    mean = np.exp(rng.normal(1.5, 0.5, items)[item] + slopes[item] * price + week[day // 7] + noise)
    centred = price - np.bincount(item, price)[item] / days
    design = Design(
        item=item,
        items=items,
        units=rng.poisson(mean).astype(np.float64),
        exposure=np.zeros(len(item)),
        columns=(centred,),
        priors=(prior,),
        shocks=(Shock(day // 7, None),),
        cluster=np.full(items, -1),
        block=blocks_of(item, day),
    )
    return design, slopes


def fitted(design: Design, iterations: int = 60) -> Fit:
    return fit_demand(design, iterations=iterations)


def test_fit__a_prior_that_says_nothing__solves_the_score_equations_of_each_item():
    design, _ = world(items=12, prior=LOOSE)
    found = fitted(design, 300)
    mean = np.exp(found.base)
    residual = (design.units - mean) / (1.0 + found.dispersion[design.item] * mean)
    for column in (np.ones(len(mean)), design.columns[0]):
        score = np.bincount(design.item, residual * column)
        scale = np.bincount(design.item, mean * np.abs(column))
        assert np.abs(score / scale).max() < 2e-3


def test_fit__known_slopes__are_found_within_their_errors():
    covered, spreads = [], []
    for seed in range(20):
        design, slopes = world(seed=seed)
        found = fitted(design)
        covered.append(np.abs(found.slopes[:, 0] - slopes) < 1.96 * found.errors[:, 0])
        spreads.append(np.sqrt(found.pooled[0].within))
    assert 0.92 < np.mean(covered) < 0.98
    assert np.mean(spreads) == pytest.approx(0.4, abs=0.05)


def test_fit__weeks_that_move_all_items__are_not_read_as_slopes():
    """Every price is low in the weeks in which everybody buys more."""
    design, slopes = world(week=0.0, items=60)
    rng = np.random.default_rng(9)
    day = np.tile(np.arange(140), 60)
    busy = (day // 7) % 4 == 0
    price = design.columns[0] - 0.2 * busy
    mean = np.exp(1.5 + slopes[design.item] * price + 0.8 * busy)
    centred = price - np.bincount(design.item, price)[design.item] / 140
    changed = {"units": rng.poisson(mean).astype(np.float64), "columns": (centred,)}
    names = ("item", "items", "exposure", "priors", "cluster", "block")
    shared = {name: getattr(design, name) for name in names}
    with_weeks = fitted(Design(**shared, **changed, shocks=design.shocks)).pooled[0]
    without = fitted(Design(**shared, **changed, shocks=())).pooled[0]
    assert abs(with_weeks.overall - slopes.mean()) < 0.2
    assert without.overall < slopes.mean() - 0.5


def test_fit__errors_that_hang_together__inflate_the_variance():
    independent, lasting = (fitted(world(lasting=sd, prior=USUAL)[0]) for sd in (0.0, 0.4))
    assert independent.inflation < 1.3
    assert lasting.inflation > 1.2 * independent.inflation


def test_fit__a_price_that_never_changed__has_the_pooled_slope_and_its_spread():
    design, _ = world(items=40)
    column = np.where(design.item == 7, 0.0, design.columns[0])
    changed = {name: getattr(design, name) for name in ("item", "items", "units", "exposure", "priors", "shocks")}
    found = fitted(Design(**changed, columns=(column,), cluster=design.cluster, block=design.block))
    pooled = found.pooled[0]
    assert found.slopes[7, 0] == pytest.approx(pooled.means[7], abs=1e-3)
    assert found.errors[7, 0] == pytest.approx(np.sqrt(pooled.within + pooled.errors[7] ** 2), rel=1e-3)
    assert found.errors[7, 0] > np.delete(found.errors[:, 0], 7).max()


def test_fit__twice__is_the_same():
    one, other = (fitted(world(items=10)[0]) for _ in range(2))
    assert np.array_equal(one.slopes, other.slopes)
    assert np.array_equal(one.base, other.base)


def test_fit__items_that_sold_once__has_finite_figures():
    design, _ = world(items=6)
    units = np.zeros(len(design.item))
    units[np.searchsorted(design.item, np.arange(6))] = 1.0
    names = ("item", "items", "exposure", "columns", "priors", "shocks", "cluster", "block")
    found = fitted(Design(units=units, **{name: getattr(design, name) for name in names}))
    for figures in (found.slopes, found.errors, found.levels, found.base):
        assert np.isfinite(figures).all()


def test_blocks__of_items__never_span_two_of_them():
    found = blocks_of(np.array([0, 0, 0, 1, 1]), np.array([26, 27, 28, 28, 29]))
    assert found.tolist() == [0, 0, 1, 2, 2]


def test_shock_codes__of_several_parts__are_one_for_each_combination():
    found = shock_codes(np.array([-1, -1, 4, 4, -1]), np.array([7, 8, 7, 8, 7]))
    assert found.tolist() == [0, 1, 2, 3, 0]
