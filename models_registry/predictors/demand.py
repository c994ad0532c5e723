"""The predictor of demand: pieces sold in a day as a function of the price, item by item."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

import numpy as np
import numpy.typing as npt

from models_registry.artifacts import Artifact, ArtifactMalformed
from models_registry.predictors.history import inside
from models_registry.predictors.popularity import ITEMS, read_items, write_items
from models_registry.predictors.protocol import Indices, Scores
from models_registry.predictors.reading import array, floats
from models_registry.vocabulary import PredictorKind

MICROS: Final = 1e6
"""Prices are asked about in millionths of the currency."""
LARGEST_INTERCEPT: Final = 25.0
LARGEST_REFERENCE: Final = 1e12
STEEPEST: Final = -10.0
FLATTEST: Final = -0.05
"""An elasticity that serves lies between the two: demand falls with the price, and no factor of it is beyond belief."""
LARGEST_ERROR: Final = 100.0
LEAST_RATIO: Final = 0.1
"""Below this share of the reference price demand is taken to grow no further: nobody has seen what it does there."""

Floats = npt.NDArray[np.float64]


class Doubt(IntFlag):
    """Why an elasticity should not be taken at its word."""

    CLIPPED = 1
    """The estimate was outside of what serves; the nearest elasticity that may serve stands for it."""
    NEVER_CHANGED = 2
    """The item's price never changed: the elasticity is that of items like it."""
    FEW_PRICES = 4
    """The item had no more than two prices."""
    BULK_DISCOUNTS = 8
    """The price that was paid follows the quantity of the line."""
    PRICE_FOLLOWS_DEMAND = 16
    """The price was changed after demand had."""


_EVERY_DOUBT: Final = sum(Doubt)


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """pieces a day = exp(intercept) (price / reference)^elasticity, for prices from LEAST_RATIO x reference on.

    One entry for each item: intercepts are natural logs of pieces a day at the reference price, references are prices
    in currency units, elasticities lie in [STEEPEST, FLATTEST], errors are their standard errors, and doubts are sums
    of Doubt.
    """

    items: tuple[str, ...]
    intercepts: Scores
    references: Scores
    elasticities: Scores
    errors: Scores
    doubts: npt.NDArray[np.uint8]
    kind: PredictorKind = PredictorKind.DEMAND

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        """Return the expected pieces a day at the prices of the candidates, or at all prices without candidates.

        history: the item's place, then the price of every action in millionths of the currency. One without prices asks
        for each item at its reference price.

        Raises:
            IndexError: the first number is no place of an item, or a candidate is no place among the prices.
        """
        if len(history) < 2:
            return np.exp(self.intercepts)
        prices = history[1:]
        if candidates is not None:
            prices = prices[inside(candidates, len(prices))]
        return self.curve(self._place(history), prices / MICROS).astype(np.float32)

    def curve(self, place: int, prices: Floats) -> Floats:
        """Return the expected pieces a day of an item at prices in currency units."""
        reference, elasticity = float(self.references[place]), float(self.elasticities[place])
        ratios = np.maximum(prices / reference, LEAST_RATIO)
        found: Floats = math.exp(float(self.intercepts[place])) * ratios**elasticity
        return found

    def elasticity(self, place: int) -> tuple[float, float]:
        """Return the elasticity of an item that serves, and the standard error of its estimate."""
        return float(self.elasticities[place]), float(self.errors[place])

    def doubts_of(self, place: int) -> tuple[str, ...]:
        """Return the names of what speaks against an item's elasticity."""
        return tuple(doubt.name for doubt in Doubt if self.doubts[place] & doubt and doubt.name)

    def _place(self, history: Indices) -> int:
        place = int(history[0])
        if not 0 <= place < len(self.items):
            raise IndexError(f"{place} is no place among {len(self.items)} items.")
        return place


def demand_of(artifact: Artifact) -> Demand:
    """Return the predictor of an artifact. Raises ArtifactMalformed, also for what could overflow or rise."""
    items = read_items(artifact)
    size = len(items)
    doubts = array(artifact, "doubts", "uint8", (size,))
    if size and int(doubts.max()) > _EVERY_DOUBT:
        raise ArtifactMalformed("The array doubts has flags that there are not.")
    return Demand(
        items=items,
        intercepts=_bounded(artifact, "intercepts", size, -LARGEST_INTERCEPT, LARGEST_INTERCEPT),
        references=_bounded(artifact, "references", size, 1.0 / MICROS, LARGEST_REFERENCE),
        elasticities=_bounded(artifact, "elasticities", size, STEEPEST, FLATTEST),
        errors=_bounded(artifact, "errors", size, 0.0, LARGEST_ERROR),
        doubts=doubts,
    )


def write_demand(demand: Demand) -> Mapping[str, np.ndarray]:
    """Return the arrays that `demand_of` reads."""
    return {
        ITEMS: write_items(demand.items),
        "intercepts": demand.intercepts,
        "references": demand.references,
        "elasticities": demand.elasticities,
        "errors": demand.errors,
        "doubts": demand.doubts,
    }


def _bounded(artifact: Artifact, name: str, size: int, least: float, most: float) -> Scores:
    found = floats(artifact, name, size)
    bounds = np.float32(least), np.float32(most)
    if size and not (found.min() >= bounds[0] and found.max() <= bounds[1]):
        raise ArtifactMalformed(f"The array {name} has numbers outside {least:g} to {most:g}.")
    return found
