"""What a training learns from: the log of the domain's kind, of all traffic or of the own arm, or weighted by it."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import transaction

from decisions.domain import DecisionLog, LogKind, SalesLog
from decisions.logs import Log, arm_weights, keep, variant_rows
from decisions.queries.arms import OwnArm, arms_of_schedule
from decisions.queries.decision_log import decision_log
from decisions.queries.interactions import interaction_log, interaction_log_by_arm
from decisions.queries.points import points_of
from decisions.queries.sales import sales_log
from decisions.registry import domain_of
from experiments.queries.met import first_met
from experiments.vocabulary import UnitKind
from foundation.errors import DomainError
from models_registry.pipeline import TrainingRefused
from models_registry.queries.versions import ModelFacts
from models_registry.vocabulary import DataPolicy

Mask = npt.NDArray[np.bool_]


class ArmUnknown(TrainingRefused):
    """The data of an arm are asked for, and there is no arm."""

    code = "TRAINING_ARM_UNKNOWN"
    hint = "Train by a schedule with this data policy, which can be the recipe of a variant, or pool the data."


class WeightsUnsupported(TrainingRefused):
    """The recipe cannot weight its rows."""

    code = "TRAINING_WEIGHTS_UNSUPPORTED"
    hint = "Train on the own arm or on pooled data, or with a recipe that takes weights."


class ArmDataUnsupported(TrainingRefused):
    """The recipe learns from what was sold, which no arm has for itself."""

    code = "TRAINING_ARM_DATA_UNSUPPORTED"
    hint = "Train on pooled data."


class PointAmbiguous(DomainError):
    """Several decision points could have made the decisions that a model is to learn from, or none could."""

    code = "TRAINING_POINT_AMBIGUOUS"
    hint = "Let exactly one decision point name the model."


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """A log, and the facts of how it was chosen, for the run's lineage."""

    log: Log
    facts: Mapping[str, Any]


def training_data(
    model: ModelFacts, *, start: datetime, end: datetime, policy: DataPolicy, schedule_id: int | None
) -> TrainingData:
    """Return what a model learns from in [start, end), project time.

    Rows from before an arm's experiment, or after it, count for every arm; while it ran, OWN_ARM keeps those of the
    units that met the arm (of decisions: what the arm showed), and WEIGHTED weights all rows by how much more likely
    the arm was to show their items. A schedule that has been in no started experiment learns from everything, as it
    must before its first one.

    Raises:
        ArmUnknown: there is no schedule that could be an arm. PointAmbiguous: see there. ArmDataUnsupported: other
            than pooled data of what was sold are asked for.
    """
    if policy is DataPolicy.POOLED:
        log = _pooled(model, start, end)
        return TrainingData(log, {"data_policy": policy.value, "rows": len(log.at)})
    if domain_of(model.domain).log is LogKind.SALES:
        raise ArmDataUnsupported(f"What was sold is not divided by arms, as the data policy {policy} would need it.")
    if schedule_id is None:
        raise ArmUnknown(f"The data policy {policy} needs an arm, and the training belongs to no schedule.")
    arms = arms_of_schedule(schedule_id)
    log, own, during = _by_arm(model, arms, start=start, end=end)
    kept = own | ~during
    facts: dict[str, Any] = {
        "data_policy": policy.value,
        "arms": [f"{arm.experiment}/{arm.variant}" for arm in arms],
        "rows_pooled": len(log.at),
        "rows_of_arm": int(np.count_nonzero(own & during)),
    }
    if policy is DataPolicy.OWN_ARM:
        log = keep(log, kept)
        return TrainingData(log, {**facts, "rows": len(log.at)})
    assert not isinstance(log, SalesLog)
    weights = arm_weights(log.items, kept, item_count=len(log.item_ids))
    digest = hashlib.sha256(np.ascontiguousarray(weights, dtype="<f8").tobytes()).hexdigest()
    return TrainingData(replace(log, weights=weights), {**facts, "rows": len(log.at), "weights_sha256": digest})


def _pooled(model: ModelFacts, start: datetime, end: datetime) -> Log:
    domain = domain_of(model.domain)
    if domain.log is LogKind.INTERACTIONS:
        return interaction_log(model.project_id, start=start, end=end)
    if domain.log is LogKind.SALES:
        return sales_log(model.project_id, start=start, end=end, by=domain.subject_kind or UnitKind.ITEM)
    return decision_log(model.project_id, _point(model), start=start, end=end, rewards=domain.rewards)


def _by_arm(model: ModelFacts, arms: tuple[OwnArm, ...], *, start: datetime, end: datetime) -> tuple[Log, Mask, Mask]:
    """Return the pooled log, which rows are the arms' own, and which were made while one of their experiments ran."""
    if domain_of(model.domain).log is LogKind.INTERACTIONS:
        log: Log
        log, own = interaction_log_by_arm(model.project_id, start=start, end=end, own=_of_own_units(arms))
        return log, own, _during(log, arms)
    log = _pooled(model, start, end)
    own = np.zeros(len(log.at), np.bool_)
    if isinstance(log, DecisionLog):
        for arm in arms:
            own |= variant_rows(log, f"{arm.experiment}/{arm.variant}") & _during(log, (arm,))
    return log, own, _during(log, arms)


def _during(log: Log, arms: tuple[OwnArm, ...]) -> Mask:
    found = np.zeros(len(log.at), np.bool_)
    for arm in arms:
        stopped = np.inf if arm.stopped_at is None else arm.stopped_at.timestamp()
        found |= (log.at >= arm.started_at.timestamp()) & (log.at < stopped)
    return found


def _of_own_units(arms: tuple[OwnArm, ...]) -> Callable[[str | None, str | None, str | None, float], bool]:
    """Return whether somebody who did something at a time had met one of the arms, whose experiment ran then."""
    units = {arm: _units(arm) for arm in arms}
    bounds = [
        (arm, arm.started_at.timestamp(), np.inf if arm.stopped_at is None else arm.stopped_at.timestamp())
        for arm in arms
    ]

    def own(visitor: str | None, customer: str | None, session: str | None, at: float) -> bool:
        by_kind = {UnitKind.VISITOR: visitor, UnitKind.CUSTOMER: customer, UnitKind.SESSION: session}
        return any(
            started <= at < stopped and by_kind.get(arm.unit_kind) in units[arm] for arm, started, stopped in bounds
        )

    return own


def _units(arm: OwnArm) -> frozenset[str]:
    """Return the stored ids of the units that met an arm first."""
    with transaction.atomic():
        batches = first_met([arm.experiment_id])
        return frozenset(met.unit for batch in batches for met in batch if met.variant == arm.variant)


def _point(model: ModelFacts) -> str:
    """Return the decision point whose decisions a model learns from: that which names it, or the domain's only one."""
    points = [point for point in points_of(model.project_id) if point.domain == model.domain]
    naming = [point.key for point in points if point.model_id == model.id] or [point.key for point in points]
    if len(naming) != 1:
        raise PointAmbiguous(f"{len(naming)} decision points could have made the decisions of {model.key}.")
    return naming[0]
