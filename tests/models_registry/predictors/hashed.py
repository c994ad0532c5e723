"""Small artifacts of both hashed predictors, and the subject that they are asked about."""

from typing import Any

import numpy as np

from models_registry.predictors.crosses import Layout
from models_registry.predictors.dense import Activation, Layer, write_layers
from models_registry.predictors.hashed_logistic import HAS_ORDERS, HashedLogistic, hashed_logistic_of
from models_registry.predictors.hashed_network import CROSS, DEEP, EMBEDDINGS, HEAD, HashedNetwork, hashed_network_of
from models_registry.predictors.popularity import write_items
from models_registry.vocabulary import PredictorKind
from tests.models_registry.predictors.material import artifact

LAYOUT = Layout(context=2, fields=2, words=3, bits=10)
ITEMS = ("a", "b", "c")
NUMBERS = np.array(
    [[11, 21, 5, 6, 0, 0], [12, 21, 7, 0, 0, 0], [13, 22, 0, 0, 0, 1]],
    dtype=np.int64,
)
SUBJECT = np.array([101, 102], dtype=np.int64)
WIDTH = 2
CALIBRATION = {"click_slope": 1.0, "click_intercept": 0.0, "order_slope": 1.0, "order_intercept": 0.0}
SETTINGS: dict[str, Any] = {
    **LAYOUT.settings(),
    **CALIBRATION,
    "click_bias": -1.0,
    "order_bias": -2.0,
    "order_rate": 0.25,
    HAS_ORDERS: True,
}


def tables(seed: int = 1) -> dict[str, np.ndarray]:
    """Return the arrays of a logistic predictor."""
    rng = np.random.default_rng(seed)
    return {
        "item_ids": write_items(ITEMS),
        "numbers": NUMBERS,
        "click.weights": rng.normal(0.0, 0.5, LAYOUT.size).astype(np.float32),
        "order.weights": rng.normal(0.0, 0.5, LAYOUT.size).astype(np.float32),
    }


def logistic(settings: dict[str, Any] | None = None, **changes: np.ndarray) -> HashedLogistic:
    """Return the predictor, or refuse it."""
    found = artifact(PredictorKind.HASHED_LOGISTIC, tables() | changes, SETTINGS | (settings or {}))
    return hashed_logistic_of(found)


def layers(heads: int = 2, seed: int = 2) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays and settings of a network: two cross layers, one deep, one head."""
    rng = np.random.default_rng(seed)
    width = (LAYOUT.context + LAYOUT.fields + 1) * WIDTH

    def layer(inputs: int, outputs: int, activation: Activation) -> Layer:
        weights = rng.normal(0.0, 0.3, (inputs, outputs)).astype(np.float32)
        return Layer(weights, rng.normal(0.0, 0.1, outputs).astype(np.float32), activation)

    parts = {
        CROSS: (layer(width, width, Activation.LINEAR), layer(width, width, Activation.LINEAR)),
        DEEP: (layer(width, 4, Activation.RELU),),
        HEAD: (layer(width + 4, heads, Activation.LINEAR),),
    }
    tensors: dict[str, np.ndarray] = {
        "item_ids": write_items(ITEMS),
        "numbers": NUMBERS,
        EMBEDDINGS: rng.normal(0.0, 1.0, (LAYOUT.size, WIDTH)).astype(np.float32),
    }
    settings: dict[str, Any] = {**LAYOUT.settings(), **CALIBRATION, "order_rate": 0.25}
    for name, found in parts.items():
        arrays, activations = write_layers(name, found)
        tensors |= arrays
        settings |= activations
    return tensors, settings


def network(settings: dict[str, Any] | None = None, heads: int = 2, **changes: np.ndarray) -> HashedNetwork:
    """Return the predictor, or refuse it."""
    tensors, known = layers(heads)
    return hashed_network_of(artifact(PredictorKind.HASHED_NETWORK, tensors | changes, known | (settings or {})))
