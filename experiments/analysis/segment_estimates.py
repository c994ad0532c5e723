"""From the moments of many pairs of arms to as many effects: what `estimate` does for one pair, in arrays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from experiments.analysis.estimate import OUTCOMES
from experiments.analysis.plan import Adjustment
from experiments.statistics import batch_adjustment, batch_counts, batch_pairs, batch_ratios
from experiments.statistics.batch_pairs import PairBatch
from experiments.statistics.batch_ratios import Strata
from experiments.statistics.batches import DEFINED, Codes, IntervalBatch, Mask, defined, earlier, marked
from experiments.statistics.moments import Vector
from experiments.statistics.results import UndefinedReason
from experiments.vocabulary import MetricKind


@dataclass(frozen=True, slots=True, eq=False)
class EffectBatch:
    """Effects at a single look, each of shape (L,); NaN where `reason` says why there is none.

    lift_interval: at the multiplier that was asked for; its own reasons say where it has no ends.
    """

    difference: Vector
    se: Vector
    p_value: Vector
    lift: Vector
    lift_interval: IntervalBatch
    reason: Codes

    @classmethod
    def nothing(cls, reason: Codes) -> Self:
        """Return the effects before any is written."""
        d, se, p, lift, lower, upper = np.full((6, reason.size), np.nan)
        return cls(d, se, p, lift, IntervalBatch(lower, upper, reason.copy(), reason != DEFINED), reason.copy())

    def write(self, rows: Codes, other: Self) -> None:
        """Put the effects of some rows in their places."""
        for name in ("difference", "se", "p_value", "lift", "reason"):
            getattr(self, name)[rows] = getattr(other, name)
        for field in fields(IntervalBatch):
            getattr(self.lift_interval, field.name)[rows] = getattr(other.lift_interval, field.name)


def estimate_batch(
    kind: MetricKind,
    control: Strata,
    treatment: Strata,
    *,
    adjust: Adjustment,
    z: float,
) -> EffectBatch:
    """Return the effects of treatment against control, pair by pair; arms are given stratum by stratum.

    z: normal multiplier of the lifts' intervals. Strata of both arms must match, and there must be one or more.
    """
    with np.errstate(all="ignore"):
        ratio = kind is MetricKind.RATIO
        reason = _comparable(control, treatment, ratio=ratio)
        counts, counted = _counts(kind, control, treatment)
        plain = _unadjusted(control, treatment, ratio=ratio)
        score = batch_counts.score_problem(counts) if counted.any() else reason
        reason = earlier(reason, np.where(counted, score, batch_pairs.checked(plain)))
        found = EffectBatch.nothing(reason)
        names = tuple(name for name in control[0].names if name not in OUTCOMES)
        left = reason == DEFINED
        if names and adjust is Adjustment.LIN:
            for rows, pairs in _adjusted(control, treatment, names, np.flatnonzero(left), ratio=ratio):
                found.write(rows, _of_pairs(pairs, z))
                left[rows] = False
        paired, tested = left & ~counted, left & counted
        if paired.any():
            found.write(np.flatnonzero(paired), _of_pairs(plain.take(paired), z))
        if tested.any():
            found.write(np.flatnonzero(tested), _of_counts(counts.take(tested), z))
        return found


def _of_pairs(pairs: PairBatch, z: float) -> EffectBatch:
    """Return the effects of pairs of estimates, all of which exist."""
    lift, problem = batch_pairs.lifts(pairs.control, pairs.treatment)
    return EffectBatch(
        pairs.difference,
        np.sqrt(pairs.variance),
        pairs.p_values(),
        np.where(problem == DEFINED, lift, np.nan),
        batch_pairs.fieller(pairs, pairs.multipliers(z)),
        defined(lift.size),
    )


def _of_counts(counts: batch_counts.CountBatch, z: float) -> EffectBatch:
    """Return the effects of rates compared on their counts, all of which can be tested."""
    control, treatment = counts.x_control / counts.n_control, counts.x_treatment / counts.n_treatment
    lift, problem = batch_pairs.lifts(control, treatment)
    return EffectBatch(
        treatment - control,
        np.sqrt(counts.variance),
        batch_counts.conversion_p_values(counts),
        np.where(problem == DEFINED, lift, np.nan),
        batch_counts.lift_intervals(counts, z),
        defined(lift.size),
    )


def _comparable(control: Strata, treatment: Strata, *, ratio: bool) -> Codes:
    """Return why pairs cannot be compared at all: their sums, their units, the denominators of their ratios."""
    keep = ("y", "d") if ratio else ("y",)
    both = [batch_ratios.total([part.select(keep) for part in arm]) for arm in (control, treatment)]
    codes = marked(defined(both[0].size), both[0].overflow | both[1].overflow, UndefinedReason.OVERFLOW)
    codes = earlier(codes, batch_pairs.too_few(both[0], both[1]))
    if ratio:
        for arm in both:
            codes = earlier(codes, batch_ratios.ratio_problem(arm))
    return codes


def _counts(kind: MetricKind, control: Strata, treatment: Strata) -> tuple[batch_counts.CountBatch, Mask]:
    """Return the successes, and where they are tested as such: rates in one stratum."""
    counts, valid = batch_counts.counts_of(control[0], treatment[0])
    if kind is not MetricKind.CONVERSION or len(control) > 1:
        return counts, np.zeros(valid.size, dtype=bool)
    return counts, valid


def _unadjusted(control: Strata, treatment: Strata, *, ratio: bool) -> PairBatch:
    line_c, line_t, problem = _lines(control, treatment, (), ratio=ratio)
    parts = [
        batch_pairs.welch(c, t, batch_pairs.needs_restriction(raw_c, raw_t))
        for raw_c, raw_t, c, t in zip(control, treatment, line_c, line_t, strict=True)
    ]
    combined = batch_pairs.combine(parts)
    return replace(combined, reason=earlier(problem, combined.reason))


def _adjusted(
    control: Strata, treatment: Strata, names: tuple[str, ...], rows: Codes, *, ratio: bool
) -> Iterator[tuple[Codes, PairBatch]]:
    """Yield adjusted pairs and which rows they are of; those for which no covariate is of use do not come."""
    groups = [(names, rows)]
    if ratio and "x_d" in names:
        past = batch_ratios.past_denominator([c.take(rows) for c in control], [t.take(rows) for t in treatment])
        few = tuple(name for name in names if name not in ("x", "x_d"))
        groups = [(names, rows[past != 0.0]), (few, rows[past == 0.0])]
    for chosen, at in groups:
        if chosen and at.size:
            arms = [[part.take(at) for part in arm] for arm in (control, treatment)]
            for inner, pairs in _regressed(arms[0], arms[1], chosen, ratio=ratio):
                yield at[inner], pairs


def _regressed(
    control: Strata, treatment: Strata, names: tuple[str, ...], *, ratio: bool
) -> Iterator[tuple[Codes, PairBatch]]:
    """Yield the pairs adjusted for the covariates that each stratum can use, one set of covariates after another."""
    line_c, line_t, problem = _lines(control, treatment, names, ratio=ratio)
    wanted = [batch_pairs.needs_restriction(c, t) for c, t in zip(control, treatment, strict=True)]
    kept = list(zip(*(batch_adjustment.usable(c, t, names) for c, t in zip(line_c, line_t, strict=True)), strict=True))
    for chosen in dict.fromkeys(kept):
        if not any(chosen):
            continue
        at = np.array([row for row, found in enumerate(kept) if found == chosen])
        pairs = batch_pairs.combine(
            [
                batch_adjustment.lin(c.take(at), t.take(at), few, restrict[at])
                for c, t, few, restrict in zip(line_c, line_t, chosen, wanted, strict=True)
            ]
        )
        good = (earlier(problem[at], batch_pairs.checked(pairs))) == DEFINED
        yield at[good], pairs.take(good)


def _lines(control: Strata, treatment: Strata, names: Sequence[str], *, ratio: bool) -> tuple[Strata, Strata, Codes]:
    """Return the strata of both arms with `y` as the variable whose mean is compared, and the covariates."""
    if ratio:
        return batch_ratios.linearised(control, treatment, names)
    keep = ("y", *names)
    return [c.select(keep) for c in control], [t.select(keep) for t in treatment], defined(control[0].size)
