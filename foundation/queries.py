"""Reads of foundation's tables, as frozen dataclasses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from foundation.clock import ClockKind, ProjectClock
from foundation.errors import DomainError
from foundation.models import ApiKey, Job, JournalEntry, Project

RETENTION_DROP = "retention.drop"
"""The journal's action of days of evidence that were dropped; `before` of it is the first day that was kept."""
RETENTION_SUBJECT = "evidence"


class ProjectUnknown(DomainError):
    """There is no such project."""

    code = "PROJECT_UNKNOWN"
    hint = "Check the key, or create it: bin/manage create_project KEY --currency USD, or in the admin."


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """A project as the other apps see it."""

    id: int
    key: str
    name: str
    currency: str
    time_zone: str
    pepper: bytes
    signing_key: bytes
    attributes: tuple[str, ...]
    clock: ProjectClock
    revision: int

    @property
    def simulated(self) -> bool:
        return self.clock.kind is ClockKind.SIMULATION

    @property
    def receipt_guard(self) -> timedelta:
        """How long after receipt every ingest transaction has certainly ended (wall time)."""
        return timedelta(seconds=1) if self.simulated else timedelta(seconds=30)

    @property
    def report_guard(self) -> timedelta:
        """How old a receipt must be to be counted by a scorecard (wall time)."""
        return timedelta(seconds=2) if self.simulated else timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A valid API key as the edge checks it."""

    id: int
    kind: str
    digest: str


@dataclass(frozen=True, slots=True)
class JournalLine:
    """A journal entry for people to read."""

    sequence: int
    at: datetime
    actor: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class JobFault:
    """Why promised work has not been done: the last line of its last error; dead work is tried no more."""

    key: str
    error: str
    attempts: int
    dead: bool


def latest_fault(*, key_prefix: str) -> JobFault | None:
    """Return what keeps the newest job with such a key from being done, or None where nothing has gone wrong."""
    row = Job.objects.filter(key__startswith=key_prefix).order_by("-pk").first()
    if row is None or row.state == Job.State.DONE or not row.last_error.strip():
        return None
    error = row.last_error.strip().splitlines()[-1]
    return JobFault(key=row.key, error=error, attempts=row.attempts, dead=row.state == Job.State.DEAD)


def open_jobs(*, key_prefix: str) -> int:
    """Return how many jobs with such a key are waiting or running."""
    open_states = [Job.State.READY, Job.State.RUNNING]
    return Job.objects.filter(key__startswith=key_prefix, state__in=open_states).count()


def project_facts(project_id: int) -> ProjectFacts:
    """Return a project. Raises ProjectUnknown."""
    row = Project.objects.filter(pk=project_id).first()
    if row is None:
        raise ProjectUnknown(f"There is no project {project_id}.")
    return _facts(row)


def project_by_key(key: str) -> ProjectFacts:
    """Return the project with this key. Raises ProjectUnknown."""
    row = Project.objects.filter(key=key).first()
    if row is None:
        raise ProjectUnknown(f"There is no project with the key {key}.")
    return _facts(row)


def all_projects() -> list[ProjectFacts]:
    """Return every project, oldest first."""
    return [_facts(row) for row in Project.objects.order_by("pk")]


def valid_keys(project_id: int) -> list[KeyFacts]:
    """Return the project's keys that are not revoked, in order of issue."""
    rows = ApiKey.objects.filter(project_id=project_id, revoked_at=None).order_by("pk")
    return [KeyFacts(id=int(row.pk), kind=row.kind, digest=row.digest) for row in rows]


def project_of_server_key(digest: str) -> ProjectFacts | None:
    """Return the project whose valid server key has this digest, None where there is none."""
    row = ApiKey.objects.select_related("project").filter(digest=digest, kind="server", revoked_at=None).first()
    return _facts(row.project) if row else None


def journal_of(*, project_id: int, subject: str) -> Sequence[JournalLine]:
    """Return the entries about a subject, oldest first."""
    rows = JournalEntry.objects.filter(project_id=project_id, subject=subject).order_by("sequence")
    return [
        JournalLine(sequence=row.sequence, at=row.at, actor=row.actor, action=row.action, reason=row.reason)
        for row in rows
    ]


def erased_before(project_id: int) -> date | None:
    """Return the first day whose evidence was kept when days were dropped; None where none ever was."""
    rows = JournalEntry.objects.filter(project_id=project_id, subject=RETENTION_SUBJECT, action=RETENTION_DROP)
    days = [date.fromisoformat(after["before"]) for after in rows.values_list("after", flat=True)]
    return max(days, default=None)


def _facts(row: Project) -> ProjectFacts:
    return ProjectFacts(
        id=int(row.pk),
        key=row.key,
        name=row.name,
        currency=row.currency,
        time_zone=row.time_zone,
        pepper=bytes(row.pepper),
        signing_key=bytes(row.signing_key),
        attributes=tuple(row.attributes),
        clock=ProjectClock(
            kind=ClockKind(row.clock_kind),
            origin=row.clock_origin,
            speed=row.clock_speed,
            started_at=row.clock_started_at,
        ),
        revision=row.revision,
    )
