"""From a readout's records to its page: no database, no request, only words and numbers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from experiments.analysis.verdict import hopeless
from experiments.queries.readouts import Evidence, Readout
from experiments.reports import figures
from experiments.reports.health import health_of
from experiments.reports.history import decision_of, events_of
from experiments.reports.names import Names, names_of
from experiments.reports.nextsteps import next_step
from experiments.reports.page import Fact, Link, Page, Strip
from experiments.reports.related import NOTHING, Related
from experiments.reports.samples import calendar_of, progress_of, samples_of
from experiments.reports.scoreboard import Scale, board_of
from experiments.reports.segments import segments_of
from experiments.reports.sentences import sentences_of
from experiments.reports.times import age, moment
from experiments.reports.wording import (
    HARDLY_WORTH_IT,
    NO_DATA,
    PAYABLES,
    SOURCES,
    STATUSES,
    UNITS,
    Words,
    verdict_words,
)
from experiments.vocabulary import Source, Status, VerdictState


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the page's links lead."""

    relative: str
    absolute: str
    csv: str
    json: str
    admin: str
    segments_csv: str = ""
    schedule_csv: str = ""
    explore: str = ""


def page_of(
    readout: Readout, *, relative: bool, addresses: Addresses, now: datetime, related: Related = NOTHING
) -> Page:
    """Return the page of a readout; `now` is wall time, against which the age of the data is told."""
    names = names_of(readout)
    seen, plan = readout.evidence, readout.plan
    words = _verdict_words(readout, names)
    scale = Scale(relative, addresses.relative, addresses.absolute)
    has_figures = seen is not None and plan is not None
    return Page(
        key=readout.key,
        name=readout.name,
        hypothesis=readout.hypothesis,
        status=STATUSES[readout.status],
        project=readout.project.name,
        facts=_facts(readout),
        related=related.links,
        cards=related.cards,
        strip=_heard(_strip(readout, words, names, addresses, now), related),
        health=health_of(seen.scorecard, names) if seen else None,
        board=board_of(
            seen.scorecard,
            plan,
            names=names,
            currency=readout.project.currency,
            scale=scale,
            trusted=seen.verdict.state is not VerdictState.INVALID,
        )
        if seen and plan
        else None,
        segments=segments_of(
            seen.scorecard, plan, names=names, currency=readout.project.currency, csv_url=addresses.segments_csv
        )
        if seen and plan
        else None,
        samples=samples_of(seen.scorecard, plan, readout, names) if seen and plan else None,
        progress=progress_of(seen.scorecard, plan, readout, names) if seen and plan else None,
        events=events_of(readout, names),
        decision=decision_of(readout, words),
        csv_url=addresses.csv if has_figures else "",
        json_url=addresses.json,
        admin_url=addresses.admin,
        explore_url=addresses.explore if readout.source is Source.OWN and readout.period_minutes is None else "",
        schedule_url=addresses.schedule_csv if readout.has_schedule else "",
    )


def _verdict_words(readout: Readout, names: Names) -> Words | None:
    seen = readout.evidence
    if seen is None:
        return None
    if _is_hopeless(readout):
        return HARDLY_WORTH_IT
    winner = seen.verdict.winner
    return verdict_words(seen.verdict.state, names.variant(winner) if winner else None)


def _is_hopeless(readout: Readout) -> bool:
    seen, plan = readout.evidence, readout.plan
    return seen is not None and plan is not None and hopeless(plan, seen.verdict)


def _strip(readout: Readout, words: Words | None, names: Names, addresses: Addresses, now: datetime) -> Strip:
    seen = readout.evidence
    shown = words or NO_DATA
    sentences = _sentences(readout, names)
    winner = names.variant(seen.verdict.winner) if seen and seen.verdict.winner else None
    return Strip(
        label=shown.label,
        tone=shown.tone,
        glyph=shown.glyph,
        sentence=sentences[0] if sentences else _("Nothing has been analysed so far."),
        more=tuple(sentences[1:]),
        next_step=next_step(
            status=readout.status,
            source=readout.source,
            state=seen.verdict.state if seen else None,
            winner=winner,
            hopeless=_is_hopeless(readout),
        ),
        next_link=None if readout.status is Status.CONCLUDED else Link(_("Open its form"), addresses.admin),
        facts=tuple(_freshness(readout, seen, now)) if seen else (),
        fault=_fault(readout),
    )


def _heard(strip: Strip, related: Related) -> Strip:
    """Return the strip with the next step of an app above in place of its own."""
    if not related.next_step:
        return strip
    return replace(strip, next_step=related.next_step, next_link=related.next_link)


def _fault(readout: Readout) -> str:
    """Return why the latest look is missing; what is shown is then the last good one."""
    if readout.fault is None:
        return ""
    told = {"error": readout.fault.error[:300], "attempts": readout.fault.attempts}
    if readout.fault.dead:
        return _("The latest analysis failed and is tried no more (%(attempts)s attempts): %(error)s") % told
    return _("The latest analysis failed and will be tried again (attempt %(attempts)s): %(error)s") % told


def _sentences(readout: Readout, names: Names) -> list[str]:
    seen, plan = readout.evidence, readout.plan
    if seen is None or plan is None:
        return []
    currency = readout.project.currency
    return sentences_of(seen.verdict.reasons, names=names, plan=plan, currency=currency)


def _freshness(readout: Readout, seen: Evidence, now: datetime) -> list[Fact]:
    card, zone = seen.scorecard, readout.project.time_zone
    facts = []
    if card.window_end is not None and readout.source is Source.OWN:
        told = age(card.window_end, readout.project.clock.at(now))
        facts.append(Fact(_("Data complete to"), f"{moment(card.window_end, zone)} ({zone}), {told}"))
    elif card.window_end is not None:
        facts.append(Fact(_("Recorded until"), moment(card.window_end, zone)))
    if readout.imported_at is not None:
        facts.append(Fact(_("Imported"), moment(readout.imported_at, zone)))
    units = sum(count.units for count in card.variants)
    facts.append(Fact(_("Units that took part"), figures.count(units)))
    if readout.plan is not None:
        facts.append(Fact(_("Look %(number)s") % {"number": card.look}, calendar_of(card, readout.plan)))
    return facts


def period_words(minutes: int) -> str:
    """Return the length of a period as people say it."""
    for unit, text in ((1440, _("%(count)d days")), (60, _("%(count)d hours"))):
        if minutes % unit == 0:
            return text % {"count": minutes // unit}
    return _("%(count)d minutes") % {"count": minutes}


def _facts(readout: Readout) -> tuple[Fact, ...]:
    zone = readout.project.time_zone
    facts = [
        Fact(_("Project"), readout.project.name),
        Fact(_("Status"), STATUSES[readout.status]),
        Fact(_("Randomization unit"), UNITS[readout.unit_kind]),
    ]
    if readout.source is not Source.OWN:
        facts.append(Fact(_("Source"), SOURCES[readout.source]))
    elif readout.started_at is not None:
        facts.append(Fact(_("Started"), moment(readout.started_at, zone)))
    if readout.period_minutes is not None:
        facts.append(Fact(_("Randomised anew every"), period_words(readout.period_minutes)))
    return (*facts, *_payable_facts(readout))


def _payable_facts(readout: Readout) -> Iterator[Fact]:
    """Yield what it changes of the amount that a person pays, and who answers for it where persons pay differently."""
    if readout.payable:
        yield Fact(_("Changes what a person pays"), PAYABLES[readout.payable])
    if readout.override is not None:
        told = {"who": readout.override.acting_user, "countries": ", ".join(readout.override.jurisdictions)}
        yield Fact(_("Persons may pay differently"), _("%(who)s answers for it in %(countries)s") % told)
        yield Fact(_("Reason"), readout.override.reason)
        yield Fact(_("Shoppers are told"), readout.override.disclosure)
