"""How often intervals of the lift hold the true lift, and on which side they miss."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from experiments.analysis.plan import AnalysisPlan
from experiments.calibration import plans
from experiments.calibration.figures import counted
from experiments.calibration.populations import clicks_and_views, dense, money
from experiments.calibration.records import Result, Setting, Study, Tally, Target
from experiments.calibration.sums import rates
from experiments.calibration.watching import Sums, first_comparison, single
from experiments.statistics.results import Interval, IntervalStatus

_INSIDE = Target(0.945, 0.955)
_TAIL = Target(high=0.032)


def studies() -> tuple[Study, ...]:
    """Return the study of the lift's interval."""
    return (
        Study(
            "lift-coverage",
            "Intervals of the lift",
            "One look. The 95% interval of the relative lift (Koopman's score interval for conversions, Fieller's "
            "elsewhere) against the true lift. Above and below say where the interval lies when it misses. Without an "
            "end: the control is too noisy for a lift to have two ends; such an interval counts as holding what its "
            "ends do not exclude.",
            (*_conversions(), *_means()),
        ),
    )


def _conversions() -> Iterator[Setting]:
    for lift in (-0.3, 0.0, 0.1, 0.5, 1.0):
        for units, rate in ((1_000, 0.03), (10_000, 0.05)):
            fewest = units * rate * min(1.0, 1.0 + lift)
            yield Setting(
                f"conversion {rate:.0%}, {units:,} units an arm, lift {lift:+.0%}",
                partial(conversion, units, rate, lift),
                partial(_evaluate, _INSIDE if fewest >= 100.0 else Target(0.94, 0.96)),
                reduced=400 if units == 10_000 else 0,
                full=20_000,
                block=1_000,
            )


def _means() -> Iterator[Setting]:
    for lift in (-0.3, 0.5):
        yield Setting(
            f"clicks per view, 2,000 units an arm, lift {lift:+.0%}",
            partial(click_rate, 2_000, lift),
            partial(_evaluate, _INSIDE),
            reduced=0,
            full=10_000,
            block=300,
        )
        yield Setting(
            f"revenue, 20,000 units an arm, lift {lift:+.0%}",
            partial(revenue, 20_000, lift),
            partial(_evaluate, _INSIDE),
            reduced=200,
            full=20_000,
            block=500,
        )
    yield Setting(
        "revenue, 600 units an arm, lift +50%",
        partial(revenue, 600, 0.5),
        partial(_evaluate, None),
        reduced=200,
        full=10_000,
        block=1_000,
        explained="18 buyers an arm are too few for a mean of such skewed values to be normal; the check on skewness "
        "asks for far more. The setting is here for the intervals without an end.",
    )


def conversion(units: int, rate: float, lift: float, rng: np.random.Generator, replicates: int) -> Tally:
    """Return where the interval of the lift of a conversion rate lies."""
    plan = plans.one_look(plans.decision(plans.conversion("metric")))
    control = rng.binomial(units, rate, replicates)
    treatment = rng.binomial(units, rate * (1.0 + lift), replicates)
    found = [
        _interval(plan, {("metric", "control"): rates(units, int(c)), ("metric", "treatment"): rates(units, int(t))})
        for c, t in zip(control, treatment, strict=True)
    ]
    return _tally(found, lift)


def click_rate(units: int, lift: float, rng: np.random.Generator, replicates: int) -> Tally:
    """Return where the interval of the lift of clicks per view lies."""
    plan = plans.one_look(plans.decision(plans.ratio("metric")))
    control, treatment = (
        dense(clicks_and_views(rng, (replicates, 1, units), rate=0.2 * factor)) for factor in (1.0, 1.0 + lift)
    )
    found = [
        _interval(plan, {("metric", "control"): control.at(r, 0), ("metric", "treatment"): treatment.at(r, 0)})
        for r in range(replicates)
    ]
    return _tally(found, lift)


def revenue(units: int, lift: float, rng: np.random.Generator, replicates: int) -> Tally:
    """Return where the interval of the lift of revenue lies; every amount grows by the lift."""
    plan = plans.one_look(plans.decision(plans.revenue("metric")))
    daily = np.full((replicates, 1), units)
    control, treatment = (money(rng, daily, factor=factor, uncapped=True) for factor in (1.0, 1.0 + lift))
    found = [
        _interval(
            plan, {("metric", "control"): control.at(r, 0, units), ("metric", "treatment"): treatment.at(r, 0, units)}
        )
        for r in range(replicates)
    ]
    return _tally(found, lift)


def _interval(plan: AnalysisPlan, sums: Sums) -> Interval:
    card, _verdict = single(plan, sums)
    return first_comparison(card).lift.interval


def _tally(intervals: Sequence[Interval], lift: float) -> Tally:
    above = sum(found.lower is not None and found.lower > lift for found in intervals)
    below = sum(found.upper is not None and found.upper < lift for found in intervals)
    endless = sum(found.status is IntervalStatus.UNBOUNDED for found in intervals)
    return Tally({"above": above, "below": below, "inside": len(intervals) - above - below, "endless": endless})


def _evaluate(inside: Target | None, found: Tally, replicates: int) -> Sequence[Result]:
    tail = None if inside is None else _TAIL
    return (
        counted(found, "inside", replicates, "holds the lift", inside),
        counted(found, "above", replicates, "above it", tail),
        counted(found, "below", replicates, "below it", tail),
        counted(found, "endless", replicates, "without an end"),
    )
