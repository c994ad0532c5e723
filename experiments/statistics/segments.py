"""Effects in segments: do they differ at all, and what to show when they hardly do."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from experiments.statistics.distributions import chi2_sf
from experiments.statistics.moments import Vector
from experiments.statistics.pair import Pair
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid, finite_column


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Cochran's test of equal effects, and the effects pooled with and without a spread between segments.

    q: chi-square with `df` under equal effects. i2: the share of the spread that is not noise. tau2: variance of the
    true effects between segments, in squared units of the effect.
    """

    q: float
    df: int
    p_value: float
    i2: float
    tau2: float
    fixed: float
    fixed_se: float
    random: float
    random_se: float


@dataclass(frozen=True, slots=True)
class ShrunkEffect:
    """A segment's effect moved towards that of all, with its error given tau2; weight is what it kept of its own."""

    effect: float
    se: float
    weight: float


def heterogeneity(effects: ArrayLike, variances: ArrayLike) -> Heterogeneity | Undefined:
    """Return Q = sum w (d - mean)^2 with w = 1 / v and df = k - 1, and DerSimonian & Laird's (1986) spread.

    tau2 = max(0, (Q - (k - 1)) / (sum w - sum w^2 / sum w)). Segments must be defined before exposure and not
    overlap. Raises RowsInvalid for figures that are not finite or variances below 0.
    """
    checked = _checked(effects, variances)
    if isinstance(checked, Undefined):
        return checked
    d, v, unit = checked
    w = 1.0 / v
    fixed = float((w * d).sum() / w.sum())
    q, df = float((w * (d - fixed) ** 2).sum()), d.size - 1
    room = float(w.sum() - (w * w).sum() / w.sum())
    tau2 = max(0.0, (q - df) / room)
    wider = 1.0 / (v + tau2)
    random = float((wider * d).sum() / wider.sum())
    return Heterogeneity(
        q,
        df,
        chi2_sf(q, df),
        max(0.0, (q - df) / q) if q > 0.0 else 0.0,
        tau2 * unit * unit,
        fixed * unit,
        unit / math.sqrt(float(w.sum())),
        random * unit,
        unit / math.sqrt(float(wider.sum())),
    )


def shrunk(effects: ArrayLike, variances: ArrayLike) -> tuple[ShrunkEffect, ...] | Undefined:
    """Return m + b_k (d_k - m) with b_k = tau2 / (tau2 + v_k) and m the random-effects mean, in input order.

    Var = b_k v_k + (1 - b_k)^2 Var(m) (empirical Bayes, Morris 1983; tau2 taken as known). Raises as `heterogeneity`.
    """
    found = heterogeneity(effects, variances)
    if isinstance(found, Undefined):
        return found
    shown = []
    for d, v in zip(finite_column("effects", effects), finite_column("variances", variances), strict=True):
        weight = found.tau2 / (found.tau2 + float(v))
        effect = found.random + weight * (float(d) - found.random)
        se = math.hypot(math.sqrt(weight * float(v)), (1.0 - weight) * found.random_se)
        shown.append(ShrunkEffect(effect, se, weight))
    return tuple(shown)


def of_pairs(pairs: tuple[Pair, ...]) -> tuple[Vector, Vector]:
    """Return the differences and their variances of one pair for each segment."""
    return np.array([pair.difference for pair in pairs]), np.array([pair.variance for pair in pairs])


def _checked(effects: ArrayLike, variances: ArrayLike) -> tuple[Vector, Vector, float] | Undefined:
    """Return effects and variances in units of the smallest error, and that unit."""
    d, v = finite_column("effects", effects), finite_column("variances", variances)
    if d.size != v.size:
        raise RowsInvalid(f"variances: has {v.size} rows instead of {d.size}")
    if np.any(v < 0.0):
        raise RowsInvalid("variances: must be 0 or more")
    if d.size < 2:
        return Undefined(UndefinedReason.NO_DATA if d.size == 0 else UndefinedReason.TOO_FEW_UNITS)
    if float(v.min()) == 0.0:
        return Undefined(UndefinedReason.NO_VARIANCE)
    unit = math.sqrt(float(v.min()))
    with np.errstate(over="ignore"):
        scaled = d / unit, v / unit / unit
    if not all(np.all(np.abs(column) < 1e150) for column in scaled):
        return Undefined(UndefinedReason.OVERFLOW)
    return *scaled, unit
