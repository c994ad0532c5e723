"""A small shop and its shoppers for tests."""

from dataclasses import dataclass

import numpy as np

from simulation.catalogue import Catalogue, Floats, draw_catalogue
from simulation.shoppers import Shoppers, affinity, draw_shoppers
from simulation.truth import Truth


@dataclass(frozen=True, slots=True, eq=False)
class Shop:
    """A catalogue with shoppers and what they like."""

    truth: Truth
    catalogue: Catalogue
    shoppers: Shoppers
    liked: Floats


def open_shop(truth: Truth | None = None, *, seed: int = 1, shoppers: int = 500) -> Shop:
    """Return the shop of a seed."""
    truth = truth or Truth(items=120)
    catalogue = draw_catalogue(truth, seed)
    drawn = draw_shoppers(truth, shoppers, np.random.default_rng([seed, 1]))
    return Shop(truth, catalogue, drawn, affinity(truth, catalogue, drawn))
