"""Moments in arrays are those of one group at a time, digit for digit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.statistics.batches import MomentBatch
from experiments.statistics.moments import Moments, MomentsInvalid, PowerSums
from tests.experiments.statistics.units import exact_sums, sample

DIVISORS = {"y": 1_000_000, "d": 1, "x": 1_000_000}
NAMES = ("y", "d", "x")


def identical(batch: MomentBatch, row: int, alone: Moments) -> None:
    assert batch.n[row] == alone.n
    assert batch.mean[row].tobytes() == alone.mean.tobytes()
    assert batch.scatter[row].tobytes() == alone.scatter.tobytes()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(*(st.integers(-(10**m), 10**m) for m in (9, 2, 13))), min_size=0, max_size=6),
        min_size=1,
        max_size=6,
    )
)
def test_from_power_sums__any_integers__rounds_as_one_group_does(groups):
    sums = [exact_sums(NAMES, *zip(*rows, strict=True)) if rows else PowerSums.zero(NAMES) for rows in groups]
    batch = MomentBatch.from_power_sums(sums, NAMES, DIVISORS)
    for row, each in enumerate(sums):
        identical(batch, row, Moments.from_power_sums(each, DIVISORS))
        assert batch.group(row).nonzero == each.nonzero


def test_from_power_sums__some_variables_in_another_order__are_those_variables():
    sums = [exact_sums(NAMES, [1, 5, 9], [2, 0, 1], [7, 7, 4])]
    batch = MomentBatch.from_power_sums(sums, ("x", "y"), DIVISORS)
    identical(batch, 0, Moments.from_power_sums(sums[0], DIVISORS).select(("x", "y")))


def test_from_power_sums__beyond_the_floats__is_marked():
    large = exact_sums(("y",), [0, 10**200])
    batch = MomentBatch.from_power_sums([large, exact_sums(("y",), [1, 2])], ("y",), {})
    assert batch.overflow.tolist() == [True, False]
    assert batch.mean[1, 0] == 1.5
    with pytest.raises(MomentsInvalid):
        Moments.from_power_sums(large)


def test_from_power_sums__other_variables__are_refused():
    with pytest.raises(MomentsInvalid, match="same variables"):
        MomentBatch.from_power_sums([PowerSums.zero(("y",)), PowerSums.zero(("y", "d"))], ("y",))


def test_from_power_sums__no_groups__is_empty():
    batch = MomentBatch.from_power_sums([], ("y",))
    assert (batch.size, batch.scatter.shape) == (0, (0, 1, 1))


def test_merge__groups_of_any_size__equals_one_group_at_a_time():
    rng = np.random.default_rng(1)
    names = ("y", "x")
    empty = Moments(0, names, np.zeros(2), np.zeros((2, 2)), None, (0, 0))
    groups = [empty, *(sample(rng.normal(5, 1, n), rng.poisson(1, n), names=names) for n in (1, 2, 40))]
    left, right = zip(*((a, b) for a in groups for b in groups), strict=True)
    merged = MomentBatch.of(left).merge(MomentBatch.of(right))
    for row, (a, b) in enumerate(zip(left, right, strict=True)):
        alone = a.merge(b)
        identical(merged, row, alone)
        assert merged.group(row).nonzero == alone.nonzero


def test_of__uncounted_groups__stay_uncounted():
    known, unknown = sample([1.0, 0.0]), Moments(2, ("y",), np.ones(1), np.ones((1, 1)))
    batch = MomentBatch.of([known, unknown])
    assert [batch.group(row).nonzero for row in (0, 1)] == [(1,), ()]
    assert np.isnan(batch.merge(MomentBatch.of([known, known])).count_nonzero("y")[1])
