"""What shoppers do: browse, react to a slate, order; and the closed form of the chance that they order.

The model. Item i has quality g_i (mean 1), shopper u has affinity a_ui to it (`simulation.shoppers.affinity`).

- Browsing: a view falls on item i with a probability in proportion to a_ui g_i. So history reveals taste.
- A slate: position k (from 0) is looked at with probability e_k = 1 / (1 + k / attention). An item that is looked at
  is clicked with probability min(1/2, click x a_ui x sqrt(g_i)); one that is clicked goes into the cart with
  probability `cart`, unless it is sold out. Positions are independent.
- Wanting: with probability o_u = min(9/10, wanting x activity_u) a shopper also puts one item into the cart that they
  would have wanted anyway, drawn like a view from what is in stock.
- Checkout: a cart with anything in it is paid for with probability c = checkout x the product of the factors of the
  plain treatments that the shopper met. Every item in the cart becomes a line of the order, in pieces of 1, or of 2
  with probability (order_value - 1).

Hence P(u orders | slate) = c [1 - (1 - o_u) prod_k (1 - e_k x click_ui(k) x cart x in_stock_i(k))], and a factor on
the checkout is exactly that factor on every shopper's conversion. The true effect of a policy is the mean of this
over shoppers for its slates, against the mean for the other policy's slates.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulation.catalogue import Catalogue, Floats, Integers
from simulation.truth import Truth

MOST_CLICKS = 0.5
MOST_WANTING = 0.9
EMPTY = -1
"""Marks a place of a slate without an item."""


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """What the plain treatments that each shopper met do to them together: products of their effects."""

    checkout: Floats
    order_value: Floats
    views: Floats

    @classmethod
    def none(cls, count: int) -> "Factors":
        """Return the factors of shoppers who met no treatment."""
        return cls(np.ones(count), np.ones(count), np.ones(count))


@dataclass(frozen=True, slots=True, eq=False)
class Reactions:
    """What each shopper did after they arrived, shape (shoppers,) or (shoppers, positions).

    views: product views besides those of clicks. clicked, carted: items of the slate. wanted: the item they would have
    wanted anyway, or EMPTY. ordered: whether the cart was paid for. pieces: of every line. cents: the order's value,
    0 without one. refunded: whether the whole order went back.
    """

    views: Integers
    clicked: npt.NDArray[np.bool_]
    carted: npt.NDArray[np.bool_]
    wanted: Integers
    ordered: npt.NDArray[np.bool_]
    pieces: Integers
    cents: Integers
    refunded: npt.NDArray[np.bool_]


def browse(weights: Floats, counts: Integers, generator: np.random.Generator) -> tuple[Integers, Integers]:
    """Return (shoppers, items) of views: `counts` of each shopper, on items in proportion to the shopper's weights.

    weights: shape (shoppers, items), each row with a positive sum. The views of a shopper stay together.
    """
    shoppers = np.repeat(np.arange(len(weights)), counts)
    cumulated = np.cumsum(weights, axis=1)
    cumulated /= cumulated[:, -1:]
    steps = (cumulated + np.arange(len(weights))[:, None]).ravel()
    found = np.searchsorted(steps, shoppers + generator.uniform(size=len(shoppers)), side="right")
    return shoppers, np.minimum(found - shoppers * weights.shape[1], weights.shape[1] - 1)


def react(
    truth: Truth,
    catalogue: Catalogue,
    liked: Floats,
    activity: Floats,
    slates: Integers,
    factors: Factors,
    generator: np.random.Generator,
) -> Reactions:
    """Return what shoppers do who are shown these slates, drawn step by step as the model says.

    liked: their affinity, shape (shoppers, items). slates: item numbers, shape (shoppers, positions).
    """
    count = len(slates)
    looked = generator.uniform(size=slates.shape) < _looked_at(truth, slates.shape[1])
    clicked = looked & (generator.uniform(size=slates.shape) < _clicks(truth, catalogue, liked, slates))
    buyable = (slates != EMPTY) & catalogue.in_stock[slates]
    carted = clicked & buyable & (generator.uniform(size=slates.shape) < truth.cart)
    wants = generator.uniform(size=count) < _wanting(truth, activity)
    wanted = np.full(count, EMPTY)
    if catalogue.in_stock.any():
        _, drawn = browse(liked * (catalogue.quality * catalogue.in_stock), np.ones(count, dtype=np.int64), generator)
        wanted[wants] = drawn[wants]
    filled = carted.any(axis=1) | (wanted != EMPTY)
    ordered = filled & (generator.uniform(size=count) < truth.checkout * factors.checkout)
    pieces = 1 + (generator.uniform(size=count) < factors.order_value - 1.0).astype(np.int64)
    prices = np.rint(catalogue.price * 100.0).astype(np.int64)
    cart_cents = (prices[slates] * carted).sum(axis=1) + np.where(wanted == EMPTY, 0, prices[wanted])
    return Reactions(
        views=generator.poisson(truth.views * activity * factors.views),
        clicked=clicked,
        carted=carted,
        wanted=wanted,
        ordered=ordered,
        pieces=pieces,
        cents=np.where(ordered, cart_cents * pieces, 0),
        refunded=ordered & (generator.uniform(size=count) < truth.refunds),
    )


def expected_conversion(
    truth: Truth,
    catalogue: Catalogue,
    liked: Floats,
    activity: Floats,
    slates: Integers,
    checkout: Floats | float = 1.0,
) -> Floats:
    """Return the chance that each shopper orders, in closed form; arguments as for `react`.

    checkout: the factor of the plain treatments that the shopper met.
    """
    carted = _looked_at(truth, slates.shape[1]) * _clicks(truth, catalogue, liked, slates) * truth.cart
    carted = np.where((slates != EMPTY) & catalogue.in_stock[slates], carted, 0.0)
    wanting = _wanting(truth, activity) if catalogue.in_stock.any() else np.zeros(len(slates))
    filled = 1.0 - (1.0 - wanting) * np.prod(1.0 - carted, axis=1)
    return np.asarray(truth.checkout * checkout * filled, dtype=np.float64)


def _looked_at(truth: Truth, positions: int) -> Floats:
    return np.asarray(1.0 / (1.0 + np.arange(positions) / truth.attention), dtype=np.float64)


def _clicks(truth: Truth, catalogue: Catalogue, liked: Floats, slates: Integers) -> Floats:
    chance = truth.click * np.take_along_axis(liked, slates, axis=1) * np.sqrt(catalogue.quality[slates])
    return np.asarray(np.where(slates == EMPTY, 0.0, np.minimum(MOST_CLICKS, chance)), dtype=np.float64)


def _wanting(truth: Truth, activity: Floats) -> Floats:
    return np.asarray(np.minimum(MOST_WANTING, truth.wanting * activity), dtype=np.float64)
