"""Folding histories in: by hand, against the textbook's system, and artifacts that would have no solution."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.artifacts import ArtifactMalformed
from models_registry.predictors.factors import MOST_FACTORS, Factors, factors_of
from models_registry.predictors.history import recency_weights
from models_registry.predictors.popularity import write_items
from models_registry.vocabulary import PredictorKind
from tests.models_registry.predictors.material import FACTORS, FACTORS_SETTINGS, artifact, floats, history


def predictor(settings: dict[str, Any] | None = None, **changes: np.ndarray) -> Factors:
    kept = FACTORS_SETTINGS if settings is None else {**FACTORS_SETTINGS, **settings}
    return factors_of(artifact(PredictorKind.FACTORS, {**FACTORS, **changes}, kept))


def by_the_book(factors: np.ndarray, places: np.ndarray, unobserved: float, penalty: float, half_life: float):
    """Return (unobserved V'V + sum w v v' + penalty I)^-1 sum w v."""
    exact = factors.astype(np.float64)
    weights = recency_weights(len(places), half_life).astype(np.float64) * len(places)
    vectors = exact[places]
    system = unobserved * exact.T @ exact + (vectors.T * weights) @ vectors + penalty * np.eye(exact.shape[1])
    return np.linalg.solve(system, weights @ vectors)


def test_score__one_item__is_what_one_computes_by_hand():
    """0.5 V'V = (1, 0.5; 0.5, 2.5); with (1, 0; 0, 0) and 0.25 I: (2.25, 0.5; 0.5, 2.75) u = (1, 0)."""
    determinant = 2.25 * 2.75 - 0.25
    first, second = 2.75 / determinant, -0.5 / determinant
    scores = predictor().score(history(0))
    assert scores == pytest.approx([0.5 + first, 0.25 + 2 * second, first + second], abs=1e-6)
    assert scores.dtype == np.float32


def test_score__without_a_history__is_the_prior_and_cannot_change_it():
    found = predictor()
    found.score(history())[0] = 9.0
    assert found.score(history()).tolist() == [0.5, 0.25, 0.0]
    assert found.score(history(), history(2, 0)).tolist() == [0.0, 0.5]


def test_score__candidates__are_scored_in_their_order():
    found = predictor()
    assert found.score(history(0, 1), history(2, 0)) == pytest.approx(found.score(history(0, 1))[[2, 0]])
    with pytest.raises(IndexError):
        found.score(history(0), history(3))


@given(st.integers(1, 12), st.integers(1, 50), st.floats(1e-3, 10), st.floats(1e-3, 1), st.floats(0.2, 1e6))
def test_score__any_history__solves_the_system_of_the_book(width, length, unobserved, penalty, half_life):
    rng = np.random.default_rng(width * 100 + length)
    factors = rng.normal(size=(60, width)).astype(np.float32)
    places = rng.permutation(60)[:length]
    found = predictor(
        {"unobserved": unobserved, "penalty": penalty, "half_life": half_life},
        item_ids=write_items(tuple(map(str, range(60)))),
        factors=factors,
        prior=np.zeros(60, dtype=np.float32),
    )
    expected = factors @ by_the_book(factors, places, unobserved, penalty, half_life)
    assert found.score(places) == pytest.approx(expected, abs=1e-4 * max(1.0, float(np.abs(expected).max())))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"factors": floats((1, 0), (0, 2))}, "factors"),
        ({"factors": floats(1, 0, 2)}, "factors"),
        ({"factors": np.zeros((3, 0), dtype=np.float32)}, "factors"),
        ({"factors": np.zeros((3, MOST_FACTORS + 1), dtype=np.float32)}, "factors"),
        ({"factors": np.zeros((3, 2), dtype=np.float16)}, "factors"),
        ({"factors": floats((3e38, 0), (0, 2), (1, 1))}, "factors"),
        ({"factors": floats((1e9, 0), (0, 2), (1, 1))}, "penalty"),
        ({"prior": floats(1)}, "prior"),
        ({"prior": floats(3e38, 0, 0)}, "factors"),
    ],
)
def test_reader__arrays_that_do_not_fit__are_refused_by_name(changes: dict[str, np.ndarray], named: str):
    with pytest.raises(ArtifactMalformed, match=named):
        predictor(**changes)


@pytest.mark.parametrize("name", ["unobserved", "penalty", "half_life"])
@pytest.mark.parametrize("value", [0.0, -1.0, 1e12, "1", None, True, [1.0]])
def test_reader__settings_out_of_bounds__are_refused_by_name(name: str, value: object):
    with pytest.raises(ArtifactMalformed, match=name):
        predictor({name: value})
