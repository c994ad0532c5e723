"""The challenger of a seed: a model trained in process on what the crowd did before, and the baseline's own scores."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from decisions.domain import InteractionLog
from decisions.domains.recommendation.constraints import eligible
from decisions.domains.recommendation.features import history_of
from decisions.domains.recommendation.training import RECIPES
from decisions.policies.ranked import Baseline, ModelRanked
from decisions.policy import Choices, Indices, Scores
from models_registry.pipeline import checked_parameters
from models_registry.predictors.protocol import Predictor
from simulation.catalogue import Catalogue, Integers
from simulation.past import PAST_DAYS, Deeds

NOTHING = np.zeros(0, dtype=np.int64)
INTEREST = np.array([1.0, 4.0, 10.0])
"""What a view, a cart and an order count in the popularity that the baseline ranks by; the catalogue has the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranker:
    """What decides in a seed: the baseline's scores for every item, the trained predictor, and the items on sale."""

    baseline: Scores
    predictor: Predictor
    candidates: Indices

    def bestsellers(self, size: int) -> Integers:
        """Return the baseline's slate, the same for everybody."""
        return Baseline().choose(Choices(self.candidates, self.baseline[self.candidates]), size=size).actions

    def personal(self, seen: Integers, size: int) -> Integers:
        """Return the trained model's slate for somebody who dealt with these items, the oldest first.

        Somebody without a history gets the baseline's, as when serving.
        """
        if len(seen) == 0:
            return self.bestsellers(size)
        scores = self.predictor.score(history_of(seen), self.candidates)
        choices = Choices(self.candidates, self.baseline[self.candidates], scores)
        return ModelRanked().choose(choices, size=size).actions


def interaction_log(catalogue: Catalogue, deeds: Deeds, start: datetime) -> InteractionLog:
    """Return the crowd's deeds as the log that recipes train on."""
    at = start.timestamp() + deeds.day * 86_400.0
    order = np.lexsort((deeds.item, deeds.shopper, at))
    return InteractionLog(
        units=deeds.shopper[order].astype(np.int32),
        items=deeds.item[order].astype(np.int32),
        kinds=deeds.kind[order].astype(np.int8),
        at=at[order],
        item_ids=catalogue.ids,
        categories=catalogue.categories,
        prices=catalogue.price.astype(np.float32),
        ratings=catalogue.rating.astype(np.float32),
        start=start,
        end=start + timedelta(days=PAST_DAYS),
    )


def ranker_of(catalogue: Catalogue, log: InteractionLog, seed: int) -> Ranker:
    """Return what decides in a seed, trained on the crowd's log."""
    popularity = np.bincount(log.items, weights=INTEREST[log.kinds], minlength=len(catalogue)).astype(np.float32)
    found = eligible(catalogue.in_stock, bought=NOTHING, excluded=NOTHING, only=None)
    return Ranker(popularity, _train(log, seed), found.candidates)


def _train(log: InteractionLog, seed: int) -> Predictor:
    """Return what the item-item recipe learns with its defaults, as it would serve."""
    recipe = RECIPES["item_item"]
    # nobody is held out to be judged by: what the model is worth is known exactly here
    parameters = checked_parameters({"most_test_users": 1}, recipe.parameters)
    data = recipe.dataset(log, parameters=parameters, seed=seed)
    return recipe.fit(data, parameters=parameters, seed=seed, tell=lambda _share: None).predictor()
