"""Scoring 500 advertising candidates for one request, beside a bare gather and product of as many numbers. JSON."""

import config.arithmetic  # noqa: F401 - before NumPy is imported, so that it has one thread, as where it serves

# isort: split
import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import numpy as np

from decisions.domains.ad_placement.features import FACTS, FIELDS, creative_numbers, layout, moment_numbers
from decisions.domains.ad_placement.training.networks import cross_network
from models_registry.exporters.learning_loop import TensorFlowMissing, prepare
from models_registry.pipeline import Fitted
from models_registry.predictors.crosses import places_of, word_shares
from models_registry.predictors.dense import Activation, Layer, write_layers
from models_registry.predictors.hashed_logistic import HAS_ORDERS
from models_registry.predictors.hashed_network import CROSS, DEEP, EMBEDDINGS, HEAD
from models_registry.predictors.popularity import ITEMS, write_items
from models_registry.predictors.protocol import Predictor
from models_registry.vocabulary import PredictorKind

CANDIDATES: Final = 500
REQUESTS: Final = 300
BITS: Final = 18
NETWORK_BITS: Final = 14
WIDTH: Final = 8
TARGET_MILLISECONDS: Final = 2.0

RNG = np.random.default_rng(1)
NAMES: Final = tuple(f"creative-{place}" for place in range(CANDIDATES))
NUMBERS: Final = creative_numbers(
    NAMES,
    {
        "campaign": [f"campaign-{place % 60}" for place in range(CANDIDATES)],
        "advertiser": [f"advertiser-{place % 20}" for place in range(CANDIDATES)],
        "category": [f"category-{place % 12}" for place in range(CANDIDATES)],
        "title": [f"Fresh number {place} 夏季清仓 every day" for place in range(CANDIDATES)],
        "pays": ["order" if place % 4 == 0 else "click" for place in range(CANDIDATES)],
    },
)
BEGIN: Final = datetime(2026, 3, 2, tzinfo=UTC)
MOMENTS: Final = [
    moment_numbers({"slot": f"slot-{place % 7}", "device": "phone"}, BEGIN + timedelta(hours=place))
    for place in range(REQUESTS)
]
PLACES: Final = np.arange(CANDIDATES, dtype=np.int64)
CALIBRATION: Final = {"click_slope": 1.1, "click_intercept": 0.1, "order_slope": 0.9, "order_intercept": 0.0}

Request = Callable[[np.ndarray], np.ndarray]


def main() -> int:
    """Measure and print."""
    predictors = {"hashed_logistic": _logistic(), "hashed_network": _network()}
    milliseconds = {name: _milliseconds(partial(_scored, it)) for name, it in predictors.items()}
    milliseconds["subject"] = _milliseconds(lambda _: moment_numbers({"slot": "top", "device": "phone"}, BEGIN))
    milliseconds["gather_and_product"] = _milliseconds(_bare())
    bare = milliseconds["gather_and_product"]["p50"]
    report: dict[str, Any] = {
        "benchmark": "ads",
        "candidates": CANDIDATES,
        "milliseconds": milliseconds,
        "times_the_bare_gather_p50": {name: milliseconds[name]["p50"] / bare for name in predictors},
        "targets": {"p99": TARGET_MILLISECONDS},
    }
    try:
        keras = _milliseconds(_keras())
        report["milliseconds"]["keras_network"] = keras
        report["keras_times_the_numpy_p50"] = keras["p50"] / milliseconds["hashed_network"]["p50"]
    except TensorFlowMissing:
        report["keras"] = "not installed"
    print(json.dumps(report))
    return 0


def _scored(predictor: Predictor, moment: np.ndarray) -> np.ndarray:
    return predictor.score(moment, PLACES)


def _logistic() -> Predictor:
    shape = layout(BITS)
    tensors = {
        ITEMS: write_items(NAMES),
        "numbers": NUMBERS,
        "click.weights": RNG.normal(0.0, 0.1, shape.size).astype(np.float32),
        "order.weights": RNG.normal(0.0, 0.1, shape.size).astype(np.float32),
    }
    settings = {**shape.settings(), **CALIBRATION, "click_bias": -4.0, "order_bias": -2.0, "order_rate": 0.1}
    return Fitted(PredictorKind.HASHED_LOGISTIC, (), tensors, settings | {HAS_ORDERS: True}).predictor()


def _network() -> Predictor:
    shape = layout(NETWORK_BITS)
    width = (len(FACTS) + len(FIELDS) + 1) * WIDTH
    cross = (_layer(width, width, Activation.LINEAR), _layer(width, width, Activation.LINEAR))
    deep = (_layer(width, 32, Activation.RELU), _layer(32, 16, Activation.RELU))
    head = (_layer(width + 16, 2, Activation.LINEAR),)
    tensors: dict[str, np.ndarray] = {
        ITEMS: write_items(NAMES),
        "numbers": NUMBERS,
        EMBEDDINGS: RNG.normal(0.0, 0.1, (shape.size, WIDTH)).astype(np.float32),
    }
    settings: dict[str, Any] = {**shape.settings(), **CALIBRATION, "order_rate": 0.1}
    for name, layers in ((CROSS, cross), (DEEP, deep), (HEAD, head)):
        arrays, activations = write_layers(name, layers)
        tensors |= arrays
        settings |= activations
    return Fitted(PredictorKind.HASHED_NETWORK, (), tensors, settings).predictor()


def _keras() -> Request:
    """Return a request to a Keras model of the same network, called as it is. Raises TensorFlowMissing."""
    prepare(seed=1, threads=1)
    shape = layout(NETWORK_BITS)
    model = cross_network(shape, width=WIDTH, crosses=2, hidden=(32, 16)).model
    words = places_of(NUMBERS[:, shape.fields : -1], NETWORK_BITS)
    shares = word_shares(NUMBERS[:, shape.fields : -1])

    def request(moment: np.ndarray) -> np.ndarray:
        facts = np.broadcast_to(moment, (CANDIDATES, len(moment)))
        own = np.concatenate((facts, NUMBERS[:, : shape.fields]), axis=1)
        return np.asarray(model([places_of(own, NETWORK_BITS), words, shares], training=False))

    return request


def _layer(inputs: int, outputs: int, activation: Activation) -> Layer:
    weights = RNG.normal(0.0, inputs**-0.5, (inputs, outputs)).astype(np.float32)
    return Layer(weights, np.zeros(outputs, dtype=np.float32), activation)


def _bare() -> Request:
    """Return a request that gathers as many weights as the logistic model does and multiplies them by a vector."""
    crosses = len(FACTS) * len(FIELDS)
    table = RNG.normal(0.0, 0.1, 1 << BITS).astype(np.float32)
    places = RNG.integers(0, len(table), (CANDIDATES, crosses))
    ones = np.ones(crosses, dtype=np.float32)
    return lambda _moment: table[places] @ ones


def _milliseconds(request: Request) -> dict[str, float]:
    for moment in MOMENTS[:20]:
        request(moment)
    taken = []
    for moment in MOMENTS:
        began = time.perf_counter()
        request(moment)
        taken.append((time.perf_counter() - began) * 1_000)
    found = statistics.quantiles(taken, n=100)
    return {"p50": round(found[49], 4), "p99": round(found[98], 4)}


if __name__ == "__main__":
    sys.exit(main())
