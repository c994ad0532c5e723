"""The sample-ratio check: how seldom it blames a healthy split, and how soon it finds a broken one."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from experiments.calibration import plans
from experiments.calibration.figures import counted, median
from experiments.calibration.records import Result, Setting, Study, Tally, Target
from experiments.calibration.sums import rates
from experiments.calibration.watching import Observed, failed, watch
from experiments.vocabulary import VerdictState

DAILY = 2_000
MOST_LOOKS = 120


def studies() -> tuple[Study, ...]:
    """Return the study of the sample ratio."""
    return (
        Study(
            "sample-ratio",
            "Sample ratio",
            "2,000 units a day, planned 50/50, a look a day. The check has .001 of the error that all blocking "
            "checks share; it uses evidence that holds at every look. Alarm is how often any of 28 looks fails it, "
            "and invalid how often any verdict was INVALID. Found is the median number of units at the first alarm "
            "when the split really is 51/49.",
            tuple(_settings()),
        ),
    )


def _settings() -> Iterator[Setting]:
    yield Setting(
        "50/50 as planned, 28 looks",
        partial(healthy, 28),
        _evaluate_healthy,
        reduced=100,
        full=8_000,
        block=50,
    )
    yield Setting("51/49 instead of 50/50", broken, _evaluate_broken, reduced=50, full=2_000, block=50)


def _looks(rng: np.random.Generator, share: float, looks: int) -> Iterator[Observed]:
    treated = rng.binomial(DAILY, share, looks)
    counts = [(DAILY - treated).cumsum(), treated.cumsum()]
    successes = [rng.binomial(DAILY - treated, 0.05).cumsum(), rng.binomial(treated, 0.05).cumsum()]
    for k in range(looks):
        sums = {
            ("conversion", key): rates(int(counts[arm][k]), int(successes[arm][k]))
            for arm, key in enumerate(plans.arm_keys())
        }
        yield Observed(float(k + 1), sums)


def healthy(looks: int, rng: np.random.Generator, replicates: int) -> Tally:
    """Return how often a split as planned is called broken."""
    plan = plans.endless(plans.decision(plans.conversion()))
    found = {"alarm": 0, "invalid": 0}
    for _ in range(replicates):
        alarm = invalid = False
        for card, verdict in watch(plan, _looks(rng, 0.5, looks)):
            alarm = alarm or failed(card, "SAMPLE_RATIO")
            invalid = invalid or verdict.state is VerdictState.INVALID
        found["alarm"] += alarm
        found["invalid"] += invalid
    return Tally(found)


def broken(rng: np.random.Generator, replicates: int) -> Tally:
    """Return the units at which a split of 51/49 is found; what 120 looks do not find counts as more."""
    plan = plans.endless(plans.decision(plans.conversion()))
    units = np.full(replicates, float(DAILY * (MOST_LOOKS + 1)))
    for replicate in range(replicates):
        for card, _verdict in watch(plan, _looks(rng, 0.51, MOST_LOOKS)):
            if failed(card, "SAMPLE_RATIO"):
                units[replicate] = DAILY * card.look
                break
    return Tally({}, {"units": units})


def _evaluate_healthy(found: Tally, replicates: int) -> Sequence[Result]:
    return (
        counted(found, "alarm", replicates, "alarm", Target(high=0.001)),
        counted(found, "invalid", replicates, "invalid", Target(high=0.005)),
    )


def _evaluate_broken(found: Tally, replicates: int) -> Sequence[Result]:
    assert replicates > 0
    return (median("found after", found.values["units"], Target(high=60_000.0)),)
