"""The health card: what wants attention comes first, with figures and advice."""

from experiments.analysis.scorecard import CheckResult, Outcome
from experiments.reports.health import health_of
from experiments.reports.names import names_of
from experiments.reports.wording import Tone
from experiments.vocabulary import CheckLevel
from tests.experiments.reports import material
from tests.experiments.reports.material import check

NAMES = names_of(material.readout(None))


def broken_level(**figures: float | str) -> CheckResult:
    return CheckResult("SAMPLE_RATIO_LEVELS", CheckLevel.BLOCK, Outcome.FAILED, dict(figures), "SAMPLE_RATIO_LEVELS")


def test_health__all_passed__is_one_line() -> None:
    health = health_of(material.scorecard((), material.HEALTHY), NAMES)
    assert (str(health.summary), health.tone) == ("All 2 checks passed", Tone.GOOD)
    assert health.attention == ()
    assert [str(line.advice) for line in health.passed] == ["", ""]


def test_health__failed_blocker__comes_first_with_observed_and_expected_units_and_advice() -> None:
    health = health_of(material.scorecard((), material.BROKEN_SPLIT), NAMES)
    assert (str(health.summary), health.tone) == ("1 check blocks a decision", Tone.BAD)
    first = health.attention[0]
    assert (str(first.title), str(first.outcome), first.glyph) == ("Sample ratio", "failed: it blocks a decision", "✖")
    assert [(str(fact.label), str(fact.value)) for fact in first.figures] == [
        ("units · Fee as today", "20,000, expected 19,400"),
        ("units · Free from 39", "18,800, expected 19,400"),
        ("p-value", "< 0.0001"),
    ]
    assert "redirects" in str(first.advice)


def test_health__warnings__come_after_blockers_and_before_what_to_interpret() -> None:
    checks = (
        check("ALLOCATION_CHANGED", Outcome.FAILED, CheckLevel.INTERPRET, changes=1),
        check("POWER", Outcome.FAILED, CheckLevel.WARN, detectable=0.083, planned=0.05, metric="conversion"),
        check("FROZEN_CHANGED", Outcome.FAILED, CheckLevel.BLOCK, changes=2),
    )
    health = health_of(material.scorecard((), checks), NAMES)
    assert [str(line.title) for line in health.attention] == ["Frozen settings", "Power", "Allocation changed"]
    power = {str(fact.label): str(fact.value) for fact in health.attention[1].figures}
    assert power == {
        "metric": "Conversion",
        "smallest lift that can be seen": "8.30%",
        "smallest lift worth finding": "5.00%",
    }


def test_health__part_of_the_traffic_that_failed__is_named_with_its_units() -> None:
    figures: dict[str, float] = {
        "units:control": 500,
        "units:treatment": 412,
        "expected:control": 456.0,
        "expected:treatment": 456.0,
    }
    checks = (
        check("SAMPLE_RATIO_DAYS", Outcome.FAILED, CheckLevel.BLOCK, day="2026-01-04", **figures, p=1e-6, cells=9),
        broken_level(dimension="browser", level="safari", **figures, earlier=1),
    )
    days, levels = health_of(material.scorecard((), checks), NAMES).attention
    units = [("units · Fee as today", "500, expected 456"), ("units · Free from 39", "412, expected 456")]
    assert [(str(fact.label), str(fact.value)) for fact in days.figures] == [
        ("worst day", "2026-01-04"),
        *units,
        ("p-value", "< 0.0001"),
    ]
    assert [(str(fact.label), str(fact.value)) for fact in levels.figures] == [
        ("worst part", "browser: safari"),
        *units,
        ("failed at an earlier look", "yes"),
    ]


def test_health__level_that_is_not_known__is_said_to_be_none() -> None:
    checks = (broken_level(dimension="browser", level=""),)
    (line,) = health_of(material.scorecard((), checks), NAMES).attention
    assert str(line.figures[0].value) == "browser: (none)"


def test_health__only_warnings__want_attention() -> None:
    checks = (check("SKEWNESS", Outcome.FAILED), check("POWER", Outcome.FAILED))
    health = health_of(material.scorecard((), checks), NAMES)
    assert (str(health.summary), health.tone) == ("2 checks want attention", Tone.WARN)


def test_health__check_that_broke__is_told_apart_from_one_that_failed() -> None:
    checks = (check("SKEWNESS", Outcome.ERROR, error="ZeroDivisionError"),)
    (line,) = health_of(material.scorecard((), checks), NAMES).attention
    assert (str(line.outcome), line.glyph) == ("could not be computed", "?")


def test_health__check_that_does_not_apply__is_left_out() -> None:
    checks = (check("DENOMINATOR_SHIFT", Outcome.NOT_APPLICABLE, why="no ratio metric"), *material.HEALTHY)
    health = health_of(material.scorecard((), checks), NAMES)
    assert len(health.attention) + len(health.passed) == 2


def test_health__check_of_a_later_version__is_shown_by_its_code() -> None:
    checks = (check("TEA_LEAVES", Outcome.FAILED, murk=0.4),)
    (line,) = health_of(material.scorecard((), checks), NAMES).attention
    assert (str(line.title), str(line.figures[0].label), str(line.advice)) == ("TEA_LEAVES", "murk", "")
