"""Properties of comparing arms known by their sums: symmetric, scale-free, and the same as from the rows."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.analysis.calculator.comparison import (
    MOST_TREATMENTS,
    Compared,
    CompareRequest,
    arm_of,
    compared,
    comparison_figures,
)
from experiments.analysis.calculator.reading import CalculationInvalid, read
from experiments.analysis.estimate import Stratified, estimate
from experiments.analysis.plan import Adjustment, AnalysisPlan
from experiments.analysis.scorecard import Estimator
from experiments.analysis.summaries import SRM_ALPHA, SummaryInvalid, sample_ratio, totals
from experiments.statistics.moments import Moments
from experiments.vocabulary import MetricKind

QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def ask(kind: str, control: dict, *treatments: dict, **more) -> Compared:
    body = {"kind": kind, "control": control, "treatments": list(treatments), **more}
    return compared(read(CompareRequest, body))


CONVERTED = st.integers(0, 20_000).flatmap(lambda n: st.integers(0, n).map(lambda x: {"units": n, "conversions": x}))
VALUES = st.builds(
    lambda n, mean, sd: {"units": n, "mean": mean, "sd": sd},
    st.integers(2, 10**6),
    st.floats(-1e6, 1e6).map(lambda mean: round(mean, 6)),
    st.floats(0.0, 1e6).map(lambda sd: round(sd, 6)),
)


@QUICK
@given(st.one_of(st.tuples(st.just("conversion"), CONVERTED, CONVERTED), st.tuples(st.just("mean"), VALUES, VALUES)))
def test_compare__arms_swapped__turns_the_difference_around(case):
    kind, left, right = case
    (one,), (other,) = ask(kind, left, right).comparisons, ask(kind, right, left).comparisons
    assert one.reason is other.reason
    if one.difference is None:
        assert other.difference is None
        return
    assert one.difference == pytest.approx(-other.difference, abs=1e-12 * (abs(left.get("mean", 1.0)) + 1.0))
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6, abs=1e-12)
    if one.interval.lower is not None and other.interval.upper is not None:
        width = one.interval.upper - one.interval.lower
        assert one.interval.lower == pytest.approx(-other.interval.upper, abs=1e-6 * width + 1e-12)


@QUICK
@given(VALUES, VALUES, st.floats(1e-3, 1e3))
def test_compare__values_in_another_currency__have_the_same_lift_and_p(left, right, rate):
    def changed(arm: dict) -> dict:
        return arm | {"mean": arm["mean"] * rate, "sd": arm["sd"] * rate}

    (one,), (other,) = ask("mean", left, right).comparisons, ask("mean", changed(left), changed(right)).comparisons
    if one.p_value is None or other.p_value is None:
        return
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6, abs=1e-12)
    if one.lift is not None and other.lift is not None:
        assert one.lift == pytest.approx(other.lift, rel=1e-9, abs=1e-9)


@QUICK
@given(CONVERTED, CONVERTED, CONVERTED)
def test_compare__several_treatments__each_as_alone_and_corrected_upwards(control, first, second):
    both = ask("conversion", control, first, second).comparisons
    for found, arm in zip(both, (first, second), strict=True):
        (alone,) = ask("conversion", control, arm).comparisons
        assert (found.difference, found.p_value, found.lift) == (alone.difference, alone.p_value, alone.lift)
        if found.p_value is not None:
            assert found.p_value <= found.p_adjusted <= min(1.0, 2.0 * found.p_value) + 1e-12


def sums(y: np.ndarray, d: np.ndarray) -> dict:
    return {
        "units": int(y.size),
        "numerator": float(y.sum()),
        "denominator": float(d.sum()),
        "numerator_squares": float((y * y).sum()),
        "denominator_squares": float((d * d).sum()),
        "products": float((y * d).sum()),
    }


def rows(generator: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    orders = generator.poisson(1.4, n).astype(float)
    return orders * generator.gamma(4.0, 15.0, n), orders


def test_compare__ratio_from_sums__is_that_of_the_rows():
    generator = np.random.default_rng(8)
    arms = [rows(generator, n) for n in (900, 1_100)]
    (found,) = ask("ratio", *(sums(y, d) for y, d in arms)).comparisons
    moments = []
    for y, d in arms:
        scatter = np.cov(np.vstack([y, d])) * (y.size - 1)
        moments.append(Stratified((Moments(y.size, ("y", "d"), np.array([y.mean(), d.mean()]), scatter),)))
    expected = estimate(MetricKind.RATIO, *moments, adjust=Adjustment.NONE)
    assert found.estimator is Estimator.LINEARISED_RATIO
    assert found.p_value == pytest.approx(expected.effect.p_value())
    assert found.control == pytest.approx(arms[0][0].sum() / arms[0][1].sum())
    assert found.difference == pytest.approx(found.treatment - found.control)


def test_compare__ratio_of_large_nearly_equal_values__loses_nothing():
    y = 1e6 + np.arange(200.0) % 2
    exact = totals(
        200,
        float(y.sum()),
        200.0,
        numerator_squares=float(sum(int(v) ** 2 for v in y)),
        denominator_squares=200.0,
        products=float(y.sum()),
    )
    assert exact.scatter[0, 0] == 50.0
    assert exact.scatter[1, 1] == 0.0


def test_compare__ratio_without_variation_or_units__has_a_reason():
    same = {
        "units": 10,
        "numerator": 20.0,
        "denominator": 10.0,
        "numerator_squares": 40.0,
        "denominator_squares": 10.0,
        "products": 20.0,
    }
    nobody = dict.fromkeys(same, 0)
    assert ask("ratio", same, same).comparisons[0].reason == "NO_VARIANCE"
    (empty,) = ask("ratio", same, nobody).comparisons
    assert (empty.reason, empty.control, empty.treatment) == ("NO_DATA", 2.0, None)
    nothing_below = same | {"denominator": 0.0, "denominator_squares": 0.0, "products": 0.0}
    assert ask("ratio", same, nothing_below).comparisons[0].reason == "ZERO_DENOMINATOR"


def test_compare__ratio_simulated_without_effect__is_found_as_often_as_alpha():
    generator = np.random.default_rng(3)
    p = np.array(
        [
            ask("ratio", sums(*rows(generator, 400)), sums(*rows(generator, 400))).comparisons[0].p_value
            for _ in range(1_500)
        ]
    )
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 1_500))


def test_sample_ratio__level__is_that_of_a_default_plan():
    assert AnalysisPlan.__dataclass_fields__["srm_alpha"].default == SRM_ALPHA


@QUICK
@given(st.lists(st.integers(0, 10**15), min_size=2, max_size=5), st.floats(1e-3, 1e3))
def test_sample_ratio__weights_of_any_scale__mean_the_same(counts, scale):
    split = [float(k + 1) for k in range(len(counts))]
    one, other = sample_ratio(counts, split), sample_ratio(counts, [weight * scale for weight in split])
    assert one.mismatch is other.mismatch or one.p_value == pytest.approx(other.p_value, rel=1e-3)
    assert sum(one.expected) == pytest.approx(sum(counts))


def test_sample_ratio__simulated_units_on_their_split__is_rarely_a_mismatch():
    generator = np.random.default_rng(5)
    draws = generator.multinomial(30_000, [0.5, 0.3, 0.2], size=4_000)
    share = np.mean([sample_ratio([int(n) for n in row], [5, 3, 2]).mismatch for row in draws])
    assert share < 0.004


@pytest.mark.parametrize("split", [[], [1.0], [1.0, -1.0], [1.0, float("nan")], [1.0, float("inf")], [1e300, 1e-300]])
def test_sample_ratio__unusable_split__is_refused(split):
    with pytest.raises(SummaryInvalid, match="split"):
        sample_ratio([5, 5], split)


ODD = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0, 1, -1, 2, 150, 10**15, 10**16, 1e-300, 1e300, 1e154, "x", None, True]),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["conversion", "mean", "ratio"]),
    st.lists(st.lists(ODD, min_size=1, max_size=6), min_size=2, max_size=3),
    st.sampled_from([0.05, 0.5, 1e-12]),
)
def test_compare__any_figures__answers_finitely_or_refuses_a_field(kind, arms, alpha):
    try:
        control, *treatments = [arm_of(kind, numbers, "arm") for numbers in arms]
        found = ask(kind, control, *treatments, alpha=alpha)
    except CalculationInvalid:
        return
    json.dumps(comparison_figures(found), allow_nan=False)
    for each in found.comparisons:
        assert (each.p_value is None) is (each.reason is not None)
        assert each.p_value is None or 0.0 <= each.p_value <= 1.0


def test_read__too_many_treatments__are_refused():
    arm = {"units": 10, "conversions": 1}
    assert len(ask("conversion", arm, *[arm] * MOST_TREATMENTS).comparisons) == MOST_TREATMENTS
    with pytest.raises(CalculationInvalid, match="treatments"):
        ask("conversion", arm, *[arm] * (MOST_TREATMENTS + 1))
