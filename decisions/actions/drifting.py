"""Drift checks: the newest data beside those that a version learnt from, and a training where they have moved."""

import math
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

import numpy as np

from decisions.actions.profiles import shifts_of
from decisions.logs import Log
from decisions.queries.arms import data_warnings
from decisions.queries.training_data import training_data
from decisions.registry import recipe_of
from foundation.errors import DomainError
from foundation.queries import project_facts
from models_registry.actions.schedules import note_drift
from models_registry.drift import DriftBounds, DriftFindings
from models_registry.gates import Evaluation
from models_registry.pipeline import aligned, checked_parameters
from models_registry.predictors.loading import predictor_of
from models_registry.queries.runs import RunFacts, run_by_id
from models_registry.queries.schedules import ScheduleFacts, newest_passed, schedule_by_id
from models_registry.queries.versions import VersionFacts, verified_artifact

CHECK_DRIFT: Final = "check_drift"
"""The kind of the job that looks for drift."""

TEST_SHARE: Final = "test_share"
"""The parameter that says which share of a log's rows, the latest, is judged; recipes that have it can judge fresh data
that begin where the version's end."""
LEAST_JUDGED: Final = 30

Effect = Callable[[datetime], object]


def check_drift(*, schedule_id: int, now: datetime) -> Effect:
    """Compare the newest data with a schedule's newest version; return what keeps the findings, and may ask to retrain.

    Nothing is done for a schedule that is off or has made no version. Computes outside of any transaction. Raises
    ScheduleUnknown.
    """
    schedule = schedule_by_id(schedule_id)
    version = newest_passed(schedule_id)
    if version is None or not schedule.is_enabled:
        return lambda _at: None
    findings = _findings(schedule, version, now)
    return partial(_note, schedule, version, findings)


def _note(schedule: ScheduleFacts, version: VersionFacts, findings: DriftFindings, at: datetime) -> None:
    """Keep the findings, unless a version came while they were made: then they say nothing of what serves now."""
    newest = newest_passed(schedule.id)
    if newest is None or newest.id != version.id:
        return
    note_drift(
        schedule_id=schedule.id,
        findings={"version": version.number, **findings.to_dict()},
        exceeded=findings.exceeded(DriftBounds.from_dict(schedule.drift)),
        now=at,
        warnings=data_warnings(schedule.id, now=at),
    )


def _findings(schedule: ScheduleFacts, version: VersionFacts, now: datetime) -> DriftFindings:
    at = project_facts(schedule.model.project_id).clock.at(now)
    try:
        data = training_data(
            schedule.model,
            start=at - schedule.window,
            end=at,
            policy=schedule.data_policy,
            schedule_id=schedule.id,
        )
    except DomainError as error:
        return DriftFindings(unseen={"data": error.code})
    run = run_by_id(version.run_id)
    unseen: dict[str, str] = {}
    profile = run.dataset.get("profile")
    moved = {} if profile is None or not len(data.log.at) else shifts_of(profile, data.log)
    if not moved:
        unseen["psi"] = "TOO_FEW_UNITS"
    evaluation = _evaluated(run, version, data.log)
    if isinstance(evaluation, str):
        return DriftFindings(shifts=moved, unseen={**unseen, "metric_drop": evaluation, "calibration": evaluation})
    rates = evaluation.calibration
    if rates is None or not rates.rows:
        unseen["calibration"] = "NO_PROBABILITIES"
    judged = len(evaluation.candidate)
    observed = None if rates is None or not rates.rows else rates.observed / rates.rows
    return DriftFindings(
        shifts=moved,
        metric_then=_metric_then(version),
        metric_now=float(evaluation.candidate.mean()),
        metric_error=float(evaluation.candidate.std(ddof=1)) / math.sqrt(judged),
        rate_predicted=None if rates is None or not rates.rows else rates.expected / rates.rows,
        rate_observed=observed,
        rate_error=0.0 if observed is None or rates is None else math.sqrt(observed * (1 - observed) / rates.rows),
        unseen=unseen,
    )


def _evaluated(run: RunFacts, version: VersionFacts, log: Log) -> Evaluation | str:
    """Return what the version makes of what happened after its own data, or why that cannot be said yet."""
    trained = run.dataset.get("parameters", run.parameters)
    try:
        recipe = recipe_of(run.model.domain, run.recipe)
        known = recipe.parameters
        parameters = checked_parameters({name: value for name, value in trained.items() if name in known}, known)
    except DomainError as error:
        return error.code  # the recipe, or what it takes, is not what it was when the version was trained
    trained_until = version.data_end.timestamp()
    if TEST_SHARE in known:
        fresh = float(np.mean(log.at >= trained_until)) - 1.0 / len(log.at) if len(log.at) else 0.0
        if fresh < known[TEST_SHARE].least:
            return "TOO_SOON"
        parameters[TEST_SHARE] = min(fresh, known[TEST_SHARE].most)
    try:
        dataset = recipe.dataset(log, parameters=parameters, seed=run.seed)
        if datetime.fromisoformat(dataset.facts["split_at"]).timestamp() < trained_until:
            return "TOO_SOON"
        predictor = aligned(recipe, predictor_of(verified_artifact(version)), dataset)
        evaluation: Evaluation = recipe.evaluate(predictor, dataset, champion=None)
    except DomainError as error:
        return error.code
    return evaluation if len(evaluation.candidate) >= LEAST_JUDGED else "TOO_FEW_USERS"


def _metric_then(version: VersionFacts) -> float | None:
    """Return the mean of the gate's metric on the users that the version was registered with."""
    for comparison in version.gate.get("comparisons", ()):
        if comparison.get("candidate_mean") is not None:
            return float(comparison["candidate_mean"])
    return None
