"""What came of a version: who it served, what it decided, which experiments and promotions rest on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from decisions.queries.model_records import VersionRecord, version_record
from models_registry.queries.aliases import MoveFacts, moves_of
from models_registry.queries.kin import runs_on_data, versions_with_bytes
from models_registry.queries.runs import RunFacts
from models_registry.queries.versions import VersionFacts

LATELY: Final = timedelta(days=30)
_ROOM: Final = timedelta(days=2)
_DECISIONS: Final = """
SELECT properties->>'decision_point', properties->>'reason', count(*), min(occurred_at), max(occurred_at)
FROM decisions_eventlog
WHERE project_id = %s AND kind = 'decision' AND day >= %s AND received_at > %s AND properties->>'version' = %s
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""


@dataclass(frozen=True, slots=True)
class MadeFacts:
    """How many decisions of a point rest on a version, by reason; times are project time."""

    point: str
    reason: str
    decisions: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Descent:
    """A version with its lineage both ways.

    `record` has the run, the aliases, the experiments and their proposals. moves: of aliases, that gave it something or
    took it away, newest first. made: decisions of the last 30 days. same_data: other runs that learnt from the same
    data. same_bytes: other versions that rest on the same artifact.
    """

    record: VersionRecord
    moves: tuple[MoveFacts, ...]
    made: tuple[MadeFacts, ...]
    same_data: Sequence[RunFacts]
    same_bytes: Sequence[VersionFacts]

    @property
    def version(self) -> VersionFacts:
        """The version that it is about."""
        return self.record.version

    @property
    def dropped_at(self) -> datetime | None:
        """When its bytes were dropped, None for a version that can serve."""
        return self.record.dropped_at


def descent_of(version: VersionFacts, *, now: datetime) -> Descent:
    """Return a version with its lineage both ways; `now` is wall time."""
    record = version_record(version)
    project_id = version.model.project_id
    data = str(record.run.dataset.get("sha256") or "")
    return Descent(
        record=record,
        moves=tuple(move for move in moves_of(version.model.id) if _concerns(move, version.id)),
        made=made_by(version, now=now, today=record.project.clock.at(now)),
        same_data=[run for run in runs_on_data(project_id, data) if run.id != record.run.id],
        same_bytes=[kin for kin in versions_with_bytes(project_id, version.sha256) if kin.id != version.id],
    )


def made_by(version: VersionFacts, *, now: datetime, today: datetime) -> tuple[MadeFacts, ...]:
    """Return how many decisions of the last 30 days (by receipt) rest on a version, by point and reason."""
    values: list[Any] = [
        version.model.project_id,
        (min(now, today) - LATELY - _ROOM).date(),
        now - LATELY,
        str(version.id),
    ]
    with connection.cursor() as cursor:
        cursor.execute(_DECISIONS, values)
        return tuple(
            MadeFacts(str(point), str(reason), int(count), first, last)
            for point, reason, count, first, last in cursor.fetchall()
        )


def _concerns(move: MoveFacts, version_id: int) -> bool:
    held_before = any(holder.version == version_id for holder in move.before)
    return held_before is not any(holder.version == version_id for holder in move.after)
