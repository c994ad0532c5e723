"""A try-out from files to findings: read the orders, rehearse tests without an effect, say what a test would find."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from experiments.recorded.workspace import opened_workspace
from experiments.trial.detectable import WeekFindings, findable_by_week
from experiments.trial.last_test import LastTest, TestUnclear, read_test
from experiments.trial.opinion import Opinion, second_opinion
from experiments.trial.orders import OrderLog, ReadCounts, read_orders
from experiments.trial.ours import Numbers, our_methods
from experiments.trial.rehearsal import LogTooSmall, Rehearsal, rehearse
from experiments.trial.usual import FalsePositives, usual_methods

SCHEMA: Final = 1
MEMORY_MIB: Final = 512
USUAL_TESTS: Final = 4_000
OURS: Final = Numbers(single=600, planned=100, endless=150)
WORKERS: Final = 2

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What the rehearsed tests were made of."""

    customers: int
    entry_days: int
    window_days: int
    history_days: int
    bought_share: float
    revenue_per_customer: float


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that a try-out found.

    rehearsed is None, and too_small says why, where the log is too small for rehearsals. opinion: on the last test.
    """

    read: ReadCounts
    rehearsed: Rehearsed | None
    too_small: str | None
    usual: tuple[FalsePositives, ...]
    ours: tuple[FalsePositives, ...]
    by_week: tuple[WeekFindings, ...]
    opinion: Opinion | None
    seed: int
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for. shares: planned, of each arm of the last test. scale: times the usual numbers of tests."""

    orders: Path
    last_test: Path | None = None
    shares: Mapping[str, float] | None = None
    seed: int = 1
    scale: float = 1.0
    workers: int = WORKERS


def try_out(request: Request, *, workspaces: Path, progress: Progress) -> Findings:
    """Return the findings on an order log, and on a finished test if one is given; equal requests find the same.

    workspaces: folder for temporary files. progress: takes sentences. Raises DomainError with what to do for files
    that cannot be read; a readable log that is too small for rehearsals is a finding, not an error.
    """
    with opened_workspace(workspaces, memory_limit_mib=MEMORY_MIB) as workspace:
        opinion = None
        if request.last_test is not None:
            progress(f"Reading {request.last_test.name}.")
            test = read_test(request.last_test, workspace)
            opinion = second_opinion(test, shares=_shares_of(test, request.shares))
        progress(f"Reading {request.orders.name}.")
        log = read_orders(request.orders, workspace)
    try:
        test_run = rehearse(log, seed=request.seed)
    except LogTooSmall as small:
        return Findings(log.counts, None, f"{small.message} {small.hint}", (), (), _by_week(log), opinion, request.seed)
    usual, ours = _compared(test_run, request, progress)
    progress("Computing what tests of some weeks would find.")
    return Findings(log.counts, _facts(test_run), None, usual, ours, _by_week(log), opinion, request.seed)


def _compared(
    test: Rehearsal, request: Request, progress: Progress
) -> tuple[tuple[FalsePositives, ...], tuple[FalsePositives, ...]]:
    number = max(1, round(USUAL_TESTS * request.scale))
    progress(f"Splitting {test.customers:,} customers at random {number:,} times, judged the usual ways.")
    usual = usual_methods(test, tests=number, seed=request.seed, progress=lambda _share: None)
    numbers = Numbers(*(max(1, round(each * request.scale)) for each in (OURS.single, OURS.planned, OURS.endless)))
    progress(f"{numbers.single + numbers.planned + numbers.endless:,} times more, judged by the engine at every look.")
    told = _Told(progress)
    workers = max(1, min(request.workers, os.cpu_count() or 1))
    return usual, our_methods(test, tests=numbers, seed=request.seed, workers=workers, progress=told.at)


class _Told:
    """Tells a share of work at every fifth of it."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._next = progress, 0.2

    def at(self, share: float) -> None:
        """Tell the share if a further fifth is done."""
        if share + 1e-9 >= self._next:
            self._progress(f"  {share:.0%}")
            self._next = share + 0.2


def _by_week(log: OrderLog) -> tuple[WeekFindings, ...]:
    return findable_by_week(log)


def _facts(test: Rehearsal) -> Rehearsed:
    return Rehearsed(
        test.customers,
        test.entry_days,
        test.window_days,
        test.history_days,
        float(test.bought.mean()),
        float(test.revenue.mean()),
    )


def _shares_of(test: LastTest, shares: Mapping[str, float] | None) -> Mapping[str, float] | None:
    """Return the planned shares. Raises TestUnclear where they do not name every arm of the test."""
    if shares is None:
        return None
    names = [arm.name for arm in test.arms]
    if sorted(names) != sorted(shares):
        raise TestUnclear(
            f"--split names {', '.join(sorted(shares))}; the variants are {', '.join(names)}.",
            hint="Name each once, as in --split control=96,ad=4.",
        )
    return shares
