"""The segments of a readout: an answer for each dimension, the levels below it, and the same numbers as CSV."""

import csv
import io
from dataclasses import replace
from datetime import timedelta

from django.template.loader import render_to_string
from django.utils import translation

from experiments.analysis.scorecard import Scorecard, SegmentFamily, SegmentFigures, UndefinedReason
from experiments.reports.names import names_of
from experiments.reports.segment_page import Segments, SegmentTable
from experiments.reports.segment_tables import segments_csv_of
from experiments.reports.segments import segments_of
from experiments.reports.wording import Tone
from tests.experiments.reports import material

HORIZON = material.START + timedelta(days=28)


def level(name: str, difference: float, *, n: int = 1000, p: float = 0.5, claimed: bool = False) -> SegmentFigures:
    return SegmentFigures(
        level=name,
        control_units=n,
        treatment_units=n,
        difference=difference,
        se=0.01,
        lift=difference / 0.1,
        lift_interval=material.bounded(difference / 0.1 - 0.2, difference / 0.1 + 0.2),
        p_value=p,
        p_adjusted=p,
        claimed=claimed,
        shrunk=difference / 2.0,
        shrunk_se=0.004,
    )


def unknown(name: str) -> SegmentFigures:
    few = UndefinedReason.TOO_FEW_UNITS
    nothing = material.undefined(material.comparisons()[0], few).lift.interval
    return replace(
        level(name, 0.0, n=40),
        **dict.fromkeys(("difference", "se", "lift", "p_value", "p_adjusted", "shrunk", "shrunk_se")),
        lift_interval=nothing,
        reason=few,
    )


def family(dimension: str, p_value: float | None, *levels: SegmentFigures) -> SegmentFamily:
    q, df = (None, None) if p_value is None else (5.0, len(levels) - 1)
    return SegmentFamily("conversion", "treatment", "control", dimension, q, df, p_value, levels)


def card(*families: SegmentFamily, **changes: object) -> Scorecard:
    return replace(material.scorecard(material.comparisons()), segments=families, **changes)


BROWSER = family(
    "browser", 0.4, level("other", 0.02, n=5000), level("Chrome", 0.001, n=800), level("Safari", 0.03, n=900)
)
COUNTRY = family("country", 0.002, level("FR", 0.05, p=0.001, claimed=True), unknown(""))


def shown(found: Scorecard) -> Segments:
    readout = material.readout(material.evidence(found, material.SHIP))
    segments = segments_of(found, material.plan(), names=names_of(readout), currency="USD", csv_url="/segments.csv")
    assert segments is not None
    return segments


def table(found: Scorecard, dimension: str) -> SegmentTable:
    return next(each for group in shown(found).groups for each in group.tables if each.dimension == dimension)


def test_segments__answers__say_whether_the_effect_differs():
    found = card(BROWSER, COUNTRY, family("tier", None, level("gold", 0.01)))
    assert [str(each.answer) for each in shown(found).groups[0].tables] == [
        "browser: the effect does not differ detectably between levels, p = 0.400.",
        "country: the effect differs between levels, p = 0.0040.",
        "tier: fewer than two levels have enough units to be compared.",
    ]
    assert [(each.tone, each.differs) for each in shown(found).groups[0].tables] == [
        (Tone.MUTED, False),
        (Tone.WARN, True),
        (Tone.MUTED, False),
    ]


def test_segments__answers__are_corrected_over_dimensions():
    assert "differ detectably" in str(
        table(card(family("a", 0.03, level("x", 0.0), level("y", 0.0)), BROWSER), "a").answer
    )


def test_segments__levels__stand_in_the_order_of_their_units_with_the_merged_ones_last():
    levels = table(card(BROWSER), "browser").levels
    assert [str(each.name) for each in levels] == ["Safari", "Chrome", "all others"]
    assert levels[0].units == "900 / 900"
    assert (levels[0].effect, levels[0].interval, levels[0].lift) == ("+3.00 pp", "+1.04 pp to +4.96 pp", "+30.0%")
    assert (levels[0].shrunk, levels[0].shrunk_interval) == ("+1.50 pp", "+0.72 pp to +2.28 pp")
    assert levels[0].raw_bar is not None
    assert levels[0].shrunk_bar is not None
    assert levels[0].raw_bar.reach == levels[0].shrunk_bar.reach


def test_segments__level_without_figures__says_why_and_draws_nothing():
    empty = table(card(COUNTRY), "country").levels[1]
    assert (str(empty.name), empty.effect, empty.raw_bar) == ("not known", "", None)
    assert str(empty.words).startswith("Not defined:")


def test_segments__claim__has_the_colour_of_its_direction():
    claimed = table(card(COUNTRY), "country").levels[0]
    assert (str(claimed.claim), claimed.tone, claimed.glyph) == ("claimed", Tone.GOOD, "▲")
    worse = family("country", 0.002, level("FR", -0.05, p=0.001, claimed=True), level("DE", 0.0))
    assert [(each.tone, each.glyph) for each in table(card(worse), "country").levels] == [
        (Tone.MUTED, "■"),
        (Tone.BAD, "▼"),
    ]


def test_segments__looks_are_left__says_that_claims_wait():
    assert "Claims wait" in str(shown(card(BROWSER)).waits)
    assert shown(card(BROWSER, window_end=HORIZON)).waits == ""
    assert shown(card(BROWSER, is_last=True)).waits == ""


def test_segments__after_the_look_of_the_horizon__says_where_claims_belong():
    found = card(BROWSER, window_end=HORIZON + timedelta(days=3))
    seen = found.comparisons[0].sequential
    assert seen is not None
    later = replace(seen, method="GROUP_SEQUENTIAL_AFTER_HORIZON")
    found = replace(found, comparisons=(replace(found.comparisons[0], sequential=later), *found.comparisons[1:]))
    assert str(shown(found).waits).startswith("Claims belong to the look of the planned end.")


def test_segments__scorecard_without_any__has_no_section():
    readout = material.readout(material.evidence(card(), material.SHIP))
    assert segments_of(card(), material.plan(), names=names_of(readout), currency="USD", csv_url="") is None


def test_segments__page__is_marked_exploratory_and_escapes_levels():
    found = card(family("browser", 0.001, level("<b>Chrome</b>", 0.01), level("中国", 0.02)))
    with translation.override("zh-hans"):
        page = render_to_string("reports/_segments.html", {"segments": shown(found)})
    assert "&lt;b&gt;Chrome&lt;/b&gt;" in page
    assert "<b>Chrome</b>" not in page
    assert "中国" in page
    english = render_to_string("reports/_segments.html", {"segments": shown(found)})
    assert "exploratory" in english
    assert 'href="/segments.csv"' in english
    assert english.count("<title") == 2


def test_segments_csv__one_line_per_level__with_the_figures_of_the_scorecard():
    found = card(COUNTRY, family("=cmd", None, level("@x", 0.01)))
    raw = segments_csv_of(material.readout(material.evidence(found, material.SHIP)))
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert [(row["dimension"], row["level"]) for row in rows] == [("country", "FR"), ("country", ""), ("'=cmd", "'@x")]
    assert float(rows[0]["difference, shrunk"]) == 0.025
    assert (rows[0]["claimed"], rows[1]["claimed"], rows[1]["reason"]) == ("true", "false", "TOO_FEW_UNITS")
    assert (rows[1]["difference"], rows[2]["Cochran's Q"]) == ("", "")


def test_segments_csv__before_the_first_look__has_headings_only():
    assert segments_csv_of(material.readout(None)).decode("utf-8-sig").count("\r\n") == 1
