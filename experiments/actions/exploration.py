"""Explorations: promised as a job, computed from the stored evidence, kept in a table of their own."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, Self
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max

from experiments.analysis.exploration import ExplorationInvalid, explored, varied, working_plan
from experiments.analysis.inputs import History
from experiments.analysis.metrics import MetricSpec
from experiments.models import Experiment, ExploratoryScorecard, Metric
from experiments.queries.analysis_inputs import own_inputs
from experiments.queries.designs import run_facts
from experiments.queries.plans import plan_of, spec_of
from experiments.vocabulary import Source
from foundation.actions.jobs import enqueue, retry_dead
from foundation.actions.journal import write_journal
from foundation.errors import DomainError
from foundation.queries import open_jobs, project_facts

KIND: Final = "explore"
MOST_METRICS: Final = 20
MOST_DIMENSIONS: Final = 8
MOST_WAITING: Final = 5
"""Explorations of one experiment that wait or run at once: looks are computed on the same workers."""


class ExplorationsWaiting(DomainError):
    """So many explorations of the experiment are being computed that another has to wait."""

    code = "EXPLORATIONS_WAITING"
    hint = "Wait until one of them is in the list, then ask again."


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplorationRequest:
    """What somebody wants to know: metric versions, with another window or cap than theirs, in levels of attributes.

    window_hours, cap_micros: None keeps that of each metric; a cap is for sums of value only.
    """

    metric_ids: tuple[int, ...]
    dimensions: tuple[str, ...] = ()
    window_hours: int | None = None
    cap_micros: int | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the request as a job carries it."""
        return {**asdict(self), "metric_ids": list(self.metric_ids), "dimensions": list(self.dimensions)}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Self:
        """Return the request that a job carries."""
        stored = json.loads(json.dumps(data))
        return cls(
            metric_ids=tuple(stored["metric_ids"]),
            dimensions=tuple(stored["dimensions"]),
            window_hours=stored["window_hours"],
            cap_micros=stored["cap_micros"],
        )


@transaction.atomic
def request_exploration(*, experiment_id: int, request: ExplorationRequest, acting_user: str, now: datetime) -> bool:
    """Promise an exploration; return False where the same one was asked for on this day of the project already.

    One that had failed for good is promised again. Raises ExplorationInvalid, ExplorationsWaiting, ExperimentUnknown.
    """
    run = run_facts(experiment_id)
    if run.source is not Source.OWN:
        raise ExplorationInvalid("Only experiments that were randomised here have the events to explore.")
    if run.periods_from is not None:
        raise ExplorationInvalid("Cells of unit and period are not explored: their errors are over clusters.")
    facts = project_facts(run.project_id)
    unknown = sorted(set(request.dimensions) - set(facts.attributes) - set(plan_of(experiment_id).dimensions))
    if unknown:
        raise ExplorationInvalid(f"The project does not store the attribute {unknown[0]}.")
    working_plan(plan_of(experiment_id), _specs(run.project_id, request), request.dimensions)
    today = facts.clock.at(now).astimezone(ZoneInfo(facts.time_zone)).date()
    digest = sha256(json.dumps(request.to_dict(), sort_keys=True).encode()).hexdigest()[:16]
    key = f"{job_prefix(experiment_id)}{today.isoformat()}:{digest}"
    promised = enqueue(
        kind=KIND,
        key=key,
        project_id=run.project_id,
        payload={"experiment_id": experiment_id, "request": request.to_dict(), "requested_by": acting_user},
    ) or retry_dead(key=key)
    if promised:
        if open_jobs(key_prefix=job_prefix(experiment_id)) > MOST_WAITING:
            raise ExplorationsWaiting(f"{MOST_WAITING} explorations of this experiment are being computed.")
        write_journal(
            project_id=run.project_id,
            at=now,
            actor=acting_user,
            action="exploration.request",
            subject=f"exploration:{run.key}",
            after=request.to_dict(),
        )
    return promised


@transaction.atomic
def explore(
    *,
    experiment_id: int,
    request: ExplorationRequest,
    requested_by: str,
    window_end: datetime,
    received_before: datetime,
) -> int:
    """Compute an exploration from the evidence up to `window_end` and return its id; looks and verdicts are untouched.

    Raises ExplorationInvalid, ExperimentUnknown.
    """
    run = run_facts(experiment_id)
    if window_end <= run.started_at:
        raise ExplorationInvalid("The first day of the experiment is not over.")
    specs = _specs(run.project_id, request)
    plan = working_plan(plan_of(experiment_id), specs, request.dimensions)
    inputs = own_inputs(run=run, plan=plan, window_end=window_end, received_before=received_before, history=History())
    found = explored(plan, specs, inputs)
    Experiment.objects.select_for_update(no_key=True).get(pk=experiment_id)
    last = ExploratoryScorecard.objects.filter(experiment_id=experiment_id).aggregate(last=Max("number"))["last"]
    row = ExploratoryScorecard.objects.create(
        experiment_id=experiment_id,
        number=(last or 0) + 1,
        request=request.to_dict(),
        window_end=window_end,
        received_before=received_before,
        content=found.to_json().decode(),
        sha256=found.sha256(),
        requested_by=requested_by,
    )
    return int(row.pk)


def job_prefix(experiment_id: int) -> str:
    """Return what the keys of the jobs of an experiment's explorations begin with."""
    return f"{KIND}:{experiment_id}:"


def _specs(project_id: int, request: ExplorationRequest) -> Sequence[MetricSpec]:
    """Return the metrics as they are asked for, in that order. Raises ExplorationInvalid."""
    if not 1 <= len(set(request.metric_ids)) <= MOST_METRICS:
        raise ExplorationInvalid(f"Choose between 1 and {MOST_METRICS} metrics.")
    if len(request.dimensions) > MOST_DIMENSIONS:
        raise ExplorationInvalid(f"Choose at most {MOST_DIMENSIONS} dimensions.")
    stored = Metric.objects.filter(project_id=project_id).in_bulk(request.metric_ids)
    if len(stored) != len(set(request.metric_ids)):
        raise ExplorationInvalid("A metric that was chosen does not belong to the project.")
    return [
        varied(spec_of(stored[pk]), window_hours=request.window_hours, cap_micros=request.cap_micros)
        for pk in dict.fromkeys(request.metric_ids)
    ]
