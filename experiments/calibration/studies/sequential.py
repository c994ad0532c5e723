"""A/A tests that are looked at again and again: conversions and revenue under every way to pay for looks."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.metrics import MetricSpec
from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.scorecard import Crossing, Scorecard
from experiments.calibration import plans
from experiments.calibration.figures import counted
from experiments.calibration.populations import CAP_CENTS, money
from experiments.calibration.records import Result, Setting, Study, Tally, Target
from experiments.calibration.sums import rates
from experiments.calibration.watching import Observed, crossed, failed, first_comparison, watch
from experiments.statistics.moments import PowerSums
from experiments.vocabulary import VerdictState

GROUP_SEQUENTIAL = Target(high=0.053)
SEQUENCE = Target(high=0.05)
DAILY = 500
RATE = 0.05
ArmSums = Callable[[int, int], PowerSums]
"""From a replicate and a look to the sums of one arm."""


def studies() -> tuple[Study, ...]:
    """Return the A/A study with many looks."""
    return (
        Study(
            "many-looks",
            "A/A, many looks",
            "No effect. Units arrive at random, about 1,000 a day in both arms together, and every day the default "
            "plan looks: with a horizon group sequential (a tenth of alpha is kept for looks after it), without one "
            "a confidence sequence. A test errs when any look claims a difference. `peeking` is what the ordinary "
            "p-value would have done at the same looks. Harm and invalid are how often a look calls the test harmful "
            "or its data unusable.",
            (*_conversions(), *_revenues()),
        ),
    )


def _conversions() -> Iterator[Setting]:
    for looks, reduced, full in ((14, 150, 10_000), (28, 250, 10_000), (100, 0, 1_500)):
        yield Setting(
            f"conversion, {looks} looks, group sequential",
            partial(conversions, looks, _horizon),
            partial(evaluate, GROUP_SEQUENTIAL),
            reduced=reduced,
            full=full,
            block=max(10, 1_400 // looks),
        )
    yield Setting(
        "conversion, 28 looks, group sequential by planned information",
        partial(conversions, 28, _information),
        partial(evaluate, GROUP_SEQUENTIAL),
        reduced=0,
        full=3_000,
        block=25,
    )
    for looks, reduced, full in ((28, 100, 6_000), (100, 0, 1_500)):
        yield Setting(
            f"conversion, {looks} looks, confidence sequence",
            partial(conversions, looks, _endless),
            partial(evaluate, SEQUENCE),
            reduced=reduced,
            full=full,
            block=max(10, 1_400 // looks),
        )


def _revenues() -> Iterator[Setting]:
    for treatment, split in ((0.5, "50/50"), (0.1, "90/10")):
        for name, plan, target, full in (
            ("group sequential", _horizon, GROUP_SEQUENTIAL, 4_000),
            ("confidence sequence", _endless, SEQUENCE, 3_000),
        ):
            yield Setting(
                f"revenue, {split}, 28 looks, {name}",
                partial(revenues, 28, plan, treatment),
                partial(evaluate, target),
                reduced=100 if plan is _horizon else 0,
                full=full,
                block=50,
            )


def _horizon(looks: int, revenue: bool) -> AnalysisPlan:
    return plans.daily(plans.decision(_spec(revenue)), days=looks)


def _information(looks: int, revenue: bool) -> AnalysisPlan:
    planned = DAILY * looks / (2.0 * RATE * (1.0 - RATE))
    return plans.daily(plans.decision(_spec(revenue), planned_information=planned), days=looks)


def _endless(looks: int, revenue: bool) -> AnalysisPlan:
    assert looks > 0
    return plans.endless(plans.decision(_spec(revenue)))


def _spec(revenue: bool) -> MetricSpec:
    return plans.revenue("metric", cap_cents=CAP_CENTS) if revenue else plans.conversion("metric")


def arrivals(
    rng: np.random.Generator, replicates: int, looks: int, treatment: float = 0.5, daily: int = 2 * DAILY
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return new units of control and treatment by replicate and look: Poisson in number, each assigned at random."""
    units = rng.poisson(daily, (replicates, looks))
    treated = rng.binomial(units, treatment)
    return units - treated, treated


def conversions(
    looks: int, plan_of: Callable[[int, bool], AnalysisPlan], rng: np.random.Generator, replicates: int
) -> Tally:
    """Return what daily looks at equal conversion rates claim."""
    arms = arrivals(rng, replicates, looks)
    successes = [rng.binomial(new, RATE).cumsum(axis=1) for new in arms]
    units = [new.cumsum(axis=1) for new in arms]

    def sums(arm: int) -> ArmSums:
        return lambda r, k: rates(int(units[arm][r, k]), int(successes[arm][r, k]))

    return tally(plan_of(looks, False), sums(0), sums(1), replicates, looks)


def revenues(
    looks: int,
    plan_of: Callable[[int, bool], AnalysisPlan],
    treatment: float,
    rng: np.random.Generator,
    replicates: int,
) -> Tally:
    """Return what daily looks at equal revenue claim; the treatment gets a share of the units."""
    arms = arrivals(rng, replicates, looks, treatment)
    spent = [money(rng, new) for new in arms]
    units = [new.cumsum(axis=1) for new in arms]

    def sums(arm: int) -> ArmSums:
        return lambda r, k: spent[arm].at(r, k, int(units[arm][r, k]))

    weights = {"control": round((1.0 - treatment) * 1_000_000), "treatment": round(treatment * 1_000_000)}
    return tally(plan_of(looks, True), sums(0), sums(1), replicates, looks, weights)


def tally(
    plan: AnalysisPlan,
    control: ArmSums,
    treatment: ArmSums,
    replicates: int,
    looks: int,
    weights: dict[str, int] | None = None,
    *,
    every: float = 1.0,
) -> Tally:
    """Return how many replicates err, and at which look they do; a replicate ends with its first claim.

    every: days between looks.
    """
    found: dict[str, int] = dict.fromkeys(("claims", "lower", "peeking", "harm", "invalid", "srm"), 0)
    key = plan.metrics[0].spec.key

    def observed(replicate: int) -> Iterator[Observed]:
        for k in range(looks):
            sums = {(key, "control"): control(replicate, k), (key, "treatment"): treatment(replicate, k)}
            yield Observed((k + 1) * every, sums)

    for replicate in range(replicates):
        seen: set[str] = set()
        for card, verdict in watch(plan, observed(replicate), weights=weights):
            seen |= _claims(card, verdict.state)
            if "claims" in seen:
                break
        for name in seen:
            found[name] += 1
    return Tally(found)


def _claims(card: Scorecard, state: VerdictState) -> set[str]:
    comparison = first_comparison(card)
    side = crossed(comparison)
    claims = {"claims"} if side is not Crossing.NONE else set()
    if side is Crossing.WORSE:
        claims.add("lower")
    if comparison.p_value is not None and comparison.p_value < 0.05:
        claims.add("peeking")
    if comparison.harm is not None and comparison.harm.crossed:
        claims.add("harm")
    if state is VerdictState.INVALID:
        claims.add("invalid")
    if failed(card, "SAMPLE_RATIO"):
        claims.add("srm")
    return claims


def evaluate(target: Target, found: Tally, replicates: int) -> Sequence[Result]:
    """Return the error of the plan beside that of peeking, of the harm alarm and of the validity checks."""
    return (
        counted(found, "claims", replicates, "claims", target),
        counted(found, "peeking", replicates, "peeking"),
        counted(found, "harm", replicates, "harm", Target(high=0.025)),
        counted(found, "invalid", replicates, "invalid", Target(high=0.005)),
    )
