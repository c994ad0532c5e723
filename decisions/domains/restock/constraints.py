"""Which orders may be placed, and what keeps the others from it. Pure."""

import math
from typing import Final

import numpy as np

from decisions.domains.restock.stock import stock_of
from decisions.moment import Catalogue, Moment
from decisions.policy import Indices
from decisions.vocabulary import DecisionReason

CONSTRAINTS: Final = ("capacity", "pack", "minimum_order", "cash", "shelf_life")


def bounds(moment: Moment, catalogue: Catalogue) -> Indices:
    """Return for each order 0 where it may be placed, else 1 + the place of the constraint that forbids it first.

    Ordering nothing is always allowed. capacity: there is no room for so much. pack: not whole packs. minimum_order:
    less than the supplier takes. cash: costs more than may be spent on one order. shelf_life: more than sells within
    it, where both are known.
    """
    stock = stock_of(catalogue.about)
    quantity = np.asarray(catalogue.fields["quantity"], dtype=np.float64)
    level = stock.position + quantity
    cash = float(moment.settings["cash"])
    sellable = stock.shelf_life * stock.daily_sales if stock.daily_sales > 0.0 else math.nan
    # comparisons with what is unknown (NaN) are false, and forbid nothing
    forbidden = np.stack(
        (
            level > stock.capacity,
            quantity % stock.pack != 0.0,
            quantity < stock.least,
            (quantity * stock.cost > cash) & (cash > 0.0),
            level > sellable,
        )
    )
    forbidden &= quantity > 0.0
    return np.where(forbidden.any(axis=0), 1 + forbidden.argmax(axis=0), 0).astype(np.int64)


def barrier(moment: Moment, catalogue: Catalogue) -> DecisionReason | None:
    """Return what is missing to decide with: a count, the item's cost, or its price where that is weighed."""
    stock = stock_of(catalogue.about)
    if math.isnan(stock.on_hand):
        return DecisionReason.STOCK_MISSING
    if math.isnan(stock.cost):
        return DecisionReason.COST_MISSING
    if moment.settings["objective"] == "newsvendor" and math.isnan(stock.price):
        return DecisionReason.PRICE_MISSING
    return None
