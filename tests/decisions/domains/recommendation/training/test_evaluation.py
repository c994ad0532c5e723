"""Figures on users who were held out, by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from decisions.domains.recommendation.training.dataset import HeldOut, split_log
from decisions.domains.recommendation.training.evaluation import evaluate, measure, ndcg_of, translated
from models_registry.gates import CHAMPION, POPULARITY
from models_registry.predictors.popularity import Popularity
from tests.decisions.domains.recommendation.training.shop import shop


def places(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def data(*users: HeldOut, items: int = 60):
    return replace(split_log(shop(items=items), share=0.2, most_users=10, seed=1), held_out=users)


def descending(items: int = 60) -> Popularity:
    return Popularity(shop(items=items).item_ids, -np.arange(items, dtype=np.float32))


def test_ndcg__hits__are_discounted_by_their_place():
    hits = np.array([False, True, False, True] + [False] * 6)
    assert ndcg_of(hits, 2) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3)))
    assert ndcg_of(np.ones(10, dtype=bool), 25) == pytest.approx(1.0)
    assert ndcg_of(np.zeros(10, dtype=bool), 3) == 0.0
    assert ndcg_of(np.array([True]), 1) == 1.0


def test_measure__items_met_before__are_neither_shown_nor_targets():
    found = measure(descending(), data(HeldOut(places(0), places(0, 1), places(2))))
    assert found.ndcg.tolist() == [1.0]
    assert found.recall.tolist() == [1.0]
    assert np.flatnonzero(found.shown).tolist() == list(range(2, 22))


def test_measure__recall_and_coverage__are_of_the_first_twenty():
    users = (HeldOut(places(59), places(59), places(0, 30)), HeldOut(places(58), places(58), places(40)))
    found = measure(descending(), data(*users))
    assert found.recall.tolist() == [0.5, 0.0]
    assert found.metrics("x_") == pytest.approx(
        {
            "x_ndcg_at_10": ndcg_of(np.array([True]), 2) / 2,
            "x_recall_at_20": 0.25,
            "x_coverage_at_20": 20 / 60,
            "x_miscalibration_at_20": found.miscalibration.mean(),
        }
    )


def test_measure__a_catalogue_smaller_than_the_slate__is_shown_whole():
    found = measure(descending(6), data(HeldOut(places(0), places(0), places(5)), items=6))
    assert found.recall.tolist() == [1.0]
    assert found.ndcg.tolist() == [pytest.approx(1 / math.log2(6))]


def test_evaluate__beside_popularity_and_the_champion():
    split = split_log(shop(), share=0.2, most_users=50, seed=1)
    popularity = Popularity(split.log.item_ids, split.popularity)
    found = evaluate(popularity, split, descending())
    assert set(found.references) == {POPULARITY, CHAMPION}
    assert found.references[POPULARITY].tolist() == found.candidate.tolist()
    assert found.metrics["test_users"] == len(found.candidate) == 50
    assert found.metrics["champion_ndcg_at_10"] == pytest.approx(found.references[CHAMPION].mean())
    assert evaluate(popularity, split, None).references.keys() == {POPULARITY}


class LastSeen:
    """Scores the item that was met last by its place, and every other by 0."""

    items = ("b", "gone", "a")

    def score(self, history: np.ndarray, candidates: np.ndarray | None = None) -> np.ndarray:
        scores = np.zeros(3, dtype=np.float32)
        scores[history[:1]] = 1.0 + history[:1]
        return scores


def test_translated__another_catalogue__is_asked_in_its_own_places():
    found = translated(LastSeen(), ("a", "b", "new"))  # type: ignore[arg-type]
    assert found.score(places(0)).tolist() == [3.0, 0.0, -1.0]
    assert found.score(places(2, 1)).tolist() == [0.0, 1.0, -1.0]
    assert found.score(places(0), places(2, 0)).tolist() == [-1.0, 3.0]


def test_evaluate__a_champion_that_knows_none_of_the_items__is_no_obstacle():
    split = split_log(shop(), share=0.2, most_users=50, seed=1)
    stranger = Popularity(("x",), np.ones(1, dtype=np.float32))
    found = evaluate(Popularity(split.log.item_ids, split.popularity), split, stranger)
    assert np.isfinite(found.references[CHAMPION]).all()


def test_evaluate__slices__are_new_and_returning_users():
    split = data(
        HeldOut(places(0), places(0, 1, 2), places(5)),
        HeldOut(places(0), places(0, 1, 2, 3), places(5)),
        HeldOut(places(9), places(9), places(40)),
    )
    found = evaluate(descending(), split, None)
    assert {name: len(part.candidate) for name, part in found.slices.items()} == {"new": 2, "returning": 1}
    assert found.slices["returning"].candidate.tolist() == [found.candidate[1]]
    assert found.slices["new"].references[POPULARITY].tolist() == found.references[POPULARITY][[0, 2]].tolist()


def test_evaluate__slates_of_the_serving_policy__break_no_rule():
    found = evaluate(descending(), data(HeldOut(places(0), places(0, 1), places(5))), None)
    assert found.slates == 1
    assert set(found.violations.values()) == {0}


def test_evaluate__what_it_is_timed_with__is_what_serving_asks():
    user = HeldOut(places(3, 1), places(1, 3), places(5))
    ((subject, candidates),) = evaluate(descending(), data(user), None).requests
    assert subject.tolist() == [3, 1]
    assert candidates is None
