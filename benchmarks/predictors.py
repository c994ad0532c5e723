"""Latency of scoring 10 000 items for one request: each predictor, and Keras on the same network. Prints JSON."""

import config.arithmetic  # noqa: F401 - before NumPy is imported, so that it has one thread, as where it serves

# isort: split
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from decisions.domains.recommendation.candidates import MOST_CANDIDATES
from decisions.domains.recommendation.training import ranking_network, two_tower
from decisions.domains.recommendation.training.networks import Sizes, ranking
from decisions.domains.recommendation.training.networks import two_tower as two_towers
from decisions.domains.recommendation.training.samples import weights_table
from decisions.domains.recommendation.training.texts import TextSpace
from decisions.serving.preselection import preselect
from models_registry.pipeline import Fitted
from models_registry.predictors.history import LONGEST_HISTORY
from models_registry.predictors.popularity import ITEMS, write_items
from models_registry.predictors.protocol import Predictor
from models_registry.vocabulary import PredictorKind

COUNT = 10_000
CATEGORIES = 40
WIDTH = 32
TEXT_WIDTH = 64
FACTORS = 64
NEIGHBOURS = 100
HALF_LIFE = 20.0
REQUESTS = 200
TARGET_RATIO = 20.0
TARGET_MILLISECONDS = 0.5

NAMES = tuple(f"item-{place}" for place in range(COUNT))
RNG = np.random.default_rng(1)
CATEGORY = RNG.integers(0, CATEGORIES, COUNT).astype(np.int32)
RATING = RNG.normal(size=COUNT).astype(np.float32)
POPULARITY = RNG.uniform(size=COUNT).astype(np.float32)
HISTORIES = [RNG.integers(0, COUNT, LONGEST_HISTORY) for _ in range(REQUESTS)]
PLACES = np.arange(COUNT, dtype=np.int64)

Request = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Case:
    """One network as it serves and as Keras has it; `inputs` makes a history the arguments of the model."""

    predictor: Predictor
    candidates: np.ndarray | None
    model: Any
    inputs: Callable[[np.ndarray], list[Any]]


def main() -> int:
    """Measure and print."""
    predictors = {
        "popularity": _fitted(PredictorKind.POPULARITY, {"popularity": POPULARITY}).predictor(),
        "item_item": _sparse(PredictorKind.ITEM_ITEM, "neighbours", "similarity"),
        "ease": _sparse(PredictorKind.EASE, "targets", "weights"),
        "factors": _factors(),
    }
    results = {name: _milliseconds(predictor.score) for name, predictor in predictors.items()}
    report: dict[str, Any] = {"benchmark": "predictors", "items": COUNT, "history": LONGEST_HISTORY}
    try:
        report |= _networks(results)
    except ImportError:
        report["keras"] = "not installed"
    report["milliseconds"] = results
    report["targets"] = {"keras_times_the_numpy_p50": TARGET_RATIO, "two_tower_p50": TARGET_MILLISECONDS}
    print(json.dumps(report))
    return 0


def _networks(results: dict[str, Any]) -> dict[str, Any]:
    """Add what the networks take to the results and return how many times faster than Keras each is.

    For the ranking network a request scores the best 1 000 items by popularity, as serving does, in NumPy as in
    Keras; scoring all is reported beside it. "keras" calls the model; "keras_compiled" the same model as a
    tf.function; "keras_predict" is model.predict.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(1)
    table, sizes = weights_table(HALF_LIFE), Sizes(COUNT, CATEGORIES, WIDTH)
    best = preselect(PLACES, POPULARITY, most=MOST_CANDIDATES[PredictorKind.RANKING_NETWORK])
    text = TextSpace(RNG.normal(size=(COUNT, TEXT_WIDTH)).astype(np.float32), np.zeros((1, TEXT_WIDTH), np.float32))
    towers, network = two_towers(sizes, text.items), ranking(sizes)
    own = np.ones(COUNT, dtype=np.float32)
    vectors, bias = (tf.constant(part) for part in towers.item([PLACES.astype(np.int32), own, RATING]))
    user = keras.Model(towers.user.inputs, keras.ops.matmul(towers.user.output, tf.transpose(vectors)) + bias)
    facts = two_tower.ItemFacts(NAMES, RATING, own > 0.0)
    tower = two_tower.export(towers, text, facts, HALF_LIFE).predictor()
    ranker = ranking_network.export(network, NAMES, CATEGORY, RATING, HALF_LIFE).predictor()

    def of_history(history: np.ndarray) -> list[Any]:
        return [tf.constant(history[None].astype(np.int32)), tf.constant(table[[len(history)]])]

    def of_items(places: np.ndarray) -> Callable[[np.ndarray], list[Any]]:
        columns = [tf.constant(column[places][None]) for column in (PLACES.astype(np.int32), CATEGORY, RATING)]
        return lambda history: [*of_history(history), *columns]

    cases = {
        "two_tower": Case(tower, None, user, of_history),
        "ranking_network": Case(ranker, best, network.model, of_items(best)),
        "ranking_network_all_items": Case(ranker, None, network.model, of_items(PLACES)),
    }
    results |= {name: _measure(case, tf) for name, case in cases.items()}
    ratios = {
        name: {other: round(taken["p50"] / results[name]["numpy"]["p50"], 1) for other, taken in results[name].items()}
        for name in cases
    }
    return {"times_the_numpy_p50": ratios}


def _measure(case: Case, tf: Any) -> dict[str, dict[str, float]]:
    """Return what a request takes in NumPy and in Keras, having made sure that both give the same scores."""
    compiled = tf.function(case.model)

    def numpy(history: np.ndarray) -> np.ndarray:
        return case.predictor.score(history, case.candidates)

    def called(history: np.ndarray) -> np.ndarray:
        return np.asarray(case.model(case.inputs(history)).numpy()[0])

    def called_compiled(history: np.ndarray) -> np.ndarray:
        return np.asarray(compiled(case.inputs(history)).numpy()[0])

    def predicted(history: np.ndarray) -> np.ndarray:
        return np.asarray(case.model.predict(case.inputs(history), verbose=0)[0])

    _ensure_equal(numpy(HISTORIES[0]), called(HISTORIES[0]))
    return {
        "numpy": _milliseconds(numpy),
        "keras": _milliseconds(called),
        "keras_compiled": _milliseconds(called_compiled),
        "keras_predict": _milliseconds(predicted, requests=30),
    }


def _ensure_equal(found: np.ndarray, expected: np.ndarray) -> None:
    difference = float(np.abs(found - expected).max())
    assert difference <= 1e-5 * max(1.0, float(np.abs(expected).max())), f"the two differ by {difference}"


def _sparse(kind: PredictorKind, columns: str, values: str) -> Predictor:
    rows = [np.sort(RNG.choice(COUNT, NEIGHBOURS, replace=False)) for _ in range(COUNT)]
    tensors = {
        "prior": POPULARITY * np.float32(0.02),
        "starts": np.arange(0, COUNT * NEIGHBOURS + 1, NEIGHBOURS, dtype=np.int64),
        columns: np.concatenate(rows).astype(np.int32),
        values: RNG.uniform(size=COUNT * NEIGHBOURS).astype(np.float32),
    }
    return _fitted(kind, tensors).predictor()


def _factors() -> Predictor:
    tensors = {"prior": POPULARITY, "factors": RNG.normal(size=(COUNT, FACTORS)).astype(np.float32)}
    fitted = _fitted(PredictorKind.FACTORS, tensors)
    return replace(fitted, settings={**fitted.settings, "unobserved": 0.3, "penalty": 10.0}).predictor()


def _fitted(kind: PredictorKind, tensors: Mapping[str, np.ndarray]) -> Fitted:
    return Fitted(kind, ("history",), {ITEMS: write_items(NAMES), **tensors}, {"half_life": HALF_LIFE})


def _milliseconds(request: Request, *, requests: int = REQUESTS) -> dict[str, float]:
    """Return the median and the 99th percentile of requests one after another, after ten to warm up."""
    for history in HISTORIES[:10]:
        request(history)
    taken = []
    for history in HISTORIES[:requests]:
        started = time.perf_counter()
        request(history)
        taken.append((time.perf_counter() - started) * 1e3)
    return {"p50": round(statistics.median(taken), 4), "p99": round(float(np.quantile(taken, 0.99)), 4)}


if __name__ == "__main__":
    sys.exit(main())
