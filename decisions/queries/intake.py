"""What became of the messages that arrived, by project and day of receipt (UTC): nothing vanishes without a figure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import Max, Min, Sum

from decisions.models import EventLog, IntakeCount
from decisions.vocabulary import IntakeKind
from experiments.queries.quarantine import quarantine_groups, quarantined_by_day


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeDay:
    """The messages received on a day: `accepted` (duplicates included) + `quarantined` + `rejected` = `received`.

    A message in quarantine was stored and does not count; once it is replayed it is accepted. Decisions of the edge
    itself are messages too. The counts in the database are written with the messages, so they are as durable as these;
    of requests of which nothing was stored they follow within seconds.
    """

    day: date
    received: int
    stored: int
    duplicates: int
    quarantined: int
    rejected: int
    dropped_properties: int
    rejections: Mapping[str, int] = field(default_factory=dict)
    quarantines: Mapping[str, int] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        """What counts, or was there before."""
        return self.stored + self.duplicates - self.quarantined

    @property
    def unaccounted(self) -> int:
        """What the figures leave unexplained: 0."""
        return self.received - self.accepted - self.quarantined - self.rejected


@dataclass(frozen=True, slots=True)
class Noted:
    """How often one thing was noted at the door, when, and an example without personal ids."""

    kind: IntakeKind
    reason: str
    key_kinds: Mapping[str, int]
    first_at: datetime
    last_at: datetime
    example: Any

    @property
    def count(self) -> int:
        """Over all kinds of keys."""
        return sum(self.key_kinds.values())


@dataclass(frozen=True, slots=True)
class SetAside:
    """The messages in quarantine with one reason, when they came, and the newest of them as it was stored."""

    reason: str
    count: int
    first_at: datetime
    last_at: datetime
    example: Any


def intake_days(project_id: int, *, first: date, last: date) -> list[IntakeDay]:
    """Return the figures of the days from `first` to `last` on which anything was received, oldest first."""
    counted: dict[date, dict[tuple[str, str], int]] = {}
    rows = IntakeCount.objects.filter(project_id=project_id, day__gte=first, day__lte=last)
    for row in rows.values("day", "kind", "reason").annotate(total=Sum("count")):
        counted.setdefault(row["day"], {})[row["kind"], row["reason"]] = int(row["total"])
    since = datetime.combine(first, time(), tzinfo=UTC)
    aside = {day: count for day, count in quarantined_by_day(project_id, since=since).items() if day <= last}
    reasons: dict[date, dict[str, int]] = {}
    for group in quarantine_groups(project_id, since=since):
        reasons.setdefault(group.day, {})[group.reason] = group.messages
    return [
        _day(day, counted.get(day, {}), aside.get(day, 0), reasons.get(day, {})) for day in sorted({*counted, *aside})
    ]


def noted_at_the_door(project_id: int, *, first: date) -> list[Noted]:
    """Return what was noted since a day, without plain receipts, by kind and reason."""
    kinds = [
        kind for kind in IntakeKind if kind not in (IntakeKind.RECEIVED, IntakeKind.ACCEPTED, IntakeKind.DUPLICATE)
    ]
    rows = IntakeCount.objects.filter(project_id=project_id, day__gte=first, kind__in=kinds)
    spans = rows.values("kind", "reason").annotate(first_at=Min("first_at"), last_at=Max("last_at"))
    keys: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows.values("kind", "reason", "key_kind").annotate(total=Sum("count")):
        keys.setdefault((row["kind"], row["reason"]), {})[row["key_kind"]] = int(row["total"])
    examples = {
        (kind, reason): example
        for kind, reason, example in rows.exclude(example=None)
        .order_by("last_at")
        .values_list("kind", "reason", "example")
    }
    return [
        Noted(
            kind=IntakeKind(row["kind"]),
            reason=row["reason"],
            key_kinds=keys[row["kind"], row["reason"]],
            first_at=row["first_at"],
            last_at=row["last_at"],
            example=examples.get((row["kind"], row["reason"])),
        )
        for row in spans.order_by("kind", "reason")
    ]


def set_aside(project_id: int, *, first: date) -> list[SetAside]:
    """Return what lies in quarantine and was received since a day, by reason."""
    found: dict[str, SetAside] = {}
    for group in quarantine_groups(project_id, since=datetime.combine(first, time(), tzinfo=UTC)):
        known = found.get(group.reason)
        found[group.reason] = SetAside(
            reason=group.reason,
            count=group.messages + (known.count if known else 0),
            first_at=known.first_at if known else group.first_at,
            last_at=group.last_at,
            example=_stored(project_id, group.newest.day, group.newest.message_id),
        )
    return [found[reason] for reason in sorted(found)]


def _day(day: date, counted: Mapping[tuple[str, str], int], quarantined: int, reasons: Mapping[str, int]) -> IntakeDay:
    rejections = {reason: count for (kind, reason), count in counted.items() if kind == IntakeKind.REJECTED}
    return IntakeDay(
        day=day,
        received=counted.get((IntakeKind.RECEIVED, ""), 0),
        stored=counted.get((IntakeKind.ACCEPTED, ""), 0),
        duplicates=counted.get((IntakeKind.DUPLICATE, ""), 0),
        quarantined=quarantined,
        rejected=sum(rejections.values()),
        dropped_properties=counted.get((IntakeKind.DROPPED, ""), 0),
        rejections=rejections,
        quarantines=reasons,
    )


def _stored(project_id: int, day: date, message_id: str) -> dict[str, Any] | None:
    """Return what the log keeps of a message that helps to find its fault; no ids of shoppers, not even hashed."""
    row = EventLog.objects.filter(project_id=project_id, day=day, message_id=message_id).first()
    if row is None:
        return None
    return {
        "type": row.kind,
        "event": row.event,
        "timestamp": row.occurred_at.isoformat() if row.occurred_at else None,
        "received": row.received_at.isoformat(),
        "properties": {name: value for name, value in row.properties.items() if name != "session_id"},
        "claims": [
            {name: entry.get(name) for name in ("experiment", "variant", "epoch", "verification", "reason")}
            for entry in (row.enrolments or [])
            if isinstance(entry, dict)
        ],
    }
