"""Schedules held against their design: drawn ones are balanced, spoilt ones are found out."""

from dataclasses import replace

import pytest

from experiments.assignment.schedule import write_out
from experiments.assignment.schedule_balance import Balance, balance_of
from tests.experiments.assignment.builders import SLOTS
from tests.experiments.assignment.test_periods import KEY, by_period

HALVES = {"control": SLOTS // 2, "arm-1": SLOTS // 2}
ITEMS = [f"p-{number}" for number in range(400)]


def cells(weights: dict[str, int], block: int | None, periods: int = 9):
    return write_out(by_period(*weights.values(), block=block), KEY, ITEMS, periods).cells


@pytest.mark.parametrize(
    ("weights", "block"), [(HALVES, 2), ({"control": 250_000, "arm-1": 250_000, "arm-2": 500_000}, 4)]
)
def test_balance_of__drawn_in_blocks__is_as_planned(weights, block):
    found = balance_of(cells(weights, block), weights, block)
    assert (found.blocks, found.uneven) == (400 * (9 // block), 0)
    assert 0.0 < found.furthest < 5.0


def test_balance_of__cell_with_another_variant__is_found():
    drawn = cells(HALVES, 2)
    other = "arm-1" if drawn[0].variant == "control" else "control"
    found = balance_of((replace(drawn[0], variant=other), *drawn[1:]), HALVES, 2)
    assert found.uneven == 1


def test_balance_of__block_that_is_not_whole__promises_nothing():
    drawn = cells(HALVES, 2, periods=2)
    assert balance_of(drawn[1:], HALVES, 2).blocks == 399


def test_balance_of__everybody_in_one_variant__is_far_from_its_weight():
    spoilt = [replace(cell, variant="control") for cell in cells(HALVES, None)]
    assert balance_of(spoilt, HALVES, 1) == Balance(0, 0, pytest.approx(20.0))


def test_balance_of__nothing__is_balanced():
    assert balance_of((), HALVES, 2) == Balance(0, 0, 0.0)
