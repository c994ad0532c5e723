from dataclasses import replace

import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.check_context import SHARED_BUDGET
from experiments.analysis.checks import CHECKS, Check, CheckContext, run_checks
from experiments.analysis.drafts import Drafter
from experiments.analysis.inputs import Health, History, MetricSums, Stratum
from experiments.analysis.plan import PlannedPeriods
from experiments.analysis.scorecard import CheckResult, Exclusions, Outcome
from experiments.analysis.verdict import ReasonCode, judge
from experiments.analysis.wording import ADVICE
from experiments.analysis.wording import CHECKS as TITLES
from experiments.vocabulary import CheckLevel, PeriodDesign, Source, VerdictState
from tests.experiments.analysis.builders import (
    conversion,
    decision,
    finished,
    inputs,
    money,
    plan,
    rate,
    rates,
    ratio,
    revenue,
)
from tests.experiments.statistics.units import exact_sums

BASE = rates((10_000, 1000), (10_000, 1010))


def result(code: str, made=None, figures=None, **given) -> CheckResult:
    return build_scorecard(made or plan(), inputs(figures or BASE, **given)).check(code)


def health(**counts) -> Health:
    known = {name: counts.pop(name) for name in list(counts) if name in Exclusions.__dataclass_fields__}
    return Health(exclusions=Exclusions(**known), **counts)


def test_checks__every_code__has_a_title_and_advice():
    codes = {check.code for check in CHECKS}
    assert codes == set(TITLES) == set(ADVICE)


@pytest.mark.parametrize(
    ("made", "units", "outcome"),
    [
        (finished(), {"control": 50_000, "treatment": 50_400}, Outcome.PASSED),
        (finished(), {"control": 50_000, "treatment": 48_500}, Outcome.FAILED),
        (plan(), {"control": 50_000, "treatment": 50_400}, Outcome.PASSED),
        (plan(), {"control": 50_000, "treatment": 48_500}, Outcome.FAILED),
        (plan(), {"control": 0, "treatment": 0}, Outcome.NOT_APPLICABLE),
    ],
)
def test_sample_ratio__units__are_compared_with_the_split(made, units, outcome):
    found = result("SAMPLE_RATIO", made, units=units)
    assert (found.outcome, found.level) == (outcome, CheckLevel.BLOCK)


def test_sample_ratio__weights_that_changed__are_no_mismatch():
    strata = [
        Stratum("1", 1, {"control": 9, "treatment": 1}, {"control": 9000, "treatment": 1000}),
        Stratum("2", 2, {"control": 1, "treatment": 1}, {"control": 2000, "treatment": 2010}),
    ]
    assert result("SAMPLE_RATIO", strata=strata).outcome is Outcome.PASSED
    assert result("SAMPLE_RATIO", finished(), strata=strata).outcome is Outcome.PASSED


def test_sample_ratio__closed_arm__counts_for_nothing():
    units = {"control": 5000, "treatment": 5010}
    found = result(
        "SAMPLE_RATIO", plan(treatments=("treatment", "closed")), units=units, weights={"control": 1, "treatment": 1}
    )
    assert (found.outcome, found.figures["df"]) == (Outcome.PASSED, 1)


def test_sample_ratio__alarm_at_an_earlier_look__stays():
    found = result("SAMPLE_RATIO", history=History(check_p={"SAMPLE_RATIO": 1e-5}, count=3))
    assert (found.outcome, found.figures["p"]) == (Outcome.FAILED, 1e-5)


def test_history__of_scorecards__keeps_the_smallest_p_value():
    broken = build_scorecard(plan(), inputs(BASE, units={"control": 50_000, "treatment": 48_000}))
    healed = build_scorecard(plan(), inputs(BASE, units={"control": 50_000, "treatment": 50_000}))
    past = History.of([replace(healed, look=2), broken])
    assert past.check_p["SAMPLE_RATIO"] == broken.check("SAMPLE_RATIO").figures["p_sequential"]
    assert past.count == 2


@pytest.mark.parametrize(
    ("mismatched", "outcome", "level"),
    [
        (0, Outcome.PASSED, CheckLevel.WARN),
        (30, Outcome.FAILED, CheckLevel.WARN),
        (60, Outcome.FAILED, CheckLevel.BLOCK),
    ],
)
def test_exposure_mismatch__share__is_graded(mismatched, outcome, level):
    found = result("EXPOSURE_MISMATCH", health=health(rows=1000, mismatched_rows=mismatched), source=Source.EXTERNAL)
    assert (found.outcome, found.level) == (outcome, level)


def test_exposure_mismatch__refused_on_arrival__is_a_share_of_all_that_came():
    found = result("EXPOSURE_MISMATCH", health=health(rows=95, mismatched_rows=5))
    assert (found.figures["rows"], found.figures["share"]) == (100, 0.05)
    assert (found.outcome, found.level) == (Outcome.FAILED, CheckLevel.WARN)
    only = result("EXPOSURE_MISMATCH", health=health(rows=0, mismatched_rows=500))
    assert (only.outcome, only.level) == (Outcome.FAILED, CheckLevel.BLOCK)


@pytest.mark.parametrize(
    ("rows", "mismatched", "source", "level"),
    [
        (0, 5, Source.OWN, CheckLevel.WARN),
        (79, 20, Source.OWN, CheckLevel.WARN),
        (80, 20, Source.OWN, CheckLevel.BLOCK),
        (20, 5, Source.EXTERNAL, CheckLevel.BLOCK),
    ],
)
def test_exposure_mismatch__handful_of_our_own__warns_and_blocks_once_there_are_enough(rows, mismatched, source, level):
    found = result("EXPOSURE_MISMATCH", health=health(rows=rows, mismatched_rows=mismatched), source=source)
    assert (found.outcome, found.level) == (Outcome.FAILED, level)


def test_exposure_mismatch__nothing_says_what_was_shown__is_not_applicable():
    assert result("EXPOSURE_MISMATCH", source=Source.AGGREGATE).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("crossed", "outcome", "level"),
    [
        (10, Outcome.PASSED, CheckLevel.WARN),
        (200, Outcome.FAILED, CheckLevel.WARN),
        (2000, Outcome.FAILED, CheckLevel.BLOCK),
    ],
)
def test_several_variants__share__is_graded(crossed, outcome, level):
    found = result("SEVERAL_VARIANTS", health=health(crossovers=crossed))
    assert (found.outcome, found.level) == (outcome, level)


@pytest.mark.parametrize(
    ("crossed", "level"), [(0, CheckLevel.INTERPRET), (200, CheckLevel.WARN), (2000, CheckLevel.BLOCK)]
)
def test_several_variants__customers_in_conflict__are_told_and_soften_nothing(crossed, level):
    found = result("SEVERAL_VARIANTS", health=replace(health(crossovers=crossed), conflicts=3))
    assert (found.outcome, found.level, found.figures["conflicts"]) == (Outcome.FAILED, level, 3)


def test_several_variants__uneven_split__is_said():
    found = result("SEVERAL_VARIANTS", health=health(crossovers=200), weights={"control": 9, "treatment": 1})
    assert found.figures["uneven_split"] == 1


@pytest.mark.parametrize("made", [finished, plan])
@pytest.mark.parametrize(("shift", "outcome"), [(0, Outcome.PASSED), (400_000, Outcome.FAILED)])
def test_pre_exposure_balance__covariate__must_not_differ(made, shift, outcome):
    figures = {}
    for variant, extra in (("control", 0), ("treatment", shift)):
        x = [10**6 + (i * 7919) % 10**6 + extra for i in range(2000)]
        figures["revenue", variant] = exact_sums(("y", "x"), [10**6] * 1000 + [0] * 1000, x)
    found = result("PRE_EXPOSURE_BALANCE", made(decision(revenue(covariate_days=7))), figures)
    assert (found.outcome, found.level) == (outcome, CheckLevel.BLOCK)
    assert found.figures["alpha"] == pytest.approx(0.004 / len(SHARED_BUDGET))
    assert found.figures["before:treatment"] == pytest.approx(float(found.figures["before:control"] or 0) + shift / 1e6)


def test_denominator_shift__more_views_in_treatment__has_to_be_interpreted():
    figures = {}
    for variant, views in (("control", 4), ("treatment", 5)):
        figures["ctr", variant] = exact_sums(
            ("y", "d"), [i % 2 for i in range(1000)], [views + i % 3 for i in range(1000)]
        )
    found = result("DENOMINATOR_SHIFT", plan(decision(ratio())), figures)
    assert (found.outcome, found.level) == (Outcome.FAILED, CheckLevel.INTERPRET)


@pytest.mark.parametrize(
    ("units", "level"),
    [
        ({"control": 5000, "treatment": 5000}, CheckLevel.INTERPRET),
        ({"control": 5000, "treatment": 500}, CheckLevel.WARN),
    ],
)
def test_skewness__few_large_orders__is_flagged_and_graded_by_the_difference(units, level):
    figures = {("revenue", v): money(n, n // 500, 100.0) for v, n in units.items()}
    found = result("SKEWNESS", plan(decision(revenue())), figures)
    assert (found.outcome, found.level) == (Outcome.FAILED, level)


def test_skewness__moderate_values_and_many_units__passes():
    figures = {("revenue", v): money(5000, 2000, 100.0) for v in ("control", "treatment")}
    assert result("SKEWNESS", plan(decision(revenue())), figures).outcome is Outcome.PASSED


def test_power__small_finished_test__warns():
    found = result("POWER", finished(), rates((500, 50), (500, 51)))
    assert (found.outcome, found.level) == (Outcome.FAILED, CheckLevel.WARN)
    assert result("POWER", finished(mde=0.9), rates((500, 50), (500, 51))).outcome is Outcome.PASSED


def test_power__effect_already_found__is_no_question():
    assert result("POWER", finished(), rates((500, 50), (500, 100))).outcome is Outcome.NOT_APPLICABLE


def test_power__early_look__counts_on_the_units_to_come():
    figures = rates((5000, 500), (5000, 510))
    early = result("POWER", plan(horizon_days=100), figures, days=1.0)
    late = result("POWER", plan(horizon_days=100), figures, days=100.0)
    assert early.figures["detectable"] == pytest.approx(0.1 * float(late.figures["detectable"] or 0.0))


@pytest.mark.parametrize(
    ("code", "level", "counts"),
    [
        ("FROZEN_CHANGED", CheckLevel.BLOCK, {"frozen_changes": 1}),
        ("ALLOCATION_CHANGED", CheckLevel.INTERPRET, {"allocation_changes": 2}),
        ("NO_EVENTS", CheckLevel.WARN, {"events_total": 0}),
        ("UNVERIFIED_EXPOSURES", CheckLevel.WARN, {"rows": 100, "exposures_without_token": 6}),
        ("QUARANTINE", CheckLevel.WARN, {"duplicates": 1}),
        ("QUARANTINE", CheckLevel.WARN, {"quarantined": 3}),
        ("IMMATURE_UNITS", CheckLevel.INTERPRET, {"immature": 10}),
        ("METRIC_REDEFINED", CheckLevel.INTERPRET, {"redefined": ("conversion",)}),
        ("LATE_DATA", CheckLevel.WARN, {"rows": 100, "late": 2}),
    ],
)
def test_counts__out_of_order__fail_and_healthy_ones_pass(code, level, counts):
    found = result(code, health=health(**counts))
    assert (found.outcome, found.level) == (Outcome.FAILED, level)
    assert result(code, health=health(rows=100, events_total=5, late=1)).outcome is Outcome.PASSED


def test_shared_budget__every_check_in_it__blocks():
    levels = {check.code: check.level for check in CHECKS}
    assert {levels[code] for code in SHARED_BUDGET} == {CheckLevel.BLOCK}
    assert len(set(SHARED_BUDGET)) == len(SHARED_BUDGET)


def test_pre_exposure_balance__failed_at_an_earlier_look__stays_failed():
    past = History(check_p={"PRE_EXPOSURE_BALANCE": 1e-5}, count=1)
    figures = {
        ("revenue", v): exact_sums(("y", "x"), [0] * 500, [10**6] * 400 + [0] * 100) for v in ("control", "treatment")
    }
    made = plan(decision(revenue(covariate_days=7)))
    assert result("PRE_EXPOSURE_BALANCE", made, figures).outcome is Outcome.PASSED
    later = result("PRE_EXPOSURE_BALANCE", made, figures, history=past)
    assert (later.outcome, later.figures["p"]) == (Outcome.FAILED, 1e-5)


@pytest.mark.parametrize(
    ("late", "rows", "outcome", "share"),
    [
        (None, 100, Outcome.NOT_APPLICABLE, None),
        (0, 0, Outcome.NOT_APPLICABLE, None),
        (0, 100, Outcome.PASSED, 0.0),
        (25, 75, Outcome.FAILED, 0.25),
    ],
)
def test_late_data__share_of_the_messages_that_came__is_shown(late, rows, outcome, share):
    found = result("LATE_DATA", health=Health(rows=rows, late=late))
    assert (found.outcome, found.figures.get("share")) == (outcome, share)


def test_late_data__outcomes_that_count__are_among_the_messages_that_came():
    found = result("LATE_DATA", health=Health(rows=100, late=25, messages=4875))
    assert (found.outcome, found.figures["messages"], found.figures["share"]) == (Outcome.PASSED, 5000, 0.005)


def test_metric_redefined__several__counts_them_and_names_the_first():
    found = result("METRIC_REDEFINED", health=Health(redefined=("revenue", "conversion")))
    assert found.figures == {"metric": "conversion", "changes": 2}


@pytest.mark.parametrize(("units", "outcome"), [(99, Outcome.FAILED), (100, Outcome.PASSED)])
def test_minimum_units__smallest_arm__is_compared(units, outcome):
    found = result("MINIMUM_UNITS", figures=rates((100, 50), (units, 50)))
    assert (found.outcome, found.level, found.figures["units"]) == (outcome, CheckLevel.WARN, units)


def test_no_events__nothing_in_any_metric__warns():
    assert result("NO_EVENTS", figures=rates((100, 0), (100, 0))).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("days", "outcome"), [(6.9, Outcome.FAILED), (7.0, Outcome.PASSED), (None, Outcome.NOT_APPLICABLE)]
)
def test_minimum_runtime__days__are_compared(days, outcome):
    assert result("MINIMUM_RUNTIME", days=days).outcome is outcome


def test_run_checks__one_that_breaks__hides_no_other():
    def broken(_context: CheckContext):
        raise ZeroDivisionError

    made, given = plan(), inputs(BASE)
    context = CheckContext(made, given, Drafter(made, given, 10.0), (), 10.0, final=False)
    first, second = run_checks(context, (Check("BROKEN", CheckLevel.BLOCK, broken), CHECKS[0]))
    assert (first.outcome, first.level, first.figures) == (
        Outcome.ERROR,
        CheckLevel.BLOCK,
        {"error": "ZeroDivisionError"},
    )
    assert second.outcome is Outcome.PASSED


def test_checks__no_units_at_all__are_all_answered():
    made = plan(decision(revenue(covariate_days=7)), horizon_days=28)
    card = build_scorecard(made, inputs({("revenue", v): rate(0, 0) for v in ("control", "treatment")}))
    assert Outcome.ERROR not in {check.outcome for check in card.checks}
    assert Outcome.FAILED not in {check.outcome for check in card.checks if check.level is CheckLevel.BLOCK}


def test_drafter__sums_given_twice__are_merged():
    given = inputs(BASE)
    twice = replace(given, sums=(*given.sums, MetricSums("conversion", "control", "1", rate(10, 5))))
    made = plan()
    assert Drafter(made, twice, 1.0).sums(decision(conversion()), "control", "1").n == 10_010


@pytest.mark.parametrize(
    ("cycle", "outcome"),
    [(None, Outcome.NOT_APPLICABLE), (7.0, Outcome.PASSED), (7.5, Outcome.FAILED)],
)
def test_short_run_only__a_declared_cycle__is_held_against_what_counts_of_a_period(cycle, outcome):
    periods = PlannedPeriods(14 * 1_440, PeriodDesign.BALANCED, burn_in=7 * 1_440, block=2, repurchase_days=cycle)
    found = result("SHORT_RUN_ONLY", plan(periods=periods))
    assert (found.outcome, found.level) == (outcome, CheckLevel.INTERPRET)
    if cycle is not None:
        assert found.figures == {"days": 7.0, "repurchase_days": cycle}


def test_short_run_only__units_that_are_randomised_once__have_no_cycle():
    assert result("SHORT_RUN_ONLY").outcome is Outcome.NOT_APPLICABLE


def test_short_run_only__in_a_verdict__is_read_with_care_and_blocks_nothing():
    periods = PlannedPeriods(1_440, PeriodDesign.BALANCED, block=2, repurchase_days=7.0)
    made = plan(periods=periods)
    verdict = judge(made, build_scorecard(made, inputs(BASE)))
    noted = [reason for reason in verdict.reasons if reason.params.get("check") == "SHORT_RUN_ONLY"]
    assert [reason.code for reason in noted] == [ReasonCode.CHECK_INTERPRET]
    assert verdict.state is VerdictState.CONTINUE
