"""Paired comparisons: exact intervals, and how often slices without any difference are called worse."""

import math

import numpy as np
import pytest
from scipy.stats import t as student

from models_registry.gates import GateMalformed, Slice, compare, compare_slices, sliced


def test_compare__four_users__is_students_interval():
    """Differences 1, 2, 3, 2: mean 2, s^2 = 2/3, t(3, 97.5%) = 3.182446."""
    found = compare("popularity", np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 0.0, 0.0, 2.0]), 0.95)
    half = 3.182446305 * math.sqrt(2 / 3 / 4)
    assert (found.users, found.candidate_mean, found.reference_mean, found.difference) == (4, 2.5, 0.5, 2.0)
    assert found.lower == pytest.approx(2 - half)
    assert found.upper == pytest.approx(2 + half)


@pytest.mark.parametrize("candidate", [[], [1.0], [1.0, math.nan], [1.0, math.inf]])
def test_compare__too_few_or_broken_figures__has_no_interval(candidate: list[float]):
    found = compare("popularity", np.array(candidate), np.zeros(len(candidate)), 0.95)
    assert (found.difference, found.lower, found.upper) == (None, None, None)


def test_compare__different_users__is_refused():
    with pytest.raises(GateMalformed):
        compare("popularity", np.zeros(3), np.zeros(4), 0.95)


def test_sliced__masks_over_users__keep_the_order_and_the_figures():
    candidate, references = np.array([1.0, 2.0, 3.0]), {"popularity": np.array([0.0, 1.0, 5.0])}
    found = sliced(candidate, references, {"new": np.array([True, False, True]), "all": np.ones(3, dtype=bool)})
    assert list(found) == ["new", "all"]
    assert found["new"].candidate.tolist() == [1.0, 3.0]
    assert found["new"].references["popularity"].tolist() == [0.0, 5.0]
    with pytest.raises(GateMalformed, match="new"):
        sliced(candidate, references, {"new": np.ones(2, dtype=bool)})


def test_compare_slices__two_that_are_judged__share_the_error():
    """Differences 0, 1, 2, 3 in each: mean 1.5, s^2 = 5/3; each interval has 97.5%, the small slice counts for none."""
    part = Slice(np.arange(4.0), {"popularity": np.zeros(4)})
    small = Slice(np.arange(2.0), {"popularity": np.zeros(2)})
    found = compare_slices({"a": part, "b": part, "c": small}, ["popularity"], confidence=0.95, least_users=4)
    half = student.ppf(1 - 0.025 / 2, 3) * math.sqrt(5 / 3 / 4)
    assert [(one.slice, one.judged) for one in found] == [("a", True), ("b", True), ("c", False)]
    assert found[0].comparison.lower == pytest.approx(1.5 - half)
    assert found[1].comparison.upper == pytest.approx(1.5 + half)


def test_compare_slices__references_that_a_slice_lacks__are_left_out():
    part = Slice(np.arange(4.0), {"popularity": np.zeros(4)})
    assert len(compare_slices({"a": part}, ["popularity", "champion"], confidence=0.95, least_users=2)) == 1


def test_compare_slices__without_any_difference__are_rarely_called_worse():
    """The whole interval of any of five slices lies below 0 in at most 2.5% of candidates."""
    rng = np.random.default_rng(17)
    runs, called = 1_000, 0
    for _ in range(runs):
        parts = {f"s{n}": Slice(rng.normal(size=60), {"popularity": rng.normal(size=60)}) for n in range(5)}
        found = compare_slices(parts, ["popularity"], confidence=0.95, least_users=50)
        called += any(one.comparison.upper is not None and one.comparison.upper < 0.0 for one in found)
    assert called / runs < 0.025 + 3 * math.sqrt(0.025 * 0.975 / runs)
