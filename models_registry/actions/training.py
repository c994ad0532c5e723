"""Training runs: asked for, begun by a worker, ended with a version, a refusal or a failure.

How a run is cancelled stands in `models_registry.actions.cancelling`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Max

from foundation.actions.jobs import enqueue
from foundation.actions.journal import write_journal
from foundation.errors import DomainError
from foundation.queries import project_facts
from models_registry.artifacts import digest, seal
from models_registry.models import ArtifactChunk, ModelVersion, RegisteredModel, TrainingRun
from models_registry.queries.runs import RunUnknown
from models_registry.queries.versions import ModelUnknown
from models_registry.vocabulary import DataPolicy, PredictorKind, RunCause, RunState

CHUNK = 1024 * 1024
TRAIN = "train"
"""The kind of the job that trains."""

OPEN = (RunState.QUEUED, RunState.RUNNING)
"""States of runs that have not ended."""
SYSTEM = "tiltyard"
"""Who acts where nobody asked."""

_UNFILLED = ("parameters", "dataset", "metrics", "gate", "requested_at", "started_at", "finished_at")
"""Fields that may be empty when a training is asked for, though no form may leave them so."""


class WindowEmpty(DomainError):
    """The data window ends before it begins."""

    code = "TRAINING_WINDOW_EMPTY"
    hint = "Choose an end after the start."


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOrder:
    """What is asked for: the recipe, on which data (project time), by which rule the result is accepted.

    search: values to try by parameter; empty for none. rule: of the gate, as JSON; empty for the default with `margin`.
    trigger: what caused it, for people, with the `warnings` that go with it.
    """

    recipe: str
    data_start: datetime
    data_end: datetime
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 1
    margin: float = 0.0
    search: Mapping[str, Any] = field(default_factory=dict)
    rule: Mapping[str, Any] = field(default_factory=dict)
    data_policy: DataPolicy = DataPolicy.POOLED
    schedule_id: int | None = None
    cause: RunCause = RunCause.PERSON
    trigger: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What a training gave. `artifact` is None where the gate refused it."""

    kind: PredictorKind
    artifact: bytes | None
    signature: Mapping[str, Any]
    metrics: Mapping[str, float]
    gate: Mapping[str, Any]
    dataset: Mapping[str, Any]


@transaction.atomic
def request_training(*, model_id: int, order: TrainingOrder, acting_user: str, now: datetime) -> int:
    """Promise a training and return the run's id. Raises ModelUnknown, WindowEmpty, ValidationError."""
    if order.data_start >= order.data_end:
        raise WindowEmpty("The data window is empty.")
    model = _model(model_id)
    run = TrainingRun(
        model=model,
        recipe=order.recipe,
        parameters=dict(order.parameters),
        seed=order.seed,
        data_start=order.data_start,
        data_end=order.data_end,
        margin=order.margin,
        search=dict(order.search),
        rule=dict(order.rule),
        data_policy=order.data_policy,
        schedule_id=order.schedule_id,
        cause=order.cause,
        trigger=dict(order.trigger),
        requested_by=acting_user,
    )
    run.clean_fields(exclude=_UNFILLED)
    run.save(force_insert=True)
    enqueue(kind=TRAIN, key=job_key(int(run.pk)), project_id=model.project_id, payload={"run_id": int(run.pk)})
    write_journal(
        project_id=model.project_id,
        at=project_facts(model.project_id).clock.at(now),
        actor=acting_user,
        action="training.request",
        subject=f"model:{model.key}",
        after={
            "run": int(run.pk),
            "recipe": order.recipe,
            "seed": order.seed,
            "parameters": dict(order.parameters),
            "search": dict(order.search),
            "data_policy": order.data_policy,
            "schedule": order.schedule_id,
            "cause": order.cause,
            "trigger": dict(order.trigger),
        },
    )
    return int(run.pk)


def job_key(run_id: int) -> str:
    """Return the key of the job that trains a run."""
    return f"{TRAIN}:{run_id}"


def begin_run(*, run_id: int, code_revision: str, now: datetime) -> bool:
    """Mark a run as being trained, once more where a worker died in it; False where it has ended or is cancelled."""
    live = TrainingRun.objects.filter(pk=run_id, state__in=OPEN, is_cancelled=False)
    return bool(
        live.update(
            state=RunState.RUNNING,
            attempts=F("attempts") + 1,
            started_at=now,
            code_revision=code_revision,
            step="",
            progress=0.0,
        )
    )


def tell_progress(*, run_id: int, step: str, share: float) -> bool:
    """Note how far a run is, for people who watch; return whether it goes on, which it does not once cancelled."""
    going = TrainingRun.objects.filter(pk=run_id, state=RunState.RUNNING, is_cancelled=False)
    return bool(going.update(step=step, progress=min(1.0, max(0.0, share))))


@transaction.atomic
def keep_trial(*, run_id: int, number: int, trial: Mapping[str, Any]) -> None:
    """Keep what became of a trial of a run's search, in place of an earlier one of its number. Raises RunUnknown."""
    others = [entry for entry in locked_run(run_id).trials if entry["number"] != number]
    kept = sorted([*others, dict(trial)], key=lambda entry: int(entry["number"]))
    TrainingRun.objects.filter(pk=run_id, state=RunState.RUNNING).update(trials=kept)


@transaction.atomic
def end_run(*, run_id: int, candidate: Candidate, now: datetime) -> int | None:
    """Register what a run gave as the model's next version and return its id; None where the gate refused it.

    A run that has registered a version keeps that one, however often it ends. One that has ended otherwise, or was
    cancelled while it trained, registers nothing. Raises RunUnknown.
    """
    run = locked_run(run_id)
    registered = ModelVersion.objects.filter(run=run).first()
    if registered is not None:
        return int(registered.pk)
    if run.is_cancelled or run.state not in OPEN:
        return None
    accepted = candidate.artifact is not None
    version = _register(run, candidate, candidate.artifact) if candidate.artifact is not None else None
    TrainingRun.objects.filter(pk=run_id).update(
        state=RunState.SUCCEEDED if accepted else RunState.REFUSED,
        step="",
        progress=1.0,
        dataset=dict(candidate.dataset),
        metrics=dict(candidate.metrics),
        gate=dict(candidate.gate),
        finished_at=now,
    )
    write_journal(
        project_id=run.model.project_id,
        at=project_facts(run.model.project_id).clock.at(now),
        actor=SYSTEM,
        action="training.registered" if accepted else "training.refused",
        subject=f"model:{run.model.key}",
        after={"run": run_id, "version": version.number if version else None, "gate": dict(candidate.gate)},
    )
    return int(version.pk) if version else None


@transaction.atomic
def fail_run(*, run_id: int, code: str, error: str, now: datetime) -> None:
    """Note why a run gave nothing: no version, no alias moved. Raises RunUnknown."""
    run = locked_run(run_id)
    live = TrainingRun.objects.filter(pk=run_id, state__in=OPEN)
    if not live.update(state=RunState.FAILED, error_code=code, error=error, finished_at=now):
        return
    write_journal(
        project_id=run.model.project_id,
        at=project_facts(run.model.project_id).clock.at(now),
        actor=SYSTEM,
        action="training.failed",
        subject=f"model:{run.model.key}",
        reason=error,
        after={"run": run_id, "code": code},
    )


def locked_run(run_id: int) -> TrainingRun:
    """Return a run with its model, locked until the transaction ends. Raises RunUnknown."""
    run = TrainingRun.objects.select_for_update(of=("self",)).select_related("model").filter(pk=run_id).first()
    if run is None:
        raise RunUnknown(f"There is no training run {run_id}.")
    return run


def _register(run: TrainingRun, candidate: Candidate, content: bytes) -> ModelVersion:
    sha = digest(content)
    if not ArtifactChunk.objects.filter(sha256=sha).exists():
        ArtifactChunk.objects.bulk_create(
            [
                ArtifactChunk(sha256=sha, position=number, content=content[start : start + CHUNK])
                for number, start in enumerate(range(0, len(content), CHUNK))
            ],
            ignore_conflicts=True,
        )
    RegisteredModel.objects.select_for_update().get(pk=run.model_id)  # numbers are given one after the other
    latest = ModelVersion.objects.filter(model_id=run.model_id).aggregate(latest=Max("number"))["latest"] or 0
    return ModelVersion.objects.create(
        model_id=run.model_id,
        number=latest + 1,
        kind=candidate.kind,
        sha256=sha,
        size=len(content),
        seal=seal(sha, project_facts(run.model.project_id).signing_key),
        signature=dict(candidate.signature),
        metrics=dict(candidate.metrics),
        gate=dict(candidate.gate),
        run=run,
        data_start=run.data_start,
        data_end=run.data_end,
        code_revision=run.code_revision,
    )


def _model(model_id: int) -> RegisteredModel:
    model = RegisteredModel.objects.filter(pk=model_id).first()
    if model is None:
        raise ModelUnknown(f"There is no model {model_id}.")
    return model
