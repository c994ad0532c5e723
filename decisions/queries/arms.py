"""Training schedules as arms of experiments: which variants they are, since when, and what sets those apart."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Final

from decisions.domain import PolicyKind
from decisions.models import VariantPolicy
from experiments.analysis.checks_confounds import ARMS_LEARN_FROM_EACH_OTHER, FRESHNESS_CONFOUND
from experiments.analysis.inputs import Confound
from experiments.lifecycle import SERVING
from experiments.queries.designs import ExperimentUnknown, run_facts
from experiments.queries.standing import standings
from experiments.vocabulary import UnitKind
from models_registry.queries.schedules import ScheduleFacts, newest_passed, schedule_by_id
from models_registry.queries.versions import version_by_id
from models_registry.vocabulary import DataPolicy

TOLERATED: Final = timedelta(days=1)
"""How far apart the data of two arms may end, and how much longer one may wait for its retraining than the other."""


@dataclass(frozen=True, slots=True)
class OwnArm:
    """A variant of an experiment that a schedule is; it took traffic in [started_at, stopped_at), project time."""

    experiment_id: int
    experiment: str
    variant: str
    unit_kind: UnitKind
    started_at: datetime
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Model:
    """The model of a variant: its data's end, and its schedule where it is retrained."""

    variant: str
    data_end: datetime | None
    schedule: ScheduleFacts | None


def arms_of_schedule(schedule_id: int) -> tuple[OwnArm, ...]:
    """Return the variants that a schedule is or was, of experiments that have started, oldest first."""
    return tuple(arm for row in _uses(schedule_id) if (arm := _arm(row)) is not None)


def serves(schedule_id: int) -> bool:
    """Return whether a schedule is an arm of an experiment that bundles have."""
    found = standings(row.experiment_id for row in _uses(schedule_id))
    return any(standing.status in SERVING for standing in found.values())


def confounds(experiment_id: int, known_before: datetime) -> Iterable[Confound]:
    """Yield what the models of an experiment's variants differ in besides the treatment, as known by a wall time.

    FRESHNESS_CONFOUND: their data end, or their clocks differ, by more than a day, or one is retrained and the other
    is not. ARMS_LEARN_FROM_EACH_OTHER: both are retrained on pooled data. Variants without a model, and learning
    policies, whose learning is the treatment, are not compared.
    """
    models = list(_models(experiment_id, known_before))
    for one, other in combinations(models, 2):
        if _unequally_fresh(one, other):
            yield Confound(FRESHNESS_CONFOUND, one.variant, other.variant)
        if _is_pooled(one) and _is_pooled(other):
            yield Confound(ARMS_LEARN_FROM_EACH_OTHER, one.variant, other.variant)


def data_warnings(schedule_id: int, *, now: datetime) -> tuple[str, ...]:
    """Return the codes of what people should know of a schedule's data: with whose arms it shares them."""
    own = {(row.experiment_id, row.variant.key) for row in _uses(schedule_id)}
    found = [
        confound.code
        for experiment_id in sorted({experiment_id for experiment_id, _variant in own})
        for confound in confounds(experiment_id, now)
        if confound.code == ARMS_LEARN_FROM_EACH_OTHER
        and own & {(experiment_id, confound.variant), (experiment_id, confound.other)}
    ]
    return tuple(dict.fromkeys(found))


def _unequally_fresh(one: _Model, other: _Model) -> bool:
    if (one.schedule is None) != (other.schedule is None):
        return True
    if one.schedule and other.schedule and abs(one.schedule.every - other.schedule.every) > TOLERATED:
        return True
    # A recipe that has no version yet has nothing to compare; the other one is then the only model that serves.
    return one.data_end is not None and other.data_end is not None and abs(one.data_end - other.data_end) > TOLERATED


def _is_pooled(model: _Model) -> bool:
    return model.schedule is not None and model.schedule.data_policy is DataPolicy.POOLED


def _models(experiment_id: int, known_before: datetime) -> Iterator[_Model]:
    rows = VariantPolicy.objects.select_related("variant").filter(experiment_id=experiment_id)
    for row in rows.order_by("variant__position", "variant_id"):
        key = row.variant.key
        if row.policy == PolicyKind.RECIPE and row.schedule_id is not None:
            newest = newest_passed(row.schedule_id, registered_before=known_before)
            yield _Model(key, None if newest is None else newest.data_end, schedule_by_id(row.schedule_id))
        elif row.policy == PolicyKind.MODEL_RANKED and row.version_id is not None:
            yield _Model(key, version_by_id(row.version_id).data_end, None)


def _uses(schedule_id: int) -> Iterable[VariantPolicy]:
    rows = VariantPolicy.objects.select_related("variant").filter(schedule_id=schedule_id)
    return rows.order_by("experiment_id", "variant_id")


def _arm(row: VariantPolicy) -> OwnArm | None:
    try:
        run = run_facts(row.experiment_id)
    except ExperimentUnknown:
        return None
    return OwnArm(
        experiment_id=run.id,
        experiment=run.key,
        variant=row.variant.key,
        unit_kind=run.unit_kind,
        started_at=run.started_at,
        stopped_at=run.stopped_at,
    )
