"""What a design by period would find on the shop's own past: the panel of its decision metric, drawn on again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from experiments.analysis.design_power import DRAWS, Panel, PeriodPower, period_counts, powers
from experiments.analysis.metrics import needs_books
from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.planned_periods import PlannedPeriods
from experiments.assignment.periods import DAY_MINUTES
from experiments.models import Experiment
from experiments.queries.panels import PastAsked, last_midnight, past_panel
from experiments.queries.plans import draft_plan
from experiments.vocabulary import MetricRole, UnitKind
from foundation.errors import DomainError
from foundation.queries import project_facts

PAST_DAYS: Final = 90
_SEED: Final = 20_000


class PowerImpossible(DomainError):
    """The design cannot be rehearsed on the past."""

    code: ClassVar[str] = "POWER_IMPOSSIBLE"
    hint = "Randomise items, stores or clusters by period, and choose a metric that decides."


class NoPast(StrEnum):
    """Why the past says nothing about a design."""

    NOTHING_HAPPENED = "NOTHING_HAPPENED"
    NEEDS_BOOKS = "NEEDS_BOOKS"
    TOO_SHORT = "TOO_SHORT"


@dataclass(frozen=True, slots=True)
class DesignPower:
    """A design held against the past.

    days: of the past that were asked for. minutes: of a period. planned: periods of the design, None without a
    horizon. available: whole periods of the past. found: by number of periods, ascending; empty where `why` says why.
    """

    metric: str
    unit_kind: UnitKind
    days: int
    minutes: int
    planned: int | None
    power: float
    units: int = 0
    available: int = 0
    found: tuple[PeriodPower, ...] = ()
    why: NoPast | None = None

    @property
    def wanted(self) -> int:
        """How many periods the design has; without a horizon as many as the past."""
        return self.planned or self.available

    @property
    def of_design(self) -> PeriodPower | None:
        """What the design itself would find; of a longer one, what the longest part that the past has would find."""
        return max(
            (each for each in self.found if each.periods <= self.wanted), key=lambda each: each.periods, default=None
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """A design beside its past. start: what is known before anything is drawn. counts: of periods, worth comparing."""

    plan: AnalysisPlan
    periods: PlannedPeriods
    weights: Sequence[int]
    seed: int
    panel: Panel | None
    start: DesignPower
    counts: tuple[int, ...] = ()


def design_power(experiment_id: int, *, now: datetime, days: int = PAST_DAYS, draws: int = DRAWS) -> DesignPower:
    """Return what the design of an experiment by period would find on the days before today, and with other lengths.

    now: wall time. A draft is rehearsed as it would be launched now. Raises PowerImpossible, PlanInvalid.
    """
    held = _held(experiment_id, now, days)
    return _rehearsed(held, held.counts, draws)


def power_at_a_glance(experiment_id: int, *, now: datetime, draws: int, most_cells: int) -> DesignPower | None:
    """Return what the design would find as planned, for somebody who waits for it; other lengths are left out.

    None for a past of more cells than that, which would take long. Raises PowerImpossible, PlanInvalid.
    """
    held = _held(experiment_id, now, PAST_DAYS)
    start = held.start
    if start.units * start.available > most_cells:
        return None
    return _rehearsed(held, [count for count in held.counts if count <= start.wanted][-1:], draws)


def _held(experiment_id: int, now: datetime, days: int) -> _Held:
    row = Experiment.objects.prefetch_related("variants").get(pk=experiment_id)
    plan = draft_plan(experiment_id)
    if plan.periods is None:
        raise PowerImpossible(f"Experiment {row.key} is not randomised by period.")
    project = project_facts(row.project_id)
    spec = plan.metrics_of(MetricRole.DECISION)[0].spec
    until = last_midnight(project.clock.at(now), project.time_zone)
    kind = UnitKind(row.unit_kind)
    panel = past_panel(PastAsked(row.project_id, kind, spec, plan.periods, days, until, now))
    planned = None if not row.horizon_days else row.horizon_days * DAY_MINUTES // plan.periods.minutes
    start = DesignPower(spec.key, kind, days, plan.periods.minutes, planned, plan.power)
    held = _Held(plan, plan.periods, _weights(row, plan), _SEED + experiment_id, panel, start)
    if panel is None:
        why = NoPast.NEEDS_BOOKS if needs_books(spec) else NoPast.NOTHING_HAPPENED
        return replace(held, start=replace(start, why=why))
    counts = period_counts(planned or panel.periods, panel.periods, plan.periods.block)
    why_not = None if counts else NoPast.TOO_SHORT
    start = replace(start, units=panel.units, available=panel.periods, why=why_not)
    return replace(held, start=start, counts=counts)


def _rehearsed(held: _Held, counts: Sequence[int], draws: int) -> DesignPower:
    if held.panel is None:
        return held.start
    found = powers(
        held.panel,
        held.periods,
        weights=held.weights,
        counts=counts,
        alpha=held.plan.alpha,
        power=held.plan.power,
        seed=held.seed,
        draws=draws,
    )
    return replace(held.start, found=found)


def _weights(row: Experiment, plan: AnalysisPlan) -> list[int]:
    """Return the slots of the arms, control first, the others in the order of the plan."""
    slots = {variant.key: variant.weight for variant in row.variants.all()}
    return [slots[key] for key in (plan.control, *plan.treatments)]
