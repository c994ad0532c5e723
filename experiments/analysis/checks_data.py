"""Checks of the data: who was counted, in which variant, and what was left out."""

import math

from experiments.analysis.check_context import (
    PRE_EXPOSURE_BALANCE,
    CheckContext,
    Figures,
    Found,
    judged,
    not_applicable,
)
from experiments.analysis.inputs import SRM_CHECK
from experiments.statistics import confidence, srm
from experiments.statistics.distributions import binomial_two_sided, chi2_sf
from experiments.statistics.means import checked, needs_restriction, restricted, welch
from experiments.statistics.moments import Moments
from experiments.statistics.pair import Pair, p_value
from experiments.statistics.results import Undefined
from experiments.statistics.stratify import combine
from experiments.vocabulary import CheckLevel, MetricKind, Source

_ALPHA_DENOMINATOR = 0.001
_WARN_CROSSOVERS = 0.001
_WARN_UNVERIFIED = 0.05
_WARN_LATE = 0.01
_MISMATCH_ROWS = 100
"""Exposures of our own before their mismatches may block: one page with a fault on the first morning is no verdict."""


def sample_ratio(context: CheckContext) -> Found:
    """Check that each epoch's units follow its split: one exact look, or evidence that holds at every look."""
    variants = [variant.key for variant in context.plan.variants]
    log_evidence, chi, df, total = 0.0, 0.0, 0, 0
    figures: Figures = {}
    exact: float | None = None
    for stratum in context.inputs.strata:
        counts = [stratum.units.get(key, 0) for key in variants]
        weights = [float(stratum.weights.get(key, 0)) for key in variants]
        found = srm.chi_square(counts, weights)
        if isinstance(found, Undefined):
            continue
        seen, shares, _ = srm.live_arms(counts, weights)
        small = len(context.inputs.strata) == 1 and len(seen) == 2 and sum(seen) < srm.EXACT_BELOW
        exact = binomial_two_sided(seen[0], sum(seen), shares[0]) if small else None
        chi, df, total = chi + found[0], df + found[1], total + sum(counts)
        log_evidence += srm.log_bayes_factor(counts, weights)
        for key, count, weight in zip(variants, counts, weights, strict=True):
            share = weight / sum(weights)
            figures[f"units:{key}"] = count + int(figures.get(f"units:{key}") or 0)
            figures[f"expected:{key}"] = share * sum(seen) + float(figures.get(f"expected:{key}") or 0.0)
    if df == 0:
        return context.untested(SRM_CHECK, "no units yet")
    once = chi2_sf(chi, df) if exact is None else exact
    figures |= {"chi_square": chi, "df": df}
    return context.tested(SRM_CHECK, once=once, always=srm.sequential_p(log_evidence), figures=figures)


def exposure_mismatch(context: CheckContext) -> Found:
    """Check that what was shown is what was assigned: WARN for any mismatch, BLOCK above the plan's share.

    Exposures of our own block from `_MISMATCH_ROWS` on: they come one by one, and a share of a handful says nothing.
    """
    rows, mismatched = context.health.rows, context.health.exclusions.mismatched_rows
    own = context.inputs.source is Source.OWN
    # exposures of our own that do not match are refused on arrival and not among the units
    rows += mismatched if own else 0
    if context.inputs.source is Source.AGGREGATE or rows == 0:
        return not_applicable("no row says what was shown")
    share = mismatched / rows
    block = share > context.plan.mismatch_block_share and not (own and rows < _MISMATCH_ROWS)
    limit = context.plan.mismatch_block_share
    figures: Figures = {"rows": rows, "mismatched": mismatched, "share": share, "block_share": limit}
    return judged(mismatched > 0, figures, CheckLevel.BLOCK if block else None)


def several_variants(context: CheckContext) -> Found:
    """Check how many units met several variants: WARN above 0.1%, BLOCK above the plan's share.

    Customers whose visitors met different variants are told with it and have to be INTERPRETed: each visitor met one.
    """
    units = sum(sum(stratum.units.values()) for stratum in context.inputs.strata)
    crossed = context.health.exclusions.crossovers
    if units + crossed == 0:
        return not_applicable("no units yet")
    share = crossed / (units + crossed)
    block = share > context.plan.mismatch_block_share
    uneven = any(
        min(live) < 0.8 * max(live)
        for stratum in context.inputs.strata
        if (live := [weight for weight in stratum.weights.values() if weight > 0])
    )
    figures: Figures = {"units": units, "crossovers": crossed, "share": share, "uneven_split": int(uneven)}
    if context.health.conflicts:
        figures["conflicts"] = context.health.conflicts
        if share <= _WARN_CROSSOVERS:
            return judged(True, figures, CheckLevel.INTERPRET)
    return judged(share > _WARN_CROSSOVERS, figures, CheckLevel.BLOCK if block else None)


def pre_exposure_balance(context: CheckContext) -> Found:
    """Check that variants do not differ before exposure; corrected for the number of covariates and treatments."""
    metrics = [metric for metric in context.plan.metrics if metric.spec.covariate_days > 0]
    tests = len(metrics) * len(context.plan.treatments)
    if tests == 0:
        return not_applicable("no covariate is measured before exposure")
    if not context.part_alpha > 0.0:
        return not_applicable("the sample ratio has the whole error budget")
    found = [
        (pair, metric.spec.key, variant)
        for metric in metrics
        for variant in context.plan.treatments
        if (pair := _before(context, metric.spec.key, variant)) is not None
    ]
    if not found:
        return context.untested(PRE_EXPOSURE_BALANCE, "too few units with a covariate")
    pair, metric_key, variant = max(found, key=lambda entry: abs(entry[0].statistic))
    once = min(p_value(pair) for pair, _, _ in found)
    g = confidence.tuned_g(context.part_alpha / tests, context.plan.planned_units)
    evidence = max(confidence.log_e_value(p.statistic, p.control.n + p.treatment.n, g) for p, _, _ in found)
    always = confidence.always_valid_p(evidence)
    figures: Figures = {
        "metric": metric_key,
        "variant": variant,
        f"before:{context.plan.control}": pair.control.mean,
        f"before:{variant}": pair.treatment.mean,
        "tests": tests,
    }
    return context.tested(
        PRE_EXPOSURE_BALANCE, once=min(1.0, once * tests), always=min(1.0, always * tests), figures=figures
    )


def _before(context: CheckContext, metric: str, variant: str) -> Pair | None:
    """Return the pre-exposure means of a variant and control; None where there are too few units to compare them."""
    planned = context.plan.metric(metric)
    strata = context.data.shared_strata(metric, variant, context.plan.control)
    pairs: list[Pair] = []
    nonzero = 0
    for stratum in strata:
        arms: list[Moments] = []
        for arm in (context.plan.control, variant):
            moments = context.data.moments(planned, arm, stratum.key)
            if isinstance(moments, Undefined) or "x" not in moments.names:
                return None
            arms.append(moments.select(("x",)))
        renamed = [Moments(a.n, ("y",), a.mean, a.scatter, None, a.nonzero) for a in arms]
        pair = welch(renamed[0], renamed[1])
        if isinstance(pair, Undefined):
            return None
        pairs.append(restricted(pair, *renamed) if needs_restriction(*renamed) else pair)
        nonzero += sum(arm.n if (found := arm.count_nonzero("y")) is None else found for arm in renamed)
    combined = checked(combine(pairs))
    if isinstance(combined, Undefined) or context.single_look:
        return None if isinstance(combined, Undefined) else combined
    units = combined.control.n + combined.treatment.n
    smaller = min(combined.control.n, combined.treatment.n)
    return combined if nonzero * smaller >= context.plan.minimum_conversions * units else None


def denominator_shift(context: CheckContext) -> Found:
    """Check that a ratio's denominator per unit does not differ between variants (p < .001)."""
    ratios = [metric for metric in context.plan.metrics if metric.spec.kind is MetricKind.RATIO]
    if not ratios:
        return not_applicable("no ratio metric")
    worst: tuple[float, str, str] | None = None
    for metric in ratios:
        for variant in context.plan.treatments:
            strata = context.data.shared_strata(metric.spec.key, variant, context.plan.control)
            control, treatment = (context.data.arm(metric, arm, strata) for arm in (context.plan.control, variant))
            if isinstance(control, Undefined) or isinstance(treatment, Undefined) or not control.strata:
                continue
            welched = [welch(c, t, "d") for c, t in zip(control.strata, treatment.strata, strict=True)]
            pairs = [pair for pair in welched if isinstance(pair, Pair)]
            pair = checked(combine(pairs))
            if isinstance(pair, Pair) and (worst is None or p_value(pair) < worst[0]):
                worst = (p_value(pair), metric.spec.key, variant)
    if worst is None:
        return not_applicable("too few units")
    return judged(worst[0] < _ALPHA_DENOMINATOR, {"p": worst[0], "metric": worst[1], "variant": worst[2]})


def no_events(context: CheckContext) -> Found:
    """Check that outcomes arrive at all once there are units."""
    units = sum(comparison.control.n + comparison.treatment.n for comparison in context.comparisons)
    if units == 0:
        return not_applicable("no unit has a complete window yet")
    total = context.health.events_total
    if total is None:
        seen = any(
            figure is not None and figure != 0.0
            for comparison in context.comparisons
            for figure in (comparison.control.numerator, comparison.treatment.numerator)
        )
        return judged(not seen, {})
    return judged(total == 0, {"events": total})


def unverified_exposures(context: CheckContext) -> Found:
    """Check how many exposures no token proves: WARN above 5%."""
    rows, unverified = context.health.rows, context.health.exposures_without_token
    if context.inputs.source is not Source.OWN or rows == 0:
        return not_applicable("exposures were not recorded here")
    share = unverified / rows
    return judged(share > _WARN_UNVERIFIED, {"rows": rows, "unverified": unverified, "share": share})


def rows_left_out(context: CheckContext) -> Found:
    """Check for repeated and unusable rows: any is shown with a warning."""
    duplicates, quarantined = context.health.exclusions.duplicates, context.health.exclusions.quarantined
    return judged(duplicates + quarantined > 0, {"duplicates": duplicates, "quarantined": quarantined})


def late_data(context: CheckContext) -> Found:
    """Check how many messages came too late to count: WARN above 1% of those about the same days."""
    late = context.health.late
    if late is None:
        return not_applicable("it is not known what came too late")
    outcomes = context.health.events_total if context.health.messages is None else context.health.messages
    came = context.health.rows + (outcomes or 0) + late
    if came == 0:
        return not_applicable("no message has come yet")
    return judged(late / came > _WARN_LATE, {"late": late, "messages": came, "share": late / came})


def immature_units(context: CheckContext) -> Found:
    """Check how many units are still inside their window; they are not counted yet."""
    immature = context.health.exclusions.immature
    units = sum(sum(stratum.units.values()) for stratum in context.inputs.strata)
    share = immature / units if units else math.nan
    return judged(immature > 0, {"immature": immature, "units": units, "share": share if units else None})
