"""Item-item training: similarities by hand, and gains where tastes cluster."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_array

from decisions.domains.recommendation.training import RECIPES
from decisions.domains.recommendation.training import item_item as module
from decisions.domains.recommendation.training.item_item import nearest
from models_registry.gates import GateRule
from models_registry.pipeline import Trained, TrainingDataInsufficient, run_pipeline
from tests.decisions.domains.recommendation.training.shop import log_of, shop

CONTACTS = csr_array(np.array([[1, 1, 0, 0], [1, 0, 2, 0], [2, 1, 0, 0]], dtype=np.float32))


def quiet(*_: object) -> None:
    """Tell nobody."""


def train(log=None, *, seed: int = 1, **parameters: float) -> Trained:
    return run_pipeline(
        RECIPES["item_item"], log or shop(), parameters=parameters, seed=seed, gate=GateRule(), tell=quiet
    )


def rows(starts: np.ndarray, neighbours: np.ndarray, similarity: np.ndarray) -> list[dict[int, float]]:
    return [dict(zip(neighbours[a:b].tolist(), similarity[a:b].tolist(), strict=True)) for a, b in pairwise(starts)]


def test_nearest__similarities__are_shrunk_cosines():
    found = rows(*nearest(CONTACTS, most=10, shrinkage=1.0, tell=quiet))
    assert found[0] == pytest.approx({1: 3 / (np.sqrt(6 * 2) + 1), 2: 2 / (np.sqrt(6) * 2 + 1)})
    assert found[1] == pytest.approx({0: 3 / (np.sqrt(6 * 2) + 1)})
    assert found[2] == pytest.approx({0: 2 / (np.sqrt(6) * 2 + 1)})
    assert found[3] == {}


def test_nearest__only_the_best__are_kept():
    assert [list(row) for row in rows(*nearest(CONTACTS, most=1, shrinkage=0.0, tell=quiet))] == [[1], [0], [0], []]


def test_nearest__in_blocks__is_the_same(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(3)
    contacts = csr_array((rng.uniform(size=(80, 31)) < 0.2).astype(np.float32))
    whole = nearest(contacts, most=5, shrinkage=2.0, tell=quiet)
    monkeypatch.setattr(module, "BLOCK_CELLS", 100)
    blocks = nearest(contacts, most=5, shrinkage=2.0, tell=quiet)
    assert all(np.array_equal(a, b) for a, b in zip(whole, blocks, strict=True))


def test_training__clustered_tastes__beats_popularity():
    trained = train()
    assert trained.gate.passed
    assert trained.metrics["ndcg_at_10"] > 2 * trained.metrics["popularity_ndcg_at_10"]
    assert trained.gate.comparisons[0].lower > 0


def test_training__no_tastes_at_all__is_refused_by_the_gate():
    trained = train(shop(loyalty=0.0))
    assert trained.artifact is None


def test_training__the_same_data__gives_the_same_bytes():
    first, second = train(), train()
    assert first.artifact is not None
    assert first.artifact == second.artifact
    assert (first.metrics, first.gate.comparisons) == (second.metrics, second.gate.comparisons)
    assert (first.gate.slices, first.dataset) == (second.gate.slices, second.dataset)


def test_training__other_data__tells_another_lineage():
    assert train().dataset["sha256"] != train(shop(seed=2)).dataset["sha256"]


def test_training__too_little__is_insufficient():
    with pytest.raises(TrainingDataInsufficient):
        train(log_of(units=[], items=[], at=[], item_count=0))
