"""A slate of 20 from 100 000 items on one core: scoring, what may not be shown, choosing. Prints one JSON object.

The bare limit is one product of a matrix of 100 000 x 32 with a vector; every predictor's median is told as a multiple
of it. `adapting` is what a network takes, once for each published catalogue, to know 100 000 items by their text.
"""

import config.arithmetic  # noqa: F401 - before NumPy is imported, so that it has one thread, as where it serves

# isort: split
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from decisions.domains.recommendation.candidates import most_candidates
from decisions.domains.recommendation.constraints import eligible
from decisions.domains.recommendation.diversity import alike, marginal_relevance, shortlist
from decisions.domains.recommendation.text import TEXT_BUCKETS, text_numbers
from decisions.policies.ranked import ModelRanked
from decisions.policy import Choices, Indices
from decisions.serving.preselection import preselect
from models_registry.pipeline import Fitted
from models_registry.predictors.dense import Activation, Layer, write_layers
from models_registry.predictors.history import LONGEST_HISTORY
from models_registry.predictors.popularity import ITEMS, write_items
from models_registry.predictors.protocol import Adaptable, Predictor
from models_registry.predictors.two_tower import TEXT_BIAS, TEXT_INPUTS, TEXT_VECTORS, USER_TOWER
from models_registry.vocabulary import PredictorKind

COUNT = 100_000
SLATE = 20
WIDTH, HIDDEN, FACTORS = 32, 64, 64
ENTRIES = 300
REQUESTS = 500
BOUGHT = 20
HALF_LIFE = 20.0
TARGET_MILLISECONDS = 5.0
DEFAULT = "ease"

RNG = np.random.default_rng(1)
NAMES = tuple(f"item-{place}" for place in range(COUNT))
POPULARITY = RNG.uniform(size=COUNT).astype(np.float32)
IN_STOCK = RNG.uniform(size=COUNT) < 0.95
HISTORIES = [RNG.integers(0, COUNT, LONGEST_HISTORY) for _ in range(REQUESTS)]


def main() -> int:
    """Measure, print, and return 1 when a figure is worse than promised."""
    vectors, user = _normal(COUNT, WIDTH), _normal(WIDTH)
    bare = _taken(lambda _history: vectors @ user)
    found = {name: _taken(_slates(predictor)) for name, predictor in _predictors().items()}
    for figures in found.values():
        figures["times_the_bare_product"] = round(figures["p50"] / bare["p50"], 2)
    promised = (found[DEFAULT], found["two_tower"])
    result = {
        "benchmark": "slates",
        "items": COUNT,
        "slate": SLATE,
        "history": LONGEST_HISTORY,
        "bare_product": bare,
        "milliseconds": found,
        "diversity_milliseconds": _taken(_diverse(vectors)),
        "adapting_seconds": _adapting(),
        "limits": {"p99": TARGET_MILLISECONDS, "of": [DEFAULT, "two_tower"]},
        "kept": all(figures["p99"] < TARGET_MILLISECONDS for figures in promised),
    }
    print(json.dumps(result))
    return 0 if result["kept"] else 1


def _slates(predictor: Predictor) -> Callable[[Indices], object]:
    """Return what answers one request: the filters, the scores, the policy."""
    most = most_candidates(predictor.kind, COUNT)

    def slate(history: Indices) -> object:
        allowed = eligible(IN_STOCK, bought=history[:BOUGHT], excluded=history[:0], only=None).candidates
        if most < COUNT:
            allowed = preselect(allowed, POPULARITY[allowed], most=most)
            scores = predictor.score(history, allowed)
        else:
            scores = predictor.score(history)[allowed]
        return ModelRanked().choose(Choices(allowed, POPULARITY[allowed], scores), size=SLATE)

    return slate


def _diverse(vectors: np.ndarray) -> Callable[[Indices], object]:
    scores = _normal(COUNT)

    def reranked(_history: Indices) -> object:
        best = shortlist(scores, SLATE)
        return marginal_relevance(scores[best], alike(vectors[best]), size=SLATE, diversity=0.3)

    return reranked


def _predictors() -> Mapping[str, Predictor]:
    settings = {"half_life": HALF_LIFE}
    tower, tower_settings = write_layers(USER_TOWER, _layers((WIDTH, HIDDEN, WIDTH)))
    network, network_settings = write_layers("network", _layers((2 * WIDTH + 9, 64, 32, 1)))
    return {
        "item_item": _fitted(PredictorKind.ITEM_ITEM, _rows("neighbours", "similarity"), settings).predictor(),
        "ease": _fitted(PredictorKind.EASE, _rows("targets", "weights"), settings).predictor(),
        "factors": _fitted(
            PredictorKind.FACTORS,
            {"prior": POPULARITY, "factors": _normal(COUNT, FACTORS)},
            {**settings, "unobserved": 0.3, "penalty": 10.0},
        ).predictor(),
        "two_tower": _fitted(
            PredictorKind.TWO_TOWER, {**_tower_tables(), **tower}, {**settings, **tower_settings}
        ).predictor(),
        "ranking_network": _fitted(
            PredictorKind.RANKING_NETWORK,
            {
                "embeddings": _normal(COUNT, WIDTH),
                "categories": _normal(40, 8),
                "category": RNG.integers(0, 40, COUNT).astype(np.int32),
                "ratings": _normal(COUNT),
                **network,
            },
            {**settings, **network_settings},
        ).predictor(),
    }


def _tower_tables() -> dict[str, np.ndarray]:
    return {
        "inputs": _normal(COUNT, WIDTH),
        "vectors": _normal(COUNT, WIDTH),
        "bias": _normal(COUNT),
        TEXT_INPUTS: _normal(TEXT_BUCKETS, WIDTH),
        TEXT_VECTORS: _normal(TEXT_BUCKETS, WIDTH),
        TEXT_BIAS: _normal(TEXT_BUCKETS),
    }


def _adapting() -> dict[str, float]:
    """Return how long texts take to become numbers, and numbers vectors, for a catalogue of which all is new."""
    tower, settings = write_layers(USER_TOWER, _layers((WIDTH, HIDDEN, WIDTH)))
    fitted = _fitted(PredictorKind.TWO_TOWER, {**_tower_tables(), **tower}, {**settings, "half_life": HALF_LIFE})
    predictor = fitted.predictor()
    assert isinstance(predictor, Adaptable)
    titles = [f"wooden lantern {place} white hanging heart {place % 97}" for place in range(COUNT)]
    started = time.perf_counter()
    numbers = text_numbers(titles, ("Garden",) * COUNT)
    hashed = time.perf_counter()
    predictor.adapted(tuple(titles), numbers)
    return {"hashing": round(hashed - started, 3), "vectors": round(time.perf_counter() - hashed, 3)}


def _rows(columns: str, values: str) -> dict[str, np.ndarray]:
    places = np.sort(RNG.integers(0, COUNT // ENTRIES, (COUNT, ENTRIES)), axis=1) + np.arange(ENTRIES) * (
        COUNT // ENTRIES
    )
    return {
        "prior": POPULARITY * np.float32(0.001),
        "starts": np.arange(0, COUNT * ENTRIES + 1, ENTRIES, dtype=np.int64),
        columns: places.astype(np.int32).ravel(),
        values: RNG.normal(0.0, 0.1, COUNT * ENTRIES).astype(np.float32),
    }


def _layers(widths: tuple[int, ...]) -> tuple[Layer, ...]:
    pairs = list(pairwise(widths))
    return tuple(
        Layer(
            _normal(inputs, outputs) * np.float32(0.1),
            _normal(outputs),
            Activation.LINEAR if place == len(pairs) - 1 else Activation.RELU,
        )
        for place, (inputs, outputs) in enumerate(pairs)
    )


def _fitted(kind: PredictorKind, tensors: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Fitted:
    return Fitted(kind, ("history",), {ITEMS: write_items(NAMES), **tensors}, settings)


def _normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def _taken(request: Callable[[Indices], object]) -> dict[str, float]:
    """Return the median and the 99th percentile of requests one after another in milliseconds, after some to warm.

    `processor_p99` counts only the time in which the processor was this thread's: what other work of a machine adds
    to the 99th percentile is the difference.
    """
    for history in HISTORIES[:20]:
        request(history)
    taken, used = [], []
    for history in HISTORIES:
        started, worked = time.perf_counter(), time.thread_time()
        request(history)
        taken.append((time.perf_counter() - started) * 1e3)
        used.append((time.thread_time() - worked) * 1e3)
    return {
        "p50": round(statistics.median(taken), 3),
        "p99": round(float(np.quantile(taken, 0.99)), 3),
        "processor_p99": round(float(np.quantile(used, 0.99)), 3),
    }


if __name__ == "__main__":
    sys.exit(main())
