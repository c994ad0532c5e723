"""Demand over the price of an item: a gamma posterior of pieces a day at each step of price, and draws that fall.

Prices are shares of the shop's own price of the item, so that steps mean the same for every item. What a price sold is
Poisson with rate x days; the prior says how demand falls by a constant elasticity from what the item usually sells.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
import numpy.typing as npt

from experiments.statistics.monotone import non_increasing

Floats = npt.NDArray[np.float64]

FEATURES: Final = ("share", "margin", "usual", "present")
"""What is read of each price: it and what a piece brings, as shares of the shop's own price; what the item sold lately
in pieces a day, and at which share of its own price that was (the same for all prices of one decision)."""
COUNT: Final = 256
"""How many draws there are of a posterior."""
MOST_STEPS: Final = 15
LEAST_USUAL: Final = 0.02
"""Pieces a day that are expected of an item that has not sold lately."""


@dataclass(frozen=True, slots=True)
class DemandPrior:
    """What is believed before anything was sold: demand ~ share ** elasticity, as if so many pieces were seen of each.

    With fewer of them it is believed less: the standard deviation at a step is its mean over the root of pieces. steps:
    how many steps of price there are, evenly from 1 - span to 1 + span of the own price.
    """

    elasticity: float = -2.0
    pieces: float = 2.0
    steps: int = MOST_STEPS
    span: float = 0.3

    @property
    def shares(self) -> Floats:
        """The steps, ascending."""
        return np.linspace(1.0 - self.span, 1.0 + self.span, self.steps)


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Gamma(shape, rate) of the pieces a day at each of the `shares` of the own price; rates are in days."""

    shares: Floats
    shape: Floats
    rate: Floats
    elasticity: float

    @property
    def mean(self) -> Floats:
        """What is expected at each step, made non-increasing."""
        return non_increasing(self.shape / self.rate, self.rate)

    def draws(self, *, salt: str) -> Floats:
        """Return COUNT x steps, each row a draw of every step, made non-increasing with the rates as weights.

        The generator is seeded by the salt and the bytes of the posterior: the same knowledge gives the same draws.
        """
        hashed = sha256(salt.encode() + b"\0" + self.shape.tobytes() + self.rate.tobytes())
        rng = np.random.default_rng(int.from_bytes(hashed.digest(), "big"))
        drawn = rng.standard_gamma(self.shape, size=(COUNT, len(self.shape))) / self.rate
        return non_increasing(drawn, self.rate)

    def at(self, curves: Floats, shares: Floats) -> Floats:
        """Return demand at any shares, ... x len(shares), of curves ... x steps: linear between steps, by the
        elasticity beyond them. Where a curve does not rise, this does not either.
        """
        beside = _beside(self.shares, shares)
        at_right = curves[..., beside.left + 1] * beside.part
        found: Floats = (curves[..., beside.left] * (1.0 - beside.part) + at_right) * beside.beyond**self.elasticity
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Beside:
    """Where prices stand: right of the step `left`, a `part` of the way to the next one; or `beyond` the outermost one,
    by this factor."""

    left: npt.NDArray[np.int64]
    part: Floats
    beyond: Floats


def _beside(steps: Floats, shares: Floats) -> _Beside:
    within = np.clip(shares, steps[0], steps[-1])
    left = np.clip(np.searchsorted(steps, within, side="right") - 1, 0, len(steps) - 2).astype(np.int64)
    part = (within - steps[left]) / (steps[left + 1] - steps[left])
    return _Beside(left, part, shares / within)


def posterior(level: float, pieces: Floats, days: Floats, *, prior: DemandPrior) -> Posterior:
    """Return what is known of an item: Gamma(a + pieces, a / m + days) at each step, m = level x share ** elasticity.

    level: pieces a day that are expected at the own price, above 0. pieces, days: what was seen at each step. a: pieces
    that the prior counts as.
    """
    shares = prior.shares
    expected = level * shares**prior.elasticity
    return Posterior(shares, prior.pieces + pieces, prior.pieces / expected + days, prior.elasticity)


def level_of(usual: float, present: float, *, prior: DemandPrior) -> float:
    """Return what is expected at the own price of an item that sold `usual` pieces a day at a share of it."""
    return float(max(usual, LEAST_USUAL) * present ** (-prior.elasticity))


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the rows of a batch add: row, step, pieces and days of each share of a row."""

    rows: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int64]
    pieces: Floats
    days: Floats


def seen(features: Floats, pieces: Floats, days: Floats, *, prior: DemandPrior) -> Seen:
    """Return what prices that held so many days say of the steps: of the two beside a price each its share.

    That is the share which the step has of the demand at the price, so that demand is learnt as it is read. What was
    seen at share s counts for step k by the prior's elasticity: as days (s / s_k) ** elasticity.
    """
    steps, shares = prior.shares, features[:, 0]
    beside = _beside(steps, shares)
    rows = np.arange(len(shares))
    places = np.concatenate([beside.left, beside.left + 1])
    parts = np.concatenate([1.0 - beside.part, beside.part])
    counted = np.tile(days, 2) * (np.tile(shares, 2) / steps[places]) ** prior.elasticity
    return Seen(np.tile(rows, 2), places, parts * np.tile(pieces, 2), parts * counted)


def are_usable(features: Floats, days: Floats) -> npt.NDArray[np.bool_]:
    """Return of which rows demand can be learnt: those whose shares, usual sales and days are possible."""
    share, usual, present = features[:, 0], features[:, 2], features[:, 3]
    found: npt.NDArray[np.bool_] = (share > 0.0) & (present > 0.0) & (usual >= 0.0) & (days > 0.0) & np.isfinite(days)
    return found
