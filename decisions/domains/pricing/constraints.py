"""Which prices of a menu may be asked for: the envelope of an item."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from decisions.domains.pricing.settings import PROFIT
from decisions.moment import Bools, Catalogue, Moment
from decisions.policy import Floats, Indices
from decisions.vocabulary import DecisionReason

FLOOR: Final = "floor"
MAP_PRICE: Final = "map_price"
CEILING: Final = "ceiling"
COST_MARGIN: Final = "cost_margin"
MAX_STEP: Final = "max_step"
COOL_DOWN: Final = "cool_down"
CONSTRAINTS: Final = (FLOOR, MAP_PRICE, CEILING, COST_MARGIN, MAX_STEP, COOL_DOWN)
"""The names of the constraints, in the order in which they are applied."""

NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        FLOOR: "below the floor",
        MAP_PRICE: "below the minimum advertised price",
        CEILING: "above the ceiling",
        COST_MARGIN: "too little above the cost",
        MAX_STEP: "too large a step from the present price",
        COOL_DOWN: "changed too short a time ago",
    }
)
"""What each constraint says of a price, for people."""

SAME: Final = 5e-7
"""Currency units: prices that differ by less are one."""
HOUR: Final = 3_600.0


def bounds(moment: Moment, catalogue: Catalogue) -> Indices:
    """Return for each price 0 where it may be asked for, else 1 + the place of what forbids it first, int64.

    The present price may go on being asked for unless it is below the floor or the minimum advertised price. The
    shop's own price, which a person set, may be returned to in one step.
    """
    bound = np.zeros(len(catalogue.items), np.int64)
    if not len(bound):
        return bound
    prices = np.asarray(catalogue.fields["price"], np.float64)
    about, settings = catalogue.about, moment.settings
    now = float(about["price"])
    is_new = np.abs(prices - now) >= SAME
    step = float(settings["max_step"])
    taken: tuple[Callable[[], Bools | None], ...] = (
        lambda: _below(prices, about.get("floor")),
        lambda: _below(prices, about.get("map_price")),
        lambda: _above(prices, about.get("ceiling")) & is_new,
        lambda: _below(prices, _least(about, float(settings["min_margin"]))) & is_new,
        lambda: _steps_too_far(prices, now, step, about.get("own_price")) & is_new,
        lambda: is_new if _is_cooling(moment, about) else None,
    )
    for place in range(len(taken), 0, -1):
        forbidden = taken[place - 1]()
        if forbidden is not None:
            bound[forbidden] = place
    return bound


def barrier(moment: Moment, catalogue: Catalogue) -> DecisionReason | None:
    """Return why nothing can be decided for an item: it has no price, no cost to reckon with, or no lawful price."""
    if not len(catalogue.items):
        return DecisionReason.PRICE_MISSING
    if moment.settings["objective"] == PROFIT and "cost" not in catalogue.about:
        return DecisionReason.COST_MISSING
    return DecisionReason.OUTSIDE_ENVELOPE if bounds(moment, catalogue).all() else None


def _least(about: Mapping[str, float | str], margin: float) -> float | None:
    cost = about.get("cost")
    return None if cost is None else float(cost) * (1.0 + margin)


def _below(prices: Floats, limit: float | str | None) -> Bools:
    return np.zeros(len(prices), np.bool_) if limit is None else prices < float(limit) - SAME


def _above(prices: Floats, limit: float | str | None) -> Bools:
    return np.zeros(len(prices), np.bool_) if limit is None else prices > float(limit) + SAME


def _steps_too_far(prices: Floats, now: float, step: float, own: float | str | None) -> Bools:
    far: Bools = np.abs(prices - now) > now * step + SAME
    return far if own is None else far & (np.abs(prices - float(own)) >= SAME)


def _is_cooling(moment: Moment, about: Mapping[str, float | str]) -> bool:
    """Return whether the price changed too short a time ago; in whole hours, as no batch runs to the second."""
    changed = about.get("changed_at")
    if changed is None:
        return False
    hours = round((moment.at.timestamp() - float(changed)) / HOUR)
    return hours < float(moment.settings["cool_down_hours"])
