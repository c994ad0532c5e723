"""Shoppers as nature made them, before any variant: latent tastes, price sensitivity and activity."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from simulation.catalogue import Catalogue, Floats, Integers
from simulation.truth import Truth

FAVOURITE = 25.0
SECOND = 9.0
STYLE = 5.0
"""What the two liked categories and the liked style add to the 1 that every item has, at taste 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Shoppers:
    """Columns of equal length, one entry for each shopper.

    favourite, second: categories (different ones). style: of every category. thrift: price sensitivity, 0 or more.
    activity: how much more (or less) than the mean they look around and want something; mean 1. returning: whether
    they were in the shop in the days before.
    """

    favourite: Integers
    second: Integers
    style: Integers
    thrift: Floats
    activity: Floats
    returning: Floats

    def __len__(self) -> int:
        return len(self.favourite)

    def one(self, place: int) -> Self:
        """Return a single shopper, in columns of length 1."""
        return type(self)(*(getattr(self, name)[place : place + 1] for name in self.__dataclass_fields__))


def draw_shoppers(truth: Truth, count: int, generator: np.random.Generator) -> Shoppers:
    """Return `count` shoppers."""
    favourite = generator.integers(0, truth.categories, count)
    step = generator.integers(1, truth.categories, count) if truth.categories > 1 else np.zeros(count, dtype=np.int64)
    return Shoppers(
        favourite=favourite,
        second=(favourite + step) % truth.categories,
        style=generator.integers(0, truth.styles, count),
        thrift=generator.gamma(2.0, truth.thrift / 2.0, count),
        activity=generator.gamma(2.0, 0.5, count),
        returning=(generator.uniform(size=count) < truth.returning).astype(np.float64),
    )


def affinity(truth: Truth, catalogue: Catalogue, shoppers: Shoppers) -> Floats:
    """Return how each shopper likes each item besides its quality, shape (shoppers, items).

    (1 + 25t [favourite] + 9t [second]) (1 + 5t [style]) exp(-thrift x relative price), t being the taste, divided by
    the shopper's quality-weighted mean, so that taste says where attention goes and not how much there is.
    """
    category = catalogue.category[None, :]
    liked = 1.0 + truth.taste * (
        FAVOURITE * (category == shoppers.favourite[:, None]) + SECOND * (category == shoppers.second[:, None])
    )
    liked *= 1.0 + truth.taste * STYLE * (catalogue.style[None, :] == shoppers.style[:, None])
    liked *= np.exp(-shoppers.thrift[:, None] * catalogue.relative_price[None, :])
    liked /= (liked @ catalogue.quality)[:, None] / len(catalogue)
    return np.asarray(liked, dtype=np.float64)
