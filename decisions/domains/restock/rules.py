"""Rules of reordering as people write them, and the shop's own one: how many pieces to order at a position. Pure."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from decisions.domains.restock.policies import base_stock, lots, min_max
from decisions.domains.restock.stock import Stock

SAFETY: Final = 1.5
"""By how much more than the mean sales an order lasts where the shop has no rule of its own."""
MOST_PIECES: Final = 10_000_000
MOST_DAYS: Final = 730

_PART: Final = re.compile(r"(s|S|R|Q|days)=([0-9]{1,9}(?:\.[0-9]{1,6})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class UpTo:
    """(s, S): at or below the reorder point, order up to a level. Pieces."""

    reorder_point: float
    order_up_to: float

    def pieces(self, stock: Stock) -> float:
        """Return how many pieces to order, before packs."""
        return float(min_max(stock.position, reorder_point=self.reorder_point, order_up_to=self.order_up_to))


@dataclass(frozen=True, slots=True)
class Lots:
    """(R, Q): at or below the reorder point, order as many lots as bring the position above it. Pieces."""

    reorder_point: float
    lot: float

    def pieces(self, stock: Stock) -> float:
        """Return how many pieces to order, before packs."""
        return float(lots(stock.position, reorder_point=self.reorder_point, lot=self.lot))


@dataclass(frozen=True, slots=True)
class Cover:
    """Order up to what sells in so many days at the mean of late."""

    days: float

    def pieces(self, stock: Stock) -> float:
        """Return how many pieces to order, before packs."""
        return float(base_stock(stock.position, self.days * stock.daily_sales))


Rule = UpTo | Lots | Cover


def read_rule(text: str) -> Rule | None:
    """Return the rule that a text such as `s=20,S=60`, `R=20,Q=40` or `days=14` says, None where it says none."""
    match _numbers(text):
        case {"s": point, "S": level, **others} if not others and level > point and level <= MOST_PIECES:
            return UpTo(point, level)
        case {"R": point, "Q": lot, **others} if not others and lot > 0.0 and max(point, lot) <= MOST_PIECES:
            return Lots(point, lot)
        case {"days": days, **others} if not others and 0.0 < days <= MOST_DAYS:
            return Cover(days)
    return None


def rule_fault(text: str) -> str:
    """Return why a text is no rule, "" where it is one."""
    if read_rule(text) is not None:
        return ""
    numbers = _numbers(text)
    if not numbers:
        return f"{text!r} is no rule of reordering; write s=20,S=60 or R=20,Q=40 or days=14."
    match numbers:
        case {"s": point, "S": level} if not level > point:
            return f"{text!r}: S, the level to order up to, has to be above s, the reorder point."
        case {"R": _, "Q": lot} if not lot > 0.0:
            return f"{text!r}: Q, the size of a lot, has to be above 0."
        case {"days": _}:
            return f"{text!r}: days have to be above 0 and at most {MOST_DAYS}."
    return f"{text!r} says too much, too little or too many pieces; write s=20,S=60 or R=20,Q=40 or days=14."


def own_rule(stock: Stock, review_days: float) -> UpTo:
    """Return the rule of the model-free policy: the shop's own where it has one, else by lead time and mean sales.

    Without a rule of the shop, orders go up to the sales of lead time and review period by half as much again, once
    the position is at or below the sales of the lead time.
    """
    if math.isfinite(stock.reorder_point) and math.isfinite(stock.order_up_to):
        return UpTo(stock.reorder_point, stock.order_up_to)
    level = (stock.lead_days + review_days) * stock.daily_sales * SAFETY
    return UpTo(stock.lead_days * stock.daily_sales, level)


def _numbers(text: str) -> Mapping[str, float] | None:
    """Return the numbers of a text by name, None where it is not made of names and numbers, each name once."""
    found: dict[str, float] = {}
    for part in text.replace(" ", "").split(","):
        said = _PART.fullmatch(part)
        if said is None or said[1] in found:
            return None
        found[said[1]] = float(said[2])
    return found
