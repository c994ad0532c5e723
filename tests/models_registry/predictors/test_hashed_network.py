"""Cross layers by hand, creatives that are new, and artifacts that are none."""

from typing import Any

import numpy as np
import pytest

from models_registry.artifacts import ArtifactMalformed
from models_registry.predictors.crosses import places_of, word_shares
from tests.models_registry.predictors.hashed import ITEMS, LAYOUT, NUMBERS, SUBJECT, layers, network


def by_hand(row: np.ndarray) -> np.ndarray:
    """Return both log-odds, by the formulas and in double precision."""
    arrays, _ = layers()
    known = {name: np.asarray(found, dtype=np.float64) for name, found in arrays.items() if name != "item_ids"}
    own = places_of(np.concatenate((SUBJECT, row[:2])), LAYOUT.bits)
    words = word_shares(row[2:5]) @ known["embeddings"][places_of(row[2:5], LAYOUT.bits)]
    start = np.concatenate((known["embeddings"][own].reshape(-1), words))
    state = start
    for place in range(2):
        state = start * (state @ known[f"cross.{place}.weights"] + known[f"cross.{place}.bias"]) + state
    deep = np.maximum(start @ known["deep.0.weights"] + known["deep.0.bias"], 0.0)
    return np.concatenate((state, deep)) @ known["head.0.weights"] + known["head.0.bias"]


def test_score__each_creative__is_what_one_computes_by_hand():
    logits = np.array([by_hand(row) for row in NUMBERS])
    chances = 1.0 / (1.0 + np.exp(-logits))
    scores = network().score(SUBJECT)
    assert scores == pytest.approx([chances[0, 0], chances[1, 0], chances[2].prod()], rel=1e-4)
    assert scores.dtype == np.float32


def test_score__one_head__takes_the_rate_of_orders():
    found = network(heads=1)
    clicks = found.adapted(ITEMS, NUMBERS * [1, 1, 1, 1, 1, 0]).score(SUBJECT)
    assert found.score(SUBJECT) == pytest.approx(clicks * [1.0, 1.0, 0.25], rel=1e-6)


def test_score__candidates__are_scored_in_their_order():
    found = network()
    assert found.score(SUBJECT, np.array([2, 0])) == pytest.approx(found.score(SUBJECT)[[2, 0]], rel=1e-5)
    with pytest.raises(IndexError):
        found.score(SUBJECT, np.array([3]))
    with pytest.raises(ValueError, match="2 numbers"):
        found.score(np.ones(3, dtype=np.int64))


def test_adapted__new_creatives__keep_what_their_numbers_say():
    found = network()
    adapted = found.adapted(("c", "new"), NUMBERS[[2, 0]])
    assert adapted.score(SUBJECT) == pytest.approx(found.score(SUBJECT)[[2, 0]], rel=1e-5)
    with pytest.raises(ArtifactMalformed, match="numbers"):
        found.adapted(ITEMS, NUMBERS[:, :4])


WIDTH = 10


@pytest.mark.parametrize(
    ("arrays", "settings", "named"),
    [
        ({"embeddings": np.zeros((8, 2), np.float32)}, {}, "embeddings"),
        ({"embeddings": np.zeros((LAYOUT.size, 0), np.float32)}, {}, "embeddings"),
        ({"embeddings": np.full((LAYOUT.size, 2), 1e20, np.float32)}, {}, "cross"),
        ({"cross.0.weights": np.zeros((WIDTH, WIDTH - 1), np.float32)}, {}, "cross.0"),
        ({"cross.1.weights": np.full((WIDTH, WIDTH), 1e29, np.float32)}, {}, "cross.1"),
        ({"deep.0.weights": np.zeros((WIDTH + 1, 4), np.float32)}, {}, "deep.0"),
        ({"head.0.weights": np.zeros((WIDTH + 4, 3), np.float32), "head.0.bias": np.zeros(3, np.float32)}, {}, "head"),
        ({"head.0.weights": np.zeros((WIDTH + 3, 2), np.float32)}, {}, "head"),
        ({}, {"cross": ["relu", "linear"]}, "cross"),
        ({}, {"cross": []}, "cross"),
        ({}, {"head": ["sigmoid"]}, "head"),
        ({}, {"head": ["linear", "linear"]}, "head"),
        ({}, {"order_slope": 0.0}, "order_slope"),
        ({}, {"bits": 9}, "embeddings"),
        ({}, {"order_rate": 2.0}, "order_rate"),
    ],
)
def test_reader__what_does_not_fit__is_refused_by_name(arrays: dict[str, Any], settings: dict[str, Any], named: str):
    with pytest.raises(ArtifactMalformed, match=named):
        network(settings, **arrays)
