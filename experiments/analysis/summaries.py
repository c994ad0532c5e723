"""Comparison from summary numbers alone, by the functions that judge an experiment at one look."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
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
from experiments.statistics.srm import fixed_p
from experiments.vocabulary import MetricKind
from foundation.errors import DomainError

LARGEST_COUNT = 10**15
SRM_ALPHA = 0.001
"""Level of the sample-ratio check, that of a default analysis plan."""
_ROUNDING = 1e-9
"""Share of a sum by which it may contradict another one: sums are often written with some digits only."""


class SummaryInvalid(DomainError):
    """Summary numbers that no set of units can have."""

    code: ClassVar[str] = "SUMMARY_INVALID"
    hint = "Give units and conversions, or units, mean and standard deviation, or units and the sums of both parts."


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


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Whether the arms have the units that the split gave them: one look, exact for two arms below 1 000 units.

    expected: units of each arm, control first. p_value and mismatch are None where there are no units to judge.
    """

    expected: tuple[float, ...]
    p_value: float | None
    alpha: float
    mismatch: bool | None
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


def totals(
    n: int,
    numerator: float,
    denominator: float,
    *,
    numerator_squares: float,
    denominator_squares: float,
    products: float,
) -> Moments:
    """Return the arm of n units with the sums of both parts of a ratio over units, of their squares and products.

    Centred with exact fractions, so that large sums of nearly equal values lose nothing. Raises SummaryInvalid.
    """
    _check_units(n)
    given = {
        "numerator": numerator,
        "denominator": denominator,
        "numerator_squares": numerator_squares,
        "denominator_squares": denominator_squares,
        "products": products,
    }
    for name, value in given.items():
        if not math.isfinite(value):
            raise SummaryInvalid(f"{name}: must be finite, not {value}")
    if n == 0:
        return Moments.from_power_sums(PowerSums.zero(("y", "d")))
    y = _centred(n, "numerator_squares", numerator_squares, numerator, numerator)
    d = _centred(n, "denominator_squares", denominator_squares, denominator, denominator)
    both = _centred(n, "products", products, numerator, denominator)
    most = math.sqrt(y) * math.sqrt(d)
    slack = _ROUNDING * math.sqrt(numerator_squares) * math.sqrt(denominator_squares)
    if abs(both) > most + slack:
        raise SummaryInvalid("products: the parts cannot go together more closely than their squares allow")
    both = min(max(both, -most), most)
    return Moments(n, ("y", "d"), np.array([numerator / n, denominator / n]), np.array([[y, both], [both, d]]))


def sample_ratio(counts: Sequence[int], split: Sequence[float]) -> SampleRatio:
    """Return whether units of control and treatments follow the split, weights of any scale. Raises SummaryInvalid."""
    if len(split) != len(counts):
        raise SummaryInvalid(f"split: needs a weight for each of {len(counts)} arms, has {len(split)}")
    if not all(0.0 < weight < math.inf for weight in split) or not math.isfinite(sum(split)):
        raise SummaryInvalid("split: every weight must be above 0 and finite", hint="Half and half is [50, 50].")
    largest = max(split)
    weights = [weight / largest for weight in split]
    if not min(weights) > 0.0:
        raise SummaryInvalid("split: a weight vanishes beside the largest one")
    total, units = sum(weights), sum(counts)
    expected = tuple(units * weight / total for weight in weights)
    p = fixed_p(counts, weights)
    if isinstance(p, Undefined):
        return SampleRatio(expected, None, SRM_ALPHA, None, p.reason)
    return SampleRatio(expected, p, SRM_ALPHA, p < SRM_ALPHA)


def compare(
    kind: MetricKind, control: Moments, treatments: Sequence[Moments], *, alpha: float = 0.05
) -> tuple[SummaryComparison, ...]:
    """Return each treatment's comparison with control, in order; intervals have level 1 - alpha each.

    Conversions: score test and intervals, exact below 5 expected. Everything else: Welch's t and Fieller's lift, with
    the null-restricted error where arms are uneven or few units have a value; a ratio is linearised first. Raises
    SummaryInvalid.
    """
    if kind is MetricKind.RATIO and any("d" not in arm.names for arm in (control, *treatments)):
        raise SummaryInvalid("kind: a ratio needs the sums of both parts")
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
        control=_value(control),
        treatment=_value(treatment),
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
        control=_value(control),
        treatment=_value(treatment),
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


def _value(arm: Moments) -> float | None:
    """Return the arm's mean, or the ratio of its sums; None where there is none."""
    if not arm.n:
        return None
    if "d" not in arm.names:
        return arm.mean_of("y")
    denominator = arm.mean_of("d")
    found = arm.mean_of("y") / denominator if denominator else math.inf
    return found if math.isfinite(found) else None


def _centred(n: int, name: str, product: float, left: float, right: float) -> float:
    """Return the sum of products about the means, from plain sums; a square may miss 0 by its rounding only."""
    centred = Fraction(product) - Fraction(left) * Fraction(right) / n
    try:
        found = float(centred)
    except OverflowError:
        raise SummaryInvalid(f"{name}: {product} is too large to compute with") from None
    if name == "products" or found >= 0.0:
        return found
    if -found > _ROUNDING * abs(product):
        raise SummaryInvalid(f"{name}: is smaller than the sum of the values allows")
    return 0.0


def _check_units(n: int) -> None:
    if not 0 <= n <= LARGEST_COUNT:
        raise SummaryInvalid(f"n: must be between 0 and {LARGEST_COUNT}, not {n}")
