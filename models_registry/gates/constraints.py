"""Tests that every judged slate must stand: only what may be shown, nothing twice, as many as were asked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt


class SlateTest(StrEnum):
    """The tests that hold in every domain; a domain may count more under names of its own."""

    ELIGIBLE = "eligible"
    """Every action is one that the domain's constraints let through: in stock, not excluded, within its caps."""
    DIFFERENT = "different"
    """No action stands in the slate twice."""
    COMPLETE = "complete"
    """As many actions as were asked for, or all that there were."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgedSlate:
    """A slate as it would be served. actions: places; allowed: places that the constraints left; size: asked for."""

    actions: npt.NDArray[np.int64]
    allowed: npt.NDArray[np.int64]
    size: int


def violations_of(slates: Iterable[JudgedSlate]) -> tuple[dict[str, int], int]:
    """Return how many slates fail each test, and how many there were; every test is named, also with 0."""
    found: dict[str, int] = {test.value: 0 for test in SlateTest}
    count = 0
    for slate in slates:
        count += 1
        chosen = len(slate.actions)
        found[SlateTest.ELIGIBLE] += not bool(np.isin(slate.actions, slate.allowed).all())
        found[SlateTest.DIFFERENT] += len(np.unique(slate.actions)) != chosen
        found[SlateTest.COMPLETE] += chosen != min(slate.size, len(slate.allowed))
    return found, count
