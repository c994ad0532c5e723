"""The page as the presenter makes it: each verdict, each gap, without a database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from experiments.analysis.scorecard import Crossing, Exclusions
from experiments.analysis.verdict import ReasonCode, Verdict
from experiments.queries.readouts import ArmShare, Epoch, Evidence
from experiments.reports.page import Page
from experiments.reports.presenter import Addresses, page_of
from experiments.reports.wording import Tone
from experiments.vocabulary import ArmState, Source, Status
from foundation.clock import ClockKind, ProjectClock
from foundation.queries import JournalLine
from tests.experiments.reports import material

ADDRESSES = Addresses(relative="/r", absolute="/a", csv="/c", json="/j", admin="/f")


def page(seen: Evidence | None = None, *, relative: bool = True, **changes: object) -> Page:
    """Return the page of a readout three hours after the end of its data."""
    return page_of(
        material.readout(seen, **changes),  # type: ignore[arg-type]
        relative=relative,
        addresses=ADDRESSES,
        now=material.NOW,
    )


def look(verdict: Verdict, **card: object) -> Evidence:
    """Return a look with this verdict."""
    return material.evidence(material.scorecard(material.comparisons(), **card), verdict)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdict", "label", "tone", "glyph"),
    [
        (material.SHIP, "Ship “Free from 39”", Tone.GOOD, "▲"),
        (material.HARM, "Stop: it does harm", Tone.BAD, "▼"),
        (material.CONTINUE, "Continue", Tone.OPEN, "▶"),
        (material.INCONCLUSIVE, "Inconclusive", Tone.MUTED, "■"),
        (material.INVALID, "Not trustworthy", Tone.WARN, "✖"),
    ],
)
def test_strip__each_verdict__has_its_label_tone_and_glyph(
    verdict: Verdict, label: str, tone: Tone, glyph: str
) -> None:
    strip = page(look(verdict)).strip
    assert (str(strip.label), strip.tone, strip.glyph) == (label, tone, glyph)


def test_strip__reasons__are_the_deciding_sentence_and_the_others_below() -> None:
    strip = page(look(material.SHIP)).strip
    assert str(strip.sentence).startswith("“Free from 39” is better than “Fee as today” on Conversion")
    assert [str(text) for text in strip.more] == [
        "Guardrail Refunds per visitor holds for “Free from 39”: not worse by 5% or more."
    ]


def test_strip__several_checks_that_block__only_the_first_tells_what_to_do() -> None:
    more = ("SAMPLE_RATIO_DAYS", "FILTER_BALANCE")
    blocked = tuple(replace(material.INVALID.reasons[0], params={"check": check}) for check in more)
    strip = page(look(replace(material.INVALID, reasons=(material.INVALID.reasons[0], *blocked)))).strip
    assert "Look for a variant that loses exposures" in str(strip.sentence)
    assert [str(text) for text in strip.more] == [
        "The check “Sample ratio by day” failed as well.",
        "The check “Filters blind to the variant” failed as well.",
    ]


def test_strip__after_the_planned_days__says_how_many_were_planned() -> None:
    seen = look(material.CONTINUE)
    later = replace(seen, scorecard=replace(seen.scorecard, window_end=material.START + timedelta(days=29)))
    assert "Day 29; 28 were planned." in {str(fact.value) for fact in page(later).strip.facts}


def test_strip__freshness__is_told_in_the_projects_zone_and_clock() -> None:
    facts = {str(fact.label): str(fact.value) for fact in page(look(material.CONTINUE)).strip.facts}
    assert facts["Data complete to"] == "2026-03-14 08:00 (Asia/Shanghai), 3\xa0hours ago"
    assert facts["Look 5"] == "Day 12 of 28 planned."
    assert facts["Units that took part"] == "40,000"


def test_strip__simulated_clock__counts_the_age_in_simulated_time() -> None:
    clock = ProjectClock(
        kind=ClockKind.SIMULATION, origin=material.END, speed=24.0, started_at=material.NOW - timedelta(hours=1)
    )
    facts = {
        str(fact.label): str(fact.value)
        for fact in page(look(material.CONTINUE), project=replace(material.PROJECT, clock=clock)).strip.facts
    }
    assert facts["Data complete to"].endswith(", 1\xa0day ago")


def test_page__before_the_first_look__says_what_to_do_and_shows_no_empty_boards() -> None:
    found = page()
    assert (str(found.strip.label), found.strip.glyph) == ("No data yet", "○")
    assert str(found.strip.next_step).startswith("The first look comes once units have been exposed.")
    assert (found.health, found.board, found.samples, found.progress) == (None, None, None, None)
    assert found.csv_url == ""


def test_page__draft__leads_to_its_checklist() -> None:
    found = page(status=Status.DRAFT, started_at=None, plan=None)
    assert "checklist" in str(found.strip.next_step)
    assert found.strip.next_link is not None
    assert found.strip.next_link.url == "/f"


def test_page__invalid__keeps_the_figures_and_marks_them() -> None:
    board = page(look(material.INVALID, checks=material.BROKEN_SPLIT)).board
    assert board is not None
    assert not board.trusted
    assert board.groups[0].metrics[0].rows[0].effect == "+6.0%"


def test_board__metrics__are_grouped_by_role_in_reading_order() -> None:
    board = page(look(material.SHIP)).board
    assert board is not None
    assert [str(group.title) for group in board.groups] == ["Decision metrics", "Guardrails", "Secondary metrics"]
    assert [block.name for group in board.groups for block in group.metrics] == [
        "Conversion",
        "Refunds per visitor",
        "Revenue per visitor",
    ]
    assert str(board.groups[1].metrics[0].margin) == "margin 5%"


def test_board__relative__has_one_axis_for_all_and_pictures_with_numbers_of_their_own() -> None:
    board = page(look(material.SHIP)).board
    assert board is not None
    rows = [row for group in board.groups for block in group.metrics for row in block.rows]
    assert board.ticks == ("−15%", "0", "+15%")
    assert {row.bar.reach for row in rows if row.bar} == {"0.15"}
    assert [row.number for row in rows] == [1, 2, 3]


def test_board__absolute__has_an_axis_for_each_metric() -> None:
    board = page(look(material.SHIP), relative=False).board
    assert board is not None
    assert board.ticks == ()
    assert [block.ticks for group in board.groups for block in group.metrics] == [
        ("−1.5 pp", "0", "+1.5 pp"),
        ("−0.003", "0", "+0.003"),
        ("−0.8 USD", "0", "+0.8 USD"),
    ]


def test_samples__show_units_beside_the_planned_split_and_everything_left_out() -> None:
    samples = page(look(material.SHIP, exclusions=Exclusions(crossovers=12, immature=3_104))).samples
    assert samples is not None
    assert [(line.variant, line.units, line.observed, line.planned, line.control) for line in samples.lines] == [
        ("Fee as today", "20,000", "50.00%", "50%", True),
        ("Free from 39", "20,000", "50.00%", "50%", False),
    ]
    assert [(str(line.title), line.number) for line in samples.exclusions] == [
        ("Units that met several variants", "12"),
        ("Units that are not complete yet", "3,104"),
    ]
    assert samples.none_found.startswith("Looked for and not found: Rows that showed another variant than assigned; ")
    assert samples.none_found.count(";") == 6


def test_samples__import__shows_its_rows_by_reason() -> None:
    counts = {"rows_read": 294_478, "dropped": {"mismatched": 3_893, "repeated": 1}, "file": "ab_data.csv"}
    samples = page(look(material.SHIP), import_counts=counts).samples
    assert samples is not None
    assert [(str(fact.label), str(fact.value)) for fact in samples.imported] == [
        ("rows read", "294,478"),
        ("dropped: mismatched", "3,893"),
        ("dropped: repeated", "1"),
    ]


def test_progress__information_and_looks__are_told() -> None:
    progress = page(look(material.CONTINUE)).progress
    assert progress is not None
    assert [(line.metric, line.share, line.width) for line in progress.lines] == [("Conversion", "43.00%", "43.0")]
    assert [look.number for look in progress.looks] == [1, 2, 3, 4]


def test_progress__more_than_all__fills_the_bar_and_no_more() -> None:
    (first, *others) = material.comparisons(crossed=Crossing.BETTER)
    assert first.sequential is not None
    first = replace(first, sequential=replace(first.sequential, information_fraction=1.31))
    progress = page(material.evidence(material.scorecard((first, *others)), material.SHIP)).progress
    assert progress is not None
    assert (progress.lines[0].share, progress.lines[0].width) == ("131.00%", "100.0")


def test_timeline__journal_and_epochs__are_in_the_order_in_which_they_happened() -> None:
    later = material.START + timedelta(days=3)
    epoch = Epoch(
        2,
        later,
        500_000,
        (ArmShare("control", 900_000, ArmState.OPEN), ArmShare("treatment", 100_000, ArmState.CLOSED)),
    )
    journal = (
        JournalLine(1, material.START, "manager", "experiment.launch", ""),
        JournalLine(2, later - timedelta(seconds=1), "reviewer", "experiment.allocation", "Too many refunds"),
    )
    events = page(epochs=(epoch,), journal=journal).events
    assert [str(event.title) for event in events] == ["Launched", "Allocation changed", "Epoch 2 opened"]
    assert str(events[1].note) == "Too many refunds"
    assert str(events[2].note) == "Fee as today 90% · Free from 39 10% (closed to new units) · coverage 50%"


def test_decision__stopped_by_the_rule_and_concluded_by_a_person__names_both_with_reasons() -> None:
    journal = (
        JournalLine(5, material.END, "tiltyard", "experiment.stop", "Harm: treatment"),
        JournalLine(6, material.NOW, "manager", "experiment.conclude", "Agreed"),
    )
    decision = page(
        look(material.HARM),
        status=Status.CONCLUDED,
        journal=journal,
        conclusion="LOST",
        conclusion_note="Prices were unclear.",
    ).decision
    facts = [(str(fact.label), str(fact.value)) for fact in decision.facts]
    assert facts == [
        ("Status", "Concluded"),
        ("Stopped by", "the harm rule, 2026-03-14 08:00"),
        ("Reason", "Harm: treatment"),
        ("Concluded by", "manager, 2026-03-14 11:00"),
        ("Reason", "Agreed"),
        ("Conclusion", "Lost"),
    ]
    assert (str(decision.recommendation), decision.note) == ("Stop: it does harm", "Prices were unclear.")


def test_recorded__without_times__says_so_and_shows_the_import() -> None:
    card = replace(
        material.scorecard(material.comparisons()),
        source=Source.EXTERNAL,
        window_start=None,
        window_end=None,
        received_before=None,
        look=1,
    )
    found = page(
        material.evidence(card, material.SHIP),
        source=Source.EXTERNAL,
        plan=material.plan(recorded=True),
        imported_at=material.NOW,
        status=Status.STOPPED,
    )
    facts = {str(fact.label): str(fact.value) for fact in found.strip.facts}
    assert facts == {
        "Imported": "2026-03-14 11:00",
        "Units that took part": "40,000",
        "Look 1": "Recorded without times: one look at all of it.",
    }
    assert "Conclude the experiment as won" in str(found.strip.next_step)
    assert ("Source", "Recorded elsewhere, unit by unit") in [(str(f.label), str(f.value)) for f in found.facts]


def test_page__going_on_is_hardly_worth_it__says_so_and_lets_a_person_stop() -> None:
    futile = material.reason(ReasonCode.FUTILE, variant="treatment", metric="conversion", chance=0.04)
    verdict = replace(material.CONTINUE, reasons=(futile, *material.CONTINUE.reasons))
    found = page(look(verdict))
    assert found.strip.label == "Continue, though hardly worth it"
    assert found.strip.sentence.endswith("the chance to show it by the end is 4%.")
    assert str(found.strip.next_step).startswith("You may stop it now and keep the control")
