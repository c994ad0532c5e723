"""Designs held against the past: the draws are those of the product, and the numbers of periods are whole blocks."""

import numpy as np
import pytest

from experiments.analysis.design_power import Panel, drawn, period_counts, powers
from experiments.analysis.planned_periods import PlannedPeriods
from experiments.statistics.results import UndefinedReason
from experiments.vocabulary import PeriodDesign

WEEKS = PlannedPeriods(7 * 1_440, PeriodDesign.BALANCED, burn_in=1_440, block=2)
HALVES = (500_000, 500_000)


@pytest.mark.parametrize(
    ("planned", "available", "block", "counts"),
    [
        (8, 12, 2, (4, 8)),
        (8, 40, 2, (4, 8, 16)),
        (8, 7, 2, (4, 6)),
        (9, 9, 4, (8,)),
        (8, 3, 2, ()),
        (1, 100, 1, (2,)),
        (16, 100, 2, (4, 8, 16, 32)),
    ],
)
def test_period_counts__whole_blocks_of_what_there_is(planned, available, block, counts):
    assert period_counts(planned, available, block) == counts


def test_drawn__balanced_in_quarters__has_every_arm_in_each_block():
    quarters = PlannedPeriods(1_440, PeriodDesign.BALANCED, block=4)
    for arms in drawn(quarters, (500_000, 250_000, 250_000), (30, 8), 5, seed=1):
        blocks = np.sort(arms.reshape(30, 2, 4), axis=2)
        assert np.array_equal(blocks, np.broadcast_to([0, 0, 1, 2], blocks.shape))


def test_drawn__each_cell_by_itself__follows_the_weights():
    single = PlannedPeriods(1_440, PeriodDesign.INDEPENDENT, block=4)
    (arms,) = drawn(single, (750_000, 250_000), (400, 25), 1, seed=1)
    assert float((arms == 1).mean()) == pytest.approx(0.25, abs=0.02)


def test_drawn__other_salts__are_other_schedules_and_the_same_seed_the_same():
    one, two = drawn(WEEKS, HALVES, (20, 8), 2, seed=5)
    assert not np.array_equal(one, two)
    (again, _) = drawn(WEEKS, HALVES, (20, 8), 2, seed=5)
    assert np.array_equal(one, again)


def test_powers__few_units__have_errors_over_blocks_and_need_enough_of_them():
    rng = np.random.default_rng(2)
    panel = Panel(rng.lognormal(4.0, 0.1, (3, 12)))
    few, enough = powers(panel, WEEKS, weights=HALVES, counts=(4, 8), alpha=0.05, power=0.8, seed=1, draws=50)
    assert few.problem is not None
    assert few.problem.reason is UndefinedReason.TOO_FEW_UNITS
    assert enough.problem is None
    assert enough.draws == 50
    assert [power for _lift, power in enough.curve] == sorted(power for _lift, power in enough.curve)
