"""Retention: days of log and outcomes are made ahead, and dropped when the policy says so and nobody needs them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import transaction

from decisions.models import IntakeCount, Replay
from experiments.queries.retention import Need, needed_days
from foundation.actions.jobs import enqueue
from foundation.actions.journal import write_journal
from foundation.actions.partitions import Partition, days_ahead, drop_day, ensure_days, partitions_of
from foundation.queries import RETENTION_DROP, RETENTION_SUBJECT, ProjectFacts, all_projects

KEEP_PARTITIONS = "keep_partitions"
TABLES = ("decisions_eventlog", "experiments_outcome")
DAYS_AHEAD = 3
SYSTEM = "system"

Effect = Callable[[datetime], object]


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """Days before `cut` go. It is the policy's day `wanted`, or an earlier one because of `kept_for`."""

    wanted: date
    cut: date
    kept_for: tuple[tuple[str, Need], ...]

    def leaving(self) -> list[Partition]:
        """Return the days that go, the oldest first."""
        found = [part for table in TABLES for part in partitions_of(table) if part.day < self.cut or part.is_leaving]
        return sorted(found, key=lambda part: (part.day, part.table))


def retention_plan(*, now: datetime, days: int | None = None) -> RetentionPlan | None:
    """Return which days may go by the policy (TILTYARD_RETENTION_DAYS), or None while there is no project.

    Days belong to all projects, so the clock that is furthest behind decides, and nothing goes that an experiment which
    is not over needs in any of them.
    """
    policy = timedelta(days=settings.RETENTION_DAYS if days is None else days)
    projects = all_projects()
    if not projects:
        return None
    wanted = min(_today(facts, now) for facts in projects) - policy
    needs = [(facts.key, need) for facts in projects for need in needed_days(facts.id, at=facts.clock.at(now))]
    kept_for = tuple((key, need) for key, need in needs if need.first_day < wanted)
    return RetentionPlan(wanted, min([wanted, *(need.first_day for _, need in kept_for)]), kept_for)


def drop_old_days(*, now: datetime, days: int | None = None, acting_user: str = SYSTEM) -> list[Partition]:
    """Drop the days that the policy no longer keeps and return them; must run outside of transactions.

    The journal of every project says beforehand which days go, so that a report can name what was erased. Raises
    PartitionBusy, PartitionInTransaction.
    """
    plan = retention_plan(now=now, days=days)
    leaving = [] if plan is None else plan.leaving()
    if plan is None or not leaving:
        return []
    with transaction.atomic():
        for facts in all_projects():
            write_journal(
                project_id=facts.id,
                at=now,
                actor=acting_user,
                action=RETENTION_DROP,
                subject=RETENTION_SUBJECT,
                after={"before": plan.cut.isoformat(), "tables": [part.table for part in leaving]},
            )
        IntakeCount.objects.filter(day__lt=plan.cut).delete()
        Replay.objects.filter(day__lt=plan.cut).delete()
    for part in leaving:
        drop_day(part)
    return leaving


def make_days_ahead(*, now: datetime) -> int:
    """Make today's days and the next ones of every project's clock, so that no writer has to; return how many."""
    days = sorted({day for facts in all_projects() for day in days_ahead(_today(facts, now), DAYS_AHEAD)})
    return sum(ensure_days(table, days) for table in TABLES)


def promise_partitions(*, now: datetime) -> int:
    """Promise to look after the days of log and outcomes once a day; return whether that was new."""
    key = f"{KEEP_PARTITIONS}:{now.astimezone(UTC).date().isoformat()}"
    return int(enqueue(kind=KEEP_PARTITIONS, key=key, project_id=None, payload={}))


def keep_partitions(*, now: datetime) -> Effect:
    """Make days ahead and drop old ones; nothing is left to be written with the job's end."""
    make_days_ahead(now=now)
    drop_old_days(now=now)
    return _nothing


def _nothing(_now: datetime) -> Sequence[object]:
    return ()


def _today(facts: ProjectFacts, now: datetime) -> date:
    return facts.clock.at(now).astimezone(UTC).date()
