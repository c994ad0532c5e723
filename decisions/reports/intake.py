"""The page of what arrives and what is wrong with it, as its template and its JSON see it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from decisions.queries.intake import IntakeDay, Noted, SetAside
from decisions.queries.stale_looks import StaleFacts
from decisions.reports.addresses import readout_url
from decisions.reports.intake_wording import KINDS, fix_of
from experiments.queries.order_lines import UnbookedLines
from experiments.reports import figures
from experiments.reports.times import moment
from experiments.reports.wording import Text
from foundation.queries import ProjectFacts

QUARANTINED = "QUARANTINED"


@dataclass(frozen=True, slots=True)
class Warned:
    """One kind of warning: how often, when, an example without personal ids, and what to do."""

    kind: str
    reason: str
    count: int
    first_at: datetime
    last_at: datetime
    example: Any
    keys: str


@dataclass(frozen=True, slots=True)
class WarningRow:
    """A warning as a row of the page."""

    kind: Text
    reason: str
    fix: Text
    count: str
    first: str
    last: str
    example: str
    keys: str
    replays: bool


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day's figures; `sums_up` says whether they leave nothing unexplained."""

    day: str
    received: str
    accepted: str
    duplicates: str
    quarantined: str
    rejected: str
    dropped: str
    sums_up: bool


@dataclass(frozen=True, slots=True)
class StaleRow:
    """A look that later evidence concerns."""

    experiment: str
    url: str
    look: str
    since: str
    rows: str
    verdict: str
    restated: str


@dataclass(frozen=True, slots=True)
class IntakePage:
    """Everything about what one project received."""

    project: str
    key: str
    watermark: str
    warnings: tuple[WarningRow, ...]
    days: tuple[DayRow, ...]
    stale: tuple[StaleRow, ...]


def warnings_of(noted: list[Noted], aside: list[SetAside], lines: UnbookedLines | None) -> list[Warned]:
    """Return what was noted at the door, lies in quarantine or is not booked, the most frequent first in each kind."""
    found = [
        Warned(
            kind=note.kind.value,
            reason=note.reason,
            count=note.count,
            first_at=note.first_at,
            last_at=note.last_at,
            example=note.example,
            keys=", ".join(sorted(note.key_kinds)),
        )
        for note in noted
    ]
    found += [
        Warned(QUARANTINED, entry.reason, entry.count, entry.first_at, entry.last_at, entry.example, "")
        for entry in aside
    ]
    if lines is not None:
        example = {"item": lines.item, "event": lines.event}
        found.append(Warned("UNBOOKED", "COST_MISSING", lines.count, lines.first_at, lines.last_at, example, ""))
    order = list(KINDS)
    return sorted(found, key=lambda warned: (order.index(warned.kind), -warned.count, warned.reason))


def intake_page(
    project: ProjectFacts,
    *,
    watermark: datetime | None,
    warned: list[Warned],
    days: list[IntakeDay],
    stale: list[StaleFacts],
) -> IntakePage:
    """Return the page of a project."""
    return IntakePage(
        project=project.name,
        key=project.key,
        watermark="" if watermark is None else moment(watermark, project.time_zone),
        warnings=tuple(_warning(entry, project) for entry in warned),
        days=tuple(_day(day) for day in reversed(days)),
        stale=tuple(_stale(entry, project) for entry in stale),
    )


def intake_document(
    project: ProjectFacts,
    *,
    watermark: datetime | None,
    warned: list[Warned],
    days: list[IntakeDay],
    stale: list[StaleFacts],
) -> dict[str, Any]:
    """Return the same facts for programs."""
    return {
        "schema": 1,
        "project": project.key,
        "watermark": watermark,
        "warnings": [
            {
                "kind": entry.kind,
                "reason": entry.reason or None,
                "count": entry.count,
                "first_at": entry.first_at,
                "last_at": entry.last_at,
                "example": entry.example,
                "fix": str(fix_of(entry.kind, entry.reason)),
            }
            for entry in warned
        ],
        "days": [
            {
                "day": day.day.isoformat(),
                "received": day.received,
                "accepted": day.accepted,
                "duplicates": day.duplicates,
                "quarantined": day.quarantined,
                "rejected": day.rejected,
                "unaccounted": day.unaccounted,
                "dropped_properties": day.dropped_properties,
                "rejections": dict(day.rejections),
                "quarantines": dict(day.quarantines),
            }
            for day in days
        ],
        "stale_looks": [
            {
                "experiment": entry.experiment_key,
                "look": entry.look,
                "since": entry.since,
                "rows": entry.rows,
                "restated": entry.is_restated,
                "restated_before": entry.restated_before,
                "verdict": entry.verdict_before,
                "restated_verdict": entry.verdict_state or None,
                "scorecard": json.loads(entry.content) if entry.content else None,
            }
            for entry in stale
        ],
    }


def _warning(entry: Warned, project: ProjectFacts) -> WarningRow:
    return WarningRow(
        kind=KINDS[entry.kind],
        reason=entry.reason,
        fix=fix_of(entry.kind, entry.reason),
        count=figures.count(entry.count),
        first=moment(entry.first_at, project.time_zone),
        last=moment(entry.last_at, project.time_zone),
        example="" if entry.example is None else json.dumps(entry.example, ensure_ascii=False, indent=1),
        keys=entry.keys,
        replays=entry.kind == QUARANTINED,
    )


def _day(day: IntakeDay) -> DayRow:
    return DayRow(
        day=day.day.isoformat(),
        received=figures.count(day.received),
        accepted=figures.count(day.accepted),
        duplicates=figures.count(day.duplicates),
        quarantined=figures.count(day.quarantined),
        rejected=figures.count(day.rejected),
        dropped=figures.count(day.dropped_properties),
        sums_up=day.unaccounted == 0,
    )


def _stale(entry: StaleFacts, project: ProjectFacts) -> StaleRow:
    return StaleRow(
        experiment=entry.experiment_key,
        url=readout_url(entry.experiment_key, project),
        look=str(entry.look),
        since=moment(entry.since, project.time_zone),
        rows=figures.count(entry.rows),
        verdict=entry.verdict_before,
        restated=entry.verdict_state if entry.is_restated else "",
    )
