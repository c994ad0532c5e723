"""The promises, each with its figure and the step that examines it: one table for the terminal and the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.chaos.ground import Ground


class Finding(NamedTuple):
    """What a step found: whether the promise was kept, and the figure that was measured."""

    kept: bool
    measured: str


Step = Callable[[Ground], Finding]


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise. Where tests prove it, `tests` are their ids, and there is no step.

    Attributes:
        proof: how it is examined, in words.
        step: breaks something and measures.
        tests: ids of tests that must all pass; a whole file counts as all of its tests.
    """

    number: str
    title: str
    figure: str
    proof: str
    step: Step | None = None
    tests: Sequence[str] = ()
