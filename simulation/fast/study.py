"""Many seeds: how often verdicts are right, wrong and undecided, beside what the plan declares."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from statistics import median

from experiments.statistics.one_proportion import wilson
from experiments.vocabulary import VerdictState
from simulation.designs import EXPERIMENTS, ExperimentDesign
from simulation.fast.season import Ending, run_season
from simulation.truth import Truth

Z = 1.959963984540054
"""Multiplier of the intervals: 95%."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of how many, with Wilson's 95% interval; without any there is none."""

    count: int
    total: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval's ends, 0 to 1."""
        found = wilson(self.count, self.total, Z) if self.total else None
        if found is None or found.lower is None or found.upper is None:
            return None
        return found.lower, found.upper

    def plus(self, other: "Rate") -> "Rate":
        """Return both together."""
        return Rate(self.count + other.count, self.total + other.total)


@dataclass(frozen=True, slots=True)
class Tally:
    """One experiment over all seeds. median_day: of the right verdicts; None without any."""

    design: ExperimentDesign
    right_verdict: str
    right: Rate
    wrong: Rate
    undecided: Rate
    shipped: Rate
    stopped: Rate
    invalid: Rate
    median_day: float | None
    lifts: tuple[float, float, float]
    """True lifts of conversion: the smallest, the mean and the largest over the seeds."""


@dataclass(frozen=True, slots=True)
class Study:
    """What many seeds of one truth gave. seeds: the first `seeds` from 1. tallies: in the order of EXPERIMENTS."""

    truth: Truth
    seeds: int
    per_day: int
    tallies: tuple[Tally, ...]

    def tally(self, experiment: str) -> Tally:
        """Return what one experiment gave. Raises KeyError."""
        return {tally.design.key: tally for tally in self.tallies}[experiment]

    @property
    def wrong_ships(self) -> Rate:
        """How often a treatment was shipped that does nothing or harms; data that are broken are another matter."""
        total = Rate(0, 0)
        for tally in self.tallies:
            if tally.right_verdict in ("INCONCLUSIVE", "STOP_FOR_HARM"):
                total = total.plus(tally.shipped)
        return total


def run_study(truth: Truth, *, seeds: int, per_day: int, tell: Callable[[int], None]) -> Study:
    """Run the seeds 1 to `seeds` on all processors, `tell` how many are done, and return what they gave.

    The result does not depend on the order in which they end.
    """
    run = partial(run_season, truth, per_day=per_day)
    endings: list[tuple[Ending, ...]] = []
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for number, found in enumerate(pool.map(run, range(1, seeds + 1)), start=1):
            endings.append(found)
            tell(number)
    return summary(truth, endings, per_day=per_day)


def summary(truth: Truth, seasons: Sequence[tuple[Ending, ...]], *, per_day: int) -> Study:
    """Return the tallies of seasons, one for each seed."""
    flat = [ending for season in seasons for ending in season]
    tallies = tuple(
        _tally(truth, design, [ending for ending in flat if ending.experiment == design.key]) for design in EXPERIMENTS
    )
    return Study(truth, len(seasons), per_day, tallies)


def _tally(truth: Truth, design: ExperimentDesign, endings: Sequence[Ending]) -> Tally:
    judged = [truth.judgement(design.key, ending.verdict) for ending in endings]
    days = [ending.day for ending, found in zip(endings, judged, strict=True) if found == "right"]
    lifts = [ending.true_lift for ending in endings]
    return Tally(
        design=design,
        right_verdict=truth.right_verdict(design.key),
        right=_rate(found == "right" for found in judged),
        wrong=_rate(found == "wrong" for found in judged),
        undecided=_rate(found == "undecided" for found in judged),
        shipped=_rate(ending.verdict == VerdictState.SHIP for ending in endings),
        stopped=_rate(ending.verdict == VerdictState.STOP_FOR_HARM for ending in endings),
        invalid=_rate(ending.verdict == VerdictState.INVALID for ending in endings),
        median_day=median(days) if days else None,
        lifts=(min(lifts), sum(lifts) / len(lifts), max(lifts)),
    )


def _rate(hits: Iterable[bool]) -> Rate:
    found = list(hits)
    return Rate(sum(found), len(found))
