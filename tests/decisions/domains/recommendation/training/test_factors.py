"""Implicit factors: solves against the textbook's, gains where tastes cluster, the same from the same seed."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from decisions.domains.recommendation.training import RECIPES
from decisions.domains.recommendation.training import factors as module
from decisions.domains.recommendation.training.factors import batches, solved
from models_registry.gates import GateRule
from models_registry.pipeline import Trained, TrainingDataInsufficient, TrainingDataInvalid, run_pipeline
from tests.decisions.domains.recommendation.training.shop import changed, log_of, shop

QUICK = {"width": 16, "sweeps": 6}


def quiet(*_: object) -> None:
    """Tell nobody."""


def train(log=None, *, seed: int = 1, **parameters: float) -> Trained:
    return run_pipeline(
        RECIPES["factors"],
        shop() if log is None else log,
        parameters=QUICK | parameters,
        seed=seed,
        gate=GateRule(),
        tell=quiet,
    )


def material(width: int) -> tuple[csr_array, np.ndarray]:
    rng = np.random.default_rng(3)
    weights = np.where(rng.uniform(size=(60, 40)) < np.linspace(0, 0.9, 60)[:, None], rng.uniform(0.1, 3, (60, 40)), 0)
    return csr_array(weights.astype(np.float32)), rng.normal(size=(40, width)).astype(np.float32)


@pytest.mark.parametrize("width", [2, 12, 40])
def test_solved__rows_with_fewer_and_more_entries_than_factors__solve_the_system_of_the_book(width: int):
    met, others = material(width)
    found = solved(met, others, unobserved=0.2, penalty=0.05)
    exact = others.astype(np.float64)
    for row, weights in zip(found, met.toarray().astype(np.float64), strict=True):
        system = 0.2 * exact.T @ exact + (exact.T * weights) @ exact + 0.05 * np.eye(width)
        assert row == pytest.approx(np.linalg.solve(system, weights @ exact), abs=1e-4)


def test_solved__in_batches__is_the_same(monkeypatch: pytest.MonkeyPatch):
    met, others = material(12)
    whole = solved(met, others, unobserved=0.2, penalty=0.05)
    monkeypatch.setattr(module, "_CELLS", 2_000)
    assert solved(met, others, unobserved=0.2, penalty=0.05) == pytest.approx(whole, abs=1e-5)


def test_batches__every_row_with_entries__is_in_one_of_them_and_none_is_too_large():
    lengths = np.array([0, 5, 3, 0, 1_000_000, 2, 2])
    found = list(batches(lengths, 64))
    assert sorted(np.concatenate(found).tolist()) == [1, 2, 4, 5, 6]
    assert all(len(batch) == 1 or len(batch) * 64 * (lengths[batch].max() + 64) <= module._CELLS for batch in found)


def test_training__clustered_tastes__beats_popularity():
    trained = train()
    assert trained.gate.passed
    assert trained.metrics["ndcg_at_10"] > 1.5 * trained.metrics["popularity_ndcg_at_10"]


def test_training__the_same_seed__gives_the_same_bytes_and_another_one_others():
    first = train()
    assert first.artifact is not None
    assert first.artifact == train().artifact
    assert first.artifact != train(seed=2).artifact


def test_training__no_tastes_at_all__is_refused_by_the_gate():
    assert train(shop(loyalty=0.0)).artifact is None


def test_training__values_that_are_not_finite__are_refused():
    with pytest.raises(TrainingDataInvalid, match="ratings"):
        train(changed(shop(), ratings=np.full(60, np.nan, dtype=np.float32)))


@pytest.mark.parametrize(
    "log",
    [
        log_of(units=[0] * 9, items=[0, 1, 2] * 3, at=np.linspace(0.1, 0.9, 9), item_count=3),
        log_of(units=[0, 1, 2] * 4, items=[0] * 12, at=np.linspace(0.1, 0.9, 12), item_count=1),
    ],
    ids=["one user", "one item"],
)
@pytest.mark.parametrize("name", ["ease", "factors", "item_item"])
def test_training__one_user_or_one_item_only__is_insufficient(name: str, log):
    with pytest.raises(TrainingDataInsufficient):
        run_pipeline(RECIPES[name], log, parameters={}, seed=1, gate=GateRule(), tell=quiet)


@pytest.mark.parametrize("name", ["ease", "factors", "item_item"])
def test_training__constant_ratings__change_nothing(name: str):
    logs = [changed(shop(units=150), ratings=np.full(60, rating, dtype=np.float32)) for rating in (0.0, 4.0)]
    quick = QUICK if name == "factors" else {}
    first, second = (
        run_pipeline(RECIPES[name], log, parameters=quick, seed=1, gate=GateRule(), tell=quiet).metrics for log in logs
    )
    assert first == second
