"""A simulated shop in which prices interfere: items replace each other, and a low price fills the households' stock.

Households choose among the items of a cluster, or none, by a logit of relative prices. Whoever finds an item reduced
also buys ahead, and for a known number of days buys that much less. What is bought ahead is gone from the days after:
at a price that never changes it neither adds nor takes anything. Truth comes from simulating both worlds, not from a
formula.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

MICROS = 1_000_000
MOST_ITEMS = 5
_WEEK = np.array([0.85, 0.85, 0.9, 0.95, 1.1, 1.25, 1.1])
_TRUTH_SHOPS, _TRUTH_DAYS, _TRUTH_SEED, _TRUTH_BATCH = 1_200, 28, 987_654_321, 100


@dataclass(frozen=True, slots=True)
class Market:
    """What shops are drawn from.

    reduced: the treatment's price as a part of the regular one. bought_ahead: pieces bought ahead for each piece of a
    reduced item. stock_days: for how many days they are used up. habit, habit_days: the weight, in what shoppers take
    the price to be, of the mean price of so many days before. level_spread: standard deviation of the log of the
    clusters' sizes. common, own: that of daily shocks to the whole shop and to each cluster.
    """

    clusters: int = 18
    reduced: float = 0.9
    bought_ahead: float = 0.4
    stock_days: int = 7
    habit: float = 0.0
    habit_days: int = 0
    level_spread: float = 0.25
    common: float = 0.08
    own: float = 0.15

    @property
    def memory(self) -> int:
        """Days after which nothing is left of an earlier price."""
        return max(self.stock_days if self.bought_ahead else 0, self.habit_days if self.habit else 0)


@dataclass(frozen=True, slots=True, eq=False)
class Shops:
    """Shops side by side: the first axis of every column.

    visitors (shops, clusters): households a day that may buy. pull (shops, clusters, items): weight of an item at its
    regular price against the weight 1 of buying nothing, 0 where a cluster has fewer items. sensitivity (shops,
    clusters): by what the log of that weight grows when the price falls by its whole. price, cost (shops, clusters,
    items): in currency units, to the cent. season (shops, clusters, days): factor of the day, 1 on average.
    """

    visitors: Values
    pull: Values
    sensitivity: Values
    price: Values
    cost: Values
    season: Values

    @classmethod
    def side_by_side(cls, shops: Sequence["Shops"]) -> Self:
        """Return all shops in one record."""
        return cls(*(np.concatenate([getattr(shop, part.name) for shop in shops]) for part in fields(cls)))

    @property
    def items(self) -> Flags:
        """Which places of a cluster hold an item."""
        found: Flags = self.pull > 0.0
        return found


def draw_shop(market: Market, rng: np.random.Generator, days: int) -> Shops:
    """Return one shop over so many days; clusters of 3 to 5 items."""
    groups = market.clusters
    shape = (groups, MOST_ITEMS)
    has_item = np.arange(MOST_ITEMS) < rng.integers(3, MOST_ITEMS + 1, groups)[:, None]
    buys_nothing = rng.uniform(0.25, 0.45, groups)
    likes = np.where(has_item, np.exp(rng.normal(0.0, 0.4, shape)), 0.0)
    pull = likes / likes.sum(axis=1, keepdims=True) * ((1.0 - buys_nothing) / buys_nothing)[:, None]
    level = 25.0 * np.exp(rng.normal(-0.5 * market.level_spread**2, market.level_spread, groups))
    price = np.round(8.0 * np.exp(rng.normal(0.0, 0.15, groups))[:, None] * np.exp(rng.normal(0.0, 0.1, shape)), 2)
    cost = np.round(price * rng.uniform(0.5, 0.65, shape), 2)
    shocks = _shocks(rng, market.common, days) * _shocks(rng, market.own, (groups, days))
    return Shops(
        visitors=(level / (1.0 - buys_nothing))[None],
        pull=pull[None],
        sensitivity=rng.uniform(4.0, 6.0, groups)[None],
        price=price[None],
        cost=cost[None],
        season=(np.resize(_WEEK, days) * shocks)[None],
    )


def pieces_expected(market: Market, shops: Shops, reduced: Flags) -> Values:
    """Return the pieces expected of each item and day: shape (shops, clusters, items, days), as `reduced`.

    Days before the first one had regular prices.
    """
    relative = np.where(reduced, market.reduced, 1.0)
    if market.habit:
        relative = (1.0 - market.habit) * relative + market.habit * _before(relative, market.habit_days, 1.0)
    weight = shops.pull[..., None] * np.exp(shops.sensitivity[..., None, None] * (1.0 - relative))
    chosen = weight / (1.0 + weight.sum(axis=2, keepdims=True))
    used: Values = chosen * (shops.visitors[..., None] * shops.season)[:, :, None, :]
    if not market.bought_ahead:
        return used
    ahead = market.bought_ahead * np.where(reduced, used, 0.0)
    at_home = _before(ahead.sum(axis=2), market.stock_days, 0.0)
    needed = used.sum(axis=2)
    still = np.maximum(0.0, 1.0 - at_home / needed)
    found: Values = used * still[:, :, None, :] + ahead
    return found


def margins(market: Market, shops: Shops, reduced: Flags) -> Values:
    """Return price - cost of each item in currency units, to the cent, by whether it is reduced (as `reduced`)."""
    regular = (shops.price - shops.cost)[..., None]
    lower = (np.round(shops.price * market.reduced, 2) - shops.cost)[..., None]
    found: Values = np.where(reduced, lower, regular)
    return found


def always_minus_never(market: Market, shops: Shops, *, warm_up: int) -> Values:
    """Return what each cluster contributes a day more when all of its items are always reduced instead of never.

    Simulated: both worlds over all days, of which the first `warm_up` do not count. Shape (shops, clusters), in
    currency units.
    """
    totals = []
    for is_reduced in (False, True):
        days = shops.season.shape[-1]
        reduced = np.full((*shops.pull.shape, days), is_reduced)
        # households are in the state to which this price has led, whatever it was before
        brought = pieces_expected(market, shops, reduced) * margins(market, shops, reduced)
        totals.append(brought[..., warm_up:].sum(axis=(2, 3)) / (days - warm_up))
    found: Values = totals[1] - totals[0]
    return found


@cache
def truth(market: Market) -> float:
    """Return the mean of `always_minus_never` over 21 600 clusters of shops like these, four weeks after a warm-up."""
    warm_up = 7 * (market.memory // 7 + 2)
    rng = np.random.default_rng(_TRUTH_SEED)
    means = []
    for _ in range(_TRUTH_SHOPS // _TRUTH_BATCH):
        shops = [draw_shop(market, rng, warm_up + _TRUTH_DAYS) for _shop in range(_TRUTH_BATCH)]
        means.append(float(always_minus_never(market, Shops.side_by_side(shops), warm_up=warm_up).mean()))
    return float(np.mean(means))


def _shocks(rng: np.random.Generator, spread: float, shape: int | tuple[int, ...]) -> Values:
    """Return log-normal factors with mean 1."""
    return np.exp(rng.normal(-0.5 * spread**2, spread, shape))


def _before(days: Values, length: int, first: float) -> Values:
    """Return the mean over so many days before each day; days before the first one have the value `first`."""
    padded = np.concatenate([np.full((*days.shape[:-1], length), first), days], axis=-1)
    running = np.cumsum(padded, axis=-1)
    zero = np.zeros((*days.shape[:-1], 1))
    running = np.concatenate([zero, running], axis=-1)
    found: Values = (running[..., length:-1] - running[..., : -length - 1]) / length
    return found
