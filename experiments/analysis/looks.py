"""Paying for looks: the multiplier that each comparison has to reach at this look, by the plan's method."""

import math
from dataclasses import dataclass

from experiments.analysis.effects import Effect, information
from experiments.analysis.inputs import PastLook
from experiments.analysis.plan import AnalysisPlan, PlannedMetric, SequentialMethod
from experiments.analysis.scorecard import Crossing, FinalFigures
from experiments.statistics import confidence
from experiments.statistics.distributions import normal_isf
from experiments.statistics.group_sequential import lan_demets
from experiments.statistics.results import Undefined, UndefinedReason


@dataclass(frozen=True, slots=True)
class Look:
    """One comparison at this look, before any level is chosen.

    information, fraction: of this look; None where they do not exist. past: earlier looks, oldest first.
    after_horizon: the horizon's own look has been taken. units: of both arms. started: enough conversions for a
    confidence sequence.
    """

    plan: AnalysisPlan
    metric: PlannedMetric
    information: float | None
    fraction: float | None
    past: tuple[PastLook, ...]
    after_horizon: bool
    units: int
    started: bool

    @property
    def uses_sequence(self) -> bool:
        """Whether a confidence sequence pays for this look."""
        return self.plan.method is SequentialMethod.CONFIDENCE_SEQUENCE or self.after_horizon

    @property
    def crossed_before(self) -> Crossing:
        """Where the comparison had first left its boundary at an earlier look."""
        sides = (look.crossed for look in self.past)
        return next((side for side in sides if side is not Crossing.NONE), Crossing.NONE)

    @property
    def stopped(self) -> FinalFigures | None:
        """The figures of the look at which the comparison had stopped, if it has."""
        return next((look.final for look in self.past if look.final is not None), None)

    def share_of(self, alpha: float) -> float:
        """Return the part of an alpha that is meant for this side of the horizon."""
        kept = self.plan.reserved_alpha / self.plan.alpha
        return alpha * kept if self.after_horizon else alpha * (1.0 - kept)

    def two_sided(self, alpha: float, tuned_at: float) -> float | Undefined:
        """Return the multiplier at a two-sided level; `tuned_at` is the level the sequence's scale is planned for."""
        if self.plan.method is SequentialMethod.FIXED_HORIZON:
            return normal_isf(alpha / 2.0)
        if not self.uses_sequence:
            return self._group_sequential(alpha)
        problem = self._sequence_problem(alpha)
        if problem is not None:
            return problem
        n, planned = self._time()
        return confidence.two_sided(n, confidence.tuned_g(tuned_at, planned), alpha)

    def one_sided(self, alpha: float) -> float | Undefined:
        """Return the multiplier at a one-sided level over all looks."""
        if self.plan.method is SequentialMethod.FIXED_HORIZON:
            return normal_isf(alpha)
        if not self.uses_sequence:
            return self._group_sequential(2.0 * alpha)
        return self.alarm(alpha)

    def alarm(self, alpha: float) -> float | Undefined:
        """Return the one-sided multiplier of a confidence sequence, whatever the plan's method for decisions."""
        if self.plan.method is SequentialMethod.FIXED_HORIZON:
            return normal_isf(alpha)
        problem = self._sequence_problem(alpha)
        if problem is not None:
            return problem
        n, planned = self._time()
        return confidence.one_sided_mixture(n, confidence.tuned_g(2.0 * alpha, planned), alpha)

    def always_valid_p(self, z: float, tuned_at: float) -> float | None:
        """Return the p-value that holds at every look, or None where no confidence sequence is running."""
        if not self.uses_sequence or self._sequence_problem(tuned_at) is not None:
            return None
        n, planned = self._time()
        return confidence.always_valid_p(confidence.log_e_value(z, n, confidence.tuned_g(tuned_at, planned)))

    def _sequence_problem(self, alpha: float) -> Undefined | None:
        if not alpha > 0.0:
            return Undefined(UndefinedReason.NO_ALPHA_LEFT)
        if self.information is None:
            return Undefined(UndefinedReason.NO_VARIANCE)
        return None if self.started else Undefined(UndefinedReason.TOO_FEW_CONVERSIONS)

    def _time(self) -> tuple[float, float]:
        """Return how far the sequence is and where it was planned to be tightest: information, or else units."""
        planned = self.metric.planned_information
        if planned is not None and self.information is not None:
            return self.information, planned
        return float(self.units), float(self.plan.planned_units)

    def _group_sequential(self, alpha: float) -> float | Undefined:
        if self.information is None or self.fraction is None:
            return Undefined(UndefinedReason.NO_VARIANCE)
        seen = tuple(look.information for look in self.past)
        spent = tuple(look.spent_fraction for look in self.past)
        bound = lan_demets(
            (*seen, self.information),
            alpha,
            spending=self.plan.spending,
            parameter=self.plan.spending_parameter,
            fractions=(*spent, self.fraction),
        )[-1]
        return bound if math.isfinite(bound) else Undefined(UndefinedReason.NO_ALPHA_LEFT)


def look_at(
    plan: AnalysisPlan,
    metric: PlannedMetric,
    effect: Effect,
    past: tuple[PastLook, ...],
    *,
    days: float | None,
    nonzero: int,
    is_last: bool,
) -> Look:
    """Return where one comparison stands on its way.

    The look at or after the last planned day spends all alpha that is left, whatever information has come; so does
    reaching the planned information, and the last look at an experiment that was stopped. Every later one is after
    the horizon. nonzero: units of both arms with a value.
    """
    found = information(effect)
    units = effect.pair.control.n + effect.pair.treatment.n
    smaller = min(effect.pair.control.n, effect.pair.treatment.n)
    after = bool(past) and past[-1].spent_fraction >= 1.0
    return Look(
        plan=plan,
        metric=metric,
        information=found,
        fraction=_fraction(plan, metric, found, days, past, is_final=after or at_horizon(plan, days, is_last=is_last)),
        past=past,
        after_horizon=after and plan.method is SequentialMethod.GROUP_SEQUENTIAL,
        units=units,
        started=nonzero * smaller >= plan.minimum_conversions * units,
    )


def at_horizon(plan: AnalysisPlan, days: float | None, *, is_last: bool) -> bool:
    """Return whether the last planned day is over or nothing more can come; always for a single look."""
    if is_last or plan.method is SequentialMethod.FIXED_HORIZON:
        return True
    return plan.horizon_days is not None and days is not None and days >= plan.horizon_days


def _fraction(
    plan: AnalysisPlan,
    metric: PlannedMetric,
    found: float | None,
    days: float | None,
    past: tuple[PastLook, ...],
    *,
    is_final: bool,
) -> float | None:
    if plan.method is not SequentialMethod.GROUP_SEQUENTIAL:
        return None
    if is_final:
        return 1.0
    reached: float | None = None
    if metric.planned_information is not None:
        reached = None if found is None else found / metric.planned_information
    elif days is not None and plan.horizon_days is not None:
        reached = days / plan.horizon_days
    if reached is None:
        return None
    earlier = past[-1].spent_fraction if past else 0.0
    return min(1.0, max(reached, earlier, 0.0))
