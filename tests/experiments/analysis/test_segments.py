"""Segments on a scorecard: their figures, their correction, and when they may be claimed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.estimate import Estimated, Stratified, estimate
from experiments.analysis.inputs import AnalysisInputs, History, SegmentSums, Stratum
from experiments.analysis.plan import Adjustment, AnalysisPlan
from experiments.analysis.scorecard import Scorecard, SegmentFamily, SegmentFigures, UndefinedReason
from experiments.statistics import segments
from experiments.statistics.moments import Moments, PowerSums
from experiments.statistics.multiplicity import benjamini_hochberg
from tests.experiments.analysis.builders import (
    START,
    conversion,
    decision,
    finished,
    guardrail,
    inputs,
    plan,
    rate,
    rates,
    revenue,
)
from tests.experiments.statistics.units import exact_sums

Levels = dict[str, tuple[tuple[int, int], tuple[int, int]]]
BROWSERS: Levels = {
    "Safari": ((900, 90), (880, 140)),
    "Chrome": ((3000, 300), (3100, 315)),
    "Other": ((80, 9), (90, 10)),
}
COUNTRIES: Levels = {"FR": ((2000, 200), (2010, 240)), "DE": ((1980, 199), (2060, 225))}


def level_sums(dimension: str, levels: Levels, *, metric: str = "conversion", stratum: str = "1") -> list[SegmentSums]:
    return [
        SegmentSums(dimension, level, metric, variant, stratum, rate(*counts))
        for level, arms in levels.items()
        for variant, counts in zip(("control", "treatment"), arms, strict=True)
    ]


def given(sums: Sequence[SegmentSums], *, days: float = 10.0, **more) -> AnalysisInputs:
    return replace(inputs(rates((4000, 400), (4000, 460)), days=days), segments=tuple(sums), **more)


def both(**more) -> AnalysisInputs:
    return given([*level_sums("browser", BROWSERS), *level_sums("country", COUNTRIES)], **more)


def planned(**more) -> AnalysisPlan:
    return plan(decision(conversion()), horizon_days=28, dimensions=("browser", "country"), **more)


def family(card: Scorecard, dimension: str) -> SegmentFamily:
    return next(found for found in card.segments if found.dimension == dimension)


def level(card: Scorecard, dimension: str, name: str) -> SegmentFigures:
    return next(found for found in family(card, dimension).levels if found.level == name)


def test_segments__each_level__has_the_figures_of_a_test_of_its_own():
    card = build_scorecard(planned(), both())
    for dimension, levels in (("browser", BROWSERS), ("country", COUNTRIES)):
        for name, arms in levels.items():
            if name == "Other":
                continue
            control, treatment = (Stratified((Moments.from_power_sums(rate(*counts)),)) for counts in arms)
            alone = estimate(conversion().kind, control, treatment, adjust=Adjustment.LIN)
            assert isinstance(alone, Estimated)
            found = level(card, dimension, name)
            assert (found.control_units, found.treatment_units) == (arms[0][0], arms[1][0])
            assert found.difference == pytest.approx(alone.effect.pair.difference)
            assert found.se == pytest.approx(alone.effect.pair.se)
            assert found.p_value == pytest.approx(alone.effect.p_value())
            assert found.lift_interval.lower == pytest.approx(alone.effect.lift(1.959963984540054).lower)


def test_segments__levels_of_all_dimensions__are_corrected_together():
    card = build_scorecard(planned(), both())
    levels = [found for each in card.segments for found in each.levels if found.p_value is not None]
    assert len(levels) == 4
    assert [found.p_adjusted for found in levels] == pytest.approx(benjamini_hochberg([f.p_value for f in levels]))


def test_segments__levels_of_a_dimension__are_tested_for_equal_effects_and_shrunk():
    card = build_scorecard(planned(), both())
    browsers = family(card, "browser")
    known = [found for found in browsers.levels if found.reason is None]
    figures = [found.difference for found in known], [found.se**2 for found in known]
    alone = segments.heterogeneity(*figures)
    assert (browsers.df, browsers.q) == (1, pytest.approx(alone.q))
    assert browsers.p_value == pytest.approx(alone.p_value)
    assert [found.shrunk for found in known] == pytest.approx([each.effect for each in segments.shrunk(*figures)])


def test_segments__level_with_few_units__has_a_reason_and_no_figures():
    other = level(build_scorecard(planned(), both()), "browser", "Other")
    assert other == SegmentFigures(
        "Other",
        80,
        90,
        None,
        None,
        None,
        other.lift_interval,
        None,
        None,
        False,
        None,
        None,
        UndefinedReason.TOO_FEW_UNITS,
    )
    assert other.lift_interval.reason is UndefinedReason.TOO_FEW_UNITS


def test_segments__level_seen_in_one_arm_only__has_no_data():
    card = build_scorecard(planned(), given(level_sums("browser", BROWSERS)[:5]))
    assert level(card, "browser", "Other").reason is UndefinedReason.NO_DATA
    assert level(card, "browser", "Other").treatment_units == 0


def test_segments__single_level__is_not_tested_for_equal_effects():
    card = build_scorecard(planned(), given(level_sums("browser", {"Safari": BROWSERS["Safari"]})))
    found = family(card, "browser")
    assert (found.q, found.df, found.p_value, found.levels[0].shrunk) == (None, None, None, None)
    assert found.levels[0].p_value is not None


def test_segments__while_looks_are_left__nothing_is_claimed():
    early = build_scorecard(planned(), both())
    assert level(early, "browser", "Safari").p_adjusted < 0.01
    assert not any(found.claimed for each in early.segments for found in each.levels)


@pytest.mark.parametrize("more", [{"days": 28.0}, {"is_last": True}])
def test_segments__at_the_last_look__what_passes_is_claimed(more):
    card = build_scorecard(planned(), both(**more))
    claimed = {found.level for each in card.segments for found in each.levels if found.claimed}
    assert claimed == {
        found.level
        for each in card.segments
        for found in each.levels
        if found.p_adjusted is not None and found.p_adjusted <= 0.1
    }
    assert "Safari" in claimed
    assert "Chrome" not in claimed


def test_segments__looks_after_the_horizon__claim_nothing_new():
    at_end = build_scorecard(planned(), both(days=28.0))
    later = both(days=29.0, history=History.of([at_end]))
    assert not any(found.claimed for each in build_scorecard(planned(), later).segments for found in each.levels)
    stopped = build_scorecard(planned(), replace(later, is_last=True))
    assert level(stopped, "browser", "Safari").claimed


def test_segments__information_comes_before_the_last_day__claims_then_and_once():
    rules = plan(
        decision(conversion(), planned_information=20_000.0),
        decision(conversion("other"), planned_information=10_000_000.0),
        horizon_days=28,
        dimensions=("browser", "country"),
    )
    alone = replace(rules, metrics=rules.metrics[:1])

    def claims(made: AnalysisPlan) -> list[bool]:
        cards: list[Scorecard] = []
        for days in (10.0, 11.0, 28.0, 29.0):
            seen = both(days=days, history=History.of(cards))
            more = inputs(rates((4000, 400), (4000, 460), metric="other")).sums
            cards.append(build_scorecard(made, replace(seen, sums=(*seen.sums, *more))))
        return [level(card, "browser", "Safari").claimed for card in cards]

    assert claims(alone) == [True, False, False, False]
    assert claims(rules) == [False, False, True, False]


def test_segments__confidence_sequence__claims_once_it_has_stopped():
    endless = plan(decision(conversion()), dimensions=("browser", "country"))
    assert not level(build_scorecard(endless, both()), "browser", "Safari").claimed
    assert level(build_scorecard(endless, both(is_last=True)), "browser", "Safari").claimed


def test_segments__single_look__claims_at_once():
    card = build_scorecard(finished(decision(conversion()), dimensions=("browser", "country")), both())
    assert level(card, "browser", "Safari").claimed


def test_segments__plan_without_dimensions_or_other_roles__has_none():
    assert build_scorecard(plan(decision(conversion()), horizon_days=28), both()).segments == ()
    guarded = plan(decision(revenue()), guardrail(conversion()), horizon_days=28, dimensions=("browser", "country"))
    assert build_scorecard(guarded, both()).segments == ()


def test_segments__rows_in_another_order__give_the_same_bytes():
    ordered = both()
    mixed = replace(ordered, segments=tuple(reversed(ordered.segments)))
    assert build_scorecard(planned(), ordered).to_json() == build_scorecard(planned(), mixed).to_json()


def test_segments__split_sums__are_added():
    whole = both()
    halves = [
        replace(entry, sums=part)
        for entry in whole.segments
        for part in (rate(entry.sums.n // 2, 0), rate(entry.sums.n - entry.sums.n // 2, entry.sums.sums[0]))
    ]
    split = replace(whole, segments=tuple(halves))
    assert build_scorecard(planned(), split).segments == build_scorecard(planned(), whole).segments


def test_segments__several_strata__take_those_both_arms_share():
    strata = (
        Stratum("1", 1, {"control": 500, "treatment": 500}, {"control": 2000, "treatment": 2000}),
        Stratum("2", 2, {"control": 900, "treatment": 100}, {"control": 2000, "treatment": 200}),
        Stratum("3", 3, {"control": 1000, "treatment": 0}, {"control": 2000, "treatment": 0}),
    )
    sums = [
        entry
        for stratum, arms in (("1", ((1000, 100), (1000, 120))), ("2", ((900, 90), (1, 1))), ("3", ((900, 90), (0, 0))))
        for entry in level_sums("browser", {"Safari": arms, "Chrome": ((800, 90), (700, 85))}, stratum=stratum)
    ]
    card = build_scorecard(planned(), given(sums, strata=strata))
    assert level(card, "browser", "Safari").control_units == 1000
    assert level(card, "browser", "Chrome").control_units == 1600
    assert level(card, "browser", "Chrome").difference is not None


def test_segments__scorecard__survives_storage():
    card = build_scorecard(planned(), both(days=28.0))
    assert Scorecard.from_json(card.to_json()).to_json() == card.to_json()


def test_segments__money_with_covariates_and_two_treatments__reduces_the_error():
    rng = np.random.default_rng(3)
    spec = revenue(covariate_days=14)

    def drawn(scale: float) -> PowerSums:
        before = (rng.gamma(2.0, 10.0, 300) * 1e6).astype(int)
        return exact_sums(("y", "x"), (before * scale + rng.normal(0, 3e6, 300)).astype(int), before)

    sums = [
        SegmentSums("browser", name, "revenue", variant, "1", drawn(scale))
        for name in ("Safari", "Chrome")
        for variant, scale in (("control", 1.0), ("a", 1.1), ("b", 1.0))
    ]
    figures = {("revenue", variant): drawn(1.0) for variant in ("control", "a", "b")}
    chosen = plan(decision(spec), treatments=("a", "b"), dimensions=("browser",))
    card = build_scorecard(chosen, replace(inputs(figures), segments=tuple(sums)))
    assert [(found.variant, found.dimension) for found in card.segments] == [("a", "browser"), ("b", "browser")]
    assert [found.level for found in card.segments[0].levels] == ["Chrome", "Safari"]
    plain = build_scorecard(replace(chosen, adjustment=Adjustment.NONE), replace(inputs(figures), segments=tuple(sums)))
    for adjusted, without in zip(card.segments[0].levels, plain.segments[0].levels, strict=True):
        assert adjusted.se < 0.5 * without.se
    assert START + timedelta(days=10) == card.window_end


def test_segments__no_effect_anywhere__is_rarely_claimed():
    rng = np.random.default_rng(4)
    chosen = finished(decision(conversion()), dimensions=("browser", "country"))
    claimed = 0
    for _ in range(200):
        drawn = [
            level_sums(
                name,
                {f"{name} {k}": tuple((2000, int(rng.binomial(2000, 0.1))) for _ in range(2)) for k in range(10)},
            )
            for name in ("browser", "country")
        ]
        card = build_scorecard(chosen, given([entry for sums in drawn for entry in sums]))
        claimed += any(found.claimed for each in card.segments for found in each.levels)
    assert claimed / 200 < 0.1 + 3 * (0.09 / 200) ** 0.5
