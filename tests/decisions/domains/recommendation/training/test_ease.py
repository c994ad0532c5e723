"""EASE: the closed form against the textbook's, gains where tastes cluster, and what it refuses."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from decisions.domains.recommendation.training import RECIPES
from decisions.domains.recommendation.training import ease as module
from decisions.domains.recommendation.training.ease import CatalogueTooLarge, inverted, largest_entries
from models_registry.gates import GateRule
from models_registry.pipeline import Trained, TrainingDiverged, run_pipeline
from tests.decisions.domains.recommendation.training.shop import log_of, shop

RNG = np.random.default_rng(2)
BASKETS = csr_array((RNG.uniform(size=(50, 12)) < 0.3).astype(np.float32))


def quiet(*_: object) -> None:
    """Tell nobody."""


def train(log=None, **parameters: float) -> Trained:
    return run_pipeline(RECIPES["ease"], log or shop(), parameters=parameters, seed=1, gate=GateRule(), tell=quiet)


def book(penalty: float) -> np.ndarray:
    """Return I - P / diag(P), which is 0 on the diagonal."""
    dense = BASKETS.toarray().astype(np.float64)
    inverse = np.linalg.inv(dense.T @ dense + penalty * np.eye(12))
    return np.eye(12) - inverse / np.diag(inverse)


def dense(starts: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    found = np.zeros((len(starts) - 1, len(starts) - 1))
    for row in range(len(found)):
        kept = slice(starts[row], starts[row + 1])
        found[row, targets[kept]] = weights[kept]
    return found


def test_map__all_entries__are_those_of_the_closed_form():
    found = dense(*largest_entries(inverted(BASKETS, penalty=2.0, tell=quiet), most=12))
    assert found == pytest.approx(book(2.0), abs=1e-6)


def test_map__the_largest_entries__are_kept_by_magnitude():
    expected = book(2.0)
    found = dense(*largest_entries(inverted(BASKETS, penalty=2.0, tell=quiet), most=3))
    for row, exact in zip(found, expected, strict=True):
        kept = np.flatnonzero(row)
        assert set(kept) == set(np.argsort(-np.abs(exact))[:3])
        assert row[kept] == pytest.approx(exact[kept], abs=1e-6)


def test_map__in_blocks__is_the_same(monkeypatch: pytest.MonkeyPatch):
    whole = inverted(BASKETS, penalty=2.0, tell=quiet)
    monkeypatch.setattr(module, "_BLOCK_CELLS", 30)
    assert inverted(BASKETS, penalty=2.0, tell=quiet) == pytest.approx(whole, abs=1e-12)


def test_map__no_inverse__has_diverged():
    with pytest.raises(TrainingDiverged):
        inverted(csr_array(np.array([[1.0, 1.0]])), penalty=-5.0, tell=quiet)


def test_training__clustered_tastes__beats_popularity():
    trained = train()
    assert trained.gate.passed
    assert trained.metrics["ndcg_at_10"] > 2 * trained.metrics["popularity_ndcg_at_10"]


def test_training__no_tastes_at_all__is_refused_by_the_gate():
    assert train(shop(loyalty=0.0)).artifact is None


def test_training__the_same_data__gives_the_same_bytes():
    first = train()
    assert first.artifact is not None
    assert first.artifact == train().artifact


def test_training__items_that_nobody_met__say_and_are_said_nothing():
    log = log_of(
        units=[0, 0, 1, 1, 2, 2, 0, 1], items=[0, 2, 0, 2, 2, 4, 4, 4], at=np.linspace(0.1, 0.9, 8), item_count=6
    )
    recipe = RECIPES["ease"]
    data = recipe.dataset(log, parameters={"test_share": 0.25, "most_test_users": 9}, seed=1)
    parameters = {"penalty": 0.5, "targets": 10, "prior": 0.0, "longest_basket": 500, "half_life": 20.0}
    predictor = recipe.fit(data, parameters=parameters, seed=1, tell=quiet).predictor()
    scores = predictor.score(np.array([0]))
    assert scores[[1, 3, 5]].tolist() == [0.0, 0.0, 0.0]
    assert scores[2] > 0.0
    assert not predictor.score(np.array([1])).any()


def test_training__more_items_than_it_can_hold__is_refused_before_anything_is_computed(monkeypatch):
    monkeypatch.setattr(module, "MOST_ITEMS", 59)
    with pytest.raises(CatalogueTooLarge, match="60 items") as refused:
        train()
    assert refused.value.code == "CATALOGUE_TOO_LARGE"
    assert "factors" in refused.value.hint


def test_training__everybody_alike__is_refused_by_the_gate():
    rng = np.random.default_rng(1)
    log = log_of(
        units=np.repeat(np.arange(150), 6),
        items=np.concatenate([rng.permutation(8)[:6] for _ in range(150)]),
        at=rng.uniform(size=900),
        item_count=8,
    )
    trained = train(log)
    assert trained.artifact is None
    assert np.isfinite(list(trained.metrics.values())).all()
