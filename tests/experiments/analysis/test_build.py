import random
from dataclasses import replace

import numpy as np
import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import MetricSums, Stratum
from experiments.analysis.plan import Multiplicity
from experiments.analysis.scorecard import Crossing, Estimator, FigureStatus, Scorecard, UndefinedReason
from experiments.vocabulary import Direction, MetricRole
from tests.experiments.analysis.builders import (
    conversion,
    decision,
    finished,
    guardrail,
    inputs,
    money,
    plan,
    rate,
    rates,
    revenue,
    secondary,
)
from tests.experiments.statistics.units import exact_sums

TWO = ("a", "b")


def test_build__known_counts__gives_the_known_figures():
    card = build_scorecard(finished(), inputs(rates((1000, 100), (1000, 130))))
    found = card.comparison("conversion", "treatment")
    assert found.estimator is Estimator.SCORE
    assert (found.control.n, found.control.numerator, found.control.value) == (1000, 100.0, 0.1)
    assert found.absolute.value == pytest.approx(0.03)
    assert found.absolute.interval.lower == pytest.approx(0.0020486252134248252)
    assert found.p_value == pytest.approx(0.0355, abs=1e-4)
    assert found.lift.value == pytest.approx(0.3)
    assert found.sequential is not None
    assert found.sequential.crossed is Crossing.BETTER
    assert (card.look, card.variants[0].planned_share, card.variants[1].units) == (1, 0.5, 1000)


def test_build__rows_summed_in_another_order__gives_the_same_bytes():
    rng = np.random.default_rng(1)
    parts = []
    for variant in ("control", *TWO):
        for chunk in range(5):
            y, x = rng.integers(0, 10**9, 40), rng.integers(0, 10**9, 40)
            parts.append((variant, chunk, exact_sums(("y", "x"), list(y), list(x))))
    made = finished(decision(revenue(covariate_days=7)), treatments=TWO)
    cards = []
    for seed in range(4):
        shuffled = list(parts)
        random.Random(seed).shuffle(shuffled)
        base = inputs({("revenue", v): p for v, _c, p in parts}, units=dict.fromkeys(("control", *TWO), 200))
        sums = tuple(MetricSums("revenue", variant, "1", part) for variant, _chunk, part in shuffled)
        cards.append(build_scorecard(made, replace(base, sums=sums)).to_json())
    assert len(set(cards)) == 1


def test_scorecard__through_json__is_the_same():
    card = build_scorecard(
        plan(decision(conversion()), guardrail(revenue(cap_micros=10**9)), horizon_days=28),
        inputs(
            rates((1000, 100), (1000, 130)) | {("revenue", v): money(1000, 90, 30.0) for v in ("control", "treatment")}
        ),
    )
    assert Scorecard.from_json(card.to_json()) == card
    assert Scorecard.from_json(card.to_json()).sha256() == card.sha256()


def test_build__variant_without_units__is_undefined_with_the_reason():
    card = build_scorecard(finished(), inputs(rates((100, 10), (0, 0))))
    found = card.comparison("conversion", "treatment")
    assert (found.status, found.reason) == (FigureStatus.UNDEFINED, UndefinedReason.NO_DATA)
    assert (found.treatment.value, found.p_value, found.lift.value) == (None, None, None)


def test_build__metric_without_sums__is_undefined():
    card = build_scorecard(finished(decision(revenue())), inputs(rates((100, 10), (90, 9))))
    assert card.comparison("revenue", "treatment").reason is UndefinedReason.NO_DATA


def test_build__variants_never_live_together__are_not_compared():
    strata = [
        Stratum("1", 1, {"control": 1, "a": 1, "b": 0}, {"control": 500, "a": 500}),
        Stratum("2", 2, {"control": 0, "a": 1, "b": 1}, {"a": 500, "b": 500}),
    ]
    base = inputs({("conversion", "control"): rate(500, 50)}, strata=strata)
    sums = tuple(
        MetricSums("conversion", variant, stratum.key, rate(n, n // 10))
        for stratum in strata
        for variant, n in stratum.units.items()
    )
    card = build_scorecard(finished(treatments=TWO), replace(base, sums=sums))
    assert card.comparison("conversion", "b").reason is UndefinedReason.NO_COMMON_STRATUM
    assert card.comparison("conversion", "a").control.n == 500
    # only the epoch that both shared counts
    assert card.comparison("conversion", "a").treatment.n == 500


def test_build__two_epochs__are_post_stratified():
    strata = [
        Stratum("1", 1, {"control": 9, "treatment": 1}, {"control": 9000, "treatment": 1000}),
        Stratum("2", 2, {"control": 1, "treatment": 1}, {"control": 5000, "treatment": 5000}),
    ]
    counts = {("control", "1"): 900, ("treatment", "1"): 100, ("control", "2"): 250, ("treatment", "2"): 250}
    sums = tuple(
        MetricSums("conversion", variant, key, rate(strata[int(key) - 1].units[variant], x))
        for (variant, key), x in counts.items()
    )
    card = build_scorecard(finished(), replace(inputs(rates((1, 0), (1, 0))), strata=tuple(strata), sums=sums))
    found = card.comparison("conversion", "treatment")
    assert found.estimator is Estimator.POST_STRATIFIED
    assert found.absolute.value == pytest.approx(0.0, abs=1e-12)
    assert found.control.value != found.control.adjusted
    assert card.check("SAMPLE_RATIO").outcome == "PASSED"
    assert [v.planned_share for v in card.variants] == pytest.approx([0.7, 0.3])


def test_build__cap__shows_the_uncapped_result_beside():
    capped = [
        exact_sums(("y", "y_uncapped"), [10**6] * 50 + [0] * 50, [10**6] * 49 + [u] + [0] * 50) for u in (10**6, 10**9)
    ]
    made = finished(decision(revenue(cap_micros=10**6)))
    card = build_scorecard(made, inputs({("revenue", "control"): capped[0], ("revenue", "treatment"): capped[1]}))
    found = card.comparison("revenue", "treatment")
    assert found.absolute.value == 0.0
    assert found.uncapped is not None
    assert found.uncapped.absolute.value == pytest.approx(9.99)


def test_build__covariates__show_what_they_saved():
    rng = np.random.default_rng(3)
    figures = {}
    for variant in ("control", "treatment"):
        x = rng.integers(0, 10**8, 500)
        figures["revenue", variant] = exact_sums(("y", "x"), list(x + rng.integers(0, 10**7, 500)), list(x))
    found = build_scorecard(finished(decision(revenue(covariate_days=7))), inputs(figures)).comparisons[0]
    assert found.adjustment is not None
    assert found.adjustment.covariates == ("x",)
    assert found.adjustment.variance_reduction > 0.95
    assert found.covariance is not None
    assert found.covariance > 0.0


def test_build__holm_over_arms__adjusts_as_holm_does():
    card = build_scorecard(
        finished(treatments=TWO), inputs(rates((1000, 100), (1000, 130), (1000, 128), treatments=TWO))
    )
    first, second = (card.comparison("conversion", key) for key in TWO)
    assert first.p_value is not None
    assert second.p_value is not None
    assert first.p_adjusted == pytest.approx(min(1.0, 2.0 * first.p_value))
    assert second.p_adjusted == pytest.approx(max(2.0 * first.p_value, second.p_value))
    for found in (first, second):
        assert found.sequential is not None
        assert found.p_adjusted is not None
        assert (found.sequential.crossed is Crossing.BETTER) is (found.p_adjusted <= 0.05)


@pytest.mark.parametrize("count", [120, 126, 129, 131, 135, 150])
def test_build__holm__crossing_agrees_with_the_adjusted_p_value(count):
    made = finished(decision(conversion()), decision(revenue()), treatments=TWO)
    figures = rates((1000, 100), (1000, count), (1000, 131), treatments=TWO)
    figures |= {("revenue", v): money(1000, b, 20.0) for v, b in (("control", 250), ("a", count + 180), ("b", 290))}
    card = build_scorecard(made, inputs(figures))
    for found in card.comparisons:
        assert found.sequential is not None
        assert found.p_adjusted is not None
        assert (found.sequential.crossed is not Crossing.NONE) is (found.p_adjusted <= 0.05)


def test_build__dunnett__is_less_strict_than_bonferroni_and_stricter_than_none():
    figures = inputs(rates((1000, 100), (1000, 130), (1000, 105), treatments=TWO))
    ps: dict[Multiplicity, float] = {}
    for method in (Multiplicity.DUNNETT, Multiplicity.HOLM, Multiplicity.NONE):
        card = build_scorecard(finished(treatments=TWO, multiplicity=method), figures)
        ps[method] = card.comparison("conversion", "a").p_adjusted or 0.0
    assert 0.0 < ps[Multiplicity.NONE] < ps[Multiplicity.DUNNETT] < ps[Multiplicity.HOLM]


def test_build__secondary_metric__counts_only_after_the_decision_metric():
    made = finished(decision(conversion()), secondary(revenue()))
    strong = {("revenue", v): money(1000, b, 20.0) for v, b in (("control", 250), ("treatment", 400))}
    closed = build_scorecard(made, inputs(rates((1000, 100), (1000, 101)) | strong))
    opened = build_scorecard(made, inputs(rates((1000, 100), (1000, 160)) | strong))
    for card, crossing in ((closed, Crossing.NONE), (opened, Crossing.BETTER)):
        found = card.comparison("revenue", "treatment")
        assert found.role is MetricRole.SECONDARY
        assert found.sequential is not None
        assert found.sequential.crossed is crossing


def test_build__contrasts_between_treatments__are_bonferroni_over_all_pairs():
    card = build_scorecard(
        finished(treatments=TWO), inputs(rates((1000, 60), (1000, 130), (1000, 101), treatments=TWO))
    )
    (contrast,) = card.contrasts
    assert (contrast.variant, contrast.reference) == ("b", "a")
    assert contrast.p_value is not None
    assert contrast.p_adjusted == pytest.approx(3.0 * contrast.p_value)
    assert contrast.p_value < 0.05 < 3.0 * contrast.p_value
    assert contrast.sequential is not None
    assert contrast.sequential.crossed is Crossing.NONE


def test_build__thresholds_for_lower_is_better__turn_round():
    made = finished(decision(conversion("refund"), direction=Direction.DECREASE))
    card = build_scorecard(made, inputs(rates((1000, 160), (1000, 100), metric="refund")))
    found = card.comparison("refund", "treatment")
    assert found.sequential is not None
    assert found.sequential.crossed is Crossing.BETTER


def test_build__filters__show_the_result_with_everybody_beside():
    kept = rates((1000, 100), (1000, 130))
    given = inputs(kept)
    everybody = rates((1200, 110), (1200, 130))
    card = build_scorecard(
        plan(),
        replace(given, unfiltered=tuple(MetricSums(key, arm, "1", sums) for (key, arm), sums in everybody.items())),
    )
    found = card.comparison("conversion", "treatment")
    assert found.absolute.value == pytest.approx(0.03)
    assert found.unfiltered is not None
    assert found.unfiltered.absolute.value == pytest.approx(20 / 1200)
    alone = build_scorecard(plan(), inputs(everybody)).comparison("conversion", "treatment")
    assert (found.unfiltered.absolute, found.unfiltered.lift) == (alone.absolute, alone.lift)
    assert found.unfiltered.p_value == alone.p_value


def test_build__without_filters__says_nothing_of_everybody():
    card = build_scorecard(plan(), inputs(rates((1000, 100), (1000, 130))))
    assert card.comparison("conversion", "treatment").unfiltered is None


def test_build__filters_that_leave_out_one_arm_nearly_whole__say_why_there_is_no_figure():
    given = inputs(rates((1000, 100), (1000, 130)))
    everybody = {("conversion", "control"): rate(1, 0), ("conversion", "treatment"): rate(1200, 130)}
    unfiltered = tuple(MetricSums(key, arm, "1", sums) for (key, arm), sums in everybody.items())
    found = build_scorecard(plan(), replace(given, unfiltered=unfiltered)).comparison("conversion", "treatment")
    assert found.unfiltered is not None
    assert (found.unfiltered.absolute.value, found.unfiltered.p_value) == (None, None)
    assert found.unfiltered.absolute.interval.reason is UndefinedReason.TOO_FEW_UNITS
