"""What a group-sequential comparison says about stopping: whether going on is worth it, and what holds after it."""

import math
from collections.abc import Callable
from functools import lru_cache

from experiments.analysis.decide import Decision
from experiments.analysis.drafts import Draft
from experiments.analysis.looks import Look
from experiments.analysis.plan import AnalysisPlan, Objective, SequentialMethod, Spending
from experiments.analysis.scorecard import Crossing, FinalFigures, FutilityFigures, Interval
from experiments.statistics.distributions import normal_isf
from experiments.statistics.final_inference import LARGEST_Z, final_inference
from experiments.statistics.futility import SpendingRule, at_drift
from experiments.statistics.group_sequential import conditional_power, lan_demets
from experiments.statistics.lift import lift
from experiments.statistics.recursion import increasing
from experiments.statistics.results import IntervalStatus, Undefined, bounded
from experiments.vocabulary import Direction, MetricRole

FUTILE_BELOW = 0.1
"""Conditional power below which going on is hardly worth it."""
_LATEST = 0.99
_FIRST_WITH_FINAL = 2
_APART = 0.005
_AT_THE_POINT = 1e-6
"""Distance in standard errors below which an estimate is the plain one."""


def futility_of(plan: AnalysisPlan, draft: Draft, decision: Decision) -> FutilityFigures | None:
    """Return whether going on is hardly worth it, for a DECISION metric against control inside the horizon.

    The planned effect is the drift z_{1 - alpha / 2} + z_power of the design, alpha the level of this comparison.
    None without looks ahead, after a crossing, and where the plan asks for non-inferiority.
    """
    look, z = draft.look, draft.z
    asked = plan.futility and plan.method is SequentialMethod.GROUP_SEQUENTIAL
    superiority = draft.metric.role is MetricRole.DECISION and plan.objective is Objective.SUPERIORITY
    if not (asked and superiority and draft.reference == plan.control) or look is None or z is None:
        return None
    fraction, information = look.fraction, look.information
    if fraction is None or information is None or not 0.0 < fraction < _LATEST:
        return None
    if look.after_horizon or decision.crossed is not Crossing.NONE or look.stopped is not None:
        return None
    good = z if draft.metric.direction is Direction.INCREASE else -z
    drift = normal_isf(decision.alpha / 2.0) + normal_isf(1.0 - plan.power)
    chance = conditional_power(good, fraction, _last_bound(plan, look, information, fraction, decision.alpha), drift)
    spent = tuple(past.spent_fraction for past in look.past)
    bound = _beta_bound(
        _apart((*spent, fraction)), drift, decision.alpha, 1.0 - plan.power, plan.spending, plan.spending_parameter
    )
    return FutilityFigures(good, bound, chance, chance < FUTILE_BELOW or (bound is not None and good < bound))


def final_of(plan: AnalysisPlan, draft: Draft, decision: Decision, number: int) -> FinalFigures | None:
    """Return what a DECISION or SECONDARY comparison with control says once it has stopped; later looks keep it.

    It stops at its first crossing, or with the look at the horizon. Stage-wise ordering needs the bounds of earlier
    looks, as they were then; a SECONDARY metric that had left one before it could be claimed has no place in it, and
    no such figures. Its ends are distances in standard errors from the estimate, so that difference and lift
    are this comparison's own intervals (score, Welch, Fieller) at those distances, and never contradict each other.
    """
    look, z = draft.look, draft.z
    if look is None or z is None or isinstance(draft.estimated, Undefined) or not _has_final(plan, draft):
        return None
    if look.stopped is not None:
        return look.stopped
    over = look.fraction is not None and look.fraction >= 1.0
    stops = not look.after_horizon and (over or decision.crossed is not Crossing.NONE)
    if not stops or look.information is None or isinstance(decision.bound, Undefined) or _went_on(draft, look):
        return None
    if abs(z) > LARGEST_Z:  # values that hardly vary at all: floats cannot tell the interval from the estimate
        return None
    information = increasing((*(past.information for past in look.past), look.information))
    bounds = tuple(math.inf if past.bound is None else past.bound for past in look.past)
    sign, root = math.copysign(1.0, z), math.sqrt(information[-1])
    found = final_inference(information, bounds, abs(z), decision.alpha, lower=tuple(-bound for bound in bounds))
    ends = sorted(sign * end * root - z for end in (found.lower, found.upper))
    distances = (ends[0], sign * found.median_unbiased * root - z, ends[1])
    effect = draft.estimated.effect
    difference, interval = _at(effect.absolute, effect.pair.difference, distances)
    relative, lift_interval = _at(effect.lift, lift(effect.pair), distances)
    if difference is None:
        return None
    p_value = min(1.0, 2.0 * found.p_value)
    return FinalFigures(p_value, difference, interval, relative, lift_interval, number, decision.alpha)


def _has_final(plan: AnalysisPlan, draft: Draft) -> bool:
    claims = draft.metric.role in (MetricRole.DECISION, MetricRole.SECONDARY) and draft.reference == plan.control
    return claims and plan.method is SequentialMethod.GROUP_SEQUENTIAL and plan.schema >= _FIRST_WITH_FINAL


def _went_on(draft: Draft, look: Look) -> bool:
    """Return whether the comparison had left its bound at an earlier look, where its treatment had not passed yet."""
    gated = draft.metric.role is MetricRole.SECONDARY
    return gated and not all(past.absolute.contains(0.0) for past in look.past)


def _at(
    intervals: Callable[[float], Interval], point: float | Undefined, distances: tuple[float, float, float]
) -> tuple[float | None, Interval]:
    """Return the middle and the interval at signed distances from the estimate, in standard errors."""
    around = [intervals(max(_AT_THE_POINT, abs(distance))) for distance in distances]
    lower, middle, upper = (
        found.upper if distance > 0.0 else found.lower for found, distance in zip(around, distances, strict=True)
    )
    if abs(distances[1]) < _AT_THE_POINT:
        middle = None if isinstance(point, Undefined) else point
    if lower is not None and upper is not None:
        return middle, bounded(lower, upper)
    return middle, around[0] if around[0].status is not IntervalStatus.BOUNDED else around[2]


def _last_bound(plan: AnalysisPlan, look: Look, information: float, fraction: float, alpha: float) -> float:
    """Return the bound at the horizon if it were the next look, with the information that this one lets expect."""
    return lan_demets(
        (*(past.information for past in look.past), information, information / fraction),
        alpha,
        spending=plan.spending,
        parameter=plan.spending_parameter,
        fractions=(*(past.spent_fraction for past in look.past), fraction, 1.0),
    )[-1]


def _apart(fractions: tuple[float, ...]) -> tuple[float, ...]:
    """Return the last fraction and those before it that are clearly apart: two looks at once spend no more."""
    kept = [fractions[-1]]
    for fraction in reversed(fractions[:-1]):
        if 0.0 < fraction <= kept[-1] - _APART:
            kept.append(fraction)
    return tuple(reversed(kept))


@lru_cache(maxsize=4096)
def _beta_bound(
    fractions: tuple[float, ...],
    drift: float,
    alpha: float,
    beta: float,
    spending: Spending,
    parameter: float | None,
) -> float | None:
    """Return the futility bound of the last fraction, or None where no beta is spent by then or the design has none."""
    if not 0.0 < beta < 0.5:
        return None
    rule = SpendingRule(spending, parameter)
    found = at_drift((*fractions, 1.0), drift, alpha=alpha / 2.0, beta=beta, alpha_rule=rule)[-1]
    return found if math.isfinite(found) else None
