"""What a calibration study consists of: settings that are simulated, tallies that add up, results with targets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


class Effort(StrEnum):
    """How many replicates are simulated."""

    REDUCED = "REDUCED"
    FULL = "FULL"


class State(StrEnum):
    """How a result stands to its target.

    MET: the point satisfies it. WITHIN_NOISE: the point does not, but its interval reaches it. SHOWN: it has no target.
    """

    MET = "MET"
    WITHIN_NOISE = "WITHIN_NOISE"
    MISSED = "MISSED"
    SHOWN = "SHOWN"


@dataclass(frozen=True, slots=True)
class Tally:
    """What one block of replicates found: counts that add up, and values that are kept in order."""

    counts: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, Values] = field(default_factory=dict)

    def count(self, name: str) -> int:
        """Return a count; 0 where nothing was counted."""
        return self.counts.get(name, 0)


def merged(tallies: Sequence[Tally]) -> Tally:
    """Return the tally of all blocks, values in the order of the blocks."""
    counts: dict[str, int] = {}
    values: dict[str, list[Values]] = {}
    for tally in tallies:
        for name, count in tally.counts.items():
            counts[name] = counts.get(name, 0) + count
        for name, column in tally.values.items():
            values.setdefault(name, []).append(column)
    return Tally(counts, {name: np.concatenate(columns) for name, columns in values.items()})


@dataclass(frozen=True, slots=True)
class Target:
    """The range a figure has to lie in; an end that is None is open."""

    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """Return whether a value lies in the range."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def reaches(self, lower: float, upper: float) -> bool:
        """Return whether the range and an interval have a value in common."""
        return (self.low is None or upper >= self.low) and (self.high is None or lower <= self.high)


class Scale(StrEnum):
    """How a figure is written: as a share in per cent, or as a number."""

    SHARE = "SHARE"
    NUMBER = "NUMBER"


@dataclass(frozen=True, slots=True)
class Result:
    """One figure of one setting with its 99% interval, its target and the replicates it rests on."""

    figure: str
    value: float
    lower: float
    upper: float
    replicates: int
    target: Target | None = None
    scale: Scale = Scale.SHARE

    @property
    def state(self) -> State:
        """How the figure stands to its target."""
        if self.target is None:
            return State.SHOWN
        if self.target.holds(self.value):
            return State.MET
        return State.WITHIN_NOISE if self.target.reaches(self.lower, self.upper) else State.MISSED


Simulate = Callable[[np.random.Generator, int], Tally]
"""From a generator and a number of replicates to their tally. Must be picklable: a function, or a partial of one."""
Evaluate = Callable[[Tally, int], Sequence[Result]]


@dataclass(frozen=True, slots=True)
class Setting:
    """One population under one plan.

    name: shown and seeds the replicates. replicates: of a reduced and of a full run. block: replicates simulated at
    once; it belongs to the seed, so that results do not depend on the number of processes. explained: why a target is
    missed, where that is understood.
    """

    name: str
    simulate: Simulate
    evaluate: Evaluate
    reduced: int
    full: int
    block: int
    explained: str = ""

    def replicates(self, effort: Effort) -> int:
        """Return the replicates of an effort; 0 leaves the setting out."""
        return self.full if effort is Effort.FULL else self.reduced


@dataclass(frozen=True, slots=True)
class Study:
    """Settings that answer one question. skipped: why the study cannot run here; empty where it can."""

    name: str
    title: str
    method: str
    settings: tuple[Setting, ...]
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class SettingOutcome:
    """The results of one setting."""

    setting: str
    replicates: int
    results: tuple[Result, ...]
    explained: str


@dataclass(frozen=True, slots=True)
class StudyOutcome:
    """The results of one study, settings in order."""

    name: str
    title: str
    method: str
    settings: tuple[SettingOutcome, ...]
    skipped: str = ""

    @property
    def missed(self) -> tuple[tuple[SettingOutcome, Result], ...]:
        """Every result that misses its target."""
        return tuple((s, r) for s in self.settings for r in s.results if r.state is State.MISSED)
