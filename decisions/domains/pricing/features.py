"""What a learning policy reads of a price: it and what a piece brings, relative to the shop's own price of the item."""

import numpy as np

from decisions.domains.pricing.settings import PROFIT
from decisions.learning.demand import FEATURES
from decisions.moment import Catalogue, Moment
from decisions.policy import Floats, Indices, Scores

__all__ = ["FEATURES", "action_features"]


def action_features(moment: Moment, catalogue: Catalogue, candidates: Indices, _scores: Scores | None) -> Floats:
    """Return candidates x FEATURES. An item whose sales are unknown has sold nothing.

    Shares of the own price mean the same of every item and in every currency. Where nobody knows the own price it is
    the present one, as in the menu.
    """
    about = catalogue.about
    now = float(about["price"])
    own = float(about.get("own_price", now))
    own = own if own > 0.0 else now
    prices = np.asarray(catalogue.fields["price"], np.float64)[candidates]
    cost = float(about["cost"]) if moment.settings["objective"] == PROFIT else 0.0
    usual = float(about.get("daily_sales", 0.0))
    rest = np.tile([usual, now / own], (len(prices), 1))
    return np.column_stack([prices / own, (prices - cost) / own, rest])
