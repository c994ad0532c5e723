"""Rehearsals of designs on the past: against the estimator itself with the lift put in, and how often they err."""

import math

import numpy as np
import pytest

from experiments.statistics.cell_totals import cell_totals
from experiments.statistics.clusters import ClusterTotals, cr2
from experiments.statistics.design_power import PastCells, Rehearsal, rehearse
from experiments.statistics.distributions import t_isf
from experiments.statistics.figures import FigureInvalid
from experiments.statistics.pair import Pair
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid

UNITS, PERIODS = 20, 8


def past(rng: np.random.Generator, *, ratio: bool = False) -> PastCells:
    levels = rng.uniform(80.0, 120.0, (UNITS, 1))
    above = levels * rng.lognormal(0.0, 0.1, (UNITS, PERIODS))
    below = levels * rng.lognormal(0.0, 0.05, (UNITS, PERIODS)) if ratio else None
    return PastCells(above, np.indices((UNITS, PERIODS))[0], below)


def draws(rng: np.random.Generator, number: int) -> list[np.ndarray]:
    """Return schedules that are balanced in blocks of two periods."""
    found = []
    for _ in range(number):
        first = rng.integers(0, 2, (UNITS, PERIODS // 2))
        found.append(np.stack([first, 1 - first], axis=2).reshape(UNITS, PERIODS).astype(np.int8))
    return found


def is_found(cells: PastCells, arms: np.ndarray, lift: float) -> bool:
    """Return whether the estimator finds the treatment better with the lift put into its cells."""
    above = np.where(arms == 1, (1.0 + lift) * cells.above, cells.above)
    sides = [(arms == arm) for arm in (0, 1)]
    tables = [
        tuple((values * side).sum(axis=1) for side in sides)
        for values in (np.ones_like(above), above, *([] if cells.below is None else [cells.below]))
    ]
    totals = cell_totals(*tables)
    assert isinstance(totals, ClusterTotals)
    pair = cr2(totals)
    assert isinstance(pair, Pair)
    return pair.statistic >= t_isf(0.025, pair.df)


@pytest.mark.parametrize("ratio", [False, True])
def test_rehearse__smallest_lift__is_where_the_estimator_begins_to_find_it(ratio):
    rng = np.random.default_rng(11)
    cells = past(rng, ratio=ratio)
    for arms in draws(rng, 20):
        found = rehearse(cells, [arms], alpha=0.05)
        assert isinstance(found, Rehearsal)
        (least,) = found.found_from
        assert is_found(cells, arms, least + 1e-6)
        assert least == 0.0 or not is_found(cells, arms, least - 1e-6)


def test_rehearse__no_effect__errs_as_often_as_it_says():
    rng = np.random.default_rng(12)
    rates = []
    for _ in range(20):
        found = rehearse(past(rng), draws(rng, 100), alpha=0.05)
        assert isinstance(found, Rehearsal)
        rates.append(found.false_positives)
    assert 0.03 < float(np.mean(rates)) < 0.065


def test_rehearse__more_periods__finds_smaller_lifts():
    rng = np.random.default_rng(13)
    cells = past(rng)
    half = PastCells(cells.above[:, :4], cells.clusters[:, :4])
    schedules = draws(rng, 200)
    whole = rehearse(cells, schedules, alpha=0.05)
    part = rehearse(half, [arms[:, :4] for arms in schedules], alpha=0.05)
    assert isinstance(whole, Rehearsal)
    assert isinstance(part, Rehearsal)
    assert 0.0 < whole.detectable(0.8) < part.detectable(0.8) < 0.2
    assert whole.power(whole.detectable(0.8)) == pytest.approx(0.8)
    assert whole.power(0.5) == 1.0


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (PastCells(np.zeros((12, 4)), np.indices((12, 4))[0]), UndefinedReason.NO_DATA),
        (PastCells(np.arange(12.0).reshape(3, 4), np.indices((3, 4))[0]), UndefinedReason.TOO_FEW_UNITS),
        (PastCells(np.ones((12, 4)), np.indices((12, 4))[0]), UndefinedReason.NO_VARIANCE),
    ],
)
def test_rehearse__past_that_says_nothing__says_why(cells, reason):
    arms = np.tile(np.array([0, 1, 1, 0], dtype=np.int8), (cells.above.shape[0], 1))
    assert rehearse(cells, [arms, 1 - arms], alpha=0.05) == Undefined(reason)


def test_rehearse__losses__find_no_lift():
    rng = np.random.default_rng(14)
    cells = past(rng)
    found = rehearse(PastCells(-cells.above, cells.clusters), draws(rng, 20), alpha=0.05)
    assert isinstance(found, Rehearsal)
    assert found.detectable(0.8) is None
    assert math.isinf(found.found_from[0])


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ((np.ones(4), np.arange(4)), "above"),
        ((np.full((2, 2), np.nan), np.zeros((2, 2), dtype=np.intp)), "above"),
        ((np.ones((2, 2)), np.zeros((2, 1), dtype=np.intp)), "clusters"),
        ((np.ones((2, 2)), np.zeros((2, 2), dtype=np.intp), np.ones((1, 2))), "below"),
    ],
)
def test_past_cells__table_that_cannot_be__is_refused_by_name(parts, field):
    with pytest.raises(RowsInvalid, match=f"{field}: "):
        PastCells(*parts)


def test_rehearse__draw_of_another_shape_or_no_level__is_refused():
    rng = np.random.default_rng(15)
    cells, schedules = past(rng), draws(rng, 1)
    with pytest.raises(RowsInvalid, match="draws: "):
        rehearse(cells, [schedules[0][:, :4]], alpha=0.05)
    with pytest.raises(FigureInvalid, match="alpha: "):
        rehearse(cells, schedules, alpha=0.0)


@pytest.mark.parametrize("scale", [1e-120, 1e150])
def test_rehearse__unit_of_the_metric__does_not_change_the_lifts(scale):
    rng = np.random.default_rng(16)
    cells, schedules = past(rng), draws(rng, 20)
    plain = rehearse(cells, schedules, alpha=0.05)
    scaled = rehearse(PastCells(cells.above * scale, cells.clusters), schedules, alpha=0.05)
    assert isinstance(plain, Rehearsal)
    assert isinstance(scaled, Rehearsal)
    assert scaled.found_from == pytest.approx(plain.found_from, rel=1e-9)
