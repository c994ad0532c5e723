"""Checks of the design: runtime, power, skewness, and changes after launch."""

from experiments.analysis.check_context import CheckContext, Figures, Found, judged, not_applicable
from experiments.analysis.scorecard import Crossing
from experiments.statistics.means import units_for_skewness
from experiments.statistics.moments import Moments
from experiments.statistics.power import detectable_difference
from experiments.statistics.results import Undefined
from experiments.vocabulary import CheckLevel, MetricKind, MetricRole

_TOLERATED_SKEWNESS = 355.0**-0.5


def frozen_changed(context: CheckContext) -> Found:
    """Check that nothing frozen at launch has changed since."""
    changes = context.health.frozen_changes
    return judged(changes > 0, {"changes": changes})


def allocation_changed(context: CheckContext) -> Found:
    """Check whether weights, coverage or arms changed during the test; each change opened an epoch."""
    changes = context.health.allocation_changes
    return judged(changes > 0, {"changes": changes, "epochs": len({s.epoch for s in context.inputs.strata})})


def metric_redefined(context: CheckContext) -> Found:
    """Check whether a metric has a newer definition than the one that the plan froze and still uses."""
    redefined = sorted(context.health.redefined)
    if not redefined:
        return judged(failed=False, figures={"changes": 0})
    return judged(failed=True, figures={"metric": redefined[0], "changes": len(redefined)})


def minimum_units(context: CheckContext) -> Found:
    """Check that each arm of every DECISION metric has the planned minimum of units."""
    arms = [
        (arm.n, arm.variant, found.metric)
        for found in context.comparisons
        if found.role is MetricRole.DECISION
        for arm in (found.control, found.treatment)
    ]
    if not arms:
        return not_applicable("no DECISION metric is compared")
    units, variant, metric = min(arms, key=lambda entry: entry[0])
    least = context.plan.minimum_units
    return judged(units < least, {"metric": metric, "variant": variant, "units": units, "minimum": least})


def minimum_runtime(context: CheckContext) -> Found:
    """Check that the test has run for the planned minimum of days."""
    if context.days is None:
        return not_applicable("the times are unknown")
    least = context.plan.minimum_days
    return judged(context.days < least, {"days": context.days, "minimum": least})


def short_run_only(context: CheckContext) -> Found:
    """Check that what counts of a period is as long as the time after which shoppers typically buy again.

    Counted over less, an effect holds purchases that were only moved in time.
    """
    periods = context.plan.periods
    if periods is None or periods.repurchase_days is None:
        return not_applicable("no repurchase cycle is declared")
    days, cycle = periods.counted_days, periods.repurchase_days
    return judged(days < cycle, {"days": days, "repurchase_days": cycle})


def power(context: CheckContext) -> Found:
    """Check that an effect as small as planned can be seen, now or, if looks are left, by the horizon.

    Smallest detectable effect = (z_{1 - alpha/2} + z_power) SE / control; SE shrinks with the root of time. Comparisons
    that have left their boundary are decided and left out.
    """
    worst: tuple[float, str, str] | None = None
    for found in context.comparisons:
        se, base = found.absolute.se, found.control.adjusted
        if found.role is not MetricRole.DECISION or se is None or base is None or not base > 0.0:
            continue
        if found.sequential is not None and found.sequential.crossed is not Crossing.NONE:
            continue
        spent = None if found.sequential is None else found.sequential.spent_fraction
        ahead = 1.0 if context.final or spent is None else spent
        size = detectable_difference(se, alpha=context.plan.alpha, power=context.plan.power) * ahead**0.5 / base
        if worst is None or size > worst[0]:
            worst = (size, found.metric, found.variant)
    if worst is None:
        return not_applicable("no DECISION metric is open and can be estimated")
    figures: Figures = {"detectable": worst[0], "planned": context.plan.mde, "metric": worst[1], "variant": worst[2]}
    return judged(worst[0] > context.plan.mde, figures)


def skewness(context: CheckContext) -> Found:
    """Check that each arm has 355 skewness^2 units (Kohavi et al. 2014), on the capped metric.

    Where both arms are as skewed and as large, the skews cancel in the difference: then it is for INTERPRETation only.
    """
    worst: tuple[float, Figures, bool] | None = None
    for metric in context.plan.metrics:
        if metric.spec.kind in (MetricKind.CONVERSION, MetricKind.RATIO):
            continue
        for variant in context.plan.treatments:
            strata = context.data.shared_strata(metric.spec.key, variant, context.plan.control)
            control, treatment = (context.data.arm(metric, arm, strata) for arm in (context.plan.control, variant))
            if isinstance(control, Undefined) or isinstance(treatment, Undefined) or not control.strata:
                continue
            graded = _graded(control.total, treatment.total)
            if graded is not None and (worst is None or graded[0] > worst[0]):
                figures: Figures = {"metric": metric.spec.key, "variant": variant, **graded[1]}
                worst = (graded[0], figures, graded[2])
    if worst is None:
        return not_applicable("no metric with a known skewness")
    ratio, figures, matters = worst
    return judged(ratio > 1.0, figures, CheckLevel.WARN if matters else CheckLevel.INTERPRET)


def _graded(control: Moments, treatment: Moments) -> tuple[float, Figures, bool] | None:
    """Return units needed over units had, the figures, and whether the difference itself is too skewed."""
    skews = [arm.skewness() for arm in (control, treatment)]
    if control.n < 2 or treatment.n < 2 or skews[0] is None or skews[1] is None:
        return None
    needed = [units_for_skewness(skew) for skew in (skews[0], skews[1])]
    ratio = max(needed[0] / control.n, needed[1] / treatment.n)
    of_means = [float(arm.scatter[0, 0]) / arm.n / arm.n for arm in (control, treatment)]
    share = of_means[1] / (of_means[0] + of_means[1])
    of_difference = skews[1] * share**1.5 / treatment.n**0.5 - skews[0] * (1.0 - share) ** 1.5 / control.n**0.5
    figures: Figures = {
        "skewness": max(skews[0], skews[1], key=abs),
        "units_needed": max(needed),
        "units": min(control.n, treatment.n),
        "skewness_of_difference": of_difference,
    }
    return ratio, figures, abs(of_difference) > _TOLERATED_SKEWNESS
