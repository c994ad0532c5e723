"""What restock does for an item in a store: how much can be ordered, and which orders may be placed."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from decisions.domain import Hooks, by_bounds
from decisions.moment import Catalogue, Moment
from decisions.policy import Indices

CONSTRAINTS: Final = ("capacity",)


def menu(_moment: Moment, catalogue: Catalogue, place: int, _wanted: tuple[str, ...]) -> Catalogue:
    """Return the orders to choose from."""
    return Catalogue(
        items=("0",),
        places={"0": 0},
        in_stock=np.ones(1, np.bool_),
        baseline=np.ones(1, np.float32),
        fields={"level": np.asarray(catalogue.fields["on_hand"])[[place]]},
        fresh_at=catalogue.fresh_at,
    )


def bounds(_moment: Moment, catalogue: Catalogue) -> Indices:
    """Return what forbids each order."""
    return np.zeros(len(catalogue.items), np.int64)


def subject(_moment: Moment, _places: Mapping[str, int]) -> Indices:
    """Return nothing: models are asked by `asked`."""
    return np.zeros(0, np.int64)


HOOKS: Final = Hooks(
    eligible=by_bounds(bounds, CONSTRAINTS),
    subject=subject,
    constraint_names=CONSTRAINTS,
    menu=menu,
    bounds=bounds,
)
