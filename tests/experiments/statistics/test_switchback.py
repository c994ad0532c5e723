import math

import numpy as np
import pytest

from experiments.statistics import switchback
from experiments.statistics.results import Interval, IntervalStatus, Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid
from experiments.statistics.switchback_design import (
    CoinDesign,
    Propensities,
    best_points,
    coin_propensities,
    redrawn_propensities,
)


def outcomes(assigned, rng=None):
    """Return outcomes with a trend, an effect of .7 now and of .3 one period later."""
    before = np.concatenate([[0.0], assigned[:-1]])
    noise = 0.0 if rng is None else rng.normal(0.0, 0.3, assigned.size)
    return 0.2 * np.sin(np.arange(assigned.size)) + 0.7 * assigned + 0.3 * before + noise


@pytest.mark.parametrize(("chance", "carry_over"), [(0.5, 1), (0.3, 1), (0.5, 2), (0.7, 3)])
def test_coin_effect__all_schedules__is_unbiased_with_a_conservative_variance(chance, carry_over):
    design = CoinDesign(20, best_points(20, 2), chance)
    every, chances = design.every()
    found = [switchback.coin_effect(design, outcomes(assigned), assigned, carry_over) for assigned in every]
    estimates, variances = np.array([one.estimate for one in found]), np.array([one.se**2 for one in found])
    mean = chances @ estimates
    assert mean == pytest.approx(1.0)
    assert chances @ variances >= chances @ (estimates - mean) ** 2


def test_coin_effect__too_short_a_carry_over__is_biased():
    design = CoinDesign(9, tuple(range(1, 10)))
    every, chances = design.every()
    found = [switchback.coin_effect(design, outcomes(assigned), assigned, 0).estimate for assigned in every]
    assert chances @ found == pytest.approx(0.7)


def test_coin_effect__fair_coins_and_optimal_blocks__has_the_published_variance():
    """8 and 32 times the squared sums of m periods: Bojinov, Simchi-Levi & Zhao 2023."""
    design = CoinDesign(12, best_points(12, 2))
    y = np.arange(1.0, 13.0)
    effect = switchback.coin_effect(design, y, np.ones(12), 2)
    sums = y[2:].reshape(5, 2).sum(axis=1) ** 2
    assert effect.se == pytest.approx(math.sqrt(8 * sums[0] + 32 * sums[1:4].sum() + 8 * sums[4]) / 10)


def test_coin_effect__random_outcomes__covers():
    rng = np.random.default_rng(1)
    design = CoinDesign(96, best_points(96, 2))
    covered = 0
    for assigned in design.draw(rng, 400).astype(float):
        y = outcomes(assigned, rng)
        found = switchback.coin_effect(design, y - 0.5, assigned, 2)
        covered += found.interval(0.05).contains(1.0)
    assert covered / 400 >= 0.94


def test_redrawing_p__no_effect__keeps_its_size_also_in_a_balanced_design():
    rng = np.random.default_rng(2)
    blocks = np.repeat(np.arange(12), 3)
    plan = rng.permuted(np.tile(np.arange(12) % 2 == 0, (2399, 1)), axis=1)[:, blocks]
    chances = redrawn_propensities(plan, 1)
    season = np.sin(np.arange(36))
    p = [
        switchback.redrawing_p(season + rng.normal(0.0, 1.0, 36), plan[i], plan[400:799], 1, chances)
        for i in range(400)
    ]
    assert np.mean(np.array(p) <= 0.05) <= 0.08
    assert np.mean(np.array(p) <= 0.5) == pytest.approx(0.5, abs=0.08)


def test_redrawing_p__large_effect__is_small():
    rng = np.random.default_rng(3)
    design = CoinDesign(120, best_points(120, 2))
    assigned = design.draw(rng, 1)[0]
    y = outcomes(assigned.astype(float), rng) - 0.5
    found = switchback.redrawing_p(y, assigned, design.draw(rng, 999), 2, coin_propensities(design, 2))
    assert found <= 0.01


def test_less_season__hours_with_levels_of_their_own__keeps_the_effect():
    rng = np.random.default_rng(4)
    design = CoinDesign(240, tuple(range(1, 241, 2)))
    assigned = design.draw(rng, 1)[0].astype(float)
    hours = np.arange(240) % 24
    y = 50.0 + 10.0 * np.sin(hours) + 0.8 * assigned + rng.normal(0.0, 0.1, 240)
    left = switchback.less_season(y, hours, assigned)
    assert left.mean() == pytest.approx(0.0, abs=1e-9)
    assert left[assigned == 1].mean() - left[assigned == 0].mean() == pytest.approx(0.8, abs=0.05)
    with_season = switchback.coin_effect(design, y, assigned, 0)
    assert switchback.coin_effect(design, left, assigned, 0).se < 0.05 * with_season.se


def test_less_season__treatment_that_never_changes_within_a_season__takes_out_the_season_only():
    assert switchback.less_season([1.0, 3.0, 5.0, 9.0], [0, 0, 1, 1], [0, 0, 1, 1]).tolist() == [-1.0, 1.0, -2.0, 2.0]
    assert switchback.less_season([], [], []).size == 0


def test_effect__without_an_error__has_no_p_value_or_interval():
    design = CoinDesign(4, (1, 2, 3, 4))
    silent = switchback.coin_effect(design, [0.0] * 4, [0, 1, 0, 1], 0)
    assert silent.estimate == 0.0
    assert silent.p_value() == silent.interval(0.05) == Undefined(UndefinedReason.NO_VARIANCE)
    unknown = switchback.horvitz_thompson(
        [1.0, 2.0], np.array([True, False]), Propensities(np.full(2, 0.5), np.full(2, 0.5)), 0
    )
    assert unknown.p_value() == Undefined(UndefinedReason.NO_VARIANCE)
    told = switchback.coin_effect(design, [1.0, 2.0, 3.0, 4.0], [0, 1, 0, 1], 0)
    assert isinstance(told.interval(0.05), Interval)
    assert told.interval(0.05).status is IntervalStatus.BOUNDED
    assert 0.0 < told.p_value() < 1.0


def test_effect__windows_that_never_stay_constant__is_undefined():
    chances = Propensities(np.array([0.5, 0.0]), np.array([0.5, 0.5]))
    found = switchback.horvitz_thompson([1.0, 2.0, 3.0], np.array([True, True, False]), chances, 1)
    assert found == Undefined(UndefinedReason.ZERO_DENOMINATOR)
    plan = np.array([[True, True, False]])
    assert switchback.redrawing_p([1.0, 2.0, 3.0], plan[0], plan, 1, chances) == found


@pytest.mark.parametrize("carry_over", [3, 5, -1])
def test_effect__carry_over_as_long_as_the_experiment__is_undefined(carry_over):
    design = CoinDesign(3, (1, 2, 3))
    found = switchback.coin_effect(design, [1.0, 2.0, 3.0], [0, 1, 0], carry_over)
    assert found == Undefined(UndefinedReason.TOO_FEW_UNITS)


def test_effect__rows_that_do_not_fit__are_refused():
    design = CoinDesign(3, (1, 2, 3))
    chances, plan = coin_propensities(design, 0), np.array([False, True, False])
    with pytest.raises(RowsInvalid):
        switchback.coin_effect(design, [1.0, 2.0], [0, 1, 0], 0)
    with pytest.raises(RowsInvalid):
        switchback.coin_effect(design, [1.0, np.nan, 2.0], [0, 1, 0], 0)
    with pytest.raises(RowsInvalid):
        switchback.redrawing_p([1.0, 2.0, 3.0], plan, np.zeros((0, 3), dtype=bool), 0, chances)
    with pytest.raises(RowsInvalid):
        switchback.less_season([1.0], [0], [0, 1])
    zero = switchback.redrawing_p([0.0] * 3, plan, plan[None, :], 0, chances)
    assert zero == Undefined(UndefinedReason.NO_VARIANCE)


@pytest.mark.parametrize("scale", [1e-200, 1e15, 1e200])
def test_coin_effect__huge_or_tiny_outcomes__scales(scale):
    design = CoinDesign(8, best_points(8, 1))
    y, assigned = np.arange(1.0, 9.0), [0, 0, 1, 0, 0, 1, 1, 1]
    plain, scaled = (switchback.coin_effect(design, values, assigned, 1) for values in (y, y * scale))
    assert scaled.estimate == pytest.approx(plain.estimate * scale)
    assert scaled.se == pytest.approx(plain.se * scale)
