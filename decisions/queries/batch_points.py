"""Decision points that decide in batches, and when they are due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from decisions.domain import Mode
from decisions.models import DecisionPoint
from decisions.queries.points import PointUnknown, experiments_at
from decisions.registry import all_domains
from experiments.assignment.periods import DAY_MINUTES
from experiments.queries.period_starts import latest_period_start


@dataclass(frozen=True, slots=True)
class BatchPoint:
    """A decision point that decides in batches. every_minutes: None while it makes none."""

    id: int
    project_id: int
    key: str
    domain: str
    every_minutes: int | None
    webhook: str


def batch_points(project_id: int) -> Sequence[BatchPoint]:
    """Return the decision points of a project that make batches by themselves, oldest first."""
    keys = [domain.key for domain in all_domains().values() if domain.mode is Mode.BATCH]
    rows = DecisionPoint.objects.filter(project_id=project_id, domain__in=keys, every_minutes__isnull=False)
    return [_facts(row) for row in rows.order_by("pk")]


def batch_point(point_id: int) -> BatchPoint:
    """Return a decision point as batches see it. Raises PointUnknown."""
    row = DecisionPoint.objects.filter(pk=point_id).first()
    if row is None:
        raise PointUnknown(f"There is no decision point {point_id}.")
    return _facts(row)


def newest_due(point: BatchPoint, *, at: datetime, zone: str) -> datetime | None:
    """Return the last moment until a project time at which a batch of the point was due, None where it makes none.

    By its cadence, and whenever a period of an experiment at the point begins: what holds in a period must not be left
    over from the one before until the next batch.
    """
    if point.every_minutes is None:
        return None
    regular = cadence_due(at, point.every_minutes, zone)
    began = latest_period_start(experiments_at(point.id), at=at)
    return regular if began is None else max(regular, began)


def cadence_due(at: datetime, every_minutes: int, zone: str) -> datetime:
    """Return the last moment of a cadence until a time, in UTC.

    Less than a day is counted anew from each midnight of the zone; a day or more is counted in whole days, the same for
    everybody whatever day it is begun on.
    """
    local = at.astimezone(ZoneInfo(zone))
    if every_minutes < DAY_MINUTES:
        midnight = datetime.combine(local.date(), time(), tzinfo=local.tzinfo).astimezone(UTC)
        step = timedelta(minutes=every_minutes)
        return midnight + (at - midnight) // step * step
    ordinal = local.date().toordinal()
    day = local.date() - timedelta(days=ordinal % (every_minutes // DAY_MINUTES))
    return datetime.combine(day, time(), tzinfo=local.tzinfo).astimezone(UTC)


def skipped_between(previous: datetime, due: datetime, every_minutes: int) -> int:
    """Return how many moments of a cadence lie between two at which batches were made."""
    return max(0, round((due - previous) / timedelta(minutes=every_minutes)) - 1)


def _facts(row: DecisionPoint) -> BatchPoint:
    return BatchPoint(
        id=int(row.pk),
        project_id=row.project_id,
        key=row.key,
        domain=row.domain,
        every_minutes=row.every_minutes,
        webhook=row.webhook,
    )
