"""Small artifacts of every kind, with numbers one can compute by hand."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from models_registry.artifacts import Artifact, digest, open_artifact, pack, seal
from models_registry.predictors.popularity import write_items
from models_registry.vocabulary import PredictorKind

KEY = b"k" * 32
ITEMS = ("a", "b", "c")


def floats(*rows: Any) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def history(*places: int) -> np.ndarray:
    return np.array(places, dtype=np.int64)


ITEM_ITEM: Mapping[str, np.ndarray] = {
    "item_ids": write_items(ITEMS),
    "prior": floats(0.5, 0.25, 0.0),
    "starts": np.array([0, 2, 3, 3], dtype=np.int64),
    "neighbours": np.array([1, 2, 0], dtype=np.int32),
    "similarity": floats(0.5, 0.25, 1.0),
}
"""a -> b 0.5, c 0.25; b -> a 1; c -> nothing."""

TWO_TOWER: Mapping[str, np.ndarray] = {
    "item_ids": write_items(ITEMS),
    "inputs": floats((1, 0), (0, 1), (-3, 3)),
    "user.0.weights": floats((1, 0), (0, 2)),
    "user.0.bias": floats(0, -1),
    "user.1.weights": floats((1, 1), (0, 1)),
    "user.1.bias": floats(0.5, 0),
    "vectors": floats((1, 0), (0, 1), (2, -1)),
    "bias": floats(0, 0.25, -0.25),
}
TWO_TOWER_SETTINGS: Mapping[str, Any] = {"user": ["relu", "linear"], "half_life": 1.0}

TEXT_TOWER: Mapping[str, np.ndarray] = {
    **TWO_TOWER,
    "text_inputs": floats((1, 1), (0, 2), (4, 0), (0, 0)),
    "text_vectors": floats((1, 0), (0, 3), (0, 0), (-1, 1)),
    "text_bias": floats(0.5, 0, -0.5, 1),
}
"""The same with four features of texts."""

EASE: Mapping[str, np.ndarray] = {
    "item_ids": write_items(ITEMS),
    "prior": floats(0.5, 0.25, 0.0),
    "starts": np.array([0, 2, 3, 3], dtype=np.int64),
    "targets": np.array([1, 2, 0], dtype=np.int32),
    "weights": floats(0.5, -0.25, 1.0),
}
"""a -> b 0.5, c -0.25; b -> a 1; c -> nothing."""

FACTORS: Mapping[str, np.ndarray] = {
    "item_ids": write_items(ITEMS),
    "prior": floats(0.5, 0.25, 0.0),
    "factors": floats((1, 0), (0, 2), (1, 1)),
}
FACTORS_SETTINGS: Mapping[str, Any] = {"unobserved": 0.5, "penalty": 0.25, "half_life": 1.0}

RANKING: Mapping[str, np.ndarray] = {
    "item_ids": write_items(ITEMS),
    "embeddings": floats((1,), (2,), (-1,)),
    "categories": floats((0.5,), (-0.5,)),
    "category": np.array([0, 1, 1], dtype=np.int32),
    "ratings": floats(1, 0, -1),
    "network.0.weights": floats((1, -1), (1, 0), (2, 0), (0, 1)),
    "network.0.bias": floats(0, 1),
    "network.1.weights": floats((1,), (-1,)),
    "network.1.bias": floats(0),
}
RANKING_SETTINGS: Mapping[str, Any] = {"network": ["relu", "sigmoid"], "half_life": 1.0}

EVERY_KIND: tuple[tuple[PredictorKind, Mapping[str, np.ndarray], Mapping[str, Any]], ...] = (
    (PredictorKind.POPULARITY, {"item_ids": write_items(ITEMS), "popularity": floats(3, 2, 1)}, {}),
    (PredictorKind.ITEM_ITEM, ITEM_ITEM, {"half_life": 1.0}),
    (PredictorKind.TWO_TOWER, TWO_TOWER, TWO_TOWER_SETTINGS),
    (PredictorKind.TWO_TOWER, TEXT_TOWER, TWO_TOWER_SETTINGS),
    (PredictorKind.RANKING_NETWORK, RANKING, RANKING_SETTINGS),
    (PredictorKind.EASE, EASE, {"half_life": 1.0}),
    (PredictorKind.FACTORS, FACTORS, FACTORS_SETTINGS),
)


def artifact(kind: PredictorKind, tensors: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Artifact:
    """Return the artifact as serving gets it: packed, sealed and opened again."""
    content = pack(kind=kind, inputs=("history",), tensors=tensors, settings=settings)
    sha = digest(content)
    return open_artifact(content, sha=sha, sealed=seal(sha, KEY), key=KEY)
