"""Comparison from summary numbers alone, by the functions that judge an experiment at one look."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from experiments.analysis.effects import Effect
from experiments.analysis.estimate import Stratified, estimate
from experiments.analysis.plan import Adjustment
from experiments.analysis.scorecard import Estimator
from experiments.statistics.distributions import normal_isf
from experiments.statistics.lift import lift
from experiments.statistics.moments import Moments, PowerSums
from experiments.statistics.multiplicity import holm
from experiments.statistics.results import Interval, Undefined, UndefinedReason, undefined
from experiments.vocabulary import MetricKind
from foundation.errors import DomainError

LARGEST_COUNT = 10**15


class SummaryInvalid(DomainError):
    """Summary numbers that no set of units can have."""

    code: ClassVar[str] = "SUMMARY_INVALID"
    hint = "Give units and conversions as whole numbers, or units, mean and standard deviation per unit."


@dataclass(frozen=True, slots=True)
class SummaryComparison:
    """One treatment against control at a single look.

    estimator and figures are None where the comparison does not exist; reason says why. se: standard error of the
    difference. p_adjusted: Holm's over the treatments compared.
    """

    control: float | None
    treatment: float | None
    estimator: Estimator | None
    difference: float | None
    se: float | None
    interval: Interval
    lift: float | None
    lift_interval: Interval
    p_value: float | None
    p_adjusted: float | None
    reason: UndefinedReason | None = None


def conversions(n: int, converted: int) -> Moments:
    """Return the arm of n units of which some converted. Raises SummaryInvalid."""
    _check_units(n)
    if not 0 <= converted <= n:
        raise SummaryInvalid(f"conversions: must be between 0 and {n}, not {converted}")
    return Moments.from_power_sums(PowerSums(n, ("y",), (converted,), (converted,), (converted,)))


def values(n: int, mean: float, sd: float, nonzero: int | None = None) -> Moments:
    """Return the arm of n units with a mean and standard deviation (divisor n - 1) per unit.

    nonzero: units with a value other than 0; with fewer than 200 the null-restricted error applies as well. Unknown
    counts as all. Raises SummaryInvalid.
    """
    _check_units(n)
    if not math.isfinite(mean):
        raise SummaryInvalid(f"mean: must be finite, not {mean}")
    if not 0.0 <= sd < math.inf:
        raise SummaryInvalid(f"sd: must be 0 or more and finite, not {sd}")
    if nonzero is not None and not 0 <= nonzero <= n:
        raise SummaryInvalid(f"nonzero: must be between 0 and {n}, not {nonzero}")
    with np.errstate(over="ignore"):
        scatter = np.array([[np.float64(sd) * sd * max(0, n - 1)]])
    if not np.isfinite(scatter[0, 0]):
        raise SummaryInvalid(f"sd: {sd} is too large to compute with")
    return Moments(n, ("y",), np.array([mean]), scatter, None, () if nonzero is None else (nonzero,))


def compare(
    kind: MetricKind, control: Moments, treatments: Sequence[Moments], *, alpha: float = 0.05
) -> tuple[SummaryComparison, ...]:
    """Return each treatment's comparison with control, in order; intervals have level 1 - alpha each.

    Conversions: score test and intervals, exact below 5 expected. Everything else: Welch's t and Fieller's lift, with
    the null-restricted error where arms are uneven or few units have a value. Raises SummaryInvalid.
    """
    if kind is MetricKind.RATIO:
        raise SummaryInvalid("kind: a ratio needs sums of both parts per unit; compare it from an experiment's rows")
    if not treatments:
        raise SummaryInvalid("treatments: name one or more")
    if not 0.0 < alpha < 1.0:
        raise SummaryInvalid(f"alpha: must be between 0 and 1, not {alpha}")
    found = [
        estimate(kind, Stratified((control,)), Stratified((treatment,)), adjust=Adjustment.NONE)
        for treatment in treatments
    ]
    defined = [i for i, each in enumerate(found) if not isinstance(each, Undefined)]
    raw = [each.effect.p_value() for each in found if not isinstance(each, Undefined)]
    adjusted = dict(zip(defined, holm(raw), strict=True))
    return tuple(
        _undefined(control, treatment, each.reason)
        if isinstance(each, Undefined)
        else _compared(control, treatment, each.effect, normal_isf(alpha / 2.0), adjusted[i])
        for i, (treatment, each) in enumerate(zip(treatments, found, strict=True))
    )


def _compared(control: Moments, treatment: Moments, effect: Effect, z: float, p_adjusted: float) -> SummaryComparison:
    point = lift(effect.pair)
    return SummaryComparison(
        control=control.mean_of("y"),
        treatment=treatment.mean_of("y"),
        estimator=effect.estimator,
        difference=effect.pair.difference,
        se=effect.pair.se if effect.pair.se > 0.0 else effect.null_se,
        interval=effect.absolute(z),
        lift=None if isinstance(point, Undefined) else point,
        lift_interval=effect.lift(z),
        p_value=effect.p_value(),
        p_adjusted=p_adjusted,
    )


def _undefined(control: Moments, treatment: Moments, reason: UndefinedReason) -> SummaryComparison:
    nothing = undefined(reason)
    return SummaryComparison(
        control=control.mean_of("y") if control.n else None,
        treatment=treatment.mean_of("y") if treatment.n else None,
        estimator=None,
        difference=None,
        se=None,
        interval=nothing,
        lift=None,
        lift_interval=nothing,
        p_value=None,
        p_adjusted=None,
        reason=reason,
    )


def _check_units(n: int) -> None:
    if not 0 <= n <= LARGEST_COUNT:
        raise SummaryInvalid(f"n: must be between 0 and {LARGEST_COUNT}, not {n}")
