"""Where experiments stand, in a few facts each: for the app above, which binds models to them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from experiments.models import AllocationEpoch, Experiment
from experiments.queries.designs import ExperimentUnknown
from experiments.vocabulary import Status, UnitKind


@dataclass(frozen=True, slots=True)
class Standing:
    """An experiment's identity, status and traffic; times are project time, the budget is in millionths."""

    id: int
    project_id: int
    key: str
    name: str
    status: Status
    unit_kind: UnitKind
    layer_id: int | None
    audience: Mapping[str, Any] | None
    personalised: bool
    started_at: datetime | None
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """A variant's part of the traffic in the current epoch: weight and coverage in slots of 1 000 000."""

    variant: str
    name: str
    control: bool
    weight: int
    state: str


@dataclass(frozen=True, slots=True)
class LiveAllocation:
    """How traffic is divided now."""

    epoch: int
    opened_at: datetime
    coverage: int
    shares: tuple[Share, ...]


def standing_of(experiment_id: int) -> Standing:
    """Return where an experiment stands. Raises ExperimentUnknown."""
    found = standings([experiment_id])
    if not found:
        raise ExperimentUnknown(f"There is no experiment {experiment_id}.")
    return found[experiment_id]


def standings(experiment_ids: Iterable[int]) -> Mapping[int, Standing]:
    """Return where these experiments stand, by id, in the order given."""
    ids = list(dict.fromkeys(experiment_ids))
    rows = {int(row.pk): row for row in Experiment.objects.filter(pk__in=ids)}
    return {identity: _standing(rows[identity]) for identity in ids if identity in rows}


def live_allocation(experiment_id: int) -> LiveAllocation | None:
    """Return how an experiment's traffic is divided in its current epoch, None before the launch."""
    epoch = (
        AllocationEpoch.objects.filter(experiment_id=experiment_id)
        .prefetch_related("allocations__variant")
        .order_by("-number")
        .first()
    )
    if epoch is None:
        return None
    held = sorted(epoch.allocations.all(), key=lambda share: (share.variant.position, share.variant_id))
    return LiveAllocation(
        epoch=epoch.number,
        opened_at=epoch.opened_at,
        coverage=epoch.coverage,
        shares=tuple(
            Share(row.variant.key, row.variant.name, row.variant.is_control, row.weight, row.state) for row in held
        ),
    )


def _standing(row: Experiment) -> Standing:
    return Standing(
        id=int(row.pk),
        project_id=row.project_id,
        key=row.key,
        name=row.name,
        status=Status(row.status),
        unit_kind=UnitKind(row.unit_kind),
        layer_id=row.layer_id,
        audience=row.audience,
        personalised=row.personalised,
        started_at=row.started_at,
        budget=row.budget,
    )
