"""From the moments of two arms to an effect: linearise, adjust, stratify, and choose the test."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from experiments.analysis.effects import Effect, PairEffect, count_effect
from experiments.analysis.plan import Adjustment
from experiments.analysis.scorecard import Estimator
from experiments.statistics import adjustment, ratios
from experiments.statistics.means import checked, needs_restriction, restricted, too_few, welch
from experiments.statistics.moments import Moments
from experiments.statistics.pair import Pair
from experiments.statistics.proportions import Counts
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.stratify import combine
from experiments.vocabulary import MetricKind

OUTCOMES = frozenset({"y", "d", "y_uncapped"})


@dataclass(frozen=True, slots=True)
class Stratified:
    """One arm's moments by stratum, in the same order for every arm of a comparison."""

    strata: tuple[Moments, ...]

    @property
    def total(self) -> Moments:
        """Moments of all strata together."""
        merged = self.strata[0]
        for part in self.strata[1:]:
            merged = merged.merge(part)
        return merged


@dataclass(frozen=True, slots=True)
class Estimated:
    """An effect, and where covariates were used what it was without them.

    missing_share: of units without pre-exposure data, None where that is not recorded.
    """

    effect: Effect
    covariates: tuple[str, ...] = ()
    unadjusted: Effect | None = None
    missing_share: float | None = None


def estimate(
    kind: MetricKind, control: Stratified, treatment: Stratified, *, adjust: Adjustment
) -> Estimated | Undefined:
    """Return the effect of treatment against control on a metric, or why it does not exist.

    Strata of both arms must match. Rates in one stratum without covariates are tested on their counts, all else by
    Welch's t on (linearised, adjusted, post-stratified) means.
    """
    if not control.strata:
        return Undefined(UndefinedReason.NO_COMMON_STRATUM)
    problem = too_few(control.total, treatment.total)
    if problem is not None:
        return problem
    plain = _unadjusted(kind, control, treatment)
    names = tuple(name for name in control.strata[0].names if name not in OUTCOMES)
    if isinstance(plain, Undefined) or adjust is Adjustment.NONE or not names:
        return plain if isinstance(plain, Undefined) else Estimated(plain)
    adjusted = _adjusted(kind, control, treatment, names)
    if adjusted is None:
        return Estimated(plain)
    effect, covariates = adjusted
    return Estimated(effect, covariates, plain, _missing_share(control, treatment))


def without_cap(arm: Stratified) -> Stratified:
    """Return the arm with the uncapped numerator in place of the capped one, without covariates."""
    parts = []
    for part in arm.strata:
        names = ("y_uncapped", "d") if "d" in part.names else ("y_uncapped",)
        chosen = part.select(names)
        parts.append(replace(chosen, names=("y", *names[1:])))
    return Stratified(tuple(parts))


def _unadjusted(kind: MetricKind, control: Stratified, treatment: Stratified) -> Effect | Undefined:
    if kind is MetricKind.CONVERSION and len(control.strata) == 1:
        counts = _counts(control.strata[0], treatment.strata[0])
        if counts is not None:
            return count_effect(counts)
    lines = _lines(kind, control, treatment, ())
    if isinstance(lines, Undefined):
        return lines
    pairs = []
    for raw_c, raw_t, line_c, line_t in zip(control.strata, treatment.strata, *lines, strict=True):
        pair = welch(line_c, line_t)
        if isinstance(pair, Undefined):
            return pair
        pairs.append(restricted(pair, line_c, line_t) if needs_restriction(raw_c, raw_t) else pair)
    return _effect(kind, pairs, adjusted=False)


def _adjusted(
    kind: MetricKind, control: Stratified, treatment: Stratified, names: Sequence[str]
) -> tuple[Effect, tuple[str, ...]] | None:
    """Return the adjusted effect and its covariates, or None when no covariate is of use."""
    lines = _lines(kind, control, treatment, names)
    if isinstance(lines, Undefined):
        return None
    pairs: list[Pair] = []
    used: list[str] = []
    for raw_c, raw_t, line_c, line_t in zip(control.strata, treatment.strata, *lines, strict=True):
        kept = adjustment.usable_covariates(line_c, line_t, [name for name in names if name in line_c.names])
        found = adjustment.lin(line_c, line_t, kept)
        if isinstance(found, Undefined):
            return None
        used.extend(name for name in kept if name not in used)
        needed = needs_restriction(raw_c, raw_t)
        pairs.append(replace(found.pair, restricted=found.restricted) if needed else found.pair)
    if not used:
        return None
    effect = _effect(kind, pairs, adjusted=True)
    return None if isinstance(effect, Undefined) else (effect, tuple(used))


def _effect(kind: MetricKind, pairs: Sequence[Pair], *, adjusted: bool) -> PairEffect | Undefined:
    pair = checked(combine(pairs))
    if isinstance(pair, Undefined):
        return pair
    if adjusted:
        named = Estimator.LIN_ADJUSTED_RATIO if kind is MetricKind.RATIO else Estimator.LIN_ADJUSTED
    elif kind is MetricKind.RATIO:
        named = Estimator.LINEARISED_RATIO
    elif len(pairs) > 1:
        named = Estimator.POST_STRATIFIED
    else:
        named = Estimator.WELCH if pair.restricted is None else Estimator.WELCH_NULL_RESTRICTED
    return PairEffect(pair, named)


def _lines(
    kind: MetricKind, control: Stratified, treatment: Stratified, names: Sequence[str]
) -> tuple[list[Moments], list[Moments]] | Undefined:
    """Return the strata of both arms with `y` as the variable whose mean is compared, and the covariates."""
    if kind is not MetricKind.RATIO:
        keep = ("y", *names)
        return [part.select(keep) for part in control.strata], [part.select(keep) for part in treatment.strata]
    for arm in (control, treatment):
        problem = ratios.ratio_problem(arm.total)
        if problem is not None:
            return problem
    prepared, covariates = _ratio_covariates(control, treatment, names)
    units = [c.n + t.n for c, t in zip(control.strata, treatment.strata, strict=True)]
    lines: list[list[Moments]] = []
    for parts in prepared:
        # the arm's ratio of post-stratified means; with one stratum its plain ratio of sums
        numerator = sum(n * part.mean_of("y") for n, part in zip(units, parts, strict=True)) / sum(units)
        denominator = sum(n * part.mean_of("d") for n, part in zip(units, parts, strict=True)) / sum(units)
        if denominator == 0.0:
            return Undefined(UndefinedReason.ZERO_DENOMINATOR)
        ratio = numerator / denominator
        lines.append([ratios.linearise(part, covariates, ratio=ratio, denominator=denominator) for part in parts])
    return lines[0], lines[1]


def _ratio_covariates(
    control: Stratified, treatment: Stratified, names: Sequence[str]
) -> tuple[tuple[Sequence[Moments], Sequence[Moments]], tuple[str, ...]]:
    """Return the strata with `x` as the linearised pre-exposure ratio, and the covariates that can be used."""
    if "x_d" not in names:
        return (control.strata, treatment.strata), tuple(names)
    both = control.total.merge(treatment.total)
    denominator = both.mean_of("x_d")
    if denominator == 0.0:
        return (control.strata, treatment.strata), tuple(name for name in names if name not in ("x", "x_d"))
    ratio = both.mean_of("x") / denominator
    prepared = [
        [ratios.pre_ratio(part, ratio=ratio, denominator=denominator) for part in arm.strata]
        for arm in (control, treatment)
    ]
    return (prepared[0], prepared[1]), tuple(names)


def _counts(control: Moments, treatment: Moments) -> Counts | None:
    """Return the successes of both arms, or None when the values were not all 0 or 1."""
    successes = []
    for arm in (control, treatment):
        rate = arm.mean_of("y")
        if not 0.0 <= rate <= 1.0 or abs(float(arm.scatter[0, 0]) - arm.n * rate * (1.0 - rate)) > 1e-6 * arm.n:
            return None
        successes.append(round(rate * arm.n))
    return Counts(control.n, successes[0], treatment.n, successes[1])


def _missing_share(control: Stratified, treatment: Stratified) -> float | None:
    if adjustment.MISSING not in control.strata[0].names:
        return None
    return control.total.merge(treatment.total).mean_of(adjustment.MISSING)
