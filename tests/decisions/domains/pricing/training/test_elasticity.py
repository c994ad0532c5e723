"""The model of the recipe: elasticities of a shop whose truth is known, and the level at which items sell now."""

import numpy as np
import pytest

from decisions.domains.pricing.training.dataset import DemandData, split_log
from decisions.domains.pricing.training.elasticity import (
    TAIL,
    Elasticities,
    demand_now,
    fit_elasticities,
    pooled_elasticity,
)
from models_registry.predictors.demand import FLATTEST, Demand, Doubt
from tests.decisions.domains.pricing.training.shops import Shop, changed, of_tables, shop


def fitted(log, *, trend: float = 0.1) -> tuple[DemandData, Elasticities, Demand]:
    data = split_log(log, test_share=0.1)
    found = fit_elasticities(data.learnt, cluster=data.cluster, group=data.group, trend=trend, iterations=60)
    return data, found, demand_now(found, data.learnt, item_ids=data.item_ids, flags=data.findings.flags)


def test_elasticities__of_a_known_shop__lie_within_their_errors():
    covered, overall = [], []
    for seed in range(12):
        world = shop(seed=seed)
        _, found, _ = fitted(world.log)
        covered.append(np.abs(found.fit.slopes[:, 0] - world.elasticities) < 1.96 * found.fit.errors[:, 0])
        pooled = found.fit.pooled[0]
        overall.append(abs(pooled.overall + 2.0) / pooled.overall_error)
    assert 0.91 < np.mean(covered) < 0.99
    assert max(overall) < 4.0


def errors_of(world: Shop, estimates: np.ndarray) -> float:
    return float(np.sqrt(np.mean((estimates - world.elasticities) ** 2)))


def test_elasticities__drawn_together__are_nearer_to_the_truth_than_one_for_all():
    world = shop(items=120, clusters=12, between=0.6, within=0.4, level=10.0, size=30.0)
    data, found, _ = fitted(world.log)
    _, one = pooled_elasticity(data.learnt)
    assert errors_of(world, found.fit.slopes[:, 0]) < 0.6 * errors_of(world, np.full(120, one))


def test_elasticities__items_that_sell_now_and_then__stay_within_reason():
    world = shop(items=60, level=0.2)
    _, found, _ = fitted(world.log)
    assert abs(found.fit.pooled[0].overall + 2.0) < 3.0 * found.fit.pooled[0].overall_error
    assert errors_of(world, found.fit.slopes[:, 0]) < 0.6


def test_elasticities__an_item_that_never_changed_its_price__has_those_of_its_cluster():
    world = shop(items=60, clusters=6, never=6, between=0.8, within=0.1, level=10.0)
    data, found, demand = fitted(world.log)
    never = [data.item_ids.index(f"item-{place}") for place in range(54, 60)]
    for place in never:
        others = (data.cluster == data.cluster[place]) & (data.findings.flags & Doubt.NEVER_CHANGED == 0)
        assert found.fit.slopes[place, 0] == pytest.approx(found.fit.slopes[others, 0].mean(), abs=0.15)
        assert demand.doubts_of(place) == ("NEVER_CHANGED",)
        assert found.fit.errors[place, 0] > found.fit.errors[others, 0].mean()


def test_elasticities__a_price_that_fell_while_demand_faded__is_not_the_cause_of_it():
    """The items of one cluster lose half of their demand in the year, and their prices are lowered meanwhile."""
    world = shop(items=40, clusters=2, days=280, elasticity=-1.0, between=0.0, within=0.1, level=10.0, seed=4)
    log = world.log
    place = np.arange(len(log.at)) // 40
    fading = (log.series % 2 == 0) & (log.series < 20)
    price = np.where(fading, log.price * np.exp(-0.3 * place / 280), log.price)
    rng = np.random.default_rng(4)
    lost = np.where(fading, np.exp(-1.4 * place / 280 + 0.3 * place / 280), 1.0)
    thinned = rng.binomial(log.units.astype(int), lost).astype(float)
    data, found, _ = fitted(changed(log, units=thinned, price=price), trend=0.5)
    drifting = np.array([int(item.split("-")[1]) % 2 == 0 and int(item.split("-")[1]) < 20 for item in data.item_ids])
    _, naive = pooled_elasticity(data.learnt)
    assert found.fit.slopes[drifting, 0].mean() == pytest.approx(-1.0, abs=0.4)
    assert naive > -0.8


def test_demand__served__always_falls_with_the_price():
    rng = np.random.default_rng(3)
    price = np.repeat(rng.choice([8.0, 10.0, 12.0], (40, 30)), 7, axis=0)
    units = rng.poisson(3.0 * (price / 10.0) ** 1.5).astype(float)
    _, found, demand = fitted(of_tables(units, price))
    assert found.fit.pooled[0].overall > 0.5
    assert (demand.elasticities == np.float32(FLATTEST)).all()
    assert all("CLIPPED" in demand.doubts_of(place) for place in range(30))


def test_demand__of_an_item__is_that_of_its_latest_rows_at_its_latest_price():
    world = shop(items=30, week_sd=0.0, level=20.0, size=np.inf)
    data, _, demand = fitted(world.log)
    panel = data.learnt
    ends = np.append(panel.starts[1:], len(panel))
    assert demand.references == pytest.approx(np.exp(panel.price[ends - 1]), rel=1e-6)
    for place in range(30):
        rows = slice(ends[place] - TAIL, ends[place])
        expected = demand.curve(place, np.exp(panel.price[rows])).sum()
        assert expected == pytest.approx(panel.units[rows].sum(), rel=0.12)


def test_demand__after_a_lasting_rise__follows_it():
    log = shop(items=40, week_sd=0.02, level=8.0, days=196).log
    rng = np.random.default_rng(5)
    late = log.at >= log.at.max() - 48 * 86_400.0
    some = log.series < 10
    units = np.where(late & some, log.units + rng.poisson(log.units), log.units)
    data, _, demand = fitted(changed(log, units=units))
    _, _, before = fitted(log)
    rises = np.exp(demand.intercepts - before.intercepts)
    raised = np.array([int(item.split("-")[1]) < 10 for item in data.item_ids])
    assert rises[raised].mean() == pytest.approx(2.0, abs=0.35)
    assert rises[~raised].mean() == pytest.approx(1.0, abs=0.1)


def test_pooled_elasticity__of_data_without_noise__is_exact():
    price = np.array([[4.0, 9.0], [5.0, 9.0], [4.0, 10.0], [8.0, 7.0]] * 12)
    units = np.array([30.0, 50.0]) * price**-1.5
    data = split_log(of_tables(units, price), test_share=0.2)
    level, slope = pooled_elasticity(data.learnt)
    assert slope == pytest.approx(-1.5, abs=1e-7)
    assert np.exp(level) == pytest.approx([30.0, 50.0], rel=1e-6)
