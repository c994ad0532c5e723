import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import barnard_exact, boschloo_exact, fisher_exact

from experiments.statistics import proportions
from experiments.statistics.distributions import normal_isf, normal_sf
from experiments.statistics.figures import FigureInvalid
from experiments.statistics.one_proportion import wilson
from experiments.statistics.proportion_formulas import newcombe
from experiments.statistics.proportions import Counts
from experiments.statistics.results import IntervalStatus, Undefined, UndefinedReason, ends

ARM = st.integers(1, 500).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


def table(control: tuple[int, int], treatment: tuple[int, int]) -> Counts:
    return Counts(control[0], control[1], treatment[0], treatment[1])


@settings(max_examples=300)
@given(ARM, ARM, st.floats(0.5, 5.0))
def test_intervals__any_counts__exclude_no_effect_exactly_when_the_score_test_rejects(control, treatment, q):
    counts = table(control, treatment)
    z = proportions.pooled_z(counts)
    if isinstance(z, Undefined) or abs(abs(z) - q) < 1e-9:
        return
    assert proportions.difference_interval(counts, q).contains(0.0) is (abs(z) <= q)
    assert proportions.lift_interval(counts, q).contains(0.0) is (abs(z) <= q)


@pytest.mark.parametrize("counts", [Counts(2, 1, 1, 0), Counts(1, 0, 1, 1), Counts(9, 0, 40, 2), Counts(30, 4, 9, 0)])
@pytest.mark.parametrize("q", [0.3, 0.5, 1.96])
def test_lift_interval__arm_without_successes__holds_what_the_score_test_does_not_reject(counts, q):
    found = proportions.lift_interval(counts, q)
    for ratio in (0.05, 0.5, 0.9, 1.0, 1.1, 2.0, 6.0, 50.0):
        assert found.contains(ratio - 1.0) is (abs(proportions.ratio_z(counts, ratio)) <= q)


@given(ARM, ARM)
def test_difference_interval__arms_swapped__is_mirrored(control, treatment):
    lower, upper = ends(proportions.difference_interval(table(control, treatment), 1.96))
    mirrored = ends(proportions.difference_interval(table(treatment, control), 1.96))
    assert (lower, upper) == pytest.approx((-mirrored[1], -mirrored[0]), abs=1e-9)


@given(ARM, ARM, st.floats(-0.95, 0.95))
def test_restricted_difference__any_delta__is_the_maximum_of_the_likelihood(control, treatment, delta):
    counts = table(control, treatment)
    p_c, p_t = proportions.restricted_difference(counts, delta)
    assert p_t - p_c == pytest.approx(delta, abs=1e-12)

    def log_likelihood(p: float) -> float:
        pairs = ((counts.x_control, counts.n_control, p), (counts.x_treatment, counts.n_treatment, p + delta))
        total = 0.0
        for x, n, rate in pairs:
            if not 0.0 <= rate <= 1.0:
                return -math.inf
            total += x * math.log(max(rate, 1e-300)) + (n - x) * math.log(max(1.0 - rate, 1e-300))
        return total

    best = log_likelihood(min(1.0 - max(delta, 0.0), max(-delta, 0.0, p_c)))
    for step in (1e-3, -1e-3, 0.05, -0.05):
        assert log_likelihood(p_c + step) <= best + 1e-6


def test_lift_interval__no_successes_in_treatment__starts_at_minus_one():
    lower, upper = ends(proportions.lift_interval(Counts(100, 5, 100, 0), 1.96))
    assert lower == -1.0
    assert -1.0 < upper < 0.0


def test_lift_interval__no_successes_in_control__has_a_lower_end_only():
    found = proportions.lift_interval(Counts(150, 0, 140, 6), 1.96)
    assert (found.status, found.upper, found.reason) == (IntervalStatus.UNBOUNDED, None, UndefinedReason.ZERO_CONTROL)
    assert found.lower is not None
    assert found.lower > 0.0


@pytest.mark.parametrize("successes", [0, 50])
def test_conversion_p__all_alike__is_undefined(successes):
    assert proportions.conversion_p(Counts(50, successes, 50, successes)) == Undefined(UndefinedReason.NO_VARIANCE)


def test_conversion_p__no_units__is_undefined():
    assert proportions.conversion_p(Counts(0, 0, 50, 5)) == Undefined(UndefinedReason.NO_DATA)


def test_conversion_p__few_expected__is_boschloo():
    counts = Counts(100, 1, 90, 7)
    assert proportions.conversion_p(counts) == pytest.approx(boschloo_exact([[7, 1], [83, 99]]).pvalue, rel=1e-7)
    assert boschloo_exact([[7, 1], [83, 99]]).pvalue != barnard_exact([[7, 1], [83, 99]]).pvalue


def test_conversion_p__few_expected_among_many__is_fisher():
    expected = fisher_exact([[6, 0], [2994, 3000]]).pvalue
    assert proportions.conversion_p(Counts(3000, 0, 3000, 6)) == pytest.approx(expected, rel=1e-9)


def test_conversion_p__many_expected__is_the_score_test():
    z = proportions.pooled_z(Counts(1000, 100, 1000, 130))
    assert not isinstance(z, Undefined)
    assert proportions.conversion_p(Counts(1000, 100, 1000, 130)) == 2.0 * normal_sf(z)


def test_counts__more_successes_than_units__is_refused():
    with pytest.raises(FigureInvalid, match="must be between 0 and 10, not 11"):
        Counts(10, 11, 10, 1)


def test_miettinen_nurminen__any_counts__is_wider_than_without_the_factor():
    counts = Counts(30, 3, 25, 9)
    plain, corrected = (
        ends(proportions.difference_interval(counts, 1.96)),
        ends(proportions.miettinen_nurminen(counts, 1.96)),
    )
    assert corrected[0] < plain[0] < plain[1] < corrected[1]


@given(ARM)
def test_wilson__any_counts__stays_within_zero_and_one(arm):
    n, x = arm
    lower, upper = ends(wilson(x, n, 1.96))
    assert 0.0 <= lower <= x / n <= upper <= 1.0


def test_newcombe__published_example__agrees():
    # Newcombe (1998), method 10 without continuity correction: 56/70 and 48/80
    lower, upper = ends(newcombe(Counts(80, 48, 70, 56), normal_isf(0.025)))
    assert (round(lower, 4), round(upper, 4)) == (0.0524, 0.3339)
