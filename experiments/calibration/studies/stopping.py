"""Tests that stop early: power and duration beside a single look, and what they report once they have stopped."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.scorecard import Crossing
from experiments.calibration import plans
from experiments.calibration.figures import counted, loss_of_share, mean
from experiments.calibration.records import Result, Scale, Setting, Study, Tally, Target
from experiments.calibration.sums import rates
from experiments.calibration.watching import Observed, crossed, first_comparison, watch
from experiments.statistics.power import detectable_rate

RATE = 0.05
PER_LOOK = 1_000
POWER = 0.8
PlanOf = Callable[[int], AnalysisPlan]


def studies() -> tuple[Study, ...]:
    """Return the studies of early stopping."""
    return (
        Study(
            "power",
            "Power and duration at the design effect",
            "A conversion rate of 5% and the effect that one look at the horizon finds with 80%; 28 looks, and the "
            "test ends with its first claim for the better side. Lost is 80% less the power; duration is the mean "
            "share of the horizon.",
            tuple(_powers()),
        ),
        Study(
            "final-inference",
            "What a stopped test reports",
            "Group sequential, one look a week, stopped at the first claim or at the horizon. Too high is how often "
            "the median-unbiased estimate lies above the truth; holds is how often the final 95.5% interval contains "
            "it (the level of the plan: 5% less what is kept for later). Naive is the same for the plain estimate and "
            "its ordinary interval at the stop.",
            tuple(_finals()),
        ),
    )


def _powers() -> Iterator[Setting]:
    reserved = "the default, a tenth of alpha kept"
    cases: tuple[tuple[str, PlanOf, Target | None, Target | None, int, int], ...] = (
        ("group sequential, all of alpha by the horizon", _whole, Target(high=0.02), Target(high=0.78), 150, 6_000),
        (f"group sequential, {reserved}", _default, None, Target(high=0.78), 0, 6_000),
        ("confidence sequence", _endless, None, None, 0, 4_000),
    )
    for name, plan, loss, duration, reduced, full in cases:
        yield Setting(
            name,
            partial(power, plan),
            partial(_evaluate_power, loss, duration),
            reduced=reduced,
            full=full,
            block=50,
        )


def _whole(looks: int) -> AnalysisPlan:
    return plans.daily(plans.decision(plans.conversion("metric")), days=looks, reserved_alpha=0.0)


def _default(looks: int) -> AnalysisPlan:
    return plans.daily(plans.decision(plans.conversion("metric")), days=looks)


def _endless(looks: int) -> AnalysisPlan:
    return plans.endless(plans.decision(plans.conversion("metric")), planned_units=2 * PER_LOOK * looks)


def design_difference(looks: int, share: float = 1.0) -> float:
    """Return a share of the difference in rates that one look at the horizon finds with 80%."""
    return share * (detectable_rate(control=RATE, units=PER_LOOK * looks, alpha=0.05, power=POWER) - RATE)


def _observed(rng: np.random.Generator, looks: int, difference: float, every: float) -> Iterator[Observed]:
    better = rng.binomial(PER_LOOK, RATE + difference, looks).cumsum()
    plain = rng.binomial(PER_LOOK, RATE, looks).cumsum()
    for k in range(looks):
        n = PER_LOOK * (k + 1)
        yield Observed(
            (k + 1) * every,
            {("metric", "control"): rates(n, int(plain[k])), ("metric", "treatment"): rates(n, int(better[k]))},
        )


def power(plan_of: PlanOf, rng: np.random.Generator, replicates: int, looks: int = 28) -> Tally:
    """Return how often the planned effect is claimed, and at which share of the horizon tests end."""
    plan, difference = plan_of(looks), design_difference(looks)
    found, ended = 0, np.ones(replicates)
    for replicate in range(replicates):
        for card, _verdict in watch(plan, _observed(rng, looks, difference, 1.0)):
            side = crossed(first_comparison(card))
            if side is not Crossing.NONE:
                found += side is Crossing.BETTER
                ended[replicate] = card.look / looks
                break
    return Tally({"found": found}, {"ended": ended})


def _evaluate_power(loss: Target | None, duration: Target | None, found: Tally, replicates: int) -> Sequence[Result]:
    return (
        loss_of_share("lost", POWER, found.count("found"), replicates, loss),
        mean("duration", found.values["ended"], duration, Scale.SHARE),
    )


def _finals() -> Iterator[Setting]:
    for share in (0.0, 0.5, 1.0):
        yield Setting(
            f"{share:.0%} of the design effect, 5 looks",
            partial(final, share),
            _evaluate_final,
            reduced=200,
            full=8_000,
            block=100,
        )


def final(share: float, rng: np.random.Generator, replicates: int, looks: int = 5) -> Tally:
    """Return where final estimates and intervals lie, beside the plain ones at the same stop."""
    difference = design_difference(looks, share)
    plan = plans.daily(plans.decision(plans.conversion("metric")), days=7 * looks)
    counts = dict.fromkeys(("high", "naive_high", "inside", "naive_inside", "early"), 0)
    for _ in range(replicates):
        for card, _verdict in watch(plan, _observed(rng, looks, difference, 7.0)):
            comparison = first_comparison(card)
            if comparison.final is None:
                continue
            estimate = comparison.absolute.value
            assert estimate is not None
            counts["high"] += comparison.final.median_unbiased > difference
            counts["inside"] += comparison.final.interval.contains(difference)
            counts["naive_high"] += estimate > difference
            counts["naive_inside"] += comparison.absolute.interval.contains(difference)
            counts["early"] += card.look < looks
            break
    return Tally(counts)


def _evaluate_final(found: Tally, replicates: int) -> Sequence[Result]:
    return (
        counted(found, "high", replicates, "too high", Target(0.49, 0.51)),
        counted(found, "inside", replicates, "holds", Target(0.945, 0.965)),
        counted(found, "naive_high", replicates, "naive too high"),
        counted(found, "naive_inside", replicates, "naive holds"),
        counted(found, "early", replicates, "stopped early"),
    )
