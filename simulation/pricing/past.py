"""The weeks before: the shop let the prices of each cluster vary from week to week, whatever they sold."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import numpy as np

from simulation.events import ORDERED, Event, message
from simulation.pricing.households import WHOLE, Pantries, Taken, households
from simulation.pricing.truth import Floats, Market
from simulation.storefront import CURRENCY

LEVELS: Final = (0.8, 0.9, 1.0, 1.1, 1.2)
"""Parts of the own price, one drawn for each cluster and week."""
WEEK: Final = 7


def past(market: Market, *, until: date, days: int) -> Iterator[dict[str, Any]]:
    """Yield the messages of the orders of the days before `until`, whose numbers are -days to -1, as history."""
    pantries = Pantries(market)
    midnight = datetime.combine(until, time(tzinfo=UTC))
    for day in range(-days, 0):
        levels = levels_of(market, day // WEEK)
        for household in households(market, day):
            members = market.members(household.cluster)
            prices = np.round(market.price[members] * levels[household.cluster], 2)
            taken = pantries.take(household, day, prices)
            if taken is not None:
                said = order(market, household.id, taken, float(prices[taken.place - members.start]))
                at = midnight + timedelta(days=day, hours=household.hour)
                yield {**message(Event(household.id, at, ORDERED, said)), "context": {"backfill": True}}


def levels_of(market: Market, week: int) -> Floats:
    """Return the level of prices of each cluster in a week, by its number; that of the last one is -1."""
    generator = np.random.default_rng([market.seed, 403, week % WHOLE])
    return generator.choice(LEVELS, market.truth.clusters)


def order(market: Market, household: str, taken: Taken, price: float) -> dict[str, Any]:
    """Return the properties of a household's order; price: of a piece."""
    line = {"product_id": market.ids[taken.place], "price": price, "quantity": taken.pieces}
    revenue = round(price * taken.pieces, 2)
    return {"order_id": f"o-{household}", "revenue": revenue, "currency": CURRENCY, "products": [line]}
