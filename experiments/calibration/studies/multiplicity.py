"""Several tests that share one error: arms, metrics, false discoveries, and intervals of what was selected."""

import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.plan import Family, Multiplicity, Requirement
from experiments.analysis.scorecard import Crossing
from experiments.calibration import plans
from experiments.calibration.figures import counted, mean
from experiments.calibration.records import Result, Scale, Setting, Study, Tally, Target
from experiments.calibration.sums import rates
from experiments.calibration.watching import crossed, single
from experiments.statistics import confidence
from experiments.statistics.distributions import normal_sf
from experiments.statistics.gatekeeping import false_coverage_intervals
from experiments.statistics.multiplicity import benjamini_hochberg, e_benjamini_hochberg

FAMILY = Target(high=0.05)
Q = 0.1


def studies() -> tuple[Study, ...]:
    """Return the studies of several tests at once."""
    return (
        Study(
            "several-arms",
            "Several treatments or metrics, one look",
            "No effect anywhere; conversion rate 5%, 4,000 units an arm. Any claim is an error of the family. Metrics "
            "of one unit are independent here, which is the hardest case for Holm.",
            tuple(_families()),
        ),
        Study(
            "false-discovery",
            "False discoveries among many tests",
            "20 tests with correlation .5, of which 5 have an effect of 3 standard errors; q is 10%. The false share "
            "is the mean share of wrong claims among all claims. Under peeking the procedure is applied at each of 28 "
            "looks to e-values of the confidence sequence, and stops at the first claim. Missed coverage is the mean "
            "share of selected parameters outside their corrected intervals.",
            tuple(_discoveries()),
        ),
    )


def _families() -> Iterator[Setting]:
    for name, treatments, metrics, rule in (
        ("3 treatments, Dunnett", 3, 1, Multiplicity.DUNNETT),
        ("3 treatments, Holm", 3, 1, Multiplicity.HOLM),
        ("2 treatments, 2 metrics, Holm", 2, 2, Multiplicity.HOLM),
    ):
        yield Setting(
            name,
            partial(family, treatments, metrics, rule),
            _evaluate_family,
            reduced=300,
            full=20_000,
            block=400,
        )


def family(treatments: int, metrics: int, rule: Multiplicity, rng: np.random.Generator, replicates: int) -> Tally:
    """Return how often one look at several equal arms and metrics claims anything."""
    specs = [plans.conversion(f"metric-{k}") for k in range(metrics)]
    plan = plans.one_look(
        *(plans.decision(spec) for spec in specs),
        treatments=treatments,
        multiplicity=rule,
        family=Family.METRICS_AND_ARMS,
        requirement=Requirement.ANY,
    )
    keys = plans.arm_keys(treatments)
    found = 0
    for successes in rng.binomial(4_000, 0.05, (replicates, metrics, len(keys))):
        sums = {
            (spec.key, key): rates(4_000, int(successes[k, arm]))
            for k, spec in enumerate(specs)
            for arm, key in enumerate(keys)
        }
        card, _verdict = single(plan, sums)
        found += any(crossed(each) is not Crossing.NONE for each in card.comparisons)
    return Tally({"claims": found})


def _evaluate_family(found: Tally, replicates: int) -> Sequence[Result]:
    return (counted(found, "claims", replicates, "any claim", FAMILY),)


def _discoveries() -> Iterator[Setting]:
    yield Setting(
        "Benjamini-Hochberg, one look",
        discoveries,
        partial(_evaluate_share, "false share"),
        reduced=2_000,
        full=20_000,
        block=2_000,
    )
    yield Setting(
        "e-values, 28 looks, stopped at the first claim",
        partial(watched_discoveries, 28),
        partial(_evaluate_share, "false share"),
        reduced=500,
        full=10_000,
        block=500,
    )
    yield Setting(
        "intervals of the selected",
        selected_coverage,
        partial(_evaluate_share, "missed coverage"),
        reduced=2_000,
        full=20_000,
        block=2_000,
    )


TESTS, EFFECTS, SHIFT, CORRELATION = 20, 5, 3.0, 0.5


def _deviates(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return equicorrelated normal deviates: tests in the last axis."""
    shared = rng.normal(0.0, math.sqrt(CORRELATION), (*shape, 1))
    own: NDArray[np.float64] = rng.normal(0.0, math.sqrt(1.0 - CORRELATION), (*shape, TESTS))
    return own + shared


def _effects() -> NDArray[np.float64]:
    return np.where(np.arange(TESTS) < EFFECTS, SHIFT, 0.0)


def _false_share(claimed: Sequence[int]) -> float:
    return sum(i >= EFFECTS for i in claimed) / max(1, len(claimed))


def discoveries(rng: np.random.Generator, replicates: int) -> Tally:
    """Return the share of false claims by Benjamini and Hochberg's procedure at one look."""
    shares = []
    for z in _deviates(rng, (replicates,)) + _effects():
        adjusted = benjamini_hochberg([2.0 * normal_sf(abs(float(each))) for each in z])
        shares.append(_false_share([i for i, p in enumerate(adjusted) if p <= Q]))
    return Tally({}, {"share": np.array(shares)})


def watched_discoveries(looks: int, rng: np.random.Generator, replicates: int) -> Tally:
    """Return the share of false claims by e-values when the first claim ends the test."""
    g = confidence.tuned_g(0.05, float(looks))
    shares = []
    for _ in range(replicates):
        claimed: list[int] = []
        scores = (_deviates(rng, (looks,)) + _effects() / math.sqrt(looks)).cumsum(axis=0)
        for k in range(looks):
            z = scores[k] / math.sqrt(k + 1.0)
            e_values = [math.exp(confidence.log_e_value(float(each), k + 1.0, g)) for each in z]
            claimed = e_benjamini_hochberg(e_values, Q)
            if claimed:
                break
        shares.append(_false_share(claimed))
    return Tally({}, {"share": np.array(shares)})


def selected_coverage(rng: np.random.Generator, replicates: int) -> Tally:
    """Return the share of selected parameters that their corrected intervals miss."""
    truth = _effects()
    shares = []
    for z in _deviates(rng, (replicates,)) + truth:
        adjusted = benjamini_hochberg([2.0 * normal_sf(abs(float(each))) for each in z])
        chosen = [i for i, p in enumerate(adjusted) if p <= Q]
        intervals = false_coverage_intervals([float(each) for each in z], [1.0] * TESTS, chosen, Q)
        missed = sum(not found.contains(float(truth[i])) for i, found in zip(chosen, intervals, strict=True))
        shares.append(missed / max(1, len(chosen)))
    return Tally({}, {"share": np.array(shares)})


def _evaluate_share(figure: str, found: Tally, replicates: int) -> Sequence[Result]:
    assert replicates > 0
    return (mean(figure, found.values["share"], Target(high=Q), Scale.SHARE),)
