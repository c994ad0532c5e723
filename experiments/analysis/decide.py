"""Which comparisons have left their boundary, after several tests share one alpha."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from experiments.analysis.claims import Claims, by_metric, by_variant, claims_of, handed_on
from experiments.analysis.drafts import Draft
from experiments.analysis.plan import (
    AnalysisPlan,
    Family,
    Gatekeeping,
    Multiplicity,
    Requirement,
    SequentialMethod,
)
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

    DECISION and SECONDARY metrics by the plan's graphs, so that all their claims together err with alpha at most (see
    `claims_of`). A SECONDARY metric counts for a treatment only where its DECISION metrics have passed. Other roles
    claim nothing.
    """
    decisions: dict[int, Decision] = {}
    if plan.multiplicity is Multiplicity.DUNNETT:
        _single_step(plan, drafts, decisions)
    else:
        for claims in claims_of(plan, drafts):
            _settle(plan, drafts, claims, decisions)
    for i, draft in enumerate(drafts):
        if i not in decisions:
            decisions[i] = replace(_alone(plan, draft), crossed=Crossing.NONE)
        elif draft.metric.role is MetricRole.SECONDARY and not _passed(plan, drafts, decisions, draft.variant):
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


def _settle(plan: AnalysisPlan, drafts: Sequence[Draft], claims: Claims, decisions: dict[int, Decision]) -> None:
    """Add the decisions on the tests of one graph: one rejection after the other, the strongest first.

    A test without a level yet is shown at the one it would have first.
    """
    graph, rejected = claims.graph, set[int]()
    tested: dict[int, float] = {}
    while True:
        for n, members in enumerate(claims.nodes):
            level = claims.alpha * graph.weights[n] or claims.first[n]
            if n not in rejected and tested.get(n) != level:
                tested[n] = level
                for i in members:
                    decisions[i] = _at_level(plan, drafts[i], level, tuned_at=claims.first[n])
        fresh = [
            n
            for n, members in enumerate(claims.nodes)
            if n not in rejected
            and graph.weights[n] > 0.0
            and all(decisions[i].crossed is not Crossing.NONE for i in members)
            and (n not in claims.gated or _passed(plan, drafts, decisions, drafts[members[0]].variant))
        ]
        if not fresh:
            break
        strongest = max(fresh, key=lambda n: min(abs(drafts[i].z or 0.0) for i in claims.nodes[n]))
        rejected.add(strongest)
        graph = graph.without(strongest)
    for n in claims.gated - rejected:
        for i in claims.nodes[n]:
            decisions[i] = replace(decisions[i], crossed=Crossing.NONE)
    for i, p in _adjusted(plan, drafts, claims, decisions).items():
        # a graph that was handed a part of alpha only: its p-values are read beside the plan's alpha all the same
        decisions[i] = replace(decisions[i], p_adjusted=min(1.0, p * (plan.alpha / claims.alpha)))


def _adjusted(
    plan: AnalysisPlan, drafts: Sequence[Draft], claims: Claims, decisions: dict[int, Decision]
) -> dict[int, float]:
    """Return the smallest alpha at which each draft of a graph would be claimed, where p-values may be corrected.

    For a test that several drafts form, each counts by its own p-value at the level that the test then has.
    """
    ps = {i: _p(plan, drafts[i], claims.first[n]) for n, members in enumerate(claims.nodes) for i in members}
    found = {i: 1.0 for i, p in ps.items() if p is not None}
    may_follow = _followers(plan, drafts, claims, decisions)
    graph, removed, reached = claims.graph, set[int](), 0.0
    while True:
        shares: dict[int, float] = {}
        for n, members in enumerate(claims.nodes):
            if n in removed or not graph.weights[n] > 0.0 or not may_follow(n, removed):
                continue
            scaled = {i: 1.0 if p is None else p / graph.weights[n] for i in members for p in (ps[i],)}
            shares[n] = max(scaled.values())
            for i in found.keys() & scaled.keys():
                found[i] = min(found[i], max(reached, scaled[i]))
        nearest = min(shares, key=lambda n: shares[n], default=None)
        if nearest is None or shares[nearest] >= 1.0:
            return found
        removed.add(nearest)
        reached = max(reached, shares[nearest])
        graph = graph.without(nearest)


def _followers(
    plan: AnalysisPlan, drafts: Sequence[Draft], claims: Claims, decisions: dict[int, Decision]
) -> Callable[[int, set[int]], bool]:
    """Return whether a test may be rejected after others: a gated one needs DECISION metrics on the better side."""
    inside = {i: n for n, members in enumerate(claims.nodes) for i in members}
    decisive = by_variant(drafts, MetricRole.DECISION)
    good = {i: better(drafts[i]) is Crossing.BETTER for found in decisive.values() for i in found}

    def may_follow(node: int, removed: set[int]) -> bool:
        if node not in claims.gated:
            return True
        passed = [
            good[i] and inside[i] in removed if i in inside else decisions[i].crossed is Crossing.BETTER
            for i in decisive.get(drafts[claims.nodes[node][0]].variant, [])
        ]
        return _meets(plan, passed)

    return may_follow


def _single_step(plan: AnalysisPlan, drafts: Sequence[Draft], decisions: dict[int, Decision]) -> None:
    """Add the single-look decisions by Dunnett's test within each DECISION metric, Bonferroni over metrics.

    Every rejection hands on what no combination of true nulls could still need (`multiplicity.dunnett_spare`).
    """
    families = by_metric(drafts, MetricRole.DECISION)
    corrected = plan.family is Family.METRICS_AND_ARMS
    alpha = plan.alpha / len(families) if corrected else plan.alpha
    spare: dict[str, float] = {}
    for k, family in enumerate(families):
        found = _dunnett([drafts[i] for i in family], alpha, plan.alpha)
        decisions.update(zip(family, found, strict=True))
        level = multiplicity.dunnett_spare(alpha, _loadings([drafts[i] for i in family]))
        for i in family:
            if (k == 0 or corrected) and decisions[i].crossed is Crossing.BETTER:
                spare[drafts[i].variant] = spare.get(drafts[i].variant, 0.0) + level
    for variant, secondary in by_variant(drafts, MetricRole.SECONDARY).items():
        level = plan.alpha if plan.gatekeeping is Gatekeeping.GATE else spare.get(variant, 0.0)
        if level > 0.0:
            _settle(plan, drafts, handed_on(secondary, level), decisions)


def _dunnett(members: Sequence[Draft], alpha: float, total: float) -> list[Decision]:
    loadings = _loadings(members)
    bound = multiplicity.dunnett_critical(alpha, loadings)
    found = []
    for draft in members:
        z = draft.z
        p = None if z is None else min(1.0, total / alpha * multiplicity.dunnett_p(z, loadings))
        reached = z is not None and abs(z) >= bound
        found.append(Decision(2.0 * normal_sf(bound), bound, better(draft) if reached else Crossing.NONE, p))
    return found


def _loadings(members: Sequence[Draft]) -> tuple[float, ...]:
    return tuple(math.sqrt(found.treatment.n / max(1, found.treatment.n + found.control.n)) for found in members)


def _alone(plan: AnalysisPlan, draft: Draft) -> Decision:
    return _at_level(plan, draft, plan.alpha, tuned_at=plan.alpha)


def _at_level(plan: AnalysisPlan, draft: Draft, level: float, *, tuned_at: float) -> Decision:
    """Return whether a comparison crosses at a two-sided level, now or, group-sequentially, at an earlier look.

    An earlier crossing, of the horizon or of the sequence after it, stands as long as the estimate stays on its side.
    """
    if draft.look is None or draft.z is None:
        return Decision(level, Undefined(_MISSING))
    share = draft.look.share_of(level)
    bound = draft.look.two_sided(share, draft.look.share_of(tuned_at))
    valid = draft.look.always_valid_p(draft.z, draft.look.share_of(tuned_at))
    side = better(draft)
    sticky = plan.method is SequentialMethod.GROUP_SEQUENTIAL and draft.look.crossed_before is side
    reached = not isinstance(bound, Undefined) and abs(draft.z) >= bound
    crossed = side if reached or sticky else Crossing.NONE
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


def _passed(plan: AnalysisPlan, drafts: Sequence[Draft], decisions: dict[int, Decision], variant: str) -> bool:
    """Return whether the DECISION metrics of a treatment meet the plan's requirement."""
    mine = by_variant(drafts, MetricRole.DECISION).get(variant, [])
    return _meets(plan, [decisions[i].crossed is Crossing.BETTER for i in mine])


def _meets(plan: AnalysisPlan, passed: Sequence[bool]) -> bool:
    return all(passed) if plan.requirement is Requirement.ALL else any(passed)
