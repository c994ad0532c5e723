"""What restock does for an item in a store: orders to choose from, the shop's own one, and what models are asked."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from decisions.domain import Hooks, by_bounds
from decisions.domains.restock.constraints import CONSTRAINTS, barrier, bounds
from decisions.domains.restock.menu import menu, own_quantity, rule_quantity
from decisions.domains.restock.rules import rule_fault
from decisions.domains.restock.stock import YEAR, Stock, protection, stock_of
from decisions.moment import Catalogue, Moment
from decisions.policy import Indices, Scores
from foundation.money import MICROS

MILLI: Final = 1_000


def asked(moment: Moment, catalogue: Catalogue, places: Mapping[str, int]) -> Indices:
    """Return the numbers that a forecast is asked with: where it has the subject, over which days, at which costs.

    [place, days x 1000 of the protection interval, their spread x 1000, cost of a missing piece, cost of a piece left
    over (millionths of the currency), then the level of every order of the menu (pieces)]; nothing for a subject that
    the model does not know.
    """
    place = places.get(moment.subject)
    if place is None:
        return np.zeros(0, dtype=np.int64)
    stock = stock_of(catalogue.about)
    missing, left = piece_costs(stock, moment)
    head = (place, protection(stock, moment) * MILLI, stock.lead_sd * MILLI, missing * MICROS, left * MICROS)
    levels = np.asarray(catalogue.fields["level"], dtype=np.float64)
    return np.rint(np.concatenate((head, levels))).astype(np.int64)


def piece_costs(stock: Stock, moment: Moment) -> tuple[float, float]:
    """Return what a missing piece costs and what one left over does, in currency units.

    A piece that is left over is held for a protection interval. newsvendor: a missing piece costs its margin by the
    setting `shortage`. service: it costs so much that the best order has the service level p, left p / (1 - p)
    (the critical ratio missing / (missing + left) = p). Both are at least a millionth, so that the ratio exists.
    """
    settings = moment.settings
    left = max(1 / MICROS, stock.cost * float(settings["holding_rate"]) * protection(stock, moment) / YEAR)
    if settings["objective"] == "newsvendor":
        return max(1 / MICROS, (stock.price - stock.cost) * float(settings["shortage"])), left
    level = float(settings["service_level"])
    return left * level / (1.0 - level), left


def baseline(moment: Moment, catalogue: Catalogue, candidates: Indices) -> Scores:
    """Return scores by which the order of the shop's own rule comes first, else the largest one below it.

    Minus the distance to that order; larger ones come after all smaller ones, the nearest first.
    """
    quantity = np.asarray(catalogue.fields["quantity"], dtype=np.float64)[candidates]
    over = quantity - own_quantity(stock_of(catalogue.about), moment)
    return -np.where(over > 0.0, over + quantity.max(initial=0.0), -over).astype(np.float32)


def fixed(_moment: Moment, catalogue: Catalogue, texts: tuple[str, ...]) -> Indices:
    """Return the places of the orders that the rules of the texts mean for the subject."""
    stock = stock_of(catalogue.about)
    found = (catalogue.places.get(str(rule_quantity(stock, text))) for text in texts)
    return np.array([place for place in found if place is not None], dtype=np.int64)


HOOKS: Final = Hooks(
    eligible=by_bounds(bounds, CONSTRAINTS),
    constraint_names=CONSTRAINTS,
    baseline=baseline,
    menu=menu,
    bounds=bounds,
    asked=asked,
    fixed=fixed,
    fixed_fault=rule_fault,
    barrier=barrier,
)
