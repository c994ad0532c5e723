"""Simulated units, drawn for a block of replicates at once: conversions, revenue, clicks per view, with a history."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.calibration.plans import CENTS
from experiments.calibration.sums import DenseSums, SparseSums, Whole

BUYERS = 0.03
LOG_MEAN, LOG_SD = 3.5, 1.2
CAP_CENTS = round(100.0 * math.exp(LOG_MEAN + 3.0902 * LOG_SD))
"""The 99.9% quantile of what buyers spend, known before the start."""


_LARGEST_ORDER = 1_000_000


@dataclass(frozen=True, slots=True)
class Split:
    """Units of both arms and the planned shares of 100."""

    control: int
    treatment: int
    shares: tuple[int, int]

    @property
    def weights(self) -> dict[str, int]:
        """Planned slots by variant."""
        return {"control": self.shares[0] * 10_000, "treatment": self.shares[1] * 10_000}

    def __str__(self) -> str:
        return f"{self.shares[0]}/{self.shares[1]}"


def split_of(units: int, shares: tuple[int, int]) -> Split:
    """Return how so many units are split: the first share, of 100, is control's."""
    control = round(units * shares[0] / 100)
    return Split(control, units - control, shares)


def money(
    rng: np.random.Generator,
    daily: NDArray[np.int64],
    *,
    factor: float = 1.0,
    uncapped: bool = False,
    buyers: float = BUYERS,
) -> SparseSums:
    """Return revenue sums: 3% of units spend log-normally, in whole cents.

    daily: new units by replicate and look. factor: of every amount. uncapped: without the cap.
    """
    counts = rng.binomial(daily, buyers)
    spent = np.rint(100.0 * factor * rng.lognormal(LOG_MEAN, LOG_SD, int(counts.sum()))).astype(np.int64)
    if uncapped:
        return SparseSums(np.minimum(spent, _LARGEST_ORDER), counts, scale=CENTS)
    return SparseSums(spent, counts, capped=np.minimum(spent, CAP_CENTS), scale=CENTS)


def counts_with_history(
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    *,
    rate: float = 1.0,
    lift: float = 0.0,
    activity: float = 1.0,
) -> dict[str, Whole]:
    """Return orders after and before exposure, Poisson around a propensity that each unit keeps."""
    habit = rng.gamma(activity, 1.0 / activity, shape)
    return {"y": rng.poisson(rate * (1.0 + lift) * habit), "x": rng.poisson(rate * habit)}


def clicks_and_views(
    rng: np.random.Generator, shape: tuple[int, int, int], *, history: bool = False, rate: float = 0.2
) -> dict[str, Whole]:
    """Return clicks and views of units: views follow a lasting habit, and so does the chance to click."""
    habit = rng.gamma(1.5, 1.0 / 1.5, shape)
    chance = rng.beta(4.0 * rate, 4.0 * (1.0 - rate), shape)
    views = 1 + rng.poisson(3.0 * habit)
    found = {"y": rng.binomial(views, chance), "d": views}
    if history:
        before = rng.poisson(4.0 * habit)
        found |= {"x": rng.binomial(before, chance), "x_d": before}
    return found


def money_with_history(rng: np.random.Generator, shape: tuple[int, int, int]) -> dict[str, Whole]:
    """Return what units spend after and before exposure, in whole cents, capped: buying is a lasting habit."""
    habit = rng.gamma(0.5, 2.0, shape)
    found = {}
    for name in ("y", "x"):
        buys = rng.random(shape) < 1.0 - np.exp(-0.05 * habit)
        spent = np.zeros(shape, dtype=np.int64)
        drawn = np.rint(100.0 * rng.lognormal(LOG_MEAN, 1.0, int(buys.sum()))).astype(np.int64)
        spent[buys] = np.minimum(drawn, CAP_CENTS)
        found[name] = spent
    return found


def dense(columns: Mapping[str, Whole], *, in_cents: bool = False) -> DenseSums:
    """Return the running sums of unit columns; money is given in cents."""
    return DenseSums(columns, scales=dict.fromkeys(columns, CENTS) if in_cents else None)
