"""What the last pull of a feed gave, in words."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from decisions.queries.feeds import PullOutcome, PullState
from experiments.reports.times import moment


@dataclass(frozen=True, slots=True)
class PullWords:
    """A pull for people to read: what happened, when, and the first lines that were refused, each with its number."""

    summary: str
    time: str
    faults: tuple[str, ...]


def pull_words(outcome: PullOutcome | None, zone: str) -> PullWords:
    """Return the words for a pull; times are in the zone of the shop."""
    if outcome is None:
        return PullWords(_("It has not been pulled yet."), "", ())
    return PullWords(
        summary=_summary(outcome),
        time=moment(datetime.fromisoformat(outcome.at), zone),
        faults=tuple(
            _("Line %(line)s: %(reason)s") % {"line": fault.line, "reason": fault.reason} for fault in outcome.faults
        ),
    )


def _summary(outcome: PullOutcome) -> str:
    if outcome.state is PullState.UNCHANGED:
        return _("The file is as it was, so its items are confirmed as they are.")
    if outcome.state is PullState.FAILED:
        why = _("Nothing was changed. %(message)s [%(code)s]")
        return why % {"message": outcome.message, "code": outcome.code}
    counts = {"created": outcome.created, "updated": outcome.updated, "unchanged": outcome.unchanged}
    told = _("Taken: %(created)s new, %(updated)s changed, %(unchanged)s as they were.") % counts
    if not outcome.refused:
        return told
    refused = ngettext("%(n)s line was refused.", "%(n)s lines were refused.", outcome.refused)
    return f"{told} {refused % {'n': outcome.refused}}"
