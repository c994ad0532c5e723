"""From a draft and its decision to the comparison that the scorecard keeps."""

from dataclasses import replace
from functools import reduce

from experiments.analysis.decide import Decision
from experiments.analysis.drafts import Draft
from experiments.analysis.effects import Effect
from experiments.analysis.estimate import Estimated
from experiments.analysis.looks import Look
from experiments.analysis.plan import AnalysisPlan, Objective
from experiments.analysis.scorecard import (
    AFTER_HORIZON,
    AdjustmentFigures,
    ArmFigures,
    Comparison,
    Crossing,
    Estimate,
    FigureStatus,
    HarmFigures,
    NonInferiorityFigures,
    SensitivityFigures,
    SequentialFigures,
)
from experiments.analysis.stopping import final_of, futility_of
from experiments.statistics.distributions import normal_isf, normal_sf
from experiments.statistics.lift import lift
from experiments.statistics.pair import ArmEstimate
from experiments.statistics.results import Interval, Undefined, UndefinedReason, intersection, undefined
from experiments.vocabulary import Direction, MetricRole

_SCHEMA_WITH_TEST_INTERVAL = 2


def comparison(plan: AnalysisPlan, draft: Draft, decision: Decision, *, look: int) -> Comparison:
    """Return the full comparison of one metric and one treatment with its reference; `look` is the look's number."""
    if isinstance(draft.estimated, Undefined) or draft.look is None:
        reason = draft.estimated.reason if isinstance(draft.estimated, Undefined) else UndefinedReason.NO_DATA
        return _undefined(plan, draft, reason)
    estimated, at = draft.estimated, draft.look
    effect, z = estimated.effect, normal_isf(plan.alpha / 2.0)
    return Comparison(
        metric=draft.metric.spec.key,
        metric_version=draft.metric.spec.version,
        kind=draft.metric.spec.kind,
        role=draft.metric.role,
        direction=draft.metric.direction,
        variant=draft.variant,
        reference=draft.reference,
        status=FigureStatus.OK,
        reason=None,
        estimator=effect.estimator,
        control=_arm(draft.control, effect.pair.control),
        treatment=_arm(draft.treatment, effect.pair.treatment),
        covariance=effect.pair.covariance,
        absolute=_absolute(effect, z),
        lift=_lift(effect, z),
        p_value=effect.p_value(),
        p_adjusted=decision.p_adjusted,
        sequential=_sequential(at, effect, decision),
        adjustment=_adjustment(estimated, z),
        uncapped=_sensitivity(draft.uncapped, z),
        unfiltered=_sensitivity(draft.unfiltered, z),
        non_inferiority=_non_inferiority(plan, draft, effect, at),
        harm=_harm(plan, draft, effect, at),
        futility=futility_of(plan, draft, decision),
        final=final_of(plan, draft, decision, look),
    )


def _undefined(plan: AnalysisPlan, draft: Draft, reason: UndefinedReason) -> Comparison:
    nothing = Estimate(None, None, undefined(reason))
    role, margin = draft.metric.role, _margin(plan, draft)
    watched = role in plan.harm_roles
    return Comparison(
        metric=draft.metric.spec.key,
        metric_version=draft.metric.spec.version,
        kind=draft.metric.spec.kind,
        role=role,
        direction=draft.metric.direction,
        variant=draft.variant,
        reference=draft.reference,
        status=FigureStatus.UNDEFINED,
        reason=reason,
        estimator=None,
        control=draft.control,
        treatment=draft.treatment,
        covariance=None,
        absolute=nothing,
        lift=nothing,
        p_value=None,
        p_adjusted=None,
        non_inferiority=None
        if margin is None
        else NonInferiorityFigures(margin, _ni_alpha(plan, draft), None, None, None, passed=False, reason=reason),
        harm=HarmFigures(
            harm_level(plan),
            _harm_margin(draft),
            started=False,
            multiplier=None,
            bound=None,
            crossed=False,
            reason=reason,
        )
        if watched
        else None,
    )


def _arm(figures: ArmFigures, estimate: ArmEstimate) -> ArmFigures:
    return replace(figures, adjusted=estimate.mean, variance=estimate.variance)


def _absolute(effect: Effect, z: float) -> Estimate:
    se = effect.pair.se
    return Estimate(effect.pair.difference, se if se > 0.0 else effect.null_se, effect.absolute(z))


def _lift(effect: Effect, z: float) -> Estimate:
    point = lift(effect.pair)
    return Estimate(None if isinstance(point, Undefined) else point, None, effect.lift(z))


def _sequential(look: Look, effect: Effect, decision: Decision) -> SequentialFigures:
    planned = look.metric.planned_information
    fraction = None if planned is None or look.information is None else look.information / planned
    absolute, relative = _repeated(effect, decision.bound)
    if decision.crossed is not Crossing.NONE:
        absolute = reduce(intersection, (past.absolute for past in look.past), absolute)
        relative = reduce(intersection, (past.lift for past in look.past), relative)
    method = f"{look.plan.method}{AFTER_HORIZON}" if look.after_horizon else str(look.plan.method)
    return SequentialFigures(
        method=method,
        alpha=decision.alpha,
        information=look.information,
        information_fraction=fraction,
        spent_fraction=look.fraction,
        bound=None if isinstance(decision.bound, Undefined) else decision.bound,
        absolute=absolute,
        lift=relative,
        p_value=decision.p_valid,
        crossed=decision.crossed,
        reason=decision.bound.reason if isinstance(decision.bound, Undefined) else None,
    )


def _repeated(effect: Effect, bound: float | Undefined) -> tuple[Interval, Interval]:
    if isinstance(bound, Undefined):
        return undefined(bound.reason), undefined(bound.reason)
    return effect.absolute(bound), effect.lift(bound)


def _adjustment(estimated: Estimated, z: float) -> AdjustmentFigures | None:
    before = estimated.unadjusted
    if before is None:
        return None
    kept = estimated.effect.pair.variance / before.pair.variance if before.pair.variance > 0.0 else 1.0
    return AdjustmentFigures(
        estimated.covariates, 1.0 - kept, estimated.missing_share, _absolute(before, z), _lift(before, z)
    )


def _sensitivity(found: Estimated | Undefined | None, z: float) -> SensitivityFigures | None:
    if found is None:
        return None
    if isinstance(found, Undefined):
        nothing = Estimate(None, None, undefined(found.reason))
        return SensitivityFigures(nothing, nothing, None)
    return SensitivityFigures(_absolute(found.effect, z), _lift(found.effect, z), found.effect.p_value())


def _non_inferiority(plan: AnalysisPlan, draft: Draft, effect: Effect, look: Look) -> NonInferiorityFigures | None:
    margin = _margin(plan, draft)
    if margin is None:
        return None
    alpha = look.share_of(_ni_alpha(plan, draft))
    z = effect.noninferiority(margin, higher_is_better=draft.metric.direction is Direction.INCREASE)
    bound = look.one_sided(alpha)
    if isinstance(z, Undefined):
        return NonInferiorityFigures(margin, alpha, None, None, None, passed=False, reason=z.reason)
    if isinstance(bound, Undefined):
        return NonInferiorityFigures(margin, alpha, z, None, normal_sf(z), passed=False, reason=bound.reason)
    belonging = effect.lift(bound) if plan.schema >= _SCHEMA_WITH_TEST_INTERVAL else None
    return NonInferiorityFigures(
        margin,
        alpha,
        z,
        bound,
        normal_sf(z),
        passed=z >= bound,
        lift=belonging,
        absolute=None if belonging is None else _scaled(belonging, effect.pair.control.mean),
    )


def _scaled(interval: Interval, factor: float) -> Interval:
    lower, upper = (None if end is None else end * factor for end in (interval.lower, interval.upper))
    return replace(interval, lower=lower, upper=upper)


def _harm(plan: AnalysisPlan, draft: Draft, effect: Effect, look: Look) -> HarmFigures | None:
    if draft.metric.role not in plan.harm_roles:
        return None
    alpha, margin = harm_level(plan), _harm_margin(draft)
    multiplier = look.alarm(alpha)
    if isinstance(multiplier, Undefined):
        return HarmFigures(
            alpha, margin, started=False, multiplier=None, bound=None, crossed=False, reason=multiplier.reason
        )
    interval = effect.absolute(multiplier)
    increase = draft.metric.direction is Direction.INCREASE
    least = interval.lower if not increase else None if interval.upper is None else -interval.upper
    base = effect.pair.control.mean
    worse = base - effect.pair.treatment.mean if increase else effect.pair.treatment.mean - base
    crossed = least is not None and least > 0.0 and worse > margin * abs(base)
    return HarmFigures(alpha, margin, started=True, multiplier=multiplier, bound=least, crossed=crossed)


def harm_level(plan: AnalysisPlan) -> float:
    """Return the one-sided alpha of one harm alarm: the family's, shared over watched metrics and treatments."""
    alarms = len(plan.metrics_of(*plan.harm_roles)) * len(plan.treatments)
    return plan.harm_alpha / max(1, alarms)


def _harm_margin(draft: Draft) -> float:
    return draft.metric.margin or 0.0


def _margin(plan: AnalysisPlan, draft: Draft) -> float | None:
    """Return the margin the treatment must not be worse by, or None where the plan asks for no such test."""
    if draft.metric.role is MetricRole.GUARDRAIL:
        return draft.metric.margin
    if draft.metric.role is MetricRole.DECISION and plan.objective is Objective.NON_INFERIORITY_WITH_SAVING:
        return plan.objective_margin
    return None


def _ni_alpha(plan: AnalysisPlan, draft: Draft) -> float:
    """Return the one-sided alpha: a guardrail's own, or for an objective half of alpha over the treatments."""
    if draft.metric.role is MetricRole.GUARDRAIL:
        return plan.noninferiority_alpha
    return plan.alpha / 2.0 / len(plan.treatments)
