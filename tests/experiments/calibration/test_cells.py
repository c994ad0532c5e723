"""Cells: drawn as the engine draws them, counted without a day too many."""

import numpy as np
import pytest

from experiments.assignment.schedule import write_out
from experiments.calibration.cells import Calendar, amount, cluster_sums, estimated
from experiments.vocabulary import PeriodDesign
from tests.experiments.assignment.test_periods import KEY, by_period


@pytest.mark.parametrize(("design", "block"), [(PeriodDesign.BALANCED, 2), (PeriodDesign.INDEPENDENT, None)])
def test_draw__a_salt__gives_the_schedule_that_the_engine_writes_out(design, block):
    snapshot = by_period(block=block, salt="a salt")
    cells = write_out(snapshot, KEY, [f"unit-{n}" for n in range(12)], 8).cells
    written = np.array([cell.variant != "control" for cell in cells]).reshape(12, 8)
    assert np.array_equal(Calendar(8, 14, 7, design).draw("a salt", 12), written)


def test_by_day__a_cell__fills_its_period_after_control_before_the_first():
    days = Calendar(2, 3, 1).by_day(np.array([[True, False], [False, True]]), lead_in=2)
    assert days.astype(int).tolist() == [[0, 0, 1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 1, 1, 1]]


def test_counted_days__after_the_burn_in__are_summed_by_period():
    found = Calendar(2, 3, 1).counted_days(np.array([[100, 100, 1, 2, 3, 4, 5, 6]]), lead_in=2)
    assert found.tolist() == [[5, 11]]


def test_cluster_sums__cells_of_two_arms__are_told_apart():
    treated = np.array([[True, False], [False, True]])
    control, treatment = cluster_sums(amount("profit", "Order Completed"), treated, np.array([[5, -2], [7, 11]]))
    assert (control.variant, control.cells, control.sums) == ("control", (1, 1), {"y": (-2, 7)})
    assert (treatment.variant, treatment.cells, treatment.sums) == ("treatment", (1, 1), {"y": (5, 11)})


def test_estimated__too_few_units__is_refused_and_enough_give_the_difference_in_currency_units():
    treated = Calendar(4, 7, 0).draw("s", 12)
    gains = 1_000_000 * np.arange(12)[:, None]  # of the units: 0 to 11, 5.5 on average
    amounts = 250_000_000 + gains * treated
    found = estimated(treated, amounts)
    assert found is not None
    assert found.effect == pytest.approx(5.5)
    assert found.holds(5.5)
    assert not found.holds(0.0)
    assert estimated(treated[:6], amounts[:6]) is None


@pytest.mark.parametrize("wrong", [(0, 7, 0), (2, 7, 7), (2, 7, -1)])
def test_calendar__that_leaves_nothing__cannot_be(wrong):
    with pytest.raises(ValueError, match="calendar"):
        Calendar(*wrong)
