"""Schedules of experiments by period, from the stored design alone: no published bundle and no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.periods import DAY_MINUTES
from experiments.assignment.schedule import MOST_CELLS, Schedule, write_out
from experiments.assignment.schedule_balance import balance_of
from experiments.models import Experiment, PeriodSchedule
from experiments.queries.bundles import lone_bundle
from experiments.queries.designs import ExperimentUnknown
from experiments.vocabulary import Source
from foundation.errors import DomainError
from foundation.ids import sought
from foundation.queries import project_facts


class ScheduleImpossible(DomainError):
    """The experiment has no schedule that could be written out."""

    code: ClassVar[str] = "SCHEDULE_IMPOSSIBLE"
    hint = "Randomise items, stores or clusters by period, and launch the experiment: that fixes its schedule."


class ScheduleUnbalanced(DomainError):
    """A schedule does not keep what its design promises."""

    code: ClassVar[str] = "SCHEDULE_UNBALANCED"
    hint = "Do not hand it out: this is an error of the program. Report it with the experiment's bundle."


@dataclass(frozen=True, slots=True)
class ScheduleFacts:
    """An experiment by period that has started, and what was handed out of its schedule; nothing without `units`."""

    experiment_id: int
    key: str
    project_key: str
    zone: str
    currency: str
    anchor: datetime
    minutes: int
    units: tuple[str, ...]
    periods: int

    @property
    def ends(self) -> datetime:
        """When the last period that was handed out is over."""
        return self.anchor + self.periods * timedelta(minutes=self.minutes)


def find_scheduled(*, key: str, project_key: str | None) -> int:
    """Return the id of the experiment with this key. Raises ExperimentUnknown, also where the key is ambiguous."""
    rows = Experiment.objects.filter(key=key)
    if project_key is not None:
        rows = rows.filter(project__key=sought(project_key))
    ids = list(rows.values_list("pk", flat=True)[:2])
    if len(ids) != 1:
        problem = "no experiment" if not ids else "more than one experiment"
        raise ExperimentUnknown(f"There is {problem} with the key {key}.", hint="Check the key, and name its project.")
    return int(ids[0])


def schedule_facts(experiment_id: int) -> ScheduleFacts:
    """Return the facts of an experiment by period. Raises ScheduleImpossible."""
    row = Experiment.objects.get(pk=experiment_id)
    if row.source != Source.OWN or row.period_minutes is None:
        raise ScheduleImpossible(f"Experiment {row.key} is not randomised by period.")
    if row.periods_from is None:
        raise ScheduleImpossible(f"Experiment {row.key} has not been launched.")
    if row.audience is not None:
        raise ScheduleImpossible(
            f"Experiment {row.key} has an audience, and a list of units does not say who belongs to it.",
            hint="Leave the audience empty and hand out the schedule of the units that are meant.",
        )
    handed = PeriodSchedule.objects.filter(experiment_id=experiment_id).first()
    project = project_facts(row.project_id)
    return ScheduleFacts(
        experiment_id=experiment_id,
        key=row.key,
        project_key=project.key,
        zone=project.time_zone,
        currency=project.currency,
        anchor=row.periods_from,
        minutes=row.period_minutes,
        units=tuple(handed.units) if handed else (),
        periods=handed.periods if handed else 0,
    )


def periods_in(facts: ScheduleFacts, days: int) -> int:
    """Return how many whole periods lie in so many days. Raises ScheduleImpossible where there is none."""
    periods = days * DAY_MINUTES // facts.minutes
    if periods < 1:
        raise ScheduleImpossible(
            f"{days} days are shorter than a period of {facts.minutes} minutes.", hint="Give more days."
        )
    return periods


def schedule_of(facts: ScheduleFacts, units: Sequence[str], periods: int) -> Schedule:
    """Return the schedule for these units, checked against the design.

    Raises ScheduleImpossible where it has more than a million cells, ScheduleUnbalanced.
    """
    if len(units) * periods > MOST_CELLS:
        raise ScheduleImpossible(
            f"{len(units)} units in {periods} periods are more than {MOST_CELLS} cells.",
            hint="Give fewer units or fewer days.",
        )
    snapshot = compile_snapshot(lone_bundle(facts.experiment_id))
    found = write_out(snapshot, facts.key, units, periods)
    experiment = snapshot.experiments[facts.key]
    weights = {variant.key: variant.weight for variant in experiment.variants.values()}
    balance = balance_of(found.cells, weights, experiment.periods.block if experiment.periods else 1)
    if balance.uneven:
        raise ScheduleUnbalanced(f"{balance.uneven} of {balance.blocks} blocks do not have every variant as planned.")
    return found
