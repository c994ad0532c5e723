"""Households one by one: who comes on a day, what each takes at the prices it finds, and what is at home by then."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulation.pricing.truth import Floats, Market

WHOLE: Final = 2**32
"""What numbers are counted modulo where a seed may not be negative."""


@dataclass(frozen=True, slots=True)
class Household:
    """A household with a need for something of a cluster. hour: of the day, 0 to 24. chances: its luck, 0 to 1 each."""

    id: str
    cluster: int
    hour: float
    chances: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a household takes: the place of an item in the market, and how many pieces of it."""

    place: int
    pieces: int


def households(market: Market, day: int) -> Iterator[Household]:
    """Yield who has a need on a day, by its number (below 0: of the past), in the order of their hours."""
    generator = np.random.default_rng([market.seed, 402, day % WHOLE])
    counts = generator.poisson([kind.households for kind in market.kinds])
    clusters = np.repeat(np.arange(len(counts)), counts)
    hours = generator.uniform(0.0, 24.0, len(clusters))
    chances = generator.uniform(size=(len(clusters), 3))
    for place in np.argsort(hours).tolist():
        yield Household(
            id=f"h-{market.seed}-{day}-{place}",
            cluster=int(clusters[place]),
            hour=float(hours[place]),
            chances=(float(chances[place, 0]), float(chances[place, 1]), float(chances[place, 2])),
        )


class Pantries:
    """What the households of each cluster have bought ahead, and for how long it lasts."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._ahead: Counter[tuple[int, int]] = Counter()

    def take(self, household: Household, day: int, prices: Floats) -> Taken | None:
        """Return what a household takes at its cluster's prices; None where it buys nothing or has it at home."""
        shares = self._market.shares(household.cluster, prices)
        choosing, at_home, ahead = household.chances
        place = int(np.searchsorted(np.cumsum(shares), choosing, side="right"))
        if place == len(shares) or at_home < self.filled(household.cluster, day, float(shares.sum())):
            return None
        place += self._market.members(household.cluster).start
        is_reduced = prices[place % len(shares)] < self._market.price[place]
        pieces = 1 + int(is_reduced and ahead < self._market.truth.bought_ahead)
        self._ahead[household.cluster, day] += pieces - 1
        return Taken(place, pieces)

    def filled(self, cluster: int, day: int, share: float) -> float:
        """Return the share of a cluster's needs on a day that is at home; share: of the households that would buy."""
        days = self._market.truth.stock_days
        at_home = sum(self._ahead[cluster, day - ago] for ago in range(1, days + 1)) / days
        needed = self._market.kinds[cluster].households * share
        return min(1.0, at_home / needed)
