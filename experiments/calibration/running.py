"""Simulating studies on all cores, with results that do not depend on how many there are."""

import multiprocessing
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from experiments.calibration.records import (
    Effort,
    Setting,
    SettingOutcome,
    Simulate,
    Study,
    StudyOutcome,
    Tally,
    merged,
)
from foundation.errors import DomainError

DEFAULT_SEED = 20260105
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class CalibrationInvalid(DomainError):
    """A calibration that cannot be run as asked."""

    code: ClassVar[str] = "CALIBRATION_INVALID"
    hint = "Name a study that bin/manage calibrate --list prints, and give counts of 1 or more."


@dataclass(frozen=True, slots=True)
class Order:
    """How studies are run. replicates: of every setting, instead of the effort's own; processes: 1 stays in this "
    "one."""

    seed: int = DEFAULT_SEED
    effort: Effort = Effort.REDUCED
    replicates: int | None = None
    processes: int = 1

    def __post_init__(self) -> None:
        if self.processes < 1 or (self.replicates is not None and self.replicates < 1) or self.seed < 0:
            raise CalibrationInvalid("seed, replicates, processes: must not be below 0, 1 and 1")

    def of(self, setting: Setting) -> int:
        """Return the replicates of a setting; what the effort leaves out stays out."""
        planned = setting.replicates(self.effort)
        return planned if self.replicates is None or planned == 0 else self.replicates


def run(
    studies: Sequence[Study], order: Order, done: Callable[[StudyOutcome, float], None]
) -> tuple[StudyOutcome, ...]:
    """Return the outcome of every study, in order; `done` gets each one with the share of all replicates that is over.

    A block of replicates is drawn from a seed of its own: of the order's seed, the study, the setting and the block.
    """
    total = sum(_weight(study, order) for study in studies) or 1.0
    over = 0.0
    outcomes = []
    with _executor(order.processes) as submit:
        pending = [(study, [(s, _blocks(submit, study, s, order)) for s in study.settings]) for study in studies]
        for study, settings in pending:
            found = [_outcome(setting, blocks, order) for setting, blocks in settings if blocks]
            outcome = StudyOutcome(study.name, study.title, study.method, tuple(found), study.skipped)
            over += _weight(study, order)
            outcomes.append(outcome)
            done(outcome, over / total)
    return tuple(outcomes)


def block_generator(seed: int, study: str, setting: str, block: int) -> np.random.Generator:
    """Return the generator of one block of replicates."""
    words = (zlib.crc32(study.encode()), zlib.crc32(setting.encode()), block)
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=words))


@dataclass(frozen=True, slots=True)
class _Block:
    """One block of replicates: what a process is sent."""

    simulate: Simulate
    seed: int
    study: str
    setting: str
    block: int
    replicates: int

    def __call__(self) -> Tally:
        return self.simulate(block_generator(self.seed, self.study, self.setting, self.block), self.replicates)


Take = Callable[[], Tally]
Submit = Callable[[_Block], Take]


def _blocks(submit: Submit, study: Study, setting: Setting, order: Order) -> list[Take]:
    left, number = order.of(setting), 0
    found = []
    while left > 0:
        size = min(setting.block, left)
        found.append(submit(_Block(setting.simulate, order.seed, study.name, setting.name, number, size)))
        left, number = left - size, number + 1
    return found


def _outcome(setting: Setting, blocks: Sequence[Take], order: Order) -> SettingOutcome:
    replicates = order.of(setting)
    tally = merged([take() for take in blocks])
    return SettingOutcome(setting.name, replicates, tuple(setting.evaluate(tally, replicates)), setting.explained)


def _weight(study: Study, order: Order) -> float:
    """Return how long a study takes, on a scale of its own: blocks are cut to take about the same time."""
    return sum(order.of(setting) / setting.block for setting in study.settings)


@contextmanager
def _executor(processes: int) -> Iterator[Submit]:
    if processes == 1:
        yield lambda block: block
        return
    with _one_thread_each(), ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:

            def submit(block: _Block) -> Take:
                future: Future[Tally] = pool.submit(block)
                return future.result

            yield submit
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Keep the processes' linear algebra from starting a thread on every core each."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
