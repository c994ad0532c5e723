"""Training runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foundation.errors import DomainError
from models_registry.models import TrainingRun
from models_registry.queries.versions import ModelFacts, model_facts
from models_registry.vocabulary import DataPolicy, RunCause, RunState


class RunUnknown(DomainError):
    """There is no such training run."""

    code = "TRAINING_RUN_UNKNOWN"
    hint = "Check the number; the model's page lists its runs."


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A training run. `version_id` is what it registered; `progress` is a share of 1 within `step`'s whole.

    search, trials: what is tried of each parameter, and what became of it so far. rule: of the gate, {} for the default
    with `margin`. trigger: what caused it, with the codes of its `warnings`.
    """

    id: int
    model: ModelFacts
    recipe: str
    parameters: Mapping[str, Any]
    seed: int
    data_start: datetime
    data_end: datetime
    margin: float
    search: Mapping[str, Any]
    trials: Sequence[Mapping[str, Any]]
    rule: Mapping[str, Any]
    data_policy: DataPolicy
    schedule_id: int | None
    cause: RunCause
    trigger: Mapping[str, Any]
    is_cancelled: bool
    state: RunState
    step: str
    progress: float
    attempts: int
    dataset: Mapping[str, Any]
    metrics: Mapping[str, float]
    gate: Mapping[str, Any]
    code_revision: str
    error_code: str
    error: str
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    version_id: int | None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Codes of what people should know of its data."""
        return tuple(map(str, self.trigger.get("warnings", ())))


def run_by_id(run_id: int) -> RunFacts:
    """Return a training run. Raises RunUnknown."""
    row = TrainingRun.objects.select_related("model", "version").filter(pk=run_id).first()
    if row is None:
        raise RunUnknown(f"There is no training run {run_id}.")
    return _facts(row)


def runs_of(model_id: int) -> Sequence[RunFacts]:
    """Return the training runs of a model, newest first."""
    rows = TrainingRun.objects.select_related("model", "version").filter(model_id=model_id).order_by("-pk")
    return [_facts(row) for row in rows]


def _facts(row: TrainingRun) -> RunFacts:
    version = getattr(row, "version", None)
    return RunFacts(
        id=int(row.pk),
        model=model_facts(row.model),
        recipe=row.recipe,
        parameters=row.parameters,
        seed=row.seed,
        data_start=row.data_start,
        data_end=row.data_end,
        margin=row.margin,
        search=row.search,
        trials=row.trials,
        rule=row.rule,
        data_policy=DataPolicy(row.data_policy),
        schedule_id=row.schedule_id,
        cause=RunCause(row.cause),
        trigger=row.trigger,
        is_cancelled=row.is_cancelled,
        state=RunState(row.state),
        step=row.step,
        progress=row.progress,
        attempts=row.attempts,
        dataset=row.dataset,
        metrics=row.metrics,
        gate=row.gate,
        code_revision=row.code_revision,
        error_code=row.error_code,
        error=row.error,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        version_id=None if version is None else int(version.pk),
    )
