"""Which tests share an alpha, and which hand their level on: the graphs behind the claims of a scorecard.

Bretz, Maurer, Brannath & Posch 2009; with looks, every test keeps its own spending function at the level it has
(Maurer & Bretz 2013).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.analysis.drafts import Draft
from experiments.analysis.plan import AnalysisPlan, Family, Gatekeeping, Multiplicity, Requirement
from experiments.statistics.gatekeeping import Graph
from experiments.vocabulary import MetricRole

_NEXT_TO_NOTHING = 1e-6
"""Share that a SECONDARY test hands to DECISION tests while others of its treatment are open: none, in the limit."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Tests that share `alpha`, by the places of their drafts.

    nodes: drafts of each test, which is rejected once all of them have left their boundary. graph: levels as shares
    of alpha. first: level that each test has at first, or would have once its treatment has passed; it tunes
    confidence sequences. gated: tests that count only where the DECISION metrics of their treatment have passed.
    """

    nodes: tuple[tuple[int, ...], ...]
    graph: Graph
    alpha: float
    first: tuple[float, ...]
    gated: frozenset[int] = frozenset()


def claims_of(plan: AnalysisPlan, drafts: Sequence[Draft]) -> list[Claims]:
    """Return the plan's graphs, in an order in which DECISION tests are settled before what they open.

    METRICS_AND_ARMS: one graph over all DECISION tests. ARMS: one for each DECISION metric; with Requirement.ALL a
    single one whose tests are the treatments, each rejected when all its metrics are (an intersection-union test).
    Rejected tests hand on to the SECONDARY tests of their treatment and to each other; with ARMS and ANY the
    SECONDARY tests hang on the first DECISION metric. NONE: every test has alpha; SECONDARY ones are gated.
    """
    families = _decision_tests(plan, drafts)
    secondary = by_variant(drafts, MetricRole.SECONDARY)
    if plan.multiplicity is Multiplicity.NONE:
        alone = [_holm([(i,)], plan.alpha) for family in families for node in family for i in node]
        return alone + [_holm([(i,)], plan.alpha, gated=True) for found in secondary.values() for i in found]
    if plan.gatekeeping is Gatekeeping.GATE:
        return [_holm(family, plan.alpha) for family in families] + _after_the_gate(plan, drafts)
    linked = [_linked(plan, drafts, family, secondary if k == 0 else {}) for k, family in enumerate(families)]
    return linked[1:] + linked[:1]


def handed_on(secondary: Sequence[int], level: float) -> Claims:
    """Return one treatment's SECONDARY tests, which share a level by Holm's rule."""
    return _holm([(i,) for i in secondary], level, gated=True)


def by_variant(drafts: Sequence[Draft], role: MetricRole) -> dict[str, list[int]]:
    """Return the places of the drafts with that role, by treatment."""
    found: dict[str, list[int]] = {}
    for i, draft in enumerate(drafts):
        if draft.metric.role is role:
            found.setdefault(draft.variant, []).append(i)
    return found


def by_metric(drafts: Sequence[Draft], role: MetricRole) -> list[list[int]]:
    """Return the places of the drafts with that role, metric by metric."""
    found: dict[str, list[int]] = {}
    for i, draft in enumerate(drafts):
        if draft.metric.role is role:
            found.setdefault(draft.metric.spec.key, []).append(i)
    return list(found.values())


def _decision_tests(plan: AnalysisPlan, drafts: Sequence[Draft]) -> list[list[tuple[int, ...]]]:
    metrics = by_metric(drafts, MetricRole.DECISION)
    if plan.family is Family.METRICS_AND_ARMS:
        return [[(i,) for i, draft in enumerate(drafts) if draft.metric.role is MetricRole.DECISION]]
    if plan.requirement is Requirement.ALL:
        return [[tuple(found) for found in by_variant(drafts, MetricRole.DECISION).values()]]
    return [[(i,) for i in family] for family in metrics]


def _after_the_gate(plan: AnalysisPlan, drafts: Sequence[Draft]) -> list[Claims]:
    families = by_metric(drafts, MetricRole.SECONDARY)
    if plan.family is Family.METRICS_AND_ARMS:
        families = [[i for family in families for i in family]]
    return [_holm([(i,) for i in sorted(family)], plan.alpha) for family in families if family]


def _holm(nodes: Iterable[tuple[int, ...]], alpha: float, *, gated: bool = False) -> Claims:
    tests = tuple(nodes)
    size = len(tests)
    share = 1.0 / max(1, size - 1)
    transition = tuple(tuple(0.0 if i == k else share for k in range(size)) for i in range(size))
    return Claims(
        tests,
        Graph((1.0 / size,) * size, transition),
        alpha,
        (alpha / size,) * size,
        frozenset(range(size)) if gated else frozenset(),
    )


def _linked(
    plan: AnalysisPlan, drafts: Sequence[Draft], family: Sequence[tuple[int, ...]], secondary: dict[str, list[int]]
) -> Claims:
    """Return DECISION tests that hand on to the SECONDARY tests of their treatment and to each other, and so back."""
    primary = range(len(family))
    nodes = [*family, *((i,) for found in secondary.values() for i in found)]
    place = {i: n for n, node in enumerate(nodes) for i in node}
    rows = [[0.0] * len(nodes) for _ in nodes]
    first = [plan.alpha / len(family)] * len(family) + [0.0] * (len(nodes) - len(family))
    for n in primary:
        mine = [place[i] for i in secondary.get(drafts[family[n][0]].variant, ())]
        others = [k for k in primary if k != n]
        share = 0.0 if not mine else plan.secondary_share if others else 1.0
        for k in mine:
            rows[n][k] = share / len(mine)
            first[k] = first[n] * (share or 1.0) / len(mine)
        for k in others:
            rows[n][k] = (1.0 - share) / len(others)
    for found in secondary.values():
        for i in found:
            kept = 1.0 - _NEXT_TO_NOTHING if len(found) > 1 else 0.0
            for k in (place[other] for other in found if other != i):
                rows[place[i]][k] = kept / (len(found) - 1)
            for k in primary:
                rows[place[i]][k] = (1.0 - kept) / len(family)
    weights = tuple(1.0 / len(family) if n in primary else 0.0 for n in range(len(nodes)))
    return Claims(
        tuple(nodes),
        Graph(weights, tuple(tuple(row) for row in rows)),
        plan.alpha,
        tuple(first),
        frozenset(range(len(family), len(nodes))),
    )
