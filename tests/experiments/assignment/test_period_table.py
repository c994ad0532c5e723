"""Slots of many units and periods at once: bit-equal to those asked for one by one."""

from datetime import UTC, datetime

import numpy as np
import pytest

from experiments.assignment.bucketing import SLOTS
from experiments.assignment.period_table import period_slots
from experiments.assignment.periods import Periods
from experiments.vocabulary import PeriodDesign

ANCHOR = datetime(2026, 3, 1, tzinfo=UTC)
UNITS = [f"unit-{number}".encode() for number in range(40)] + ["部門|p-1".encode()]


def calendar(block: int) -> Periods:
    design = PeriodDesign.INDEPENDENT if block == 1 else PeriodDesign.BALANCED
    return Periods(ANCHOR, 1_440, design, 0, block, b"salt.period.")


@pytest.mark.parametrize("block", [1, 2, 3, 4, 7])
def test_period_slots__any_block__are_those_of_single_cells(block):
    periods = calendar(block)
    found = period_slots(periods, UNITS, range(11))
    assert found.tolist() == [[periods.slot(unit, index) for index in range(11)] for unit in UNITS]


def test_period_slots__periods_out_of_order_and_twice__keep_their_order():
    periods = calendar(3)
    wanted = [7, 2, 2, 0, -4]
    found = period_slots(periods, UNITS, wanted)
    assert found.tolist() == [[periods.slot(unit, index) for index in wanted] for unit in UNITS]


def test_period_slots__whole_block__has_every_part_once():
    found = period_slots(calendar(4), UNITS, range(4))
    assert np.sort(found, axis=1).tolist() == [[(2 * place + 1) * SLOTS // 8 for place in range(4)]] * len(UNITS)


@pytest.mark.parametrize(("units", "periods"), [([], [1, 2]), (UNITS, [])])
def test_period_slots__nothing__is_an_empty_table(units, periods):
    assert period_slots(calendar(2), units, periods).shape == (len(units), len(periods))
