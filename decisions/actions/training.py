"""Training a model of a decision domain: the log in, a candidate out; registered in the transaction of its job."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.db import connection

from decisions.actions.profiles import profile_of
from decisions.actions.watching import Watch
from decisions.logs import before
from decisions.queries.arms import serves
from decisions.queries.gate_rules import gate_rule
from decisions.queries.training_data import TrainingData, WeightsUnsupported, training_data
from decisions.registry import domain_of, recipe_of
from foundation.actions.projects import bump_revision
from foundation.errors import DomainError
from models_registry.actions.cancelling import RunCancelled, end_cancelled
from models_registry.actions.training import (
    Candidate,
    TrainingOrder,
    begin_run,
    end_run,
    fail_run,
    keep_trial,
    request_training,
)
from models_registry.gates import GateRule
from models_registry.pipeline import Tell, metric_of, run_pipeline, takes_weights
from models_registry.predictors.loading import predictor_of
from models_registry.predictors.protocol import Predictor
from models_registry.queries.aliases import holder_of
from models_registry.queries.runs import RunFacts, run_by_id
from models_registry.queries.versions import model_by_id, verified_artifact, version_by_id
from models_registry.search import Search, Trial, search_parameters, trials_of
from models_registry.vocabulary import AliasName, DataPolicy

SEARCHED: Final = 0.8
"""The share of a run that its search takes, where it has one."""

Effect = Callable[[datetime], object]
"""What is left to write once the computing is done; given the time."""


def order_training(*, model_id: int, order: TrainingOrder, acting_user: str, now: datetime) -> int:
    """Promise a training of a recipe that the model's domain knows, and return the run's id.

    Raises ModelUnknown, RecipeUnknown, WindowEmpty, SearchInvalid, GateMalformed, ValidationError.
    """
    ensure_trainable(model_by_id(model_id).domain, order.recipe, search=order.search, policy=order.data_policy)
    GateRule.from_dict(order.rule)
    return request_training(model_id=model_id, order=order, acting_user=acting_user, now=now)


def ensure_trainable(domain_key: str, recipe: str, *, search: Mapping[str, Any], policy: DataPolicy) -> None:
    """Let pass a recipe that the domain has, that takes such data, and whose parameters have the values to try.

    Raises DomainUnknown, RecipeUnknown, SearchInvalid, ParametersInvalid, WeightsUnsupported.
    """
    if recipe not in domain_of(domain_key).recipes or search or policy is DataPolicy.WEIGHTED:
        found = recipe_of(domain_key, recipe)
        if policy is DataPolicy.WEIGHTED and not takes_weights(found):
            raise WeightsUnsupported(f"The recipe {recipe} counts every row alike.")
        if search:
            trials_of({}, search, found.parameters, seed=0)


def train(*, run_id: int, now: datetime) -> Effect:
    """Train what a run asks for and return what registers it; runs for minutes, outside of any transaction.

    What is anticipated (too little data, a network that diverges, unknown parameters, too much memory) ends the run as
    failed and is not tried again, as is one that somebody cancels; anything else is raised. Raises RunUnknown.
    """
    run = run_by_id(run_id)
    if not begin_run(run_id=run_id, code_revision=settings.CODE_REVISION, now=now):
        return partial(_cancelled, run_id)
    try:
        candidate = _candidate(run, Watch(run_id, limit_mb=settings.TRAINING_MEMORY_MB))
    except RunCancelled:
        return partial(_cancelled, run_id)
    except DomainError as error:
        return partial(_fail, run_id, error)
    return partial(_end, run, candidate)


def _candidate(run: RunFacts, watch: Watch) -> Candidate:
    recipe = recipe_of(run.model.domain, run.recipe)
    if run.data_policy is DataPolicy.WEIGHTED and not takes_weights(recipe):
        raise WeightsUnsupported(f"The recipe {run.recipe} counts every row alike.")
    rule = gate_rule(run.model, said=run.rule, margin=run.margin, metric=metric_of(recipe))
    watch.tell("dataset", 0.0)
    data = training_data(
        run.model, start=run.data_start, end=run.data_end, policy=run.data_policy, schedule_id=run.schedule_id
    )
    champion = _champion(run.model.id)
    connection.close()  # nothing is read while the model trains; progress takes a connection when it has news
    trained = run_pipeline(
        recipe,
        data.log,
        parameters=_searched(run, recipe, data, watch.part(0.0, SEARCHED)),
        seed=run.seed,
        gate=rule,
        tell=watch.part(SEARCHED if run.search else 0.0, 1.0),
        champion=champion,
    )
    return Candidate(
        kind=trained.kind,
        artifact=trained.artifact,
        signature=trained.signature,
        metrics=trained.metrics,
        gate=trained.gate.as_json(),
        dataset={
            **trained.dataset,
            "parameters": trained.parameters,
            "chosen_data": dict(data.facts),
            "profile": profile_of(data.log),
        },
    )


def _searched(run: RunFacts, recipe: Any, data: TrainingData, tell: Tell) -> Mapping[str, Any]:
    """Return the parameters to train with: those asked for, or with a search the best of them."""
    if not run.search:
        return run.parameters
    search = Search(
        parameters=run.parameters,
        values=run.search,
        seed=run.seed,
        tell=tell,
        keep=lambda trial: keep_trial(run_id=run.id, number=trial.number, trial=trial.to_dict()),
        finished=[Trial.from_dict(entry) for entry in run.trials],
    )
    return search_parameters(recipe, data.log, search, before=before)


def _champion(model_id: int) -> Predictor | None:
    """Return the predictor that the candidate is to replace; None for the baseline."""
    version = holder_of(model_id, AliasName.CHAMPION)
    return None if version is None else predictor_of(verified_artifact(version_by_id(version)))


def _end(run: RunFacts, candidate: Candidate, at: datetime) -> None:
    """Register the candidate; where its schedule is an arm that takes traffic, bundles get the new version."""
    version_id = end_run(run_id=run.id, candidate=candidate, now=at)
    if version_id is None:
        end_cancelled(run_id=run.id, now=at)
    elif run.schedule_id is not None and serves(run.schedule_id):
        bump_revision(project_id=run.model.project_id)


def _cancelled(run_id: int, at: datetime) -> None:
    end_cancelled(run_id=run_id, now=at)


def _fail(run_id: int, error: DomainError, at: datetime) -> None:
    fail_run(run_id=run_id, code=error.code, error=f"{error.message} {error.hint}".strip(), now=at)
