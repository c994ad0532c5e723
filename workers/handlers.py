"""What each kind of job does: one call into an app."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from decisions.actions.batches import DECIDE, make_batch
from decisions.actions.catalogue import publish_catalogue
from decisions.actions.closing import CLOSE, close_periods
from decisions.actions.deliveries import DELIVER, deliver_batch
from decisions.actions.drifting import CHECK_DRIFT, check_drift
from decisions.actions.features import update_features
from decisions.actions.feeds import PULL
from decisions.actions.learning import UPDATE, update_learner
from decisions.actions.looks import explore_at, look_at
from decisions.actions.pacing import PACE, pace_campaigns
from decisions.actions.price_publishing import PUBLISH_PRICES, publish_prices
from decisions.actions.projection import project_events
from decisions.actions.promotion import propose
from decisions.actions.publishing import publish_bundle
from decisions.actions.pulling import pull_feed
from decisions.actions.remembering import refill_units, remember_units
from decisions.actions.retention import KEEP_PARTITIONS, keep_partitions
from decisions.actions.stale_looks import RESTATE, restate
from decisions.actions.training import train
from decisions.domain import ITEMS
from experiments.actions.exploration import ExplorationRequest
from foundation.actions.jobs import ClaimedJob

Handler = Callable[[ClaimedJob, datetime], None]
"""Does the work of a job, inside the transaction that marks it done."""
Effect = Callable[[datetime], object]
LongHandler = Callable[[ClaimedJob, datetime], Effect]
"""Computes outside of any transaction and returns what is left to write inside the one that marks the job done."""


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


def _explore(job: ClaimedJob, now: datetime) -> None:
    request = job.payload["request"]
    if not isinstance(request, Mapping):
        raise TypeError(f"job {job.id} carries no request")
    explore_at(
        experiment_id=int(str(job.payload["experiment_id"])),
        request=ExplorationRequest.from_dict(request),
        requested_by=str(job.payload["requested_by"]),
        now=now,
    )


def _publish_catalogue(job: ClaimedJob, now: datetime) -> None:
    collection = str(job.payload.get("collection", ITEMS))  # jobs that were promised before there were others
    publish_catalogue(project_id=_project(job), now=now, collection=collection)


def _publish_prices(job: ClaimedJob, now: datetime) -> None:
    publish_prices(project_id=_project(job), now=now)


def _update_features(job: ClaimedJob, _now: datetime) -> None:
    update_features(
        project_id=_project(job),
        after=datetime.fromisoformat(str(job.payload["after"])),
        until=datetime.fromisoformat(str(job.payload["until"])),
    )


def _remember_units(job: ClaimedJob, _now: datetime) -> None:
    remember_units(
        project_id=_project(job),
        after=datetime.fromisoformat(str(job.payload["after"])),
        until=datetime.fromisoformat(str(job.payload["until"])),
    )


def _refill_units(job: ClaimedJob, _now: datetime) -> None:
    refill_units(project_id=_project(job))


def _propose(job: ClaimedJob, now: datetime) -> None:
    propose(scorecard_id=int(str(job.payload["scorecard_id"])), now=now)


def _restate(job: ClaimedJob, now: datetime) -> None:
    restate(scorecard_id=int(str(job.payload["scorecard_id"])), now=now)


def _update_learner(job: ClaimedJob, now: datetime) -> None:
    update_learner(
        learner_id=int(str(job.payload["learner_id"])),
        until=datetime.fromisoformat(str(job.payload["until"])),
        now=now,
    )


def _pace_campaigns(job: ClaimedJob, now: datetime) -> None:
    pace_campaigns(project_id=_project(job), now=now)


def _keep_partitions(_job: ClaimedJob, now: datetime) -> Effect:
    return keep_partitions(now=now)


def _train(job: ClaimedJob, now: datetime) -> Effect:
    return train(run_id=int(str(job.payload["run_id"])), now=now)


def _check_drift(job: ClaimedJob, now: datetime) -> Effect:
    return check_drift(schedule_id=int(str(job.payload["schedule_id"])), now=now)


def _pull_feed(job: ClaimedJob, now: datetime) -> Effect:
    return pull_feed(feed_id=int(str(job.payload["feed_id"])), now=now)


def _decide_batch(job: ClaimedJob, now: datetime) -> Effect:
    return make_batch(
        point_id=int(str(job.payload["point_id"])), due_at=datetime.fromisoformat(str(job.payload["due_at"])), now=now
    )


def _deliver_batch(job: ClaimedJob, now: datetime) -> Effect:
    return deliver_batch(batch_id=int(str(job.payload["batch_id"])), project_id=_project(job), now=now)


def _close_periods(job: ClaimedJob, now: datetime) -> Effect:
    return close_periods(
        experiment_id=int(str(job.payload["experiment_id"])), last=int(str(job.payload["last"])), now=now
    )


def _project(job: ClaimedJob) -> int:
    if job.project_id is None:
        raise ValueError(f"job {job.id} names no project")
    return job.project_id


HANDLERS: Final[Mapping[str, Handler]] = {
    "publish_bundle": _publish,
    "project_events": _project_events,
    "analyse": _analyse,
    "explore": _explore,
    "publish_catalogue": _publish_catalogue,
    PUBLISH_PRICES: _publish_prices,
    "update_features": _update_features,
    "remember_units": _remember_units,
    "refill_units": _refill_units,
    "propose": _propose,
    RESTATE: _restate,
    PACE: _pace_campaigns,
    UPDATE: _update_learner,
}

LONG_HANDLERS: Final[Mapping[str, LongHandler]] = {
    "train": _train,
    CHECK_DRIFT: _check_drift,
    KEEP_PARTITIONS: _keep_partitions,
    PULL: _pull_feed,
    CLOSE: _close_periods,
    DECIDE: _decide_batch,
    DELIVER: _deliver_batch,
}
