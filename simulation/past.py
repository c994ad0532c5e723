"""What happened in the shop before: the crowd that a first model learns from, and the days before a visit."""

from dataclasses import dataclass

import numpy as np

from simulation.behaviour import browse
from simulation.catalogue import Catalogue, Floats, Integers
from simulation.shoppers import Shoppers, affinity
from simulation.truth import Truth

VIEW, CART, ORDER = range(3)
PAST_DAYS = 6.0
MEMORY_DAYS = 5.0
"""How long before a visit the days begin that a returning shopper remembers."""
MINUTE = 1.0 / 1440.0


@dataclass(frozen=True, slots=True, eq=False)
class Deeds:
    """What shoppers did with items: columns of equal length, by shopper and then time.

    kind: VIEW, CART or ORDER. day: when, in days; what it counts from is said by the function that returns it.
    """

    shopper: Integers
    item: Integers
    kind: Integers
    day: Floats

    def __len__(self) -> int:
        return len(self.shopper)


def past_of_crowd(truth: Truth, catalogue: Catalogue, crowd: Shoppers, generator: np.random.Generator) -> Deeds:
    """Return what a crowd did in the PAST_DAYS before the experiments start, in days from the beginning of the past.

    They browse by taste and quality; of what they look at they put a share `cart` into the cart, and pay for a share
    `checkout` of it, each item by itself, unless it is sold out.
    """
    weights = affinity(truth, catalogue, crowd) * catalogue.quality
    shopper, item = browse(weights, generator.poisson(truth.past * crowd.activity), generator)
    day = generator.uniform(0.0, PAST_DAYS - 0.1, len(shopper))
    carted = (generator.uniform(size=len(shopper)) < truth.cart) & catalogue.in_stock[item]
    ordered = carted & (generator.uniform(size=len(shopper)) < truth.checkout)
    return _deeds(shopper, item, day, carted, ordered)


def days_before(
    truth: Truth, catalogue: Catalogue, shoppers: Shoppers, liked: Floats, generator: np.random.Generator
) -> Deeds:
    """Return what returning shoppers looked at in the MEMORY_DAYS before they arrive, in days before the arrival.

    liked: their affinity. They know no variant yet.
    """
    counts = generator.poisson(truth.history * shoppers.activity) * (shoppers.returning > 0.0)
    shopper, item = browse(liked * catalogue.quality, counts.astype(np.int64), generator)
    day = generator.uniform(0.05, MEMORY_DAYS, len(shopper))
    none = np.zeros(len(shopper), dtype=np.bool_)
    return _deeds(shopper, item, -day, none, none)


def _deeds(shopper: Integers, item: Integers, day: Floats, carted: np.ndarray, ordered: np.ndarray) -> Deeds:
    """Return views, carts two minutes after their view and orders five minutes after it as one log."""
    parts = (
        (np.ones(len(shopper), dtype=np.bool_), VIEW, 0.0),
        (carted, CART, 2.0 * MINUTE),
        (ordered, ORDER, 5.0 * MINUTE),
    )
    shoppers = np.concatenate([shopper[which] for which, _, _ in parts])
    items = np.concatenate([item[which] for which, _, _ in parts])
    kinds = np.concatenate([np.full(int(which.sum()), kind) for which, kind, _ in parts])
    days = np.concatenate([day[which] + later for which, _, later in parts])
    order = np.lexsort((days, shoppers))
    return Deeds(shoppers[order], items[order], kinds[order], days[order])
