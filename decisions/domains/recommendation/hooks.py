"""What recommendation does while it serves: filters, the history as what models are asked about, preselection."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from decisions.domain import Hooks
from decisions.domains.recommendation.action_features import FEATURE_NAMES, action_features
from decisions.domains.recommendation.candidates import most_candidates
from decisions.domains.recommendation.constraints import CONSTRAINTS
from decisions.domains.recommendation.constraints import eligible as filtered
from decisions.domains.recommendation.diversity import worth
from decisions.domains.recommendation.text import item_numbers
from decisions.moment import Catalogue, Eligible, Moment
from decisions.policy import Indices
from models_registry.vocabulary import PredictorKind


def eligible(moment: Moment, catalogue: Catalogue) -> Eligible:
    """Return the items that may be shown: in stock, not bought, not excluded, and among those asked about."""
    return filtered(
        catalogue.in_stock,
        bought=_places(moment.bought, catalogue.places),
        excluded=_places(moment.excluded, catalogue.places),
        only=None if moment.only is None else _places(moment.only, catalogue.places),
    )


def subject(moment: Moment, places: Mapping[str, int]) -> Indices:
    """Return where the model has the items that somebody dealt with, the most recent first."""
    return _places(moment.history, places)


def most(kind: str, size: int) -> int:
    """Return how many of `size` candidates a predictor of the kind is asked to score."""
    return most_candidates(PredictorKind(kind), size)


def _places(items: tuple[str, ...], places: Mapping[str, int]) -> Indices:
    return np.array([place for place in map(places.get, items) if place is not None], dtype=np.int64)


HOOKS: Final = Hooks(
    eligible=eligible,
    subject=subject,
    worth=worth,
    most_candidates=most,
    item_numbers=item_numbers,
    action_features=action_features,
    feature_names=FEATURE_NAMES,
    constraint_names=CONSTRAINTS,
)
