"""The verdict: a pure judgment of a scorecard by its plan, with reasons in a fixed grammar.

Order of judgment: a blocked check makes the data INVALID; harm stops a running test; a variant that meets every rule
is shipped; a test that is over without one is INCONCLUSIVE; anything else CONTINUEs.
"""

from dataclasses import dataclass

from experiments.analysis.looks import at_horizon
from experiments.analysis.plan import AnalysisPlan, Objective, Requirement, SequentialMethod
from experiments.analysis.reasons import Parameter, ReasonCode, ReasonItem, Verdict
from experiments.analysis.scorecard import (
    Comparison,
    Crossing,
    FigureStatus,
    Interval,
    IntervalStatus,
    Outcome,
    Scorecard,
)
from experiments.statistics.distributions import normal_isf
from experiments.vocabulary import CheckLevel, Direction, MetricKind, MetricRole, VerdictState

__all__ = ["ReasonCode", "ReasonItem", "Verdict", "hopeless", "judge"]


@dataclass(frozen=True, slots=True)
class _Arm:
    """What speaks for and against one treatment; futile: why going on is hardly worth it, if it is not."""

    variant: str
    passes: bool
    reasons: tuple[ReasonItem, ...]
    futile: tuple[ReasonItem, ...] = ()


def judge(plan: AnalysisPlan, scorecard: Scorecard) -> Verdict:
    """Return the verdict that the frozen plan gives the scorecard.

    SHIP needs the DECISION metrics superior after correction (or non-inferior, where the plan declares a saving), all
    guardrails non-inferior, no blocking check and the minimum runtime and units. Of several such variants the one
    with the largest lower bound on the first DECISION metric is proposed. A recorded experiment that is over can
    still ship a variant beside a harmful one; a running one stops first. Futility is said with CONTINUE, first where
    no treatment is worth going on for.
    """
    harms = _harms(scorecard)
    harmful = tuple(variant for variant in plan.treatments if any(h.params["variant"] == variant for h in harms))
    notes = _check_reasons(scorecard)
    blockers = [check for check in scorecard.checks if check.level is CheckLevel.BLOCK and _stands_out(check.outcome)]
    if blockers:
        reasons = [_reason(ReasonCode.CHECK_BLOCKS, check=check.code) for check in blockers]
        reasons += [ReasonItem(ReasonCode.HARM_IN_INVALID, harm.params) for harm in harms]
        return Verdict(VerdictState.INVALID, None, (*reasons, *notes), harmful)
    arms = [_arm(plan, scorecard, variant) for variant in plan.treatments]
    waits = _preconditions(plan, scorecard)
    passing = [arm for arm in arms if arm.passes and arm.variant not in harmful and not waits]
    over = plan.method is SequentialMethod.FIXED_HORIZON
    if harms and not (over and passing):
        also = [_reason(ReasonCode.ALSO_PASSES, variant=arm.variant) for arm in passing]
        return Verdict(VerdictState.STOP_FOR_HARM, None, (*harms, *also, *notes), harmful)
    if passing:
        return _ship(plan, scorecard, passing, (*harms, *notes), harmful)
    state = VerdictState.INCONCLUSIVE if _finished(plan, scorecard) else VerdictState.CONTINUE
    against = tuple(reason for arm in arms for reason in arm.reasons)
    futile = tuple(reason for arm in arms for reason in arm.futile) if state is VerdictState.CONTINUE else ()
    every = all(arm.futile for arm in arms)
    said = (*futile, *waits, *against) if every else (*waits, *against, *futile)
    return Verdict(state, None, (*said, *notes), harmful)


def hopeless(plan: AnalysisPlan, verdict: Verdict) -> bool:
    """Return whether a verdict says of every treatment that going on is hardly worth it."""
    futile = {reason.params.get("variant") for reason in verdict.reasons if reason.code is ReasonCode.FUTILE}
    return futile >= set(plan.treatments)


def _ship(
    plan: AnalysisPlan, card: Scorecard, passing: list[_Arm], notes: tuple[ReasonItem, ...], harmful: tuple[str, ...]
) -> Verdict:
    first = plan.metrics_of(MetricRole.DECISION)[0].spec.key
    compared = {arm.variant: card.comparison(first, arm.variant) for arm in passing}
    multiplier = max(_multiplier(plan, found) for found in compared.values())
    best = max(passing, key=lambda arm: _lower_bound(compared[arm.variant], multiplier))
    reasons = list(best.reasons)
    if len(passing) > 1:
        reasons.append(_reason(ReasonCode.LARGEST_LOWER_BOUND, variant=best.variant, metric=first))
    for other in passing:
        if other.variant != best.variant:
            reasons.append(_reason(ReasonCode.ALSO_PASSES, variant=other.variant))
            reasons.extend(_between(card, best.variant, other.variant))
    return Verdict(VerdictState.SHIP, best.variant, (*reasons, *notes), harmful)


def _arm(plan: AnalysisPlan, card: Scorecard, variant: str) -> _Arm:
    reasons: list[ReasonItem] = []
    passed: list[bool] = []
    finished = _finished(plan, card)
    for metric in plan.metrics_of(MetricRole.DECISION):
        found = card.comparison(metric.spec.key, variant)
        if found.status is FigureStatus.UNDEFINED:
            passed.append(False)
            reasons.append(_undefined(found))
            continue
        meets, reason = _decision(plan, found, finished=finished)
        passed.append(meets)
        reasons.append(reason)
    every = plan.requirement is Requirement.ALL or plan.objective is Objective.NON_INFERIORITY_WITH_SAVING
    meets_decision = all(passed) if every else any(passed)
    holds = True
    for metric in plan.metrics_of(MetricRole.GUARDRAIL):
        found = card.comparison(metric.spec.key, variant)
        kept = found.non_inferiority is not None and found.non_inferiority.passed
        holds = holds and kept
        if found.status is FigureStatus.UNDEFINED:
            reasons.append(_undefined(found))
        else:
            code = ReasonCode.GUARDRAIL_HOLDS if kept else ReasonCode.GUARDRAIL_NOT_SHOWN
            reasons.append(_effect_reason(code, found, margin=metric.margin))
    return _Arm(variant, meets_decision and holds, tuple(reasons), _futile(plan, card, variant))


def _futile(plan: AnalysisPlan, card: Scorecard, variant: str) -> tuple[ReasonItem, ...]:
    """Return why going on is hardly worth it for a treatment: with Requirement.ANY for each of its metrics, else one.

    Advice only; it changes no verdict.
    """
    metrics = [metric.spec.key for metric in plan.metrics_of(MetricRole.DECISION)]
    found = [card.comparison(metric, variant) for metric in metrics]
    reasons = tuple(
        _reason(ReasonCode.FUTILE, variant=variant, metric=each.metric, chance=each.futility.conditional_power)
        for each in found
        if each.futility is not None and each.futility.futile
    )
    enough = 1 if plan.requirement is Requirement.ALL else len(metrics)
    return reasons if len(reasons) >= enough else ()


def _decision(plan: AnalysisPlan, found: Comparison, *, finished: bool) -> tuple[bool, ReasonItem]:
    """Return whether one DECISION metric supports shipping, and the reason."""
    if plan.objective is Objective.NON_INFERIORITY_WITH_SAVING:
        kept = found.non_inferiority is not None and found.non_inferiority.passed
        code = ReasonCode.NON_INFERIOR_WITH_SAVING if kept else ReasonCode.NOT_NON_INFERIOR
        return kept, _effect_reason(code, found, margin=plan.objective_margin, saving=plan.declared_saving)
    crossed = Crossing.NONE if found.sequential is None else found.sequential.crossed
    if crossed is Crossing.BETTER:
        return True, _effect_reason(ReasonCode.SUPERIOR, found)
    if crossed is Crossing.WORSE:
        return False, _effect_reason(ReasonCode.INFERIOR, found)
    return False, _effect_reason(ReasonCode.NOT_SUPERIOR if finished else ReasonCode.NOT_SUPERIOR_YET, found)


def _harms(card: Scorecard) -> tuple[ReasonItem, ...]:
    """Return one reason per metric and treatment that harms: by its alarm, or a DECISION metric by its own boundary."""
    found = []
    for comparison in card.comparisons:
        alarmed = comparison.harm is not None and comparison.harm.crossed
        worse = comparison.sequential is not None and comparison.sequential.crossed is Crossing.WORSE
        if alarmed:
            margin = None if comparison.harm is None else comparison.harm.margin
            found.append(_effect_reason(ReasonCode.HARM, comparison, margin=margin))
        elif worse and comparison.role is MetricRole.DECISION:
            found.append(_effect_reason(ReasonCode.INFERIOR, comparison))
    return tuple(found)


def _preconditions(plan: AnalysisPlan, card: Scorecard) -> tuple[ReasonItem, ...]:
    """Return what has to be waited for before anything may be shipped."""
    reasons: list[ReasonItem] = []
    days = card.days
    if days is not None and days < plan.minimum_days:
        reasons.append(_reason(ReasonCode.TOO_EARLY, days=days, minimum=plan.minimum_days))
    smallest: dict[str, int] = {}
    for comparison in card.comparisons:
        if comparison.role is MetricRole.DECISION:
            for arm in (comparison.control, comparison.treatment):
                smallest[arm.variant] = min(arm.n, smallest.get(arm.variant, arm.n))
    for variant, units in smallest.items():
        if units < plan.minimum_units:
            reasons.append(_reason(ReasonCode.TOO_FEW_UNITS, variant=variant, units=units, minimum=plan.minimum_units))
    return tuple(reasons)


def _finished(plan: AnalysisPlan, card: Scorecard) -> bool:
    """Return whether the plan has no looks left that could still decide."""
    if at_horizon(plan, card.days, is_last=card.is_last):
        return True
    fractions = [
        None if found.sequential is None else found.sequential.spent_fraction
        for found in card.comparisons
        if found.role is MetricRole.DECISION
    ]
    return bool(fractions) and all(fraction is not None and fraction >= 1.0 for fraction in fractions)


def _between(card: Scorecard, winner: str, other: str) -> list[ReasonItem]:
    """Return what may be said of the winner against another passing variant: only what the corrected contrast shows."""
    reasons = []
    for contrast in card.contrasts:
        if {contrast.variant, contrast.reference} != {winner, other}:
            continue
        crossed = Crossing.NONE if contrast.sequential is None else contrast.sequential.crossed
        if contrast.variant != winner and crossed is not Crossing.NONE:
            crossed = Crossing.WORSE if crossed is Crossing.BETTER else Crossing.BETTER
        code = {
            Crossing.NONE: ReasonCode.ARMS_NOT_SEPARATED,
            Crossing.BETTER: ReasonCode.ARMS_SEPARATED,
            Crossing.WORSE: ReasonCode.ARMS_REVERSED,
        }[crossed]
        reasons.append(_effect_reason(code, contrast, turned=contrast.variant != winner, other=other))
    return reasons


def _check_reasons(card: Scorecard) -> tuple[ReasonItem, ...]:
    codes = {CheckLevel.WARN: ReasonCode.CHECK_WARNS, CheckLevel.INTERPRET: ReasonCode.CHECK_INTERPRET}
    return tuple(
        _reason(codes[check.level], check=check.code)
        for level in codes
        for check in card.checks
        if check.level is level and _stands_out(check.outcome)
    )


def _stands_out(outcome: Outcome) -> bool:
    return outcome in (Outcome.FAILED, Outcome.ERROR)


def _multiplier(plan: AnalysisPlan, found: Comparison) -> float:
    """Return the multiplier of standard errors that the comparison had to reach."""
    seen = found.sequential
    return normal_isf(plan.alpha / 2.0) if seen is None or seen.bound is None else seen.bound


def _lower_bound(found: Comparison, multiplier: float) -> float:
    """Return the effect in the better direction less so many standard errors; least without an estimate.

    One multiplier for all variants: a step-down correction gives the strongest the strictest level, and its own
    interval would put it behind a weaker one.
    """
    value, se = found.absolute.value, found.absolute.se
    if value is None or se is None:
        return float("-inf")
    return (value if found.direction is Direction.INCREASE else -value) - multiplier * se


def _interval(found: Comparison) -> Interval:
    """Return the interval at the decision's own level where there is one, else the single-look interval."""
    seen = found.sequential
    return (
        found.absolute.interval if seen is None or seen.absolute.status is IntervalStatus.UNDEFINED else seen.absolute
    )


def _effect_reason(code: ReasonCode, found: Comparison, *, turned: bool = False, **more: Parameter) -> ReasonItem:
    """Return a reason with the figures of a comparison; `turned` states them for the reference against the variant."""
    interval, value = _interval(found), found.absolute.value
    lower, upper = interval.lower, interval.upper
    variant, reference = found.variant, found.reference
    if turned:
        variant, reference = reference, variant
        value = None if value is None else -value
        lower, upper = (None if upper is None else -upper), (None if lower is None else -lower)
    params: dict[str, Parameter] = {
        "metric": found.metric,
        "variant": variant,
        "reference": reference,
        "difference": value,
        "lower": lower,
        "upper": upper,
        "lift": None if turned else found.lift.value,
        "p": found.p_value if found.p_adjusted is None else found.p_adjusted,
        "scale": "pp" if found.kind is MetricKind.CONVERSION else "",
    }
    return ReasonItem(code, params | more)


def _undefined(found: Comparison) -> ReasonItem:
    why = None if found.reason is None else str(found.reason)
    return _reason(ReasonCode.UNDEFINED, metric=found.metric, variant=found.variant, why=why)


def _reason(code: ReasonCode, **params: Parameter) -> ReasonItem:
    return ReasonItem(code, dict(params))
