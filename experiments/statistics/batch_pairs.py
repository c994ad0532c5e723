"""Many pairs of estimates at once: the formulas of `means`, `stratify`, `pair` and `lift`, in arrays.

Every operation is in the order of the formula for one pair, so that both give the same figures.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy.special import erfc, stdtr, stdtrit

from experiments.statistics.batches import (
    DEFINED,
    Codes,
    IntervalBatch,
    Mask,
    MomentBatch,
    added,
    defined,
    earlier,
    marked,
)
from experiments.statistics.distributions import normal_isf, normal_sf
from experiments.statistics.means import FEW_CONVERSIONS, UNEVEN
from experiments.statistics.moments import Vector
from experiments.statistics.results import UndefinedReason


@dataclass(frozen=True, slots=True, eq=False)
class PairBatch:
    """Estimates of both arms as `Pair` has them, each of shape (L,); `reason` says which pairs do not exist.

    restricted_control, restricted_treatment: null-restricted variances, read where `restricted` is set.
    """

    n_control: Vector
    n_treatment: Vector
    control: Vector
    treatment: Vector
    control_variance: Vector
    treatment_variance: Vector
    covariance: Vector
    df: Vector
    restricted: Mask
    restricted_control: Vector
    restricted_treatment: Vector
    reason: Codes

    @property
    def units(self) -> Vector:
        """Units of both arms."""
        return self.n_control + self.n_treatment

    @property
    def difference(self) -> Vector:
        """Treatment minus control."""
        return self.treatment - self.control

    @property
    def variance(self) -> Vector:
        """Variances of the difference; the larger of plug-in and null-restricted where both are asked for."""
        plug_in = self.control_variance + self.treatment_variance - 2.0 * self.covariance
        plug_in = np.where(plug_in > 0.0, plug_in, 0.0)
        difference = self.difference
        null = (
            self.restricted_control
            + self.restricted_treatment
            + difference * difference / (self.units - 1.0)
            - 2.0 * self.covariance
        )
        return np.where(self.restricted & (null > plug_in), null, plug_in)

    def take(self, rows: Codes | Mask) -> "PairBatch":
        """Return the chosen pairs."""
        return PairBatch(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def p_values(self) -> Vector:
        """Return the two-sided p-values of no difference (Welch's t where df is finite)."""
        statistic = np.abs(self.difference / np.sqrt(self.variance))
        endless = np.isinf(self.df)
        tail = stdtr(np.where(endless, 1.0, self.df), -statistic)
        if endless.any():
            tail = np.where(endless, 0.5 * erfc(statistic / math.sqrt(2.0)), tail)
        found: Vector = np.minimum(1.0, 2.0 * tail)
        return found

    def multipliers(self, z: float) -> Vector:
        """Return the t quantiles that have the same tail as the normal multiplier z."""
        tail = normal_sf(z)
        endless = np.isinf(self.df)
        found = -stdtrit(np.where(endless, 1.0, self.df), tail)
        return np.where(endless, z, np.where(np.isfinite(found), found, normal_isf(tail)))


def too_few(control: MomentBatch, treatment: MomentBatch, *, least: int = 2) -> Codes:
    """Return why arms cannot be compared at all: each needs `least` units."""
    smaller = np.minimum(control.n, treatment.n)
    codes = marked(defined(smaller.size), smaller == 0.0, UndefinedReason.NO_DATA)
    return marked(codes, smaller < least, UndefinedReason.TOO_FEW_UNITS)


def welch(control: MomentBatch, treatment: MomentBatch, restricted: Mask) -> PairBatch:
    """Return the pairs of sample means of the first variable, with null-restricted variances where asked for."""
    n_c, n_t = control.n, treatment.n
    m_c, m_t = control.scatter[:, 0, 0], treatment.scatter[:, 0, 0]
    v_c, v_t = m_c / (n_c - 1.0) / n_c, m_t / (n_t - 1.0) / n_t
    h = 1.0 / n_c + 1.0 / n_t
    room = n_c + n_t - 1.0
    return PairBatch(
        n_c,
        n_t,
        control.mean[:, 0],
        treatment.mean[:, 0],
        v_c,
        v_t,
        np.zeros(n_c.size),
        satterthwaite([(v_c, n_c - 1.0), (v_t, n_t - 1.0)]),
        restricted,
        h * m_c / room,
        h * m_t / room,
        too_few(control, treatment),
    )


def needs_restriction(control: MomentBatch, treatment: MomentBatch) -> Mask:
    """Return where the plug-in variance alone misleads, by the rule of `means.needs_restriction`."""
    smaller, larger = np.minimum(control.n, treatment.n), np.maximum(control.n, treatment.n)
    counts = [arm.count_nonzero("y") for arm in (control, treatment)]
    everybody = (counts[0] == control.n) & (counts[1] == treatment.n)
    buyers = [np.where(np.isnan(count), arm.n, count) for count, arm in zip(counts, (control, treatment), strict=True)]
    few = np.minimum(buyers[0], buyers[1]) < FEW_CONVERSIONS
    found: Mask = (smaller < UNEVEN * larger) | (few & ~everybody)
    return found


def satterthwaite(components: Sequence[tuple[Vector, Vector]]) -> Vector:
    """Return the degrees of freedom of sums of independent (variance, degrees of freedom) components."""
    positive = [np.where(variance > 0.0, variance, 0.0) for variance, _ in components]
    largest = np.max(positive, axis=0)
    total, spread = np.zeros(largest.size), np.zeros(largest.size)
    for variance, (_, degrees) in zip(positive, components, strict=True):
        share = variance / largest
        total = total + share
        spread = spread + share * share / degrees
    return np.where((largest > 0.0) & (spread > 0.0), total * total / spread, np.inf)


def combine(strata: Sequence[PairBatch]) -> PairBatch:
    """Return the post-stratified pairs, weighted by the strata's units in both arms (Miratrix, Sekhon & Yu 2013)."""
    if len(strata) == 1:
        return strata[0]
    units = np.sum([pair.units for pair in strata], axis=0)
    shares = [pair.units / units for pair in strata]
    weights = [share * share for share in shares]
    control = added(p * pair.control for p, pair in zip(shares, strata, strict=True))
    treatment = added(p * pair.treatment for p, pair in zip(shares, strata, strict=True))
    between = [np.zeros(units.size) for _ in range(3)]
    for p, pair in zip(shares, strata, strict=True):
        off = (pair.control - control, pair.treatment - treatment)
        for place, (a, b) in enumerate(((0, 0), (1, 1), (0, 1))):
            between[place] = between[place] + p * off[a] * off[b] / units
    components = [
        (w * (pair.control_variance + pair.treatment_variance - 2.0 * pair.covariance), pair.df)
        for w, pair in zip(weights, strata, strict=True)
    ]
    components.append((between[0] + between[1] - 2.0 * between[2], units - 1.0))
    control_null = [np.where(p.restricted, p.restricted_control, p.control_variance) for p in strata]
    treatment_null = [np.where(p.restricted, p.restricted_treatment, p.treatment_variance) for p in strata]
    reason = strata[0].reason
    for pair in strata[1:]:
        reason = earlier(reason, pair.reason)
    return PairBatch(
        np.sum([pair.n_control for pair in strata], axis=0),
        np.sum([pair.n_treatment for pair in strata], axis=0),
        control,
        treatment,
        added(w * pair.control_variance for w, pair in zip(weights, strata, strict=True)) + between[0],
        added(w * pair.treatment_variance for w, pair in zip(weights, strata, strict=True)) + between[1],
        added(w * pair.covariance for w, pair in zip(weights, strata, strict=True)) + between[2],
        satterthwaite(components),
        np.any([pair.restricted for pair in strata], axis=0),
        added(w * null for w, null in zip(weights, control_null, strict=True)) + between[0],
        added(w * null for w, null in zip(weights, treatment_null, strict=True)) + between[1],
        reason,
    )


def checked(pairs: PairBatch) -> Codes:
    """Return why pairs cannot be tested: they leave the floats, or do not vary."""
    variance = pairs.variance
    figures = (
        pairs.control,
        pairs.treatment,
        pairs.control_variance,
        pairs.treatment_variance,
        pairs.covariance,
        variance,
    )
    finite = np.all([np.isfinite(figure) for figure in figures], axis=0)
    codes = marked(pairs.reason, ~finite, UndefinedReason.OVERFLOW)
    codes = marked(codes, ~(variance > 0.0), UndefinedReason.NO_VARIANCE)
    return marked(codes, ~np.isfinite(pairs.difference / np.sqrt(variance)), UndefinedReason.OVERFLOW)


def lifts(control: Vector, treatment: Vector) -> tuple[Vector, Codes]:
    """Return treatment / control - 1, and why it has no meaning where it has none."""
    ratio = treatment / control - 1.0
    codes = marked(defined(ratio.size), control == 0.0, UndefinedReason.ZERO_CONTROL)
    codes = marked(codes, control < 0.0, UndefinedReason.NEGATIVE_CONTROL)
    return ratio, marked(codes, ~np.isfinite(ratio), UndefinedReason.ZERO_CONTROL)


def fieller(pairs: PairBatch, q: Vector) -> IntervalBatch:
    """Return the lifts that the absolute test does not reject at multipliers q (Fieller 1954, with covariance)."""
    _, codes = lifts(pairs.control, pairs.treatment)
    undefined = codes != DEFINED
    lower, upper, noisy = _invert(pairs, pairs.control_variance, pairs.treatment_variance, pairs.covariance, q)
    codes = marked(codes, noisy, UndefinedReason.CONTROL_TOO_NOISY)
    room = pairs.units - 1.0 - q * q
    codes = marked(codes, pairs.restricted & ~(room > 0.0), UndefinedReason.TOO_FEW_UNITS)
    inflation = (pairs.units - 1.0) / room
    wider = _invert(
        pairs,
        inflation * pairs.restricted_control,
        inflation * pairs.restricted_treatment,
        inflation * pairs.covariance,
        q,
    )
    codes = marked(codes, pairs.restricted & wider[2], UndefinedReason.CONTROL_TOO_NOISY)
    lower = np.where(pairs.restricted & (wider[0] < lower), wider[0], lower)
    upper = np.where(pairs.restricted & (wider[1] > upper), wider[1], upper)
    bounded = codes == DEFINED
    return IntervalBatch(np.where(bounded, lower, np.nan), np.where(bounded, upper, np.nan), codes, undefined)


def _invert(
    pairs: PairBatch, control: Vector, treatment: Vector, covariance: Vector, q: Vector
) -> tuple[Vector, Vector, Mask]:
    """Return both ends, and where they do not exist because control is too noisy."""
    base = pairs.control
    ratio = pairs.treatment / base
    scaled_control, scaled_treatment = q * np.sqrt(control) / base, q * np.sqrt(treatment) / base
    g, t = scaled_control * scaled_control, scaled_treatment * scaled_treatment
    c = (q / base) * (q / base) * covariance
    centre = ratio - c
    root = g * ratio * ratio - 2.0 * ratio * c + c * c + (1.0 - g) * t
    half = np.sqrt(np.where(root > 0.0, root, 0.0))
    lower, upper = (centre - half) / (1.0 - g) - 1.0, (centre + half) / (1.0 - g) - 1.0
    return lower, upper, ~(g < 1.0) | ~(np.isfinite(lower) & np.isfinite(upper))
