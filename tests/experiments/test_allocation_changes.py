"""Which changes of an allocation leave every exposed unit where it is: decided exactly."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.allocation import Allocation, first_ranges, is_monotone, moved_ranges, must_remember

HALVES = {"control": ((0, 500_000),), "treatment": ((500_000, 1_000_000),)}
START = Allocation(500_000, HALVES)


@pytest.mark.parametrize(
    ("after", "monotone"),
    [
        (START, True),
        (Allocation(1_000_000, HALVES), True),
        (Allocation(499_999, HALVES), False),
        (Allocation(1_000_000, {"control": HALVES["control"]}), False),
        (Allocation(1_000_000, {"control": ((0, 499_999),), "treatment": ((499_999, 1_000_000),)}), False),
        (Allocation(1_000_000, HALVES | {"third": ()}), True),
        (Allocation(500_000, {"control": ((0, 200_000), (200_000, 500_000)), "treatment": HALVES["treatment"]}), True),
    ],
)
def test_is_monotone__change__is_judged_by_what_units_lose(after: Allocation, monotone: bool) -> None:
    assert is_monotone(START, after) is monotone


def test_is_monotone__nobody_was_drawn_before__is_whatever_comes() -> None:
    assert is_monotone(Allocation(0, HALVES), Allocation(10, {"treatment": ((0, 1_000_000),)}))
    assert is_monotone(Allocation(500, {"control": HALVES["control"]}), Allocation(500, HALVES))


def test_must_remember__one_change_that_was_not_monotone__is_never_forgotten() -> None:
    shrunk = Allocation(100, HALVES)
    assert not must_remember([START])
    assert not must_remember([START, Allocation(600_000, HALVES)])
    assert must_remember([START, shrunk, START, Allocation(1_000_000, HALVES)])


@st.composite
def allocations(draw: st.DrawFn) -> Allocation:
    cut = draw(st.sampled_from([0, 300_000, 500_000, 1_000_000]))
    ranges = first_ranges({"control": cut, "treatment": 1_000_000 - cut})
    moved = draw(st.sampled_from([cut, 100_000, 400_000]))
    ranges = moved_ranges(ranges, {"control": moved, "treatment": 1_000_000 - moved})
    open_arms = draw(st.sets(st.sampled_from(["control", "treatment"])))
    return Allocation(draw(st.sampled_from([0, 400_000, 1_000_000])), {key: ranges[key] for key in sorted(open_arms)})


POINTS = sorted({*range(0, 1_000_000, 100_000), *range(99_999, 1_000_000, 100_000)})
"""On both sides of every boundary that can be."""


def drawn(allocation: Allocation, coverage: int, slot: int) -> str | None:
    if coverage >= allocation.coverage:
        return None
    owners = (key for key, ranges in allocation.drawn.items() if any(a <= slot < b for a, b in ranges))
    return next(owners, None)


@given(allocations(), allocations())
def test_is_monotone__any_two_allocations__agrees_with_every_unit_one_by_one(
    before: Allocation, after: Allocation
) -> None:
    moved = [
        point
        for point in itertools.product(POINTS, POINTS)
        if (met := drawn(before, *point)) is not None and drawn(after, *point) != met
    ]
    assert is_monotone(before, after) is (moved == [])
