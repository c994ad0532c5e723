"""What the page of a decision point tells of its batches, and the page of one batch of its decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from decisions.domain import Domain, Mode
from decisions.models import DecisionPoint
from decisions.queries.batch_points import batch_point, cadence_due, newest_due
from decisions.queries.batches import (
    BatchFacts,
    BatchLine,
    BatchUnknown,
    batch_by_id,
    batches_of,
    changes_in,
    reasons_of,
    some_lines,
)
from decisions.queries.points import PointFacts
from decisions.registry import all_domains
from foundation.queries import ProjectFacts, project_facts

NEWEST: Final = 10
LINES: Final = 200
"""Decisions on a page."""
IN_TIME: Final = timedelta(minutes=15)
"""Project time after which a batch that is due and not there is late."""


@dataclass(frozen=True, slots=True)
class BatchesRecord:
    """The batches of a decision point, newest first. Times are project time.

    next_due: when the next one is due by the cadence, None where none is made. is_late: whether one that is due is not
    there. reasons: those of the newest batch.
    """

    domain: Domain
    every_minutes: int | None
    webhook: str
    settings: Mapping[str, float | str]
    newest: Sequence[BatchFacts]
    reasons: Mapping[str, int]
    next_due: datetime | None
    is_late: bool


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """One batch with a page of its decisions. after: the subject after which it begins. more: whether any follow.

    changed: whether only decisions that change something are on it. changes: how many there are of these.
    """

    project: ProjectFacts
    point: PointFacts
    batch: BatchFacts
    reasons: Mapping[str, int]
    changes: int
    lines: Sequence[BatchLine]
    after: str
    more: bool
    changed: bool


def batches_record(point: PointFacts, *, now: datetime) -> BatchesRecord | None:
    """Return the batches of a decision point, None where its domain decides at each request. `now` is wall time."""
    domain = all_domains().get(point.domain)
    if domain is None or domain.mode is not Mode.BATCH:
        return None
    project, facts = project_facts(point.project_id), batch_point(point.id)
    at, every = project.clock.at(now), facts.every_minutes
    newest = batches_of(point.id, limit=NEWEST)
    due = newest_due(facts, at=at, zone=project.time_zone)
    is_missing = due is not None and (not newest or newest[0].due_at < due)
    return BatchesRecord(
        domain=domain,
        every_minutes=every,
        webhook=facts.webhook,
        settings=DecisionPoint.objects.values_list("settings", flat=True).get(pk=point.id),
        newest=newest,
        reasons=reasons_of(newest[0].id) if newest else {},
        next_due=None if every is None else cadence_due(at + timedelta(minutes=every), every, project.time_zone),
        is_late=is_missing and due is not None and at - due > IN_TIME,
    )


def batch_of(point: PointFacts, batch_id: int) -> BatchFacts:
    """Return a batch of a decision point, without its decisions. Raises BatchUnknown."""
    batch = batch_by_id(batch_id, project_id=point.project_id)
    if batch.point_id != point.id:
        raise BatchUnknown(f"The decision point {point.key} has no batch {batch_id}.")
    return batch


def batch_record(point: PointFacts, batch_id: int, *, after: str = "", changed: bool = False) -> BatchRecord:
    """Return a batch of a decision point with a page of its decisions. Raises BatchUnknown."""
    batch = batch_of(point, batch_id)
    found = some_lines(batch_id, after=after, limit=LINES + 1, changed=changed)
    return BatchRecord(
        project=project_facts(point.project_id),
        point=point,
        batch=batch,
        reasons=reasons_of(batch_id),
        changes=changes_in(batch_id),
        lines=found[:LINES],
        after=after,
        more=len(found) > LINES,
        changed=changed,
    )
