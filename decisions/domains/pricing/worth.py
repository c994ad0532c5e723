"""What the prices of a menu are worth: by a model of demand, and to the policy that has none."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from decisions.domains.pricing.constraints import SAME
from decisions.domains.pricing.settings import PROFIT
from decisions.moment import Catalogue, Moment
from decisions.policy import Indices, Scores
from foundation.money import MICROS

_NOTHING: Final = np.zeros(0, np.int64)


def asked(moment: Moment, catalogue: Catalogue, places: Mapping[str, int]) -> Indices:
    """Return the item's place in the model, then the prices of the menu in millionths; nothing for an unknown item."""
    place = places.get(moment.subject)
    if place is None:
        return _NOTHING
    prices = np.rint(np.asarray(catalogue.fields["price"]) * MICROS)
    return np.concatenate(((place,), prices)).astype(np.int64)


def worth(moment: Moment, catalogue: Catalogue, candidates: Indices, scores: Scores) -> Scores:
    """Return profit, (price - cost) x demand, or revenue, price x demand, of a day at each price; currency units.

    scores: a model's demand, pieces a day; less than nothing is nothing. One that is no number stays none, so that the
    engine refuses it.
    """
    prices = np.asarray(catalogue.fields["price"], np.float64)[candidates]
    if moment.settings["objective"] == PROFIT:
        prices = prices - float(catalogue.about["cost"])
    return (prices * np.maximum(scores.astype(np.float64), 0.0)).astype(np.float32)


def baseline(_moment: Moment, catalogue: Catalogue, candidates: Indices) -> Scores:
    """Return what prefers the shop's own price where it may be asked for, else the present one, else the nearest.

    So an item returns to what the shop asks for it as soon as nobody decides otherwise: in a test by period, the
    control has the shop's prices again when its turn comes.
    """
    if not len(candidates):
        return np.zeros(0, np.float32)
    prices = np.asarray(catalogue.fields["price"], np.float64)[candidates]
    now = float(catalogue.about["price"])
    own = float(catalogue.about.get("own_price", now))
    target = own if (np.abs(prices - own) < SAME).any() else now
    return (-np.abs(prices - target) / now).astype(np.float32)
