"""What orders would have cost in the held-out weeks: each rule sees its own sales, and lost ones only as such."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import ndtri

from decisions.domains.restock.policies import base_stock, critical_ratio, fitted_order, lots, min_max
from decisions.domains.restock.training.choosing import Moments
from decisions.domains.restock.training.naive import naive_quantiles
from decisions.domains.restock.training.panel import Bools, Floats, Panel
from decisions.domains.restock.training.real_data.contest import quantiles_of
from models_registry.pipeline import Parameters

LEAD: Final = 2
REVIEW: Final = 1
HELD_OUT: Final = 12


@dataclass(frozen=True, slots=True)
class Prices:
    """missing: margin lost with a piece that was not there. holding: of a piece for a week."""

    missing: float
    holding: float

    @property
    def ratio(self) -> float:
        """The share of intervals that demand should be met in: a piece more is held for a review period."""
        return float(critical_ratio(self.missing, self.holding * REVIEW))


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """Of each series over the held-out weeks: cost in margins of a lost piece, pieces lost, held and asked for."""

    cost: Floats
    lost: Floats
    held: Floats
    asked: Floats

    @property
    def fill_rate(self) -> float:
        """The share of the pieces asked for that were there."""
        return 1.0 - float(self.lost.sum() / max(1.0, self.asked.sum()))


Rule = Callable[[Panel, Floats, Prices], Floats]
"""(what this rule has seen, position of each series, prices) -> pieces to order."""


def simulated(panel: Panel, rule: Rule, prices: Prices) -> Costs:
    """Return what a rule costs in the last HELD_OUT steps: it orders at the end of each, for LEAD steps later.

    Every series begins with what sells in lead time and review at the mean of before. Demand beyond the stock is lost,
    and from then on the rule knows of that step only that demand was at least what was sold.
    """
    first = panel.steps - HELD_OUT
    on_hand = np.ceil(panel.between(0, first).means * (LEAD + REVIEW))
    coming = np.zeros((LEAD, panel.series))
    seen = replace(panel, units=panel.units.copy(), known=panel.known.copy(), censored=panel.censored.copy())
    lost, held = np.zeros((2, panel.series))
    for step in range(first, panel.steps):
        order = fitted_order(rule(seen.between(0, step), on_hand + coming.sum(axis=0), prices))
        on_hand = on_hand + coming[0]
        coming = np.vstack((coming[1:], order))
        sold = np.minimum(on_hand, panel.units[:, step])
        short: Bools = panel.units[:, step] > sold
        lost += panel.units[:, step] - sold
        on_hand = on_hand - sold
        held += on_hand
        seen.units[:, step], seen.known[:, step], seen.censored[:, step] = sold, ~short, short & (sold > 0.0)
    asked = panel.units[:, first:].sum(axis=1)
    return Costs(prices.missing * lost + prices.holding * held, lost, held, asked)


def forecast_rule(
    foresee: Callable[[Panel, Parameters, int, Callable[[float], None]], Moments], parameters: Parameters
) -> Rule:
    """Return the newsvendor's rule: up to the quantile of demand in lead time and review, forecast anew every step."""

    def rule(panel: Panel, position: Floats, prices: Prices) -> Floats:
        moments = foresee(panel.with_bounds(), parameters, 1, lambda _share: None)
        levels = quantiles_of(panel, moments, LEAD + REVIEW, np.array([prices.ratio]))[:, 0]
        return base_stock(position, levels)

    return rule


def fixed_level(before: Panel, prices: Prices) -> Floats:
    """Return the textbook's reorder point: mean of lead time and review, and z standard deviations of it."""
    steps = LEAD + REVIEW
    spread = before.units.std(axis=1, ddof=1) * np.sqrt(steps)
    found: Floats = before.means * steps + float(ndtri(prices.ratio)) * spread
    return found


def fixed_base_stock(before: Panel) -> Rule:
    """Return the rule that orders up to the fixed level, set once from what was before."""
    return lambda _panel, position, prices: base_stock(position, np.ceil(fixed_level(before, prices)))


def fixed_min_max(before: Panel) -> Rule:
    """Return the (s, S) rule with the fixed level as s, and the mean of a step more as S."""

    def rule(_panel: Panel, position: Floats, prices: Prices) -> Floats:
        level = np.ceil(fixed_level(before, prices))
        return min_max(position, reorder_point=level, order_up_to=level + np.ceil(before.means))

    return rule


def fixed_lots(before: Panel) -> Rule:
    """Return the (R, Q) rule with the fixed level as R, and the mean of a step as Q."""

    def rule(_panel: Panel, position: Floats, prices: Prices) -> Floats:
        level = np.ceil(fixed_level(before, prices))
        return lots(position, reorder_point=level - 1.0, lot=np.maximum(1.0, np.ceil(before.means)))

    return rule


def naive_rule(panel: Panel, position: Floats, prices: Prices) -> Floats:
    """Return orders up to the quantile of the naive forecast."""
    return base_stock(position, naive_quantiles(panel, LEAD + REVIEW, (prices.ratio,))[:, 0])
