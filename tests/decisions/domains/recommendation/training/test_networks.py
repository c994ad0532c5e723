"""Networks trained with TensorFlow: what serves is what was trained, and it knows tastes."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from decisions.domains.recommendation.features import category_codes, rating_feature
from decisions.domains.recommendation.text import text_numbers
from decisions.domains.recommendation.training import RECIPES, ranking_network, two_tower
from decisions.domains.recommendation.training.networks import Sizes, ranking
from decisions.domains.recommendation.training.networks import two_tower as two_towers
from decisions.domains.recommendation.training.samples import weights_table
from decisions.domains.recommendation.training.texts import text_space
from models_registry.artifacts import digest, open_artifact, seal
from models_registry.gates import GateRule
from models_registry.pipeline import Trained, TrainingDataInsufficient, TrainingDiverged, run_pipeline
from models_registry.predictors.history import LONGEST_HISTORY
from models_registry.predictors.loading import predictor_of
from models_registry.predictors.protocol import Adaptable, Predictor
from tests.decisions.domains.recommendation.training.shop import changed, log_of, shop

pytestmark = pytest.mark.slow
keras = pytest.importorskip("keras", reason="networks are trained with TensorFlow, which is not installed")

KEY = b"k" * 32
QUICK = {
    "two_tower": {"epochs": 12, "batch": 128, "width": 16},
    "ranking_network": {"epochs": 10, "batch": 128, "width": 16},
}
each_network = pytest.mark.parametrize("name", QUICK)
RNG = np.random.default_rng(8)
KINDS = ("lantern", "teapot", "cushion", "红色连衣裙", "ribbon", "蓝牙耳机")
HISTORIES = [RNG.integers(0, 60, length) for length in (0, 1, 2, 3, 10, 40, 50, 50)]


def train(name: str, *, log: Any = None, seed: int = 1, **parameters: float) -> Trained:
    return run_pipeline(
        RECIPES[name],
        shop() if log is None else log,
        parameters=QUICK[name] | parameters,
        seed=seed,
        gate=GateRule(),
        tell=lambda step, share: None,
    )


@cache
def trained(name: str) -> Trained:
    return train(name)


def served(found: Trained) -> Predictor:
    assert found.artifact is not None
    sha = digest(found.artifact)
    return predictor_of(open_artifact(found.artifact, sha=sha, sealed=seal(sha, KEY), key=KEY))


def as_rows(histories: list[np.ndarray], half_life: float) -> tuple[np.ndarray, np.ndarray]:
    rows = np.zeros((len(histories), LONGEST_HISTORY), dtype=np.int32)
    for row, history in zip(rows, histories, strict=True):
        row[: len(history)] = history
    return rows, weights_table(half_life)[[len(history) for history in histories]]


def scrambled(variables: list[Any], spread: float) -> None:
    """Give a network weights that are as large as those of a trained one."""
    rng = np.random.default_rng(6)
    for variable in variables:
        variable.assign(rng.normal(0.0, spread, variable.shape))


def equal_to_scale(found: np.ndarray, expected: np.ndarray) -> bool:
    return float(np.abs(found - expected).max()) <= 1e-5 * max(1.0, float(np.abs(expected).max()))


@pytest.mark.parametrize("spread", [0.1, 1.0])
def test_two_tower__what_serves__is_the_network_to_1e_5(spread: float):
    log = shop()
    text = text_space(log, width=8, rng=np.random.default_rng(1))
    rating, met = rating_feature(log.ratings), np.arange(60) % 5 != 0
    network = two_towers(Sizes(60, 0, 16), text.items)
    scrambled(network.variables, spread)
    for untold in np.flatnonzero(~met):  # what nothing was learnt of counts for nothing, in the network by zeros
        network.inputs.embeddings[untold].assign(np.zeros(16))
    about = two_tower.ItemFacts(log.item_ids, rating, met)
    predictor = two_tower.export(network, text, about, 20.0).predictor()
    vectors, bias = network.item([np.arange(60), met.astype(np.float32), rating])
    expected = (network.user(as_rows(HISTORIES, 20.0)).numpy() @ vectors.numpy().T) + bias.numpy()
    assert equal_to_scale(np.array([predictor.score(history) for history in HISTORIES]), expected)


def test_two_tower__items_it_was_not_trained_on__are_what_the_network_makes_of_their_text():
    log = changed(shop(), titles=tuple(f"word{place % 6} thing" for place in range(60)))
    text = text_space(log, width=8, rng=np.random.default_rng(1))
    network = two_towers(Sizes(60, 0, 16), text.items)
    scrambled(network.variables, 0.3)
    facts = two_tower.ItemFacts(log.item_ids, np.zeros(60, dtype=np.float32), np.ones(60, dtype=np.bool_))
    predictor = two_tower.export(network, text, facts, 20.0).predictor()
    assert isinstance(predictor, Adaptable)
    new = tuple(f"new-{place}" for place in range(60))
    adapted = predictor.adapted(new + log.item_ids, np.tile(text_numbers(log.titles, log.categories), (2, 1)))
    vectors, bias = network.item([np.arange(60), np.zeros(60), np.zeros(60)])
    user = network.user(as_rows([HISTORIES[4]], 20.0)).numpy()[0]
    found = adapted.score(HISTORIES[4] + 60)
    assert equal_to_scale(found[:60], vectors.numpy() @ user + bias.numpy())
    assert found[60:] == pytest.approx(predictor.score(HISTORIES[4]), abs=1e-5)


def test_training__new_items_of_a_category_in_their_title__are_ranked_by_taste():
    log = changed(shop(), categories=("",) * 60, titles=tuple(f"{KINDS[place % 6]} {place}" for place in range(60)))
    predictor = served(train("two_tower", log=log, epochs=25, text_only=0.3))
    assert isinstance(predictor, Adaptable)
    new = tuple(f"new {kind}" for kind in KINDS)
    adapted = predictor.adapted((*log.item_ids, *new), text_numbers((*log.titles, *new), ("",) * 66))
    right = sum(
        int(np.argmax(adapted.score(np.array([category + 6, category + 18, category + 30]))[60:])) == category
        for category in range(6)
    )
    assert right >= 5


@pytest.mark.parametrize("spread", [0.1, 1.0])
def test_ranking_network__what_serves__is_the_network_to_1e_5(spread: float):
    log = shop()
    category, names = category_codes(log.categories)
    rating = rating_feature(log.ratings)
    network = ranking(Sizes(60, len(names), 16))
    scrambled(network.model.trainable_variables, spread)
    predictor = ranking_network.export(network, log.item_ids, category, rating, 20.0).predictor()
    items = [np.tile(column, (len(HISTORIES), 1)) for column in (np.arange(60), category, rating)]
    expected = network.model([*as_rows(HISTORIES, 20.0), *items]).numpy()
    assert equal_to_scale(np.array([predictor.score(history) for history in HISTORIES]), expected)


@each_network
def test_training__clustered_tastes__beats_popularity(name: str):
    found = trained(name)
    assert found.gate.passed
    assert found.metrics["ndcg_at_10"] > 1.5 * found.metrics["popularity_ndcg_at_10"]
    assert found.signature["kind"] == name


@each_network
def test_training__a_history_of_one_category__ranks_that_category_first(name: str):
    predictor = served(trained(name))
    for category in range(6):
        best = np.argsort(-predictor.score(np.array([category + 6, category + 18, category + 30])))[:10]
        assert np.count_nonzero(best % 6 == category) >= 7


@each_network
def test_training__the_same_seed_and_data__gives_equal_predictions(name: str):
    first, second = served(trained(name)), served(train(name))
    for history in HISTORIES:
        assert np.abs(first.score(history) - second.score(history)).max() <= 1e-6


@each_network
def test_training__another_seed__gives_another_network(name: str):
    other = served(train(name, seed=2))
    assert np.abs(other.score(HISTORIES[4]) - served(trained(name)).score(HISTORIES[4])).max() > 1e-4


@each_network
@pytest.mark.parametrize("rate", [1.0, 100.0, 1e6])
def test_training__an_absurd_learning_rate__diverges(name: str, rate: float):
    with pytest.raises(TrainingDiverged):
        train(name, learning_rate=rate, epochs=3)


@each_network
def test_training__too_little__is_insufficient(name: str):
    with pytest.raises(TrainingDataInsufficient):
        train(name, log=log_of(units=[0] * 9, items=[0, 1, 2] * 3, at=np.linspace(0.1, 0.9, 9), item_count=3))


def test_training__a_sample_of_the_catalogue_at_a_time__still_learns_tastes():
    found = train("two_tower", negatives=20)
    assert found.metrics["ndcg_at_10"] > 1.5 * found.metrics["popularity_ndcg_at_10"]


@each_network
def test_training__progress__reaches_the_end(name: str):
    told: list[tuple[str, float]] = []
    run_pipeline(
        RECIPES[name],
        shop(units=120),
        parameters=QUICK[name] | {"epochs": 1},
        seed=1,
        gate=GateRule(),
        tell=lambda step, share: told.append((step, share)),
    )
    assert [share for _, share in told] == sorted(share for _, share in told)
    assert max(share for step, share in told if step == "fit") == pytest.approx(0.8)
