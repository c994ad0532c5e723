"""What must be true of an experiment at a point that decides in batches before it may start."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from decisions.domain import Domain, Mode, PolicyKind
from decisions.domains.restock.books import HOLDING_BOOKED, PURCHASE_BOOKED, VALUED
from decisions.domains.restock.domain import DOMAIN as RESTOCK
from decisions.queries.batch_designs import BatchDesign, batch_design
from decisions.queries.points import PointFacts, point_of_experiment, policies_of
from decisions.registry import domain_of
from decisions.settings import checked_settings
from experiments.analysis.metrics import needs_books
from experiments.analysis.plan import PlanInvalid
from experiments.analysis.plan_parts import PlannedMetric
from experiments.assignment.periods import DAY_MINUTES
from experiments.launch_checks import Design, LaunchProblem
from experiments.vocabulary import CONTRIBUTION_BOOKED, MetricRole, Payable, UnitKind

MOST_MISSING: Final = 0.05
"""Share of the items that may lack something: they take the baseline, with a reason."""
_NAMED: Final = 5
_AT_COST: Final = frozenset({CONTRIBUTION_BOOKED, PURCHASE_BOOKED, VALUED, HOLDING_BOOKED})
"""Events whose value is reckoned with what an item costs."""


def batch_problems(design: Design) -> Iterable[LaunchProblem]:
    """Yield what keeps an experiment at a batch point from starting; of any other, that nobody closes its books."""
    point = point_of_experiment(design.id)
    if point is None or point.domain != RESTOCK.key:
        yield from _books(design)
    if point is None or domain_of(point.domain).mode is not Mode.BATCH:
        return
    domain = domain_of(point.domain)
    known = batch_design(point.id, domain)
    yield from _periods(design, point, known)
    yield from _cool_down(design, domain, known)
    yield from _clusters(design, known)
    yield from _costs(design, known)
    yield from _burn_in(design, domain, known)
    yield from _fixed(design, domain)


def payable_of_experiment(experiment_id: int) -> Payable:
    """Return what the decision point of an experiment decides of the amount to pay, NOTHING where there is none."""
    point = point_of_experiment(experiment_id)
    return Payable.NOTHING if point is None else domain_of(point.domain).payable


def _periods(design: Design, point: PointFacts, known: BatchDesign) -> Iterator[LaunchProblem]:
    if design.period_minutes is None:
        yield LaunchProblem(
            "PERIOD_MISSING",
            f"{point.key} decides in batches, and units are randomised once and for all.",
            "Randomise by period: what differs between items or stores then does not stand in for the effect.",
        )
    if known.every_minutes is None:
        yield LaunchProblem(
            "CADENCE_MISSING",
            f"{point.key} makes no batches, so that nothing would ever be decided.",
            "Say at the decision point how often it decides.",
        )
    elif design.period_minutes is not None and design.period_minutes % known.every_minutes:
        yield LaunchProblem(
            "PERIOD_NOT_CADENCE",
            f"A period of {design.period_minutes} minutes is no multiple of the {known.every_minutes} minutes after "
            f"which {point.key} decides: periods would have different numbers of decisions.",
            "Let the period be a multiple of the cadence.",
        )


def _cool_down(design: Design, domain: Domain, known: BatchDesign) -> Iterator[LaunchProblem]:
    """Yield where a price that changed stays longer than the period, so that variants could not take turns."""
    hours = float(checked_settings(domain, known.settings).get("cool_down_hours", 0.0))
    if design.period_minutes is not None and hours * 60 > design.period_minutes:
        yield LaunchProblem(
            "COOL_DOWN_BEYOND_PERIOD",
            f"A price that has changed stays for {hours:g} hours, longer than a period of {design.period_minutes} "
            "minutes: items could not switch to what the next period decides.",
            "Shorten the cool-down of the decision point, or lengthen the period.",
        )


def _clusters(design: Design, known: BatchDesign) -> Iterator[LaunchProblem]:
    if design.unit_kind is UnitKind.CLUSTER and _too_many(known.without_cluster, known):
        yield LaunchProblem(
            "CLUSTERS_MISSING",
            f"{_told(known.without_cluster, known)} belong to no cluster of substitutes, and could not be randomised.",
            "Send their cluster with the items, or let clusters be derived from orders and prices.",
        )


def _costs(design: Design, known: BatchDesign) -> Iterator[LaunchProblem]:
    if _too_many(known.without_cost, known) and _decides_at_cost(design):
        yield LaunchProblem(
            "COSTS_MISSING",
            f"{_told(known.without_cost, known)} have no cost, and the metric that decides is reckoned with it.",
            "Send the costs of these items, or decide by revenue.",
        )


def _books(design: Design) -> Iterator[LaunchProblem]:
    """Yield where no cell would ever count, since only periods at a restock point are closed."""
    needing = [metric.spec.key for metric in _metrics(design) if needs_books(metric.spec)]
    if design.period_minutes is not None and needing:
        yield LaunchProblem(
            "BOOKS_NEVER_CLOSED",
            f"What {needing[0]} counts is booked at restock points alone, and the experiment is at none: no cell would "
            "ever be complete.",
            "Try it at a decision point of restock, or leave out what needs its books.",
        )


def _burn_in(design: Design, domain: Domain, known: BatchDesign) -> Iterator[LaunchProblem]:
    """Yield where what the period before left behind would be counted: hoarded goods, or orders on their way."""
    if design.period_minutes is None:
        return
    if domain.payable is not Payable.NOTHING and not design.burn_in_minutes:
        yield LaunchProblem(
            "BURN_IN_SHORT",
            "There is no burn-in: shoppers stock up while a price is low and buy less afterwards, in the next period "
            "and at its price.",
            "Let the burn-in last as long as a purchase is brought forward, such as a day or two for daily goods.",
        )
    if domain.subject_kind is UnitKind.STORE_ITEM and known.longest_lead is not None:
        review = float(checked_settings(domain, known.settings).get("review_days", 0.0))
        review = max(review, (known.every_minutes or 0) / DAY_MINUTES)
        needed = known.longest_lead + review
        if design.burn_in_minutes < needed * DAY_MINUTES:
            yield LaunchProblem(
                "BURN_IN_SHORT",
                f"The burn-in is shorter than {needed:g} days, the longest lead time and the time between two orders: "
                "until then a store still sells what the variant before has ordered.",
                "Lengthen the burn-in, and the period with it.",
            )


def _fixed(design: Design, domain: Domain) -> Iterator[LaunchProblem]:
    fault_of = domain.hooks.fixed_fault
    if fault_of is None:
        return
    for fact in policies_of(design.id).values():
        faults = (fault_of(text) for text in fact.actions if fact.policy is PolicyKind.FIXED)
        for fault in filter(None, faults):
            yield LaunchProblem(
                "FIXED_UNREADABLE",
                f"Variant {fact.variant} cannot be decided by its fixed actions: {fault}",
                "Correct what the variant does.",
            )


def _decides_at_cost(design: Design) -> bool:
    deciding = (metric.spec.numerator.events for metric in _metrics(design) if metric.role is MetricRole.DECISION)
    return any(not _AT_COST.isdisjoint(events) for events in deciding)


def _metrics(design: Design) -> Sequence[PlannedMetric]:
    try:
        return design.build_plan().metrics
    except PlanInvalid:
        return ()  # what is wrong with the plan is told by a check of its own


def _too_many(lacking: Sequence[str], known: BatchDesign) -> bool:
    return len(lacking) > MOST_MISSING * known.items


def _told(lacking: Sequence[str], known: BatchDesign) -> str:
    more = ", .." if len(lacking) > _NAMED else ""
    return f"{len(lacking)} of {known.items} items ({', '.join(lacking[:_NAMED])}{more})"
