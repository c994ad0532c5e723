"""Allocation epochs: the only way to change weights, coverage or arm states after launch."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from experiments.allocation import SLOTS, Ranges, first_ranges, moved_ranges
from experiments.launch_checks import Design
from experiments.lifecycle import SERVING
from experiments.models import AllocationEpoch, EpochAllocation, Experiment, PeriodSchedule
from experiments.queries.designs import ExperimentUnknown
from experiments.vocabulary import ArmState, Status
from foundation.actions.journal import write_journal
from foundation.actions.projects import bump_revision
from foundation.errors import DomainError
from foundation.queries import project_facts


class AllocationInvalid(DomainError):
    """The new allocation cannot be opened."""

    code = "ALLOCATION_INVALID"
    hint = "Weights are slots of 1 000 000 for every variant; coverage lies between 0 and 1 000 000."


class ScheduleFixed(DomainError):
    """Weights and arms of an experiment by period do not change: its schedule is known and may have been handed out."""

    code = "SCHEDULE_FIXED"
    hint = "Stop the experiment and launch another one; only the coverage may grow or shrink."


def open_first_epoch(*, design: Design, opened_at: datetime) -> None:
    """Open epoch 1 of a design at its launch."""
    weights = {variant.key: variant.weight for variant in design.variants}
    _open(
        experiment_id=design.id,
        number=1,
        opened_at=opened_at,
        coverage=design.coverage,
        ids={variant.key: variant.id for variant in design.variants},
        weights=weights,
        states=dict.fromkeys(weights, ArmState.OPEN),
        ranges=first_ranges(weights),
    )


@transaction.atomic
def change_allocation(
    *,
    experiment_id: int,
    acting_user: str,
    now: datetime,
    reason: str,
    weights: Mapping[str, int] | None = None,
    coverage: int | None = None,
    states: Mapping[str, ArmState] | None = None,
) -> int:
    """Open the next epoch with new weights, coverage or arm states and return its number.

    What is not given stays. Raises AllocationInvalid, ExperimentUnknown, ScheduleFixed.
    """
    row = Experiment.objects.select_for_update().filter(pk=experiment_id).first()
    if row is None:
        raise ExperimentUnknown(f"There is no experiment {experiment_id}.")
    if Status(row.status) not in SERVING:
        raise AllocationInvalid(f"An experiment that is {row.status} has no traffic to divide.")
    latest = row.epochs.prefetch_related("allocations__variant").latest("number")
    current = {held.variant.key: held for held in latest.allocations.all()}
    old_weights = {key: held.weight for key, held in current.items()}
    old_states = {key: ArmState(held.state) for key, held in current.items()}
    new_weights = {**old_weights, **(weights or {})}
    new_states = {**old_states, **{key: ArmState(state) for key, state in (states or {}).items()}}
    new_coverage = latest.coverage if coverage is None else coverage
    _validate(new_weights, new_states, new_coverage, set(current))
    if row.period_minutes is not None and (new_weights, new_states) != (old_weights, old_states):
        raise ScheduleFixed("The schedule of an experiment by period was drawn for its weights, when it was launched.")
    if new_coverage != latest.coverage and PeriodSchedule.objects.filter(experiment_id=experiment_id).exists():
        raise ScheduleFixed(
            "The schedule was handed out, and its report is held against it.",
            hint="Stop the experiment, or pause it; the coverage stays as it was when the schedule was handed out.",
        )
    if (new_weights, new_states, new_coverage) == (old_weights, old_states, latest.coverage):
        raise AllocationInvalid("Nothing changes.", hint="Give a weight, the coverage or a state that differs.")
    opened_at = project_facts(row.project_id).clock.at(now)
    owned: dict[str, Ranges] = {key: tuple((a, b) for a, b in held.ranges) for key, held in current.items()}
    _open(
        experiment_id=experiment_id,
        number=latest.number + 1,
        opened_at=opened_at,
        coverage=new_coverage,
        ids={key: held.variant_id for key, held in current.items()},
        weights=new_weights,
        states=new_states,
        ranges=moved_ranges(owned, new_weights),
    )
    write_journal(
        project_id=row.project_id,
        at=opened_at,
        actor=acting_user,
        action="experiment.allocation",
        subject=f"experiment:{row.key}",
        reason=reason,
        before={"weights": old_weights, "coverage": latest.coverage, "states": old_states},
        after={"weights": new_weights, "coverage": new_coverage, "states": new_states},
    )
    bump_revision(project_id=row.project_id)
    return int(latest.number + 1)


def _validate(weights: Mapping[str, int], states: Mapping[str, ArmState], coverage: int, known: set[str]) -> None:
    unknown = sorted((set(weights) | set(states)) - known)
    if unknown:
        raise AllocationInvalid(f"There is no variant {unknown[0]}.")
    if any(weight < 0 for weight in weights.values()) or sum(weights.values()) != SLOTS:
        raise AllocationInvalid(f"The weights add up to {sum(weights.values())}, not {SLOTS}.")
    if not 0 <= coverage <= SLOTS:
        raise AllocationInvalid(f"A coverage of {coverage} slots is out of bounds.")
    if not any(state is ArmState.OPEN for state in states.values()):
        raise AllocationInvalid("No variant is open.", hint="Pause the experiment instead.")


def _open(
    *,
    experiment_id: int,
    number: int,
    opened_at: datetime,
    coverage: int,
    ids: Mapping[str, int],
    weights: Mapping[str, int],
    states: Mapping[str, ArmState],
    ranges: Mapping[str, Ranges],
) -> None:
    epoch = AllocationEpoch.objects.create(
        experiment_id=experiment_id, number=number, opened_at=opened_at, coverage=coverage
    )
    EpochAllocation.objects.bulk_create(
        EpochAllocation(epoch=epoch, variant_id=ids[key], weight=weights[key], state=states[key], ranges=ranges[key])
        for key in ids
    )
