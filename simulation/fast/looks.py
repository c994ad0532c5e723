"""Daily looks at one experiment in process: evidence of whole days in, scorecards and verdicts out."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import AnalysisInputs, Health, History, MetricSums, Stratum
from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.scorecard import Exclusions, Scorecard
from experiments.analysis.verdict import judge
from experiments.statistics.moments import PowerSums
from experiments.vocabulary import Source, VerdictState
from simulation.designs import WINDOW_DAYS, ExperimentDesign
from simulation.fast.plans import WEIGHTS, plan_of
from simulation.fast.sums import Totals, sums_of

ENDING = frozenset({VerdictState.SHIP, VerdictState.STOP_FOR_HARM, VerdictState.INVALID})
"""Verdicts after which the shop ends the experiment: the first of them is the one that counts."""


@dataclass(slots=True)
class Watched:
    """One experiment as it runs: its evidence by day, its scorecards, and its newest verdict."""

    design: ExperimentDesign
    start: datetime
    plan: AnalysisPlan = field(init=False)
    exposed: list[dict[str, int]] = field(default_factory=list)
    days: list[dict[tuple[str, str], PowerSums]] = field(default_factory=list)
    past: list[Scorecard] = field(default_factory=list)
    verdict: VerdictState | None = None
    ended_on: int | None = None

    def __post_init__(self) -> None:
        self.plan = plan_of(self.design)

    def record(self, variants: np.ndarray, totals: Totals) -> None:
        """Add a day: the variant that each visitor was exposed to ("" for none), and what they then did."""
        names = [variant.key for variant in self.plan.variants]
        chosen = {name: variants == name for name in names}
        self.exposed.append({name: int(which.sum()) for name, which in chosen.items()})
        self.days.append(
            {
                (metric.spec.key, name): sums_of(metric.spec, totals, which)
                for metric in self.plan.metrics
                for name, which in chosen.items()
            }
        )

    def look(self, day: int) -> None:
        """Judge all that happened in the first `day` days; units count once their window is closed."""
        card = build_scorecard(self.plan, self._inputs(day))
        self.past.append(card)
        self.verdict = judge(self.plan, card).state
        if self.verdict in ENDING:
            self.ended_on = day

    def _inputs(self, day: int) -> AnalysisInputs:
        """Return the inputs of a look: like a query at a midnight, it finds the windows of earlier days closed."""
        units = {
            variant.key: sum(counted[variant.key] for counted in self.exposed[:day]) for variant in self.plan.variants
        }
        closed = self.days[: max(0, day - WINDOW_DAYS)]
        sums = []
        for place in self.days[0] if closed else ():
            total = closed[0][place]
            for later in closed[1:]:
                total = total.merge(later[place])
            sums.append(MetricSums(metric=place[0], variant=place[1], stratum="1", sums=total))
        mature = sum(sum(counted.values()) for counted in self.exposed[: len(closed)])
        rows = sum(units.values())
        return AnalysisInputs(
            experiment=self.design.key,
            source=Source.OWN,
            window_start=self.start,
            window_end=self.start + timedelta(days=day),
            received_before=self.start + timedelta(days=day, minutes=1),
            strata=(Stratum("1", 1, dict.fromkeys(units, WEIGHTS), units),),
            sums=tuple(sums),
            health=Health(exclusions=Exclusions(immature=rows - mature), rows=rows),
            history=History.of(self.past),
        )
