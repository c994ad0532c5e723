"""Training a model of a decision domain: the log in, a candidate out; registered in the transaction of its job."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db import connection

from decisions.queries.interactions import interaction_log
from decisions.registry import domain_of, recipe_of
from foundation.errors import DomainError
from models_registry.actions.training import (
    Candidate,
    TrainingOrder,
    begin_run,
    end_run,
    fail_run,
    request_training,
    tell_progress,
)
from models_registry.gates import GateRule
from models_registry.pipeline import run_pipeline
from models_registry.predictors.loading import predictor_of
from models_registry.predictors.protocol import Predictor
from models_registry.queries.aliases import holder_of
from models_registry.queries.runs import run_by_id
from models_registry.queries.versions import model_by_id, verified_artifact, version_by_id
from models_registry.vocabulary import AliasName

TELL_SECONDS = 1.0

Effect = Callable[[datetime], object]
"""What is left to write once the computing is done; given the time."""


def order_training(*, model_id: int, order: TrainingOrder, acting_user: str, now: datetime) -> int:
    """Promise a training of a recipe that the model's domain knows, and return the run's id.

    Raises ModelUnknown, RecipeUnknown, WindowEmpty, ValidationError.
    """
    domain = domain_of(model_by_id(model_id).domain)
    if order.recipe not in domain.recipes:
        recipe_of(domain.key, order.recipe)
    return request_training(model_id=model_id, order=order, acting_user=acting_user, now=now)


def train(*, run_id: int, now: datetime) -> Effect:
    """Train what a run asks for and return what registers it; runs for minutes, outside of any transaction.

    What is anticipated (too little data, a network that diverges, unknown parameters) ends the run as failed and is
    not tried again; anything else is raised. Raises RunUnknown.
    """
    run = run_by_id(run_id)
    if not begin_run(run_id=run_id, code_revision=settings.CODE_REVISION, now=now):
        return lambda _now: None
    try:
        recipe = recipe_of(run.model.domain, run.recipe)
        tell_progress(run_id=run_id, step="dataset", share=0.0)
        log = interaction_log(run.model.project_id, start=run.data_start, end=run.data_end)
        champion = _champion(run.model.id)
        connection.close()  # nothing is read while the model trains; progress takes a connection when it has news
        trained = run_pipeline(
            recipe,
            log,
            parameters=run.parameters,
            seed=run.seed,
            gate=GateRule(margin=run.margin),
            tell=_Teller(run_id).tell,
            champion=champion,
        )
    except DomainError as error:
        return partial(_fail, run_id, error)
    candidate = Candidate(
        kind=trained.kind,
        artifact=trained.artifact,
        signature=trained.signature,
        metrics=trained.metrics,
        gate=trained.gate.as_json(),
        dataset=trained.dataset,
    )
    return lambda at: end_run(run_id=run_id, candidate=candidate, now=at)


class _Teller:
    """Notes the progress of a run about once a second, however often it is told."""

    def __init__(self, run_id: int) -> None:
        self._run_id = run_id
        self._step = ""
        self._silent_until = 0.0

    def tell(self, step: str, share: float) -> None:
        """Note the step and the share of the whole that is done."""
        now = time.monotonic()
        if step == self._step and now < self._silent_until:
            return
        self._step, self._silent_until = step, now + TELL_SECONDS
        tell_progress(run_id=self._run_id, step=step, share=share)


def _champion(model_id: int) -> Predictor | None:
    """Return the predictor that the candidate is to replace; None for the baseline."""
    version = holder_of(model_id, AliasName.CHAMPION)
    return None if version is None else predictor_of(verified_artifact(version_by_id(version)))


def _fail(run_id: int, error: DomainError, at: datetime) -> None:
    fail_run(run_id=run_id, code=error.code, error=f"{error.message} {error.hint}".strip(), now=at)
