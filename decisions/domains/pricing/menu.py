"""The prices that there are for an item: around the present one, ending as the shop likes, and those of fixed texts.

Prices are counted in millionths of the currency while the menu is made, so that nothing depends on how a float rounds.
The shop's own price, to which an item returns when nothing is decided about it, is what percentages are of: "-5%"
decided twice is the same price as decided once.
"""

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Final

import numpy as np

from decisions.domains.pricing.settings import NO_CHARM
from decisions.moment import Catalogue, Moment
from decisions.policy import Indices
from foundation.money import BIGINT_MAX, MICROS, AmountInvalid, format_micros, to_micros

MOST_STEPS: Final = 20
"""Prices of the grid on each side of the present one."""
LARGEST_RISE: Final = 100.0
"""Percent."""

_NUMBERS: Final = (
    "price",
    "own_price",
    "cost",
    "floor",
    "map_price",
    "ceiling",
    "changed_at",
    "reference",
    "daily_sales",
)
_TEXTS: Final = ("cluster", "category")
_PERCENT: Final = re.compile(r"([+-]\d{1,3}(?:\.\d{1,4})?)%", re.ASCII)
_PRICE: Final = re.compile(r"\d{1,12}(?:\.\d{1,3})?", re.ASCII)
_MOST_CHARACTERS_TOLD: Final = 40


def menu(moment: Moment, catalogue: Catalogue, place: int, wanted: tuple[str, ...]) -> Catalogue:
    """Return the prices to choose from for the item in this place, ascending; none for an item without a price.

    Fields: price (currency units). About: what is known of price, own_price, cost, floor, map_price, ceiling,
    changed_at (seconds since 1970), reference, daily_sales, cluster and category.
    """
    about = _about(catalogue, place)
    now = _micros(about.get("price"))
    prices: list[int] = []
    if now > 0:
        own = _own(about)
        texts = (meant(text, own, unit_of(moment)) for text in wanted)
        found = {now, own, *_grid(now, moment), *(price for price in texts if price is not None)}
        prices = sorted(price for price in found if 0 < price <= BIGINT_MAX)
    places = str(moment.settings["decimals"])
    items = tuple(format_micros(price, places=int(places)) for price in prices)
    return Catalogue(
        items=items,
        places={item: number for number, item in enumerate(items)},
        in_stock=np.ones(len(items), np.bool_),
        baseline=np.zeros(len(items), np.float32),
        fields={"price": np.array(prices, np.float64) / MICROS},
        fresh_at=catalogue.fresh_at,
        about=about,
    )


def fixed(moment: Moment, catalogue: Catalogue, texts: tuple[str, ...]) -> Indices:
    """Return the places in the menu of the prices that the texts of a fixed policy mean."""
    own, unit = _own(catalogue.about), unit_of(moment)
    prices = np.rint(np.asarray(catalogue.fields["price"]) * MICROS).astype(np.int64).tolist()
    known = {price: place for place, price in enumerate(prices)}
    found = (known.get(price) for price in (meant(text, own, unit) for text in texts) if price is not None)
    return np.array([place for place in found if place is not None], np.int64)


def fixed_fault(text: str) -> str:
    """Return why a text is none that a fixed policy can have, "" where it is one: "19.99", "-5%", "+3%"."""
    percent = _PERCENT.fullmatch(text)
    if percent is not None:
        change = float(percent[1])
        return "" if -LARGEST_RISE < change <= LARGEST_RISE else "A change is above -100% and at most +100%."
    if _PRICE.fullmatch(text) is None:
        told = text[:_MOST_CHARACTERS_TOLD]
        return f"{told!r} is neither a price such as 19.99 nor a change such as -5% or +3%."
    return "" if float(text) > 0.0 else "A price is above 0."


def meant(text: str, own: int, unit: int) -> int | None:
    """Return the price that a fixed text means, millionths; None where it means none.

    own: the shop's own price, which percentages are of, millionths. unit: the least amount of money, millionths.
    """
    if fixed_fault(text):
        return None
    percent = _PERCENT.fullmatch(text)
    try:
        return to_micros(text) if percent is None else _changed(own, Fraction(percent[1]), unit)
    except AmountInvalid:
        return None


def unit_of(moment: Moment) -> int:
    """Return the least amount of money, millionths: a cent where prices have two decimals."""
    return MICROS // int(10 ** int(moment.settings["decimals"]))


def _grid(now: int, moment: Moment) -> list[int]:
    """Return prices in equal steps on both sides of the present one, ending as the settings say."""
    most = float(moment.settings["max_step"])
    step = max(float(moment.settings["grid_step"]), most / MOST_STEPS)
    steps = math.floor(most / step + 1e-9)
    unit, charm = unit_of(moment), str(moment.settings["charm"])
    prices = [now * (1.0 + step * number) for number in range(-steps, steps + 1)]
    if charm == NO_CHARM:
        return [_rounded(price, unit) for price in prices]
    ending, span = int(charm) * unit, 10 ** len(charm) * unit
    return [_rounded(price - ending, span) + ending for price in prices]


def _changed(price: int, percent: Fraction, unit: int) -> int:
    """Return a price that changed by so many percent, rounded half up to a multiple of the unit; exact."""
    return math.floor(price * (100 + percent) / (100 * unit) + Fraction(1, 2)) * unit


def _rounded(price: float, unit: int) -> int:
    return math.floor(price / unit + 0.5) * unit


def _about(catalogue: Catalogue, place: int) -> Mapping[str, float | str]:
    """Return what is known of the item; what is unknown is not in it."""
    about: dict[str, float | str] = {}
    for name in _NUMBERS:
        column = catalogue.fields.get(name)
        if column is not None and math.isfinite(value := float(column[place])):
            about[name] = value
    for name in _TEXTS:
        column = catalogue.fields.get(name)
        if column is not None and column[place]:
            about[name] = str(column[place])
    return MappingProxyType(about)


def _own(about: Mapping[str, float | str]) -> int:
    """Return the shop's own price in millionths, the present one where it is unknown or none."""
    own = _micros(about.get("own_price"))
    return own if own > 0 else _micros(about.get("price"))


def _micros(price: float | str | None) -> int:
    """Return a price in millionths, 0 where it is unknown or beyond what can be stored."""
    return round(price * MICROS) if isinstance(price, float) and 0.0 < price * MICROS <= BIGINT_MAX else 0
