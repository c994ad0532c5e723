"""Quantiles watched at every look: always-valid p-value and confidence sequences, without any assumption of shape."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, digamma

from experiments.statistics.moments import Vector
from experiments.statistics.results import Interval, UndefinedReason, bounded, unbounded, undefined
from experiments.statistics.rows import finite_column, probability

_LEAST_SPREAD = 1e-3
_HALVINGS = 200


@dataclass(frozen=True, slots=True)
class Mixture:
    """A beta mixture of binomial likelihood ratios against "a share nu of the values lies below x".

    below, above: the parameters of the beta prior, whose mean is nu.
    """

    nu: float
    below: float
    above: float

    @classmethod
    def tuned(cls, nu: float, planned: float, alpha: float = 0.05) -> Self:
        """Return the mixture that is about tightest at `planned` values in an arm (Howard et al. 2021).

        rho = nu (1 - nu) planned / (2 ln(1/a) + ln(1 + 2 ln(1/a))), less nu (1 - nu). Must come from the plan, never
        from the running data. Raises RowsInvalid for a quantile or alpha outside (0, 1).
        """
        spread = probability("nu", nu) * (1.0 - nu)
        log_odds = -2.0 * math.log(probability("alpha", alpha))
        r = max(spread * planned / (log_odds + math.log1p(log_odds)) - spread, _LEAST_SPREAD * spread)
        return cls(nu, r / (1.0 - nu), r / nu)

    def log_e(self, below: Vector, n: int) -> Vector:
        """Return the log e-value of `below` values out of n; convex in `below`, which need not be whole.

        ln B(a + k, b + n - k) - ln B(a, b) - k ln nu - (n - k) ln(1 - nu).
        """
        likelihood = below * math.log(self.nu) + (n - below) * math.log1p(-self.nu)
        found: Vector = betaln(self.below + below, self.above + n - below) - betaln(self.below, self.above) - likelihood
        return found

    def flattest(self, n: int) -> float:
        """Return the count, not rounded, with the least evidence: where the derivative of `log_e` is 0."""
        low, high, slope = 0.0, float(n), math.log1p(-self.nu) - math.log(self.nu)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            if middle in (low, high):
                break
            rising = digamma(self.below + middle) - digamma(self.above + n - middle) + slope > 0.0
            low, high = (low, middle) if rising else (middle, high)
        return 0.5 * (low + high)


@dataclass(frozen=True, slots=True, eq=False)
class SortedArm:
    """An arm's values in ascending order and where its evidence is least: count, and from which value to which."""

    values: Vector
    count: float
    start: float
    end: float

    def evidence(self, x: Vector, mixture: Mixture) -> Vector:
        """Return the least log e-value against "x is the quantile" that the values allow.

        Between the values below x and those up to x, the count is the one with the least evidence.
        """
        below = np.searchsorted(self.values, x, side="left").astype(float)
        up_to = np.searchsorted(self.values, x, side="right").astype(float)
        return mixture.log_e(np.clip(self.count, below, up_to), self.values.size)

    def moved(self, shift: float) -> "SortedArm":
        """Return the arm with a constant added to every value."""
        return SortedArm(self.values + shift, self.count, self.start + shift, self.end + shift)


def sorted_arm(values: ArrayLike, mixture: Mixture) -> SortedArm | None:
    """Return an arm ready for comparison, or None without values. Raises RowsInvalid for values not finite."""
    ordered = np.sort(finite_column("values", values))
    n = ordered.size
    if n == 0:
        return None
    count = mixture.flattest(n)
    start, end = ordered[max(math.ceil(count), 1) - 1], ordered[min(math.floor(count) + 1, n) - 1]
    return SortedArm(ordered, count, float(start), float(end))


def log_e_value(control: ArrayLike, treatment: ArrayLike, mixture: Mixture) -> float:
    """Return the log e-value against equal quantiles: min over x of both arms' evidence against x being theirs.

    Valid at every look (Howard & Ramdas 2022, sequential quantile A/B test); 0 while an arm is empty. Feed it to
    `confidence.always_valid_p`. Raises RowsInvalid for values that are not finite.
    """
    arms = sorted_arm(control, mixture), sorted_arm(treatment, mixture)
    return 0.0 if arms[0] is None or arms[1] is None else _shared_evidence(arms[0], arms[1], mixture)


def quantile_sequence(values: ArrayLike, mixture: Mixture, alpha: float) -> Interval:
    """Return the confidence sequence of one quantile: all x whose log e-value is at most ln(1 / alpha).

    Raises RowsInvalid for values that are not finite or a level outside (0, 1).
    """
    arm = sorted_arm(values, mixture)
    limit = -math.log(probability("alpha", alpha))
    if arm is None:
        return undefined(UndefinedReason.NO_DATA)
    n = arm.values.size
    low, high = (_count_at(mixture, n, limit, arm.count, end) for end in (0.0, float(n)))
    lower = None if low == 0.0 else float(arm.values[math.ceil(low) - 1])
    upper = None if high == n else float(arm.values[math.floor(high)])
    if lower is None or upper is None:
        return unbounded(UndefinedReason.TOO_FEW_UNITS, lower=lower, upper=upper)
    return bounded(lower, upper)


def difference_sequence(control: ArrayLike, treatment: ArrayLike, mixture: Mixture, alpha: float) -> Interval:
    """Return the confidence sequence of the difference of quantiles: all shifts d whose e-value is at most 1 / alpha.

    d is compatible where control + d and treatment may share their quantile. Raises RowsInvalid as
    `quantile_sequence` does.
    """
    left, right = sorted_arm(control, mixture), sorted_arm(treatment, mixture)
    limit = -math.log(probability("alpha", alpha))
    if left is None or right is None:
        return undefined(UndefinedReason.NO_DATA)
    inside = right.start - left.start
    highest = float(right.values[-1] - left.values[0])
    lowest = float(right.values[0] - left.values[-1])
    room = max(highest - lowest, abs(inside), 1e-300)
    lower = _shift_at(left, right, mixture, limit, inside, lowest - 0.01 * room)
    upper = _shift_at(left, right, mixture, limit, inside, highest + 0.01 * room)
    if lower is None or upper is None:
        return unbounded(UndefinedReason.TOO_FEW_UNITS, lower=lower, upper=upper)
    return bounded(lower, upper)


def _shared_evidence(one: SortedArm, other: SortedArm, mixture: Mixture) -> float:
    first, second = sorted((one, other), key=lambda arm: arm.end)
    ends = np.array([first.end, max(first.end, second.start)])
    # between the two least points one arm's evidence rises and the other's falls, each only at its own values
    inner = [
        arm.values[np.searchsorted(arm.values, ends[0]) : np.searchsorted(arm.values, ends[1], side="right")]
        for arm in (first, second)
    ]
    candidates = np.concatenate([ends, *inner])
    return float(np.min(first.evidence(candidates, mixture) + second.evidence(candidates, mixture)))


def _count_at(mixture: Mixture, n: int, limit: float, inside: float, outside: float) -> float:
    """Return the count between `inside` and `outside` at which the evidence reaches the limit, or `outside`."""
    if float(mixture.log_e(np.array(outside), n)) <= limit:
        return outside
    for _ in range(_HALVINGS):
        middle = 0.5 * (inside + outside)
        if middle in (inside, outside):
            break
        if float(mixture.log_e(np.array(middle), n)) <= limit:
            inside = middle
        else:
            outside = middle
    return inside


def _shift_at(
    left: SortedArm, right: SortedArm, mixture: Mixture, limit: float, inside: float, outside: float
) -> float | None:
    """Return the shift of control at which the evidence reaches the limit, or None where it never does."""
    if _shared_evidence(left.moved(outside), right, mixture) <= limit:
        return None
    for _ in range(_HALVINGS):
        middle = 0.5 * (inside + outside)
        if middle in (inside, outside):
            break
        if _shared_evidence(left.moved(middle), right, mixture) <= limit:
            inside = middle
        else:
            outside = middle
    return outside
