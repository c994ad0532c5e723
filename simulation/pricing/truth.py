"""What is true of the simulated prices: how households choose, and so what each price brings in the long run.

A household that comes for cluster c chooses its item i with probability w_i / (1 + sum w), else nothing, where
w_i = pull_i exp(s_c (1 - r_i)) and r_i is the price as a part of the shop's own: items replace each other. Whoever
takes an item that is reduced takes a second piece for later with probability `bought_ahead`, and what a cluster's
households have at home of the last `stock_days` days keeps others from coming. At prices that never change, what is
bought ahead is missing later piece for piece, so that a price's truth has a closed form: sum_i P_i (price_i - cost_i)
for each household that has a need.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of cluster.

    households: with a need, a day. sensitivity: s. nothing: the share of them that buys nothing at the own prices.
    """

    households: float
    sensitivity: float
    nothing: float


@dataclass(frozen=True, slots=True)
class PriceTruth:
    """The parameters of clusters and households; every second cluster is of the kind `keen`, the others are `loyal`.

    price: own price of an item in the middle, currency units. price_spread, pull_spread: standard deviations of
    logarithms. cost: of a piece, as a part of its own price. envelope: least and highest price that may be asked, as
    parts of the own one. bought_ahead, stock_days: see the module.
    """

    clusters: int = 24
    items: int = 3
    keen: Kind = Kind(households=18.0, sensitivity=8.0, nothing=0.7)
    loyal: Kind = Kind(households=10.0, sensitivity=0.8, nothing=0.2)
    price: float = 20.0
    price_spread: float = 0.15
    pull_spread: float = 0.3
    cost: float = 0.3
    envelope: tuple[float, float] = (0.745, 1.405)
    bought_ahead: float = 0.3
    stock_days: int = 2

    def __post_init__(self) -> None:
        least, highest = self.envelope
        if self.clusters < 2 or self.items < 2 or not 0.0 < self.cost < least < 1.0 < highest:
            raise ValueError("needs two clusters of two items that may be sold above their cost")
        if not 0.0 <= self.bought_ahead <= 1.0 or self.stock_days < 1:
            raise ValueError("bought_ahead is a probability, and stock lasts for a day or more")


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """Columns of equal length, one entry for each item, cluster by cluster; kinds: of each cluster.

    cluster: place of the item's cluster. price, cost: currency units, to the cent. pull: weight at the own price.
    """

    truth: PriceTruth
    seed: int
    ids: tuple[str, ...]
    kinds: tuple[Kind, ...]
    cluster: Places
    price: Floats
    cost: Floats
    pull: Floats

    def items(self) -> list[dict[str, Any]]:
        """Return the items as `PUT /v1/items` takes them, with the envelope of their prices."""
        least, highest = self.truth.envelope
        return [
            {
                "item_id": self.ids[place],
                "title": f"Item {place} of cluster {self.cluster[place]}",
                "category": "goods",
                "cluster": cluster_id(int(self.cluster[place])),
                "price": float(self.price[place]),
                "floor": round(least * float(self.price[place]), 2),
                "ceiling": round(highest * float(self.price[place]), 2),
            }
            for place in range(len(self.ids))
        ]

    def members(self, cluster: int) -> slice:
        """Return where the items of a cluster are."""
        return slice(cluster * self.truth.items, (cluster + 1) * self.truth.items)

    def shares(self, cluster: int, prices: Floats) -> Floats:
        """Return the share of the households with a need that takes each item of a cluster, at these prices of it."""
        found = self.members(cluster)
        rise = prices / self.price[found] - 1.0
        weight = self.pull[found] * np.exp(-self.kinds[cluster].sensitivity * rise)
        return np.asarray(weight / (1.0 + weight.sum()), dtype=np.float64)

    def contribution(self, cluster: int, prices: Floats) -> float:
        """Return what a household with a need brings in the long run at these prices, currency units."""
        return float(self.shares(cluster, prices) @ (prices - self.cost[self.members(cluster)]))

    def elasticity(self, cluster: int) -> float:
        """Return by what share a cluster sells more when all of its prices rise by a share: -s (share of nothing)."""
        return -self.kinds[cluster].sensitivity * self.kinds[cluster].nothing


def draw_market(truth: PriceTruth, seed: int) -> Market:
    """Return the market of a seed."""
    generator = np.random.default_rng([seed, 401])
    shape = (truth.clusters, truth.items)
    kinds = tuple(truth.keen if place % 2 == 0 else truth.loyal for place in range(truth.clusters))
    likes = generator.lognormal(0.0, truth.pull_spread, shape)
    odds = np.array([(1.0 - kind.nothing) / kind.nothing for kind in kinds])
    price = np.round(truth.price * generator.lognormal(0.0, truth.price_spread, shape), 2).reshape(-1)
    return Market(
        truth=truth,
        seed=seed,
        ids=tuple(f"good-{place:03d}" for place in range(price.size)),
        kinds=kinds,
        cluster=np.repeat(np.arange(truth.clusters), truth.items),
        price=price,
        cost=np.round(truth.cost * price, 2),
        pull=(likes / likes.sum(axis=1, keepdims=True) * odds[:, None]).reshape(-1),
    )


def cluster_id(cluster: int) -> str:
    """Return the id of a cluster by its place."""
    return f"cluster-{cluster:02d}"
