"""What each kind of job does: one call into an app."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from decisions.actions.looks import look_at
from decisions.actions.projection import project_events
from decisions.actions.publishing import publish_bundle
from foundation.actions.jobs import ClaimedJob

Handler = Callable[[ClaimedJob, datetime], None]


def _publish(job: ClaimedJob, _now: datetime) -> None:
    publish_bundle(project_id=_project(job))


def _project_events(job: ClaimedJob, _now: datetime) -> None:
    project_events(project_id=_project(job))


def _analyse(job: ClaimedJob, now: datetime) -> None:
    look_at(
        experiment_id=int(str(job.payload["experiment_id"])),
        window_end=datetime.fromisoformat(str(job.payload["window_end"])),
        now=now,
    )


def _project(job: ClaimedJob) -> int:
    if job.project_id is None:
        raise ValueError(f"job {job.id} names no project")
    return job.project_id


HANDLERS: Final[Mapping[str, Handler]] = {
    "publish_bundle": _publish,
    "project_events": _project_events,
    "analyse": _analyse,
}
