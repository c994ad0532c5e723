"""Explorations: the figures of one look, corrected among themselves, from which no verdict can be made."""

from dataclasses import replace

import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.exploration import (
    Exploration,
    ExplorationInvalid,
    explored,
    name_of,
    varied,
    working_plan,
)
from experiments.analysis.inputs import SegmentSums
from experiments.analysis.scorecard import Scorecard
from experiments.analysis.verdict import judge
from experiments.statistics.multiplicity import benjamini_hochberg
from experiments.vocabulary import MetricRole
from tests.experiments.analysis.builders import (
    conversion,
    decision,
    finished,
    guardrail,
    inputs,
    money,
    plan,
    rate,
    revenue,
)

FROZEN = plan(decision(conversion()), guardrail(conversion("ret")), horizon_days=14)
ASKED = (replace(conversion(), version=2), revenue(), conversion())


def figures():
    return inputs(
        {
            ("conversion:v2", "control"): rate(1000, 100),
            ("conversion:v2", "treatment"): rate(1000, 140),
            ("revenue:v1", "control"): money(1000, 300, 5.0),
            ("revenue:v1", "treatment"): money(1000, 310, 5.0),
            ("conversion:v1", "control"): rate(1000, 50),
            ("conversion:v1", "treatment"): rate(1000, 75),
        }
    )


def test_explored__two_versions_of_a_metric__stand_side_by_side_with_the_figures_of_one_look():
    found = explored(working_plan(FROZEN, ASKED, ()), ASKED, figures())
    assert [entry.metric for entry in found.comparisons] == [name_of(spec) for spec in ASKED]
    alone = build_scorecard(
        finished(decision(conversion())),
        inputs({("conversion", "control"): rate(1000, 50), ("conversion", "treatment"): rate(1000, 75)}),
    ).comparison("conversion", "treatment")
    last = found.comparisons[-1]
    assert (last.absolute, last.lift, last.p_value) == (alone.absolute, alone.lift, alone.p_value)


def test_explored__p_values__are_corrected_over_what_is_shown():
    found = explored(working_plan(FROZEN, ASKED, ()), ASKED, figures())
    single = [entry.p_value for entry in found.comparisons if entry.p_value is not None]
    assert len(single) == 3
    assert [entry.p_adjusted for entry in found.comparisons] == benjamini_hochberg(single)
    assert max(single) < 0.9


def test_explored__has_nothing_that_a_verdict_could_be_read_from():
    found = explored(working_plan(FROZEN, ASKED, ()), ASKED, figures())
    for entry in found.comparisons:
        assert entry.role is MetricRole.DIAGNOSTIC
        assert [entry.sequential, entry.harm, entry.non_inferiority, entry.futility, entry.final] == [None] * 5
    assert not isinstance(found, Scorecard)
    with pytest.raises(AttributeError):
        judge(FROZEN, found)


def test_exploration__with_a_role_that_decides__cannot_be_made():
    found = explored(working_plan(FROZEN, ASKED, ()), ASKED, figures())
    for role in set(MetricRole) - {MetricRole.DIAGNOSTIC}:
        with pytest.raises(ValueError, match="DIAGNOSTIC"):
            replace(found, comparisons=(replace(found.comparisons[0], role=role),))


def test_explored__dimension__shows_levels_and_claims_none():
    plan_ = working_plan(FROZEN, ASKED[:1], ("country",))
    levels = {"DE": (100, 190), "FR": (100, 60)}
    segments = tuple(
        SegmentSums("country", level, "conversion:v2", arm, "1", rate(1000, successes))
        for level, (control, treatment) in levels.items()
        for arm, successes in (("control", control), ("treatment", treatment))
    )
    found = explored(plan_, ASKED[:1], replace(figures(), segments=segments))
    (family,) = found.segments
    assert [level.level for level in family.levels] == ["DE", "FR"]
    assert all(level.p_adjusted is not None and level.p_adjusted < 0.01 for level in family.levels)
    assert not any(level.claimed for level in family.levels)


def test_exploration__to_json_and_back__is_equal():
    found = explored(working_plan(FROZEN, ASKED, ()), ASKED, figures())
    assert Exploration.from_json(found.to_json()) == found
    assert Exploration.from_json(found.to_json()).sha256() == found.sha256()


@pytest.mark.parametrize("frozen", [FROZEN, finished(), plan(horizon_days=None)], ids=["horizon", "recorded", "open"])
def test_working_plan__of_any_frozen_plan__keeps_arms_and_filters_and_takes_one_look(frozen):
    made = working_plan(frozen, ASKED, ("country",))
    assert (made.variants, made.filters, made.alpha) == (frozen.variants, frozen.filters, frozen.alpha)
    assert (made.method, made.dimensions, made.harm_roles) == ("FIXED_HORIZON", ("country",), ())


@pytest.mark.parametrize("metrics", [(), (conversion(), conversion())])
def test_working_plan__without_metrics_or_with_one_twice__is_refused(metrics):
    with pytest.raises(ExplorationInvalid):
        working_plan(FROZEN, metrics, ())


def test_varied__cap__is_for_sums_of_value_only():
    capped = varied(revenue(), window_hours=336, cap_micros=5_000_000)
    assert (capped.window_hours, capped.cap_micros) == (336, 5_000_000)
    assert varied(conversion(), window_hours=None, cap_micros=5_000_000) == conversion()


def test_varied__window_that_is_no_whole_day__is_refused():
    with pytest.raises(ExplorationInvalid, match="window_hours"):
        varied(revenue(), window_hours=30, cap_micros=None)
