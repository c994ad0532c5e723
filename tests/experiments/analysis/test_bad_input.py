"""Hostile figures through the whole analysis: every look ends in a scorecard and a verdict that say what is missing."""

import random
from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from experiments.analysis.build import build_scorecard
from experiments.analysis.filters import FilterKind, FilterRule, UnitFilter
from experiments.analysis.inputs import (
    DAY_CELLS,
    FILTER_CELLS,
    AnalysisInputs,
    CellCount,
    Health,
    History,
    MetricSums,
    SegmentSums,
    Stratum,
)
from experiments.analysis.metrics import variables
from experiments.analysis.plan import AnalysisPlan, Multiplicity, PlannedMetric, Spending
from experiments.analysis.scorecard import (
    Comparison,
    Crossing,
    Exclusions,
    FigureStatus,
    IntervalStatus,
    Outcome,
    Scorecard,
)
from experiments.analysis.verdict import judge
from experiments.statistics.moments import PowerSums
from experiments.vocabulary import Direction, MetricKind, Source, VerdictState
from tests.experiments.analysis.builders import (
    START,
    conversion,
    decision,
    finished,
    guardrail,
    plan,
    ratio,
    revenue,
    secondary,
)
from tests.experiments.statistics.hostile import COUNTS, assert_sound, unit_rows

METRICS: tuple[PlannedMetric, ...] = (
    decision(conversion()),
    decision(conversion("signup", covariate_days=14), planned_information=1e-6),
    decision(revenue(covariate_days=28, cap_micros=100_000_000), Direction.DECREASE),
    decision(ratio(covariate_days=28)),
    guardrail(conversion("return"), direction=Direction.DECREASE),
    guardrail(revenue("margin")),
    guardrail(ratio("click_through", covariate_days=7)),
    secondary(revenue("basket", covariate_days=28)),
    secondary(ratio("depth")),
)
FILTER = UnitFilter("staff", 1, FilterKind.INTERNAL, FilterRule.UNIT_LIST)
LEVELS = ("", "mobile", "其他")


@st.composite
def plans(draw) -> AnalysisPlan:
    chosen = draw(st.lists(st.sampled_from(METRICS), min_size=1, max_size=4, unique_by=lambda m: m.spec.key))
    if not any(metric.role.value == "DECISION" for metric in chosen):
        chosen.append(METRICS[draw(st.integers(0, 3))])
    treatments = draw(st.sampled_from([("treatment",), ("blue", "green")]))
    more = {"treatments": treatments, "dimensions": ("device",), "filters": (FILTER,)}
    match draw(st.sampled_from(["fixed", "dunnett", "group", "pocock", "sequence"])):
        case "fixed":
            return finished(*chosen, **more)
        case "dunnett":
            return finished(*chosen, multiplicity=Multiplicity.DUNNETT, **more)
        case "group":
            return plan(*chosen, horizon_days=14, minimum_units=2, **more)
        case "pocock":
            return plan(*chosen, horizon_days=14, spending=Spending.POCOCK, minimum_days=0, **more)
        case _:
            return plan(*chosen, minimum_conversions=draw(st.sampled_from([0, 100])), **more)


@st.composite
def strata(draw, arms: tuple[str, ...]) -> tuple[Stratum, ...]:
    found = []
    for epoch in range(1, draw(st.sampled_from([1, 1, 2, 3])) + 1):
        weights = {arm: draw(st.sampled_from([1, 1, 1, 500_000, 500_000, 0])) for arm in arms}
        units = {arm: draw(COUNTS) for arm in arms if draw(st.booleans())}
        found.append(Stratum(str(epoch), epoch, weights, units))
    return tuple(found)


@st.composite
def sums_of(draw, metric: PlannedMetric, source: Source) -> PowerSums:
    names = tuple(variable.name for variable in variables(metric.spec, source=source))
    rates = {"m"} | ({"y", "x"} if metric.spec.kind is MetricKind.CONVERSION else set())
    return draw(unit_rows(names, rates=frozenset(rates)))


@st.composite
def looks(draw, made: AnalysisPlan, source: Source, days: float | None) -> AnalysisInputs:
    arms = (made.control, *made.treatments)
    epochs = draw(strata(arms))

    def sums() -> tuple[MetricSums, ...]:
        return tuple(
            MetricSums(metric.spec.key, arm, epoch.key, draw(sums_of(metric, source)))
            for metric in made.metrics
            for arm in arms
            for epoch in epochs
            if draw(st.integers(0, 9)) < 9
        )

    segments = tuple(
        SegmentSums("device", level, metric.spec.key, arm, epochs[0].key, draw(sums_of(metric, source)))
        for metric in made.metrics[:1]
        for level in LEVELS
        for arm in arms
        if draw(st.booleans())
    )
    cells = tuple(
        CellCount(dimension, level, epochs[0].key, {arm: draw(COUNTS) for arm in arms if draw(st.booleans())})
        for dimension, level in ((DAY_CELLS, "2026-01-05"), ("device", ""), ("device", "其他"), (FILTER_CELLS, "staff"))
        if draw(st.booleans())
    )
    return AnalysisInputs(
        experiment="hostile",
        source=source,
        window_start=None if days is None else START,
        window_end=None if days is None else START + timedelta(days=days),
        received_before=None,
        strata=epochs,
        sums=sums(),
        health=draw(healths()),
        is_last=draw(st.booleans()),
        unfiltered=sums() if draw(st.booleans()) else (),
        segments=segments,
        cells=cells,
    )


@st.composite
def healths(draw) -> Health:
    return Health(
        exclusions=Exclusions(*(draw(COUNTS) for _ in range(3))),
        rows=draw(COUNTS),
        exposures_without_token=draw(COUNTS),
        events_total=draw(st.sampled_from([None, 0, 10**15])),
        allocation_changes=draw(st.integers(0, 1)),
        filtered=draw(st.sampled_from([{}, {"staff": {}}, {"staff": {"control": 0, "treatment": 10**15}}])),
        late=draw(st.sampled_from([None, 0, 10**15])),
    )


@st.composite
def histories(draw) -> tuple[AnalysisPlan, list[AnalysisInputs]]:
    """Draw a plan and one to three looks at it, whose figures need not agree with one another."""
    made = draw(plans())
    source = draw(st.sampled_from(list(Source)))
    days = sorted(draw(st.lists(st.sampled_from([0.0, 1.0, 10.0, 14.0, 400.0]), min_size=1, max_size=3)))
    return made, [draw(looks(made, source, None if draw(st.integers(0, 9)) == 0 else day)) for day in days]


def shuffled(given: AnalysisInputs, seed: int) -> AnalysisInputs:
    rng = random.Random(seed)
    parts = {name: list(getattr(given, name)) for name in ("sums", "unfiltered", "segments", "cells")}
    for entries in parts.values():
        rng.shuffle(entries)
    return replace(given, **{name: tuple(entries) for name, entries in parts.items()})


# without shrinking: it takes minutes on inputs of this size, and a look can be read as it is
@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(histories(), st.integers(0, 99))
def test_build_scorecard__hostile_figures__says_what_is_missing_and_can_be_judged(drawn, seed):
    made, given_looks = drawn
    cards: list[Scorecard] = []
    for each in given_looks:
        inputs = replace(each, history=History.of(cards))
        card = build_scorecard(made, inputs)
        assert card.to_json() == build_scorecard(made, shuffled(inputs, seed)).to_json()
        assert Scorecard.from_json(card.to_json()) == card
        assert_sound(card)
        assert [check for check in card.checks if check.outcome is Outcome.ERROR] == []
        for comparison in (*card.comparisons, *card.contrasts):
            assert_explained(comparison)
        for family in card.segments:
            for level in family.levels:
                assert (level.reason is None) is (level.difference is not None)
                assert level.reason is None or (level.p_value is None and not level.claimed)
        verdict = judge(made, card)
        assert verdict.reasons
        assert (verdict.winner is not None) is (verdict.state is VerdictState.SHIP)
        assert_sound(verdict)
        verdict.to_json()
        cards.append(card)


def assert_explained(found: Comparison) -> None:
    """Assert that a comparison is whole, or says why not: no p of 1 and no lift of 0 for what cannot be estimated."""
    where = (found.metric, found.variant, found.reference)
    if found.status is FigureStatus.UNDEFINED:
        assert found.reason is not None, where
        assert (found.p_value, found.p_adjusted, found.absolute.value, found.lift.value) == (None,) * 4, where
        assert found.absolute.interval.status is IntervalStatus.UNDEFINED, where
        assert found.sequential is None or found.sequential.crossed is Crossing.NONE, where
        assert found.harm is None or (not found.harm.crossed and found.harm.reason is not None), where
        assert found.non_inferiority is None or (
            not found.non_inferiority.passed and found.non_inferiority.reason is not None
        ), where
        return
    assert found.reason is None, where
    assert None not in (found.p_value, found.absolute.value, found.absolute.se), where
    assert (found.absolute.se or 0.0) > 0.0, where
    for estimate in (found.absolute, found.lift):
        if estimate.value is None:
            assert estimate.interval.reason is not None, where
        else:
            room = 1e-9 * max(1.0, abs(estimate.value))
            lower, upper = estimate.interval.lower, estimate.interval.upper
            assert lower is None or lower <= estimate.value + room, where
            assert upper is None or upper >= estimate.value - room, where
    seen = found.sequential
    assert seen is None or (seen.bound is None) is (seen.reason is not None), where
    harm = found.harm
    assert harm is None or harm.started is (harm.reason is None), where
    kept = found.non_inferiority
    assert kept is None or kept.bound is not None or kept.reason is not None, where
