"""What pricing does for an item: the prices that there are for it, and which of them may be asked for."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from decisions.domain import Hooks, by_bounds
from decisions.moment import Catalogue, Moment
from decisions.policy import Indices, Scores

CONSTRAINTS: Final = ("floor",)


def menu(_moment: Moment, catalogue: Catalogue, place: int, _wanted: tuple[str, ...]) -> Catalogue:
    """Return the prices to choose from."""
    price = float(np.asarray(catalogue.fields["price"])[place])
    return Catalogue(
        items=(f"{price:.2f}",),
        places={f"{price:.2f}": 0},
        in_stock=np.ones(1, np.bool_),
        baseline=np.ones(1, np.float32),
        fields={"price": np.array([price])},
        fresh_at=catalogue.fresh_at,
    )


def bounds(_moment: Moment, catalogue: Catalogue) -> Indices:
    """Return what forbids each price."""
    return np.zeros(len(catalogue.items), np.int64)


def subject(_moment: Moment, _places: Mapping[str, int]) -> Indices:
    """Return nothing: models are asked by `asked`."""
    return np.zeros(0, np.int64)


def asked(moment: Moment, catalogue: Catalogue, places: Mapping[str, int]) -> Indices:
    """Return the item's place and the prices in millionths."""
    place = places.get(moment.subject)
    if place is None:
        return np.zeros(0, np.int64)
    prices = np.asarray(catalogue.fields["price"], np.float64)
    return np.concatenate(([place], np.rint(prices * 1e6))).astype(np.int64)


def worth(_moment: Moment, _catalogue: Catalogue, _candidates: Indices, scores: Scores) -> Scores:
    """Return what the demand at each price is worth."""
    return scores


HOOKS: Final = Hooks(
    eligible=by_bounds(bounds, CONSTRAINTS),
    subject=subject,
    worth=worth,
    constraint_names=CONSTRAINTS,
    menu=menu,
    bounds=bounds,
    asked=asked,
)
