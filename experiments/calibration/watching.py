"""One simulated experiment on its way through the engine: inputs, scorecard and verdict at every look."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import AnalysisInputs, History, MetricSums, Stratum
from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.reasons import Verdict
from experiments.analysis.scorecard import Comparison, Crossing, Outcome, Scorecard
from experiments.analysis.verdict import judge
from experiments.calibration.plans import TREATMENT
from experiments.statistics.moments import PowerSums
from experiments.vocabulary import Source

START = datetime(2026, 1, 5, tzinfo=UTC)
_EVEN = 500_000

Sums = Mapping[tuple[str, str], PowerSums]
"""Exact sums by metric and variant."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known at one look. day: days since the start. units: exposed, where more than the sums hold.

    is_last: the experiment has ended.
    """

    day: float
    sums: Sums
    units: Mapping[str, int] | None = None
    is_last: bool = False


def watch(
    plan: AnalysisPlan,
    looks: Sequence[Observed] | Iterator[Observed],
    *,
    weights: Mapping[str, int] | None = None,
    source: Source = Source.OWN,
) -> Iterator[tuple[Scorecard, Verdict]]:
    """Yield scorecard and verdict of each look, every one with the history that the earlier ones left.

    weights: planned slots of each variant; even without.
    """
    history = History()
    planned = dict(weights) if weights else {variant.key: _EVEN for variant in plan.variants}
    for look in looks:
        card = build_scorecard(plan, _inputs(plan, look, planned, history, source))
        yield card, judge(plan, card)
        history = history.after(card)


def single(
    plan: AnalysisPlan,
    sums: Sums,
    *,
    weights: Mapping[str, int] | None = None,
    source: Source = Source.OWN,
) -> tuple[Scorecard, Verdict]:
    """Return scorecard and verdict of an experiment that is looked at once, after four weeks."""
    return next(watch(plan, [Observed(28.0, sums, is_last=True)], weights=weights, source=source))


def crossed(found: Comparison) -> Crossing:
    """Return on which side a comparison has left its boundary."""
    return Crossing.NONE if found.sequential is None else found.sequential.crossed


def first_comparison(card: Scorecard) -> Comparison:
    """Return the first metric's comparison of the only treatment with control."""
    return card.comparison(card.comparisons[0].metric, TREATMENT)


def failed(card: Scorecard, check: str) -> bool:
    """Return whether a validity check failed."""
    return card.check(check).outcome is Outcome.FAILED


def _inputs(
    plan: AnalysisPlan, look: Observed, weights: dict[str, int], history: History, source: Source
) -> AnalysisInputs:
    units = look.units
    if units is None:
        first = plan.metrics[0].spec.key
        units = {variant.key: look.sums[first, variant.key].n for variant in plan.variants}
    end = START + timedelta(days=look.day)
    return AnalysisInputs(
        experiment="calibration",
        source=source,
        window_start=START,
        window_end=end,
        received_before=end + timedelta(hours=1),
        strata=(Stratum("1", 1, weights, dict(units)),),
        sums=tuple(MetricSums(metric, variant, "1", sums) for (metric, variant), sums in look.sums.items()),
        history=history,
        is_last=look.is_last,
    )
