"""What happened to an experiment, and what was decided about it."""

from collections.abc import Iterator
from typing import Final

from django.utils.translation import gettext as _

from experiments.lifecycle import Transition
from experiments.queries.readouts import Epoch, Readout
from experiments.reports import figures
from experiments.reports.names import Names
from experiments.reports.page import Decision, Event, Fact
from experiments.reports.times import moment
from experiments.reports.wording import ACTIONS, ARM_STATES, CONCLUSIONS, NO_DATA, STATUSES, Text, Words
from experiments.vocabulary import ArmState
from foundation.queries import JournalLine

SLOTS: Final = 1_000_000


def events_of(readout: Readout, names: Names) -> tuple[Event, ...]:
    """Return journal entries and allocation epochs in the order in which they happened, oldest first."""
    zone = readout.project.time_zone
    dated = [(line.at, _journal_event(line, zone)) for line in readout.journal]
    dated += [(epoch.opened_at, _epoch_event(epoch, zone, names)) for epoch in readout.epochs]
    return tuple(event for _at, event in sorted(dated, key=lambda pair: pair[0]))


def decision_of(readout: Readout, recommendation: Words | None) -> Decision:
    """Return the recommendation beside what people (or the harm rule) did about it."""
    words = recommendation or NO_DATA
    return Decision(
        recommendation=words.label,
        tone=words.tone,
        glyph=words.glyph,
        facts=tuple(_decision_facts(readout)),
        note=readout.conclusion_note,
    )


def _decision_facts(readout: Readout) -> Iterator[Fact]:
    zone = readout.project.time_zone
    yield Fact(_("Status"), STATUSES[readout.status])
    last = {line.action: line for line in readout.journal}
    for transition, label in ((Transition.STOP, _("Stopped by")), (Transition.CONCLUDE, _("Concluded by"))):
        line = last.get(f"experiment.{transition}")
        if line is not None:
            yield Fact(label, f"{_actor(line.actor)}, {moment(line.at, zone)}")
            if line.reason:
                yield Fact(_("Reason"), line.reason)
    if readout.conclusion:
        yield Fact(_("Conclusion"), CONCLUSIONS.get(readout.conclusion, readout.conclusion))


def _actor(name: str) -> Text:
    return _("the harm rule") if name == "tiltyard" else name


def _journal_event(line: JournalLine, zone: str) -> Event:
    title = ACTIONS.get(line.action, line.action)
    return Event(time=moment(line.at, zone), title=title, actor=_actor(line.actor), note=line.reason)


def _epoch_event(epoch: Epoch, zone: str, names: Names) -> Event:
    parts = []
    for held in epoch.shares:
        text = f"{names.variant(held.variant)} {figures.percent(held.weight / SLOTS)}"
        parts.append(text if held.state is ArmState.OPEN else f"{text} ({ARM_STATES[held.state]})")
    parts.append(_("coverage %(share)s") % {"share": figures.percent(epoch.coverage / SLOTS)})
    return Event(
        time=moment(epoch.opened_at, zone),
        title=_("Epoch %(number)s opened") % {"number": epoch.number},
        actor="",
        note=" · ".join(parts),
    )
