"""Switchback designs: one market, time cut into blocks, a coin for each block, and what a window's chances were."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from experiments.statistics.moments import Vector
from experiments.statistics.rows import Mask, probability, treated_column
from foundation.errors import DomainError

MOST_BLOCKS_ENUMERATED = 12
MOST_PERIODS = 100_000


class SwitchbackInvalid(DomainError):
    """A schedule that the design cannot have drawn."""

    code: ClassVar[str] = "SWITCHBACK_INVALID"
    hint = "Number periods from 1, start a block at period 1, and keep the variant within each block."


@dataclass(frozen=True, slots=True)
class CoinDesign:
    """An independent coin for each block of periods; the variant stays until the next randomisation point.

    points: the first period of each block, counted from 1, ascending. chance: of the treatment. Raises
    SwitchbackInvalid for points that cut nothing, RowsInvalid for a chance outside (0, 1).
    """

    periods: int
    points: tuple[int, ...]
    chance: float = 0.5

    def __post_init__(self) -> None:
        probability("chance", self.chance)
        ascending = all(a < b for a, b in zip(self.points, self.points[1:], strict=False))
        if not self.points or self.points[0] != 1 or not ascending or self.points[-1] > self.periods:
            raise SwitchbackInvalid(f"points: must ascend from 1 to at most {self.periods}, not {self.points}")

    @property
    def blocks(self) -> NDArray[np.intp]:
        """The block of each period, from 0."""
        return np.searchsorted(np.array(self.points), np.arange(1, self.periods + 1), side="right") - 1

    def draw(self, rng: np.random.Generator, draws: int) -> Mask:
        """Return assignments of shape (draws, periods)."""
        coins = rng.random((draws, len(self.points))) < self.chance
        return coins[:, self.blocks]

    def every(self) -> tuple[Mask, Vector]:
        """Return all assignments, shape (2^blocks, periods), and their probabilities.

        Raises SwitchbackInvalid beyond 12 blocks.
        """
        count = len(self.points)
        if count > MOST_BLOCKS_ENUMERATED:
            raise SwitchbackInvalid(f"points: {count} blocks have too many assignments", hint="Draw them instead.")
        coins = (np.arange(2**count)[:, None] >> np.arange(count)) & 1 == 1
        treated = coins.sum(axis=1)
        return coins[:, self.blocks], self.chance**treated * (1.0 - self.chance) ** (count - treated)


def best_points(periods: int, carry_over: int) -> tuple[int, ...]:
    """Return the optimal points for a carry-over of m >= 1 periods: blocks of m, with 2m at both ends.

    1, 2m + 1, 3m + 1, .., (n - 2) m + 1 for periods = n m (Bojinov, Simchi-Levi & Zhao 2023); what is left over
    lengthens the last block. Without carry-over every period is a block. Raises SwitchbackInvalid below 4m periods.
    """
    if not 0 <= periods <= MOST_PERIODS:
        raise SwitchbackInvalid(f"periods: must be between 0 and {MOST_PERIODS}, not {periods}")
    if carry_over == 0:
        return tuple(range(1, periods + 1))
    count = periods // carry_over if carry_over > 0 else 0
    if count < 4:
        raise SwitchbackInvalid(
            f"periods: {periods} are too few for a carry-over of {carry_over}", hint="Give at least four times as many."
        )
    return (1, *(k * carry_over + 1 for k in range(2, count - 1)))


def schedule(design: CoinDesign, assignment: ArrayLike) -> Mask:
    """Return the assignment as a mask. Raises SwitchbackInvalid when it changes within a block."""
    treated = treated_column("assignment", assignment, design.periods)
    blocks = design.blocks
    changed = (treated[1:] != treated[:-1]) & (blocks[1:] == blocks[:-1])
    if np.any(changed):
        raise SwitchbackInvalid(f"assignment: changes within a block at period {int(np.argmax(changed)) + 2}")
    return treated


@dataclass(frozen=True, slots=True, eq=False)
class Propensities:
    """For each period after the first m: the chance that its window t - m .. t was all treatment, all control."""

    treatment: Vector
    control: Vector


def touched(design: CoinDesign, carry_over: int) -> NDArray[np.intp]:
    """Return the first and last block of the window t - m .. t for each t > m: shape (periods - m, 2)."""
    _check_carry_over(carry_over, design.periods)
    blocks = design.blocks
    return np.column_stack([blocks[: design.periods - carry_over], blocks[carry_over:]])


def coin_propensities(design: CoinDesign, carry_over: int) -> Propensities:
    """Return p^k and (1 - p)^k with k the blocks a window touches: right for independent coins only."""
    first_last = touched(design, carry_over)
    count = (first_last[:, 1] - first_last[:, 0] + 1).astype(float)
    return Propensities(design.chance**count, (1.0 - design.chance) ** count)


def redrawn_propensities(assignments: Mask, carry_over: int) -> Propensities:
    """Return the shares of re-drawn schedules with a constant window, for any design (balanced, paired).

    assignments: shape (draws, periods), drawn again by the program that drew the schedule. A share of 0 means that the
    period cannot be used; `switchback` refuses it.
    """
    ones, zeros = constant_windows(assignments, carry_over)
    return Propensities(ones.mean(axis=0), zeros.mean(axis=0))


def constant_windows(assignments: Mask, carry_over: int) -> tuple[Mask, Mask]:
    """Return for each schedule and each t > m whether its window was all treatment, and all control."""
    _check_carry_over(carry_over, assignments.shape[1])
    draws = assignments.shape[0]
    summed = np.concatenate([np.zeros((draws, 1), dtype=np.int64), np.cumsum(assignments, axis=1)], axis=1)
    treated = summed[:, carry_over + 1 :] - summed[:, : -carry_over - 1]
    return treated == carry_over + 1, treated == 0


def _check_carry_over(carry_over: int, periods: int) -> None:
    if not 0 <= carry_over < periods:
        raise SwitchbackInvalid(
            f"carry_over: must be between 0 and {periods - 1}, not {carry_over}", hint="Give more periods."
        )
