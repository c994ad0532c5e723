"""A fair contest of recipes: the same number of trials for each on a validation period, then one look at the test."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

import numpy as np

from decisions.domain import InteractionLog
from decisions.domain_reports import Tell
from decisions.domains.recommendation.training import RECIPES
from decisions.domains.recommendation.training.dataset import RecommendationData
from decisions.domains.recommendation.training.evaluation import Measured, measure
from models_registry.gates import Figures
from models_registry.pipeline import TrainingDiverged, checked_parameters
from models_registry.predictors.popularity import Popularity
from models_registry.predictors.protocol import Predictor

POPULARITY: Final = "popularity"
_NEVER: Final = 1e6
"""A half-life in which no item of a history counts less than another."""
_HALF_LIVES: Final = (5.0, 20.0, 100.0, _NEVER)

Values = Mapping[str, Sequence[float]]

CONTENDERS: Final[Mapping[str, Values]] = MappingProxyType(
    {
        "item_item": {
            "neighbours": (50, 100, 200, 400),
            "shrinkage": (0.0, 5.0, 20.0, 100.0),
            "prior": (0.0, 0.005, 0.02),
            "half_life": _HALF_LIVES,
        },
        "factors": {
            "width": (32, 64, 128),
            "penalty": (3.0, 6.0, 10.0, 15.0, 25.0),
            "unobserved": (0.05, 0.1, 0.3, 1.0),
            "half_life": _HALF_LIVES,
        },
        "ease": {
            "penalty": (50.0, 100.0, 200.0, 400.0, 800.0, 1600.0),
            "prior": (0.0, 0.001, 0.01),
            "half_life": _HALF_LIVES,
        },
        "ranking_network": {
            "learning_rate": (0.003, 0.01),
            "decay": (0.03, 0.1, 0.3),
            "epochs": (3, 6),
            "half_life": _HALF_LIVES,
        },
        "two_tower": {
            "learning_rate": (0.001, 0.003, 0.006),
            "decay": (0.03, 0.1, 0.3),
            "width": (32, 64),
            "epochs": (3, 6),
            "half_life": _HALF_LIVES,
        },
    }
)
"""The recipes, simple ones first, and the values that are tried of their parameters."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """validation: lies wholly before what `test` is judged by, and is what parameters are chosen on."""

    validation: RecommendationData
    test: RecommendationData


@dataclass(frozen=True, slots=True)
class Contest:
    """contenders: by recipe. trials: of each, the first with its defaults. seeds: of the final trainings of each."""

    contenders: Mapping[str, Values]
    trials: int
    seeds: tuple[int, ...]
    search_seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What became of a recipe.

    chosen: the parameters that differ from its defaults. validation: the mean nDCG@10 by which they were chosen.
    measured: on the test, one for each seed. predictor: of the first seed.
    """

    recipe: str
    chosen: Mapping[str, float]
    validation: float
    measured: tuple[Measured, ...]
    predictor: Predictor

    @property
    def ndcg_of_users(self) -> Figures:
        """nDCG@10 of each user, the mean over the seeds."""
        return _mean_of([one.ndcg for one in self.measured])

    @property
    def recall_of_users(self) -> Figures:
        """Recall@20 of each user, the mean over the seeds."""
        return _mean_of([one.recall for one in self.measured])

    @property
    def ndcg(self) -> float:
        """The mean nDCG@10 over users and seeds."""
        return float(self.ndcg_of_users.mean())


def compete(contest: Contest, split: Split, *, tell: Tell) -> tuple[Result, ...]:
    """Return the result of popularity and of every contender, in their order."""
    shared = Popularity(split.test.log.item_ids, split.test.popularity)
    judged = Popularity(split.validation.log.item_ids, split.validation.popularity)
    validation = float(measure(judged, split.validation).ndcg.mean())
    results = [Result(POPULARITY, {}, validation, (measure(shared, split.test),), shared)]
    for recipe, values in contest.contenders.items():
        chosen, validation = tuned(recipe, values, contest, split.validation, tell=tell)
        predictors = [trained(recipe, chosen, split.test, seed=seed) for seed in contest.seeds]
        measured = tuple(measure(predictor, split.test) for predictor in predictors)
        results.append(Result(recipe, chosen, validation, measured, predictors[0]))
        tell(f"{recipe}: NDCG@10 {results[-1].ndcg:.4f} on the test")
    return tuple(results)


def tuned(
    recipe: str, values: Values, contest: Contest, data: RecommendationData, *, tell: Tell
) -> tuple[Mapping[str, float], float]:
    """Return the parameters with the best nDCG@10 on the validation, the first of equal ones, and that figure.

    Raises TrainingDiverged where no trial could be trained.
    """
    best: tuple[Mapping[str, float], float] | None = None
    for number, tried in enumerate(draws(values, contest.trials, seed=contest.search_seed), 1):
        try:
            figure = float(measure(trained(recipe, tried, data, seed=contest.search_seed), data).ndcg.mean())
        except TrainingDiverged:
            tell(f"{recipe}: trial {number} diverged, {dict(tried)}")
            continue
        tell(f"{recipe}: trial {number} of {contest.trials}, NDCG@10 {figure:.4f}, {dict(tried)}")
        if best is None or figure > best[1]:
            best = tried, figure
    if best is None:
        raise TrainingDiverged(f"No trial of {recipe} could be trained.")
    return best


def draws(values: Values, count: int, *, seed: int) -> list[Mapping[str, float]]:
    """Return at most `count` different sets of parameters: none changed first, then ones drawn from all there are."""
    grid = [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]
    drawn = np.random.default_rng(seed).permutation(len(grid))[: count - 1]
    return [{}, *(grid[place] for place in drawn.tolist())]


def trained(recipe: str, parameters: Mapping[str, float], data: RecommendationData, *, seed: int) -> Predictor:
    """Return the predictor that would serve, learnt from what lies before the split. Raises TrainingDiverged."""
    known = RECIPES[recipe]
    complete = checked_parameters(parameters, known.parameters)
    return known.fit(data, parameters=complete, seed=seed, tell=_quiet).predictor()


def before(data: RecommendationData) -> InteractionLog:
    """Return the rows of a split log that lie before the split, as a log that ends there."""
    log, rows = data.log, data.train_rows
    columns = {name: getattr(log, name)[:rows] for name in ("units", "items", "kinds", "at")}
    end = datetime.fromtimestamp(float(log.at[rows - 1]), UTC) + timedelta(seconds=1)
    return replace(log, **columns, end=min(end, log.end))


def _mean_of(figures: Sequence[Figures]) -> Figures:
    mean: Figures = np.mean(figures, axis=0)
    return mean


def _quiet(_share: float) -> None:
    """Tell nobody."""
