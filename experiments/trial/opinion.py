"""A second opinion on a finished test: what a usual tool would have said, and what our plan says."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import AnalysisInputs, MetricSums, Stratum
from experiments.analysis.metrics import Aggregation, MetricSpec, What
from experiments.analysis.plan import PlannedMetric, PlannedVariant, recorded_plan
from experiments.analysis.scorecard import Comparison, Scorecard
from experiments.analysis.verdict import Verdict, judge
from experiments.statistics.distributions import normal_sf
from experiments.statistics.homogeneity import Homogeneity, equal_rates
from experiments.statistics.moments import Moments, PowerSums
from experiments.statistics.results import Undefined
from experiments.trial.last_test import Arm, LastTest
from experiments.vocabulary import Direction, MetricKind, MetricRole, Source

CONVERSION: Final = "conversion"
REVENUE: Final = "revenue"


@dataclass(frozen=True, slots=True)
class Usual:
    """What a usual tool says of one metric and treatment: the lift, and the p-value of its delta-method z."""

    metric: str
    variant: str
    lift: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Opinion:
    """The scorecard and verdict of the default plan, beside what a usual tool would have shown.

    together: whether the conversion rates of all arms differ at all, where there are three or more.
    """

    test: LastTest
    scorecard: Scorecard
    verdict: Verdict
    usual: tuple[Usual, ...]
    together: Homogeneity | None

    def comparisons(self) -> tuple[Comparison, ...]:
        """Return every treatment against control."""
        return self.scorecard.comparisons


def second_opinion(test: LastTest, *, shares: Mapping[str, float] | None = None) -> Opinion:
    """Return the opinion on a test that is over: one look, conversion decides, revenue where there is no conversion.

    shares: planned share of each arm in any unit; equal ones without it.
    """
    ordered = ("recorded:order",)
    specs = []
    if all(arm.converted is not None for arm in test.arms):
        specs.append(MetricSpec(CONVERSION, 1, MetricKind.CONVERSION, Aggregation(ordered, What.ANY)))
    if all(arm.revenue is not None for arm in test.arms):
        specs.append(MetricSpec(REVENUE, 1, MetricKind.SUM, Aggregation(ordered, What.SUM_VALUE)))
    control = test.arms[0].name
    plan = recorded_plan(
        variants=[PlannedVariant(arm.name, control=arm.name == control) for arm in test.arms],
        metrics=[
            PlannedMetric(spec, MetricRole.SECONDARY if number else MetricRole.DECISION, Direction.INCREASE)
            for number, spec in enumerate(specs)
        ],
    )
    units = {arm.name: arm.units for arm in test.arms}
    weights = {arm.name: round(1_000_000 * (1.0 if shares is None else shares[arm.name])) for arm in test.arms}
    sums = tuple(MetricSums(spec.key, arm.name, "1", _sums(arm, spec.key)) for spec in specs for arm in test.arms)
    source = Source.EXTERNAL if test.by_unit else Source.AGGREGATE
    card = build_scorecard(
        plan, AnalysisInputs("last-test", source, None, None, None, (Stratum("1", 1, weights, units),), sums)
    )
    usual = [_usual(test.arms[0], arm, spec) for spec in specs for arm in test.arms[1:]]
    return Opinion(test, card, judge(plan, card), tuple(each for each in usual if each is not None), _together(test))


def _sums(arm: Arm, metric: str) -> PowerSums:
    if metric == REVENUE and arm.revenue is not None:
        return arm.revenue
    converted = arm.converted or 0
    return PowerSums(arm.units, ("y",), (converted,), (converted,), (converted,))


def _usual(control: Arm, treatment: Arm, spec: MetricSpec) -> Usual | None:
    """Return the lift with the p-value of its delta-method z, or None where there is none."""
    divisor = {"y": spec.numerator.divisor}
    arms = [Moments.from_power_sums(_sums(arm, spec.key), divisor) for arm in (control, treatment)]
    if min(arm.n for arm in arms) < 2 or arms[0].mean_of("y") <= 0.0:
        return None
    (m_c, v_c), (m_t, v_t) = ((arm.mean_of("y"), arm.variance("y") / arm.n) for arm in arms)
    variance = v_t / m_c**2 + m_t**2 * v_c / m_c**4
    if not variance > 0.0:
        return None
    lift = m_t / m_c - 1.0
    return Usual(spec.key, treatment.name, lift, min(1.0, 2.0 * normal_sf(abs(lift) / math.sqrt(variance))))


def _together(test: LastTest) -> Homogeneity | None:
    counts = [arm.converted for arm in test.arms if arm.converted is not None]
    if len(test.arms) < 3 or len(counts) < len(test.arms):
        return None
    found = equal_rates(counts, [arm.units for arm in test.arms])
    return None if isinstance(found, Undefined) else found
