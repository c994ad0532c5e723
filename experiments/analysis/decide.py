"""Which comparisons have left their boundary, after several tests share one alpha."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from experiments.analysis.drafts import Draft
from experiments.analysis.plan import AnalysisPlan, Family, Multiplicity, Requirement, SequentialMethod
from experiments.analysis.scorecard import Crossing
from experiments.statistics import multiplicity
from experiments.statistics.distributions import normal_sf
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.vocabulary import Direction, MetricRole

_MISSING = UndefinedReason.NO_DATA


@dataclass(frozen=True, slots=True)
class Decision:
    """What a comparison had to reach, and whether it did.

    alpha: two-sided level at which it was tested at last. bound: multiplier at that level, or why there is none.
    """

    alpha: float
    bound: float | Undefined
    crossed: Crossing = Crossing.NONE
    p_adjusted: float | None = None
    p_valid: float | None = None


def decide(plan: AnalysisPlan, drafts: Sequence[Draft]) -> list[Decision]:
    """Return the decision on every draft, in order.

    DECISION metrics are corrected over metrics and arms, or over arms alone. SECONDARY metrics are a family of
    their own, and count for an arm only where its DECISION metrics have passed. Other roles claim nothing.
    """
    decisions: dict[int, Decision] = {}
    for role in (MetricRole.DECISION, MetricRole.SECONDARY):
        for family in _families(plan, drafts, role):
            members = [drafts[i] for i in family]
            decisions.update(zip(family, _family(plan, members), strict=True))
    for i, draft in enumerate(drafts):
        if i not in decisions:
            decisions[i] = replace(_alone(plan, draft), crossed=Crossing.NONE)
    passed = _gates(plan, drafts, decisions)
    for i, draft in enumerate(drafts):
        if draft.metric.role is MetricRole.SECONDARY and draft.variant not in passed:
            decisions[i] = replace(decisions[i], crossed=Crossing.NONE)
    return [decisions[i] for i in range(len(drafts))]


def decide_contrasts(plan: AnalysisPlan, drafts: Sequence[Draft], pairs_of_arms: int) -> list[Decision]:
    """Return the decisions on treatments against each other: single-step over all pairs of arms, control included.

    A step-down correction would make the last pair free of charge once the others are clear, and its interval would
    not agree with it.
    """
    metrics = len({draft.metric.spec.key for draft in drafts}) if plan.family is Family.METRICS_AND_ARMS else 1
    tests = pairs_of_arms * metrics
    found = []
    for draft in drafts:
        alone = _at_level(plan, draft, plan.alpha / tests, tuned_at=plan.alpha / tests)
        p = _p(plan, draft, plan.alpha / tests)
        found.append(replace(alone, p_adjusted=None if p is None else min(1.0, tests * p)))
    return found


def better(draft: Draft) -> Crossing:
    """Return the side of the estimate in the metric's direction."""
    z = draft.z
    if z is None or z == 0.0:
        return Crossing.NONE
    return Crossing.BETTER if (z > 0.0) is (draft.metric.direction is Direction.INCREASE) else Crossing.WORSE


def _families(plan: AnalysisPlan, drafts: Sequence[Draft], role: MetricRole) -> list[list[int]]:
    mine = [i for i, draft in enumerate(drafts) if draft.metric.role is role]
    if plan.multiplicity is Multiplicity.NONE:
        return [[i] for i in mine]
    if plan.family is Family.METRICS_AND_ARMS:
        return [mine] if mine else []
    by_metric: dict[str, list[int]] = {}
    for i in mine:
        by_metric.setdefault(drafts[i].metric.spec.key, []).append(i)
    return list(by_metric.values())


def _family(plan: AnalysisPlan, members: Sequence[Draft]) -> list[Decision]:
    if plan.multiplicity is Multiplicity.DUNNETT:
        return _dunnett(plan, members)
    size = len(members)
    tuned_at = plan.alpha / size
    rejected: dict[int, Decision] = {}
    while True:
        level = plan.alpha / max(1, size - len(rejected))
        trial = {
            i: _at_level(plan, draft, level, tuned_at=tuned_at) for i, draft in enumerate(members) if i not in rejected
        }
        fresh = {i: found for i, found in trial.items() if found.crossed is not Crossing.NONE}
        if not fresh:
            break
        # one at a time, the strongest first, so that every later test has the level Holm gives it
        first = max(fresh, key=lambda i: abs(members[i].z or 0.0))
        rejected[first] = fresh[first]
    decisions = {**trial, **rejected}
    ps = [_p(plan, draft, tuned_at) for draft in members]
    adjusted = multiplicity.holm([1.0 if p is None else p for p in ps])
    return [replace(decisions[i], p_adjusted=None if ps[i] is None else adjusted[i]) for i in range(size)]


def _dunnett(plan: AnalysisPlan, members: Sequence[Draft]) -> list[Decision]:
    """Return the single-look decisions by Dunnett's test within each metric, Bonferroni over metrics."""
    metrics = len({draft.metric.spec.key for draft in members})
    found = []
    for draft in members:
        same = [other for other in members if other.metric.spec.key == draft.metric.spec.key]
        loadings = tuple(math.sqrt(o.treatment.n / max(1, o.treatment.n + o.control.n)) for o in same)
        bound = multiplicity.dunnett_critical(plan.alpha / metrics, loadings)
        z = draft.z
        p = None if z is None else min(1.0, metrics * multiplicity.dunnett_p(z, loadings))
        level = 2.0 * normal_sf(bound)
        reached = z is not None and abs(z) >= bound
        found.append(Decision(level, bound, better(draft) if reached else Crossing.NONE, p))
    return found


def _alone(plan: AnalysisPlan, draft: Draft) -> Decision:
    return _at_level(plan, draft, plan.alpha, tuned_at=plan.alpha)


def _at_level(plan: AnalysisPlan, draft: Draft, level: float, *, tuned_at: float) -> Decision:
    """Return whether a comparison crosses at a two-sided level, now or, group-sequentially, at an earlier look.

    A crossing inside the horizon stands as long as the estimate stays on its side.
    """
    if draft.look is None or draft.z is None:
        return Decision(level, Undefined(_MISSING))
    share = draft.look.share_of(level)
    bound = draft.look.two_sided(share, draft.look.share_of(tuned_at))
    valid = draft.look.always_valid_p(draft.z, draft.look.share_of(tuned_at))
    sticky = plan.method is SequentialMethod.GROUP_SEQUENTIAL and any(past.crossed for past in draft.look.past)
    reached = not isinstance(bound, Undefined) and abs(draft.z) >= bound
    crossed = better(draft) if reached or sticky else Crossing.NONE
    return Decision(share, bound, crossed, None, valid)


def _p(plan: AnalysisPlan, draft: Draft, tuned_at: float) -> float | None:
    """Return the p-value that may be corrected: of the one look, or valid at every look; none group-sequentially."""
    if draft.look is None or isinstance(draft.estimated, Undefined) or draft.z is None:
        return None
    if plan.method is SequentialMethod.FIXED_HORIZON:
        return draft.estimated.effect.p_value()
    if plan.method is SequentialMethod.CONFIDENCE_SEQUENCE:
        return draft.look.always_valid_p(draft.z, tuned_at)
    return None


def _gates(plan: AnalysisPlan, drafts: Sequence[Draft], decisions: dict[int, Decision]) -> set[str]:
    """Return the treatments whose DECISION metrics meet the plan's requirement."""
    by_arm: dict[str, list[bool]] = {}
    for i, draft in enumerate(drafts):
        if draft.metric.role is MetricRole.DECISION:
            by_arm.setdefault(draft.variant, []).append(decisions[i].crossed is Crossing.BETTER)
    required = all if plan.requirement is Requirement.ALL else any
    return {variant for variant, passed in by_arm.items() if required(passed)}
