"""Log-odds by hand, creatives that are new, and artifacts that are none."""

import math
from typing import Any

import numpy as np
import pytest

from models_registry.artifacts import ArtifactMalformed
from models_registry.predictors.crosses import cross_places, places_of
from models_registry.predictors.protocol import Adaptable, Predictor
from tests.models_registry.predictors.hashed import ITEMS, LAYOUT, NUMBERS, SUBJECT, logistic, tables


def by_hand(table: np.ndarray, row: np.ndarray, bias: float) -> float:
    words = row[2:5][row[2:5] != 0]
    total = bias + sum(float(table[place]) for place in places_of(SUBJECT, LAYOUT.bits))
    total += sum(float(table[place]) for place in places_of(row[:2], LAYOUT.bits))
    total += sum(float(table[place]) for place in cross_places(SUBJECT, row[:2], LAYOUT.bits).reshape(-1))
    total += sum(float(table[place]) for place in places_of(words, LAYOUT.bits)) / math.sqrt(max(1, len(words)))
    return 1.0 / (1.0 + math.exp(-total))


def test_score__each_creative__is_what_one_computes_by_hand():
    found, known = logistic(), tables()
    scores = found.score(SUBJECT)
    clicks = [by_hand(known["click.weights"], row, -1.0) for row in NUMBERS]
    orders = by_hand(known["order.weights"], NUMBERS[2], -2.0)
    assert scores == pytest.approx([clicks[0], clicks[1], clicks[2] * orders], rel=1e-5)
    assert scores.dtype == np.float32


def test_score__no_orders_learnt__takes_their_rate():
    scores = logistic({"has_orders": False}).score(SUBJECT)
    assert scores[2] == pytest.approx(by_hand(tables()["click.weights"], NUMBERS[2], -1.0) * 0.25, rel=1e-5)


def test_score__candidates__are_scored_in_their_order_and_repeatably():
    found = logistic()
    assert found.score(SUBJECT, np.array([2, 0])) == pytest.approx(found.score(SUBJECT)[[2, 0]], rel=1e-6)
    assert found.score(SUBJECT).tolist() == found.score(SUBJECT).tolist()
    assert found.score(SUBJECT, np.zeros(0, dtype=np.int64)).shape == (0,)


@pytest.mark.parametrize("candidates", [[-1], [3], [0, 9]])
def test_score__a_candidate_outside__is_refused(candidates):
    with pytest.raises(IndexError):
        logistic().score(SUBJECT, np.array(candidates))


@pytest.mark.parametrize("subject", [np.zeros(0, np.int64), np.ones(3, np.int64)])
def test_score__a_subject_of_another_layout__is_refused(subject):
    with pytest.raises(ValueError, match="2 numbers"):
        logistic().score(subject)


def test_calibration__slope_and_intercept__move_probabilities_and_keep_the_order():
    plain, moved = logistic(), logistic({"click_slope": 0.5, "click_intercept": 0.3, "has_orders": False})
    pairs = [(found.score(SUBJECT, np.array([0, 1]))) for found in (plain, moved)]
    odds = [np.log(scores / (1 - scores)) for scores in pairs]
    assert odds[1] == pytest.approx(0.5 * odds[0] + 0.3, abs=1e-5)


def test_adapted__new_creatives_in_another_order__keep_what_their_numbers_say():
    found = logistic()
    assert isinstance(found, Adaptable)
    adapted: Predictor = found.adapted(("c", "new", "a"), NUMBERS[[2, 1, 0]])
    assert adapted.items == ("c", "new", "a")
    assert adapted.score(SUBJECT).tolist() == found.score(SUBJECT)[[2, 1, 0]].tolist()
    assert found.items == ITEMS


@pytest.mark.parametrize("numbers", [NUMBERS[:2], NUMBERS[:, :5], NUMBERS.astype(np.int32), NUMBERS.astype(np.float64)])
def test_adapted__numbers_that_do_not_fit__are_refused(numbers):
    with pytest.raises(ArtifactMalformed, match="numbers"):
        logistic().adapted(ITEMS, numbers)


@pytest.mark.parametrize(
    ("arrays", "settings", "named"),
    [
        ({"numbers": NUMBERS[:2]}, {}, "numbers"),
        ({"numbers": NUMBERS.astype(np.int32)}, {}, "numbers"),
        ({"numbers": NUMBERS + 2}, {}, "numbers"),
        ({"click.weights": np.zeros(8, np.float32)}, {}, "click.weights"),
        ({"click.weights": np.zeros(LAYOUT.size, np.float16)}, {}, "click.weights"),
        ({"click.weights": np.full(LAYOUT.size, 1e30, np.float32)}, {}, "click.weights"),
        ({"order.weights": np.zeros(8, np.float32)}, {}, "order.weights"),
        ({}, {"bits": 40}, "bits"),
        ({}, {"bits": True}, "bits"),
        ({}, {"bits": 10.0}, "bits"),
        ({}, {"context": 0}, "context"),
        ({}, {"words": -1}, "words"),
        ({}, {"fields": 10_000}, "fields"),
        ({}, {"click_slope": 0.0}, "click_slope"),
        ({}, {"click_slope": -1.0}, "click_slope"),
        ({}, {"click_intercept": 1e9}, "click_intercept"),
        ({}, {"click_bias": "many"}, "click_bias"),
        ({}, {"order_rate": 1.5}, "order_rate"),
        ({}, {"order_rate": None}, "order_rate"),
    ],
)
def test_reader__what_does_not_fit__is_refused_by_name(arrays: dict[str, Any], settings: dict[str, Any], named: str):
    with pytest.raises(ArtifactMalformed, match=named):
        logistic(settings, **arrays)
