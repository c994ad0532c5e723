"""An attributed return never decides: such an experiment does not start, and is told what to measure instead."""

from collections.abc import Iterable

from decisions.domains.ad_placement.attribution import is_attributed
from experiments.analysis.plan import PlanInvalid, PlannedMetric
from experiments.launch_checks import Design, LaunchProblem
from experiments.vocabulary import MetricRole

FIX = (
    "Decide by an outcome of units, such as revenue per visitor. On the shop's own slots keep some units without "
    "advertisements (a holdout of users); for bought media, randomise places or periods (geo or time holdouts)."
)


def attribution_problems(design: Design) -> Iterable[LaunchProblem]:
    """Yield each DECISION metric that is an attributed return; nothing for a plan that cannot be built at all."""
    try:
        metrics = design.build_plan().metrics
    except PlanInvalid:
        return  # what is wrong with the plan is told by a check of its own
    for metric in metrics:
        if metric.role is MetricRole.DECISION and _is_attributed(metric):
            yield LaunchProblem(
                "ATTRIBUTED_DECISION",
                f"{metric.spec.key} is an attributed return: it counts sales that would have come without the "
                "advertisement, so that it cannot decide whether the advertisement was worth it.",
                FIX,
            )


def _is_attributed(metric: PlannedMetric) -> bool:
    denominator = metric.spec.denominator
    return is_attributed(
        metric.spec.key,
        events=metric.spec.numerator.events,
        denominator=() if denominator is None else denominator.events,
        denominator_what="" if denominator is None else denominator.what,
    )
