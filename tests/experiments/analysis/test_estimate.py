import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.analysis.build import build_scorecard
from experiments.analysis.estimate import Estimated, Stratified, estimate, without_cap
from experiments.analysis.plan import Adjustment
from experiments.analysis.scorecard import Estimator, FigureStatus, Scorecard, UndefinedReason
from experiments.analysis.verdict import judge
from experiments.statistics.results import Undefined
from experiments.vocabulary import MetricKind, VerdictState
from tests.experiments.analysis.builders import conversion, decision, finished, guardrail, inputs, plan, ratio, revenue
from tests.experiments.statistics.units import exact_sums, sample


def only(*columns, names=("y",)) -> Stratified:
    return Stratified((sample(*columns, names=names),))


def estimated(kind, control, treatment, adjust=Adjustment.LIN) -> Estimated:
    found = estimate(kind, control, treatment, adjust=adjust)
    assert isinstance(found, Estimated)
    return found


def test_estimate__rates__use_the_score_test():
    found = estimated(MetricKind.CONVERSION, only([1.0] * 40 + [0.0] * 60), only([1.0] * 60 + [0.0] * 40))
    assert found.effect.estimator is Estimator.SCORE
    assert found.effect.p_value() == pytest.approx(0.004677735)


def test_estimate__few_conversions__uses_the_exact_test():
    found = estimated(MetricKind.CONVERSION, only([1.0] + [0.0] * 99), only([1.0] * 7 + [0.0] * 93))
    assert found.effect.estimator is Estimator.BOSCHLOO
    assert abs(found.effect.z()) < 2.0


def test_estimate__rate_with_a_covariate__is_adjusted():
    rng = np.random.default_rng(1)
    arms = []
    for _ in range(2):
        x = rng.random(500)
        arms.append(only((rng.random(500) < x).astype(float), x, names=("y", "x")))
    found = estimated(MetricKind.CONVERSION, arms[0], arms[1])
    assert (found.effect.estimator, found.covariates) == (Estimator.LIN_ADJUSTED, ("x",))
    assert found.unadjusted is not None
    assert found.effect.pair.variance < found.unadjusted.pair.variance
    assert estimated(MetricKind.CONVERSION, arms[0], arms[1], Adjustment.NONE).effect.estimator is Estimator.SCORE


def test_estimate__ratio_with_its_own_past__is_adjusted_on_the_linearised_ratio():
    rng = np.random.default_rng(2)
    arms = []
    for _ in range(2):
        taste, views, before = rng.beta(2, 8, 2000), 1 + rng.poisson(8, 2000), 1 + rng.poisson(8, 2000)
        columns = (rng.binomial(views, taste), views, rng.binomial(before, taste), before)
        arms.append(only(*columns, names=("y", "d", "x", "x_d")))
    found = estimated(MetricKind.RATIO, arms[0], arms[1])
    assert found.effect.estimator is Estimator.LIN_ADJUSTED_RATIO
    assert found.unadjusted is not None
    assert found.effect.pair.variance < 0.8 * found.unadjusted.pair.variance


def test_estimate__past_denominator_of_zero__drops_the_covariates():
    rng = np.random.default_rng(3)
    arms = [
        only(rng.poisson(2, 300), 1 + rng.poisson(3, 300), np.zeros(300), np.zeros(300), names=("y", "d", "x", "x_d"))
        for _ in range(2)
    ]
    assert estimated(MetricKind.RATIO, arms[0], arms[1]).effect.estimator is Estimator.LINEARISED_RATIO


def test_estimate__ratio_in_two_strata__keeps_the_ratio_of_each_arm():
    y = [1.0, 2.0, 0.0, 3.0] * 50
    part = sample(y, [2.0, 4.0, 1.0, 6.0] * 50, names=("y", "d"))
    found = estimated(MetricKind.RATIO, Stratified((part, part)), Stratified((part, part)))
    assert found.effect.pair.control.mean == pytest.approx(sum(y) / sum([2.0, 4.0, 1.0, 6.0] * 50))
    assert found.effect.pair.difference == pytest.approx(0.0, abs=1e-12)


def test_estimate__values_that_are_not_zero_or_one__are_compared_as_means():
    found = estimated(MetricKind.CONVERSION, only([0.5, 0.25, 0.75]), only([0.5, 1.0, 0.1]))
    assert found.effect.estimator is Estimator.WELCH
    found = estimated(MetricKind.CONVERSION, only([0.5, 0.25, 0.75]), only([0.5, 0.0, 0.1]))
    assert found.effect.estimator is Estimator.WELCH_NULL_RESTRICTED


def test_without_cap__uncapped_numerator__takes_its_place():
    arm = only([1.0, 2.0], [1.0, 50.0], names=("y", "y_uncapped"))
    assert without_cap(arm).strata[0].names == ("y",)
    assert without_cap(arm).total.mean_of("y") == 25.5


def test_estimate__no_stratum__is_undefined():
    found = estimate(MetricKind.SUM, Stratified(()), Stratified(()), adjust=Adjustment.LIN)
    assert found == Undefined(UndefinedReason.NO_COMMON_STRATUM)


SMALL = st.integers(0, 3)
VALUES = st.sampled_from([0, 1, 2, 10**6, -(10**6), 10**18, 10**150, -(10**200), 10**320])
ARM = st.lists(st.tuples(VALUES, VALUES, VALUES, VALUES), min_size=0, max_size=6)


def every_number(value) -> list[float]:
    if isinstance(value, dict):
        return [n for entry in value.values() for n in every_number(entry)]
    if isinstance(value, list):
        return [n for entry in value for n in every_number(entry)]
    return [value] if isinstance(value, float) else []


@settings(max_examples=150, deadline=None)
@given(ARM, ARM, st.sampled_from([1, 0]), st.booleans(), st.sampled_from(["conversion", "revenue", "ctr"]))
def test_scorecard__any_input__is_a_status_and_never_an_exception_or_nan(control, treatment, weight, single, key):
    specs = {"conversion": conversion, "revenue": revenue, "ctr": ratio}
    spec = specs[key](covariate_days=7)
    names = ("y", "d", "x", "x_d") if key == "ctr" else ("y", "x")
    figures = {}
    for variant, rows in (("control", control), ("treatment", treatment)):
        columns = list(zip(*rows, strict=True)) if rows else [()] * 4
        if key == "conversion":
            columns = [[int(value > 0) for value in columns[0]], *columns[1:]]
        figures[spec.key, variant] = exact_sums(names, *columns[: len(names)])
    made = finished(decision(spec)) if single else plan(decision(spec), guardrail(conversion("other")), horizon_days=28)
    card = build_scorecard(made, inputs(figures, weights={"control": 1, "treatment": weight}))
    assert all(math.isfinite(number) for number in every_number(card.to_dict()))
    assert Scorecard.from_json(card.to_json()) == card
    found = card.comparison(spec.key, "treatment")
    if found.status is FigureStatus.UNDEFINED:
        assert (found.p_value, found.absolute.value, found.lift.value) == (None, None, None)
        assert found.reason is not None
        assert judge(made, card).state is not VerdictState.SHIP
    else:
        assert found.p_value is not None
        assert 0.0 <= found.p_value <= 1.0
        assert found.absolute.se is not None
        assert found.absolute.se > 0.0
    assert judge(made, card).state in VerdictState
