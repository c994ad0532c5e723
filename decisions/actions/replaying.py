"""Replaying the quarantine: once its cause is mended, what was set aside is judged again and counts from now on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from decisions.actions.projection import replay_messages
from experiments.queries.quarantine import quarantine_counts, quarantined_messages
from foundation.actions.journal import write_journal
from foundation.queries import project_by_key

CHUNK = 5_000
"""Messages judged in one transaction, so that none lasts longer than the guard of reports."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did: messages in quarantine by reason before and after, and what came out of it."""

    before: dict[str, int]
    after: dict[str, int]
    judged: int
    released: int
    exposures: int
    outcomes: int

    def lines(self) -> Iterator[str]:
        """Yield a report for people."""
        yield f"{self.judged} messages judged again, {self.released} count from now on"
        yield f"{self.exposures} exposures and {self.outcomes} outcomes recorded"
        for reason in sorted({*self.before, *self.after}):
            yield f"{reason}: {self.before.get(reason, 0)} before, {self.after.get(reason, 0)} after"


def replay_quarantine(
    *, project_key: str, acting_user: str, now: datetime, reason: str | None = None, why: str = ""
) -> Replayed:
    """Judge the quarantined events of a project again, all or those with one reason, in chunks of one transaction each.

    Messages keep their own times; what counts now is received now for looks and rebuilds, so that looks that were taken
    stay what they were, and those it concerns are marked as stale. What still has a fault is not touched, so that a
    second replay changes nothing more. `why` goes into the journal. Raises ProjectUnknown.
    """
    project = project_by_key(project_key)
    before = quarantine_counts(project.id)
    judged = released = exposures = outcomes = 0
    after_id = 0
    while keys := quarantined_messages(project.id, reason=reason, after=after_id, limit=CHUNK):
        after_id = keys[-1].id
        with transaction.atomic():
            done, freed = replay_messages(
                project_id=project.id, keys=sorted({(key.day, key.message_id) for key in keys}), at=_receipt()
            )
        judged, released = judged + done.messages, released + len(freed)
        exposures, outcomes = exposures + done.exposures, outcomes + done.outcomes
    after = quarantine_counts(project.id)
    with transaction.atomic():
        write_journal(
            project_id=project.id,
            at=now,
            actor=acting_user,
            action="quarantine.replay",
            subject=f"quarantine:{reason or 'all'}",
            reason=why,
            before={"quarantined": before},
            after={"quarantined": after, "released": released},
        )
    return Replayed(before, after, judged, released, exposures, outcomes)


def _receipt() -> datetime:
    """Return the database's time: receipts are its own, never those of the machine that works."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at: datetime = cursor.fetchone()[0]
    return at
