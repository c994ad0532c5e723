"""Drawing without replacement, place by place, with an additive floor, each time with the exact probability."""

from bisect import bisect_left
from typing import Final

import numpy as np

from decisions.policy import Floats

SMALLEST_SHARE: Final = 1e-6
"""When less than this is left of all shares they are summed anew: differences of large sums would lose their digits."""
NOTHING: Final = 1e-200
"""Shares that sum up to less have no digits left to tell them apart."""


class Remaining:
    """What is still to be had of some candidates, by their place among them: 0, 1, 2, ...

    With probability `floor` a draw takes any that is left, each as likely as the other; else one by its share of what
    is left of the shares. So every one that is left has e = f / K + (1 - f) p / sum of p, K being how many there are.
    Where no share is left all of it is even.
    """

    def __init__(self, shares: Floats, *, floor: float) -> None:
        self._shares = shares
        self._floor = floor
        self._sums = np.cumsum(shares)
        self._left = float(self._sums[-1]) if len(shares) else 0.0
        self._counted = self._left
        self._taken: list[int] = []

    @property
    def count(self) -> int:
        """How many are left."""
        return len(self._shares) - len(self._taken)

    def take(self, rng: np.random.Generator) -> tuple[int, float]:
        """Take one and return its place, and the probability that it had. At least one must be left."""
        evenly = rng.random() < self._floor or self._left <= NOTHING
        place = self._any(rng) if evenly else self._by_share(rng)
        share = float(self._shares[place])
        owned = share / self._left if self._left > NOTHING else 1.0 / self.count
        probability = self._floor / self.count + (1.0 - self._floor) * owned
        self._remove(place, share)
        return place, probability

    def _any(self, rng: np.random.Generator) -> int:
        place = int(rng.integers(self.count))
        for taken in self._taken:  # ascending
            if taken > place:
                break
            place += 1
        return place

    def _by_share(self, rng: np.random.Generator) -> int:
        """Return the place where a point of what is left of the shares falls, stepping over what is taken."""
        point = rng.random() * self._left
        for taken in self._taken:
            if point < self._sums[taken] - self._shares[taken]:
                break
            point += self._shares[taken]
        place = min(int(np.searchsorted(self._sums, point, side="right")), len(self._shares) - 1)
        while place in self._taken or self._shares[place] <= 0.0:  # rounding at the very edge of a share
            place = place - 1 if place else len(self._shares) - 1
        return place

    def _remove(self, place: int, share: float) -> None:
        self._taken.insert(bisect_left(self._taken, place), place)
        self._left -= share
        if self._left < SMALLEST_SHARE * self._counted:
            self._sum_anew()

    def _sum_anew(self) -> None:
        self._shares = self._shares.copy()
        self._shares[self._taken] = 0.0
        self._sums = np.cumsum(self._shares)
        self._left = self._counted = float(self._sums[-1])
