"""What lies in quarantine: messages by reason, and which they are."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Max, Min, QuerySet

from experiments.models import Quarantine


@dataclass(frozen=True, slots=True)
class QuarantinedKey:
    """A row of the quarantine and the message of the event log that it is about."""

    id: int
    day: date
    message_id: str


@dataclass(frozen=True, slots=True)
class QuarantineGroup:
    """The messages with one reason that were received on one day (UTC), and the newest of them."""

    day: date
    reason: str
    messages: int
    first_at: datetime
    last_at: datetime
    newest: QuarantinedKey


def quarantine_counts(project_id: int) -> dict[str, int]:
    """Return how many messages of a project are in quarantine, by reason; one with several reasons counts for each."""
    rows = _events(project_id).values("reason").annotate(count=Count("reference", distinct=True)).order_by("reason")
    return {row["reason"]: row["count"] for row in rows}


def quarantined_messages(
    project_id: int, *, reason: str | None = None, after: int = 0, limit: int
) -> list[QuarantinedKey]:
    """Return rows of the quarantine by id, those after an id, at most `limit`."""
    rows = _events(project_id).filter(pk__gt=after)
    if reason is not None:
        rows = rows.filter(reason=reason)
    return [_key(row) for row in rows.order_by("pk")[:limit]]


def quarantine_groups(project_id: int, *, since: datetime) -> list[QuarantineGroup]:
    """Return the quarantine of a project by day of receipt (UTC) and reason, what was received since then."""
    rows = (
        _events(project_id)
        .filter(received_at__gte=since)
        .values("received_at__date", "reason")
        .annotate(
            messages=Count("reference", distinct=True),
            first_at=Min("received_at"),
            last_at=Max("received_at"),
            newest=Max("pk"),
        )
        .order_by("received_at__date", "reason")
    )
    found = list(rows)
    newest = {row.pk: _key(row) for row in Quarantine.objects.filter(pk__in=[row["newest"] for row in found])}
    return [
        QuarantineGroup(
            day=row["received_at__date"],
            reason=row["reason"],
            messages=row["messages"],
            first_at=row["first_at"],
            last_at=row["last_at"],
            newest=newest[row["newest"]],
        )
        for row in found
    ]


def quarantined_by_day(project_id: int, *, since: datetime) -> dict[date, int]:
    """Return how many messages of each day of receipt (UTC) are in quarantine; each counts once."""
    rows = _events(project_id).filter(received_at__gte=since).values("received_at__date")
    counted = rows.annotate(messages=Count("reference", distinct=True)).order_by("received_at__date")
    return {row["received_at__date"]: row["messages"] for row in counted}


def _events(project_id: int) -> QuerySet[Quarantine]:
    return Quarantine.objects.filter(project_id=project_id, origin=Quarantine.Origin.EVENT)


def _key(row: Quarantine) -> QuarantinedKey:
    return QuarantinedKey(int(row.pk), date.fromisoformat(row.payload["day"]), row.payload["message_id"])
