"""The orders that there are for an item in a store: whole packs, from none to more than could be wanted. Pure."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domains.restock.rules import own_rule, read_rule
from decisions.domains.restock.stock import Stock, about_of, protection, stock_of
from decisions.moment import Catalogue, Moment

MOST_ORDERS: Final = 60
REACH: Final = 4.0
"""How many protection intervals of mean sales the largest order lasts for, where nothing else asks for more."""


def menu(moment: Moment, catalogue: Catalogue, place: int, wanted: tuple[str, ...]) -> Catalogue:
    """Return the orders to choose from for the subject in a place of the catalogue of subjects.

    Its items are pieces as text, 0 first and ascending, about MOST_ORDERS at most, with those of the shop's own rule
    and of the rules that are wanted. Columns: quantity, and level, the pieces on hand and on order with it. It is as
    fresh as the last count.
    """
    about = about_of(catalogue, place)
    stock = stock_of(about)
    quantities = orders(stock, moment, wanted)
    items = tuple(map(str, quantities))
    pieces = np.array(quantities, dtype=np.float64)
    counted_at = float(about["counted_at"])
    return Catalogue(
        items=items,
        places={item: number for number, item in enumerate(items)},
        in_stock=np.ones(len(items), np.bool_),
        baseline=np.zeros(len(items), np.float32),
        fields={"quantity": pieces, "level": stock.position + pieces},
        fresh_at=None if math.isnan(counted_at) else counted_at,
        about=about,
    )


def orders(stock: Stock, moment: Moment, wanted: tuple[str, ...]) -> tuple[int, ...]:
    """Return the pieces that can be ordered, ascending: nothing alone where nobody has counted the stock."""
    if math.isnan(stock.position):
        return (0,)
    needed = {0, own_quantity(stock, moment), *(rule_quantity(stock, text) for text in wanted)}
    top = _largest(stock, moment, max(needed))
    if stock.room < top:
        # the first order that does not fit is there too, so that it shows what binds
        fitting = stock.pack * math.floor(max(0.0, stock.room) / stock.pack)
        needed.add(max(stock.least, fitting + stock.pack))
        top = min(top, fitting)
    spread = _spread(stock, top, max(1, MOST_ORDERS - len(needed)))
    return tuple(sorted(needed | set(spread.tolist())))


def own_quantity(stock: Stock, moment: Moment) -> int:
    """Return what the model-free policy orders, as far as packs and the smallest order let it."""
    return stock.packed(own_rule(stock, float(moment.settings["review_days"])).pieces(stock))


def rule_quantity(stock: Stock, text: str) -> int:
    """Return what the rule of a text orders, as far as packs and the smallest order let it; nothing without a rule."""
    rule = read_rule(text)
    return 0 if rule is None or math.isnan(stock.position) else stock.packed(rule.pieces(stock))


def _largest(stock: Stock, moment: Moment, needed: int) -> int:
    """Return the largest order worth a thought: what the shop's level, several protection intervals or room ask for."""
    levels = [REACH * protection(stock, moment) * stock.daily_sales, stock.order_up_to]
    reach = max((level - stock.position for level in levels if math.isfinite(level)), default=0.0)
    if stock.daily_sales == 0.0 and math.isfinite(stock.room):
        reach = max(reach, stock.room)
    return max(needed, stock.packed(reach), stock.least)


def _spread(stock: Stock, top: int, most: int) -> npt.NDArray[np.int64]:
    """Return at most so many orders from the smallest to the largest, in whole packs, evenly apart."""
    first, last = stock.least // stock.pack, top // stock.pack
    if last < first:
        return np.zeros(0, dtype=np.int64)
    packs = np.arange(first, last + 1) if last - first < most else np.rint(np.linspace(first, last, most))
    return packs.astype(np.int64) * stock.pack
