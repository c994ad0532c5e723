"""What recommendation makes of a moment: what may be shown, what models are asked about, what learners read."""

import json
from dataclasses import replace
from typing import Any

import numpy as np

from decisions.domains.recommendation.domain import DOMAIN
from decisions.domains.recommendation.hooks import HOOKS
from decisions.moment import Catalogue
from decisions.serving.catalogues import read_catalogue
from decisions.serving.loader import NOBODY
from models_registry.vocabulary import PredictorKind
from tests.decisions.published import ITEMS, catalogue_bytes


def catalogue(**fields: Any) -> Catalogue:
    """Return the items of tests with these fields."""
    columns = json.loads(catalogue_bytes()) | {"schema": 2, "collection": "items", "fields": fields}
    return read_catalogue(json.dumps(columns).encode())


def test_eligible__of_somebody_with_a_past__leaves_out_what_the_constraints_say_in_their_order():
    moment = replace(NOBODY, bought=("item-00", "gone"), excluded=("item-01", "item-00"), only=ITEMS[:6])

    found = HOOKS.eligible(moment, catalogue())

    assert found.candidates.tolist() == [2, 4, 5]
    assert tuple(found.removed) == HOOKS.constraint_names
    assert list(found.removed.values()) == [24, 1, 1, 1]


def test_subject__history__is_where_the_model_has_its_items_the_most_recent_first():
    places = {"item-02": 7, "item-05": 1}

    assert HOOKS.subject(replace(NOBODY, history=("item-05", "gone", "item-02")), places).tolist() == [1, 7]
    assert HOOKS.subject(NOBODY, places).tolist() == []


def test_worth__diversity_asked_for__deals_the_scores_out_anew():
    known = catalogue(category=["a", "a", "b", *["a"] * 27])
    candidates, scores = np.arange(3), np.array([3.0, 2.0, 1.0], dtype=np.float32)

    plain = HOOKS.worth(replace(NOBODY, size=2), known, candidates, scores)
    diverse = HOOKS.worth(replace(NOBODY, size=2, context={"diversity": 1}), known, candidates, scores)

    assert plain is scores
    assert diverse.tolist() == [3.0, 1.0, 2.0]
    assert "diversity" in DOMAIN.context


def test_action_features__of_candidates__are_as_many_as_their_names_say():
    assert HOOKS.action_features is not None
    features = HOOKS.action_features(NOBODY, catalogue(), np.arange(4), None)

    assert features.shape == (4, len(HOOKS.feature_names))
    assert np.isfinite(features).all()


def test_item_numbers__titles__are_a_row_of_whole_numbers_for_each_item():
    assert HOOKS.item_numbers is not None
    numbers = HOOKS.item_numbers(catalogue(title=["Mug"] * 29 + ["蓝色杯子"]))

    assert numbers.dtype == np.dtype(np.int64)
    assert len(numbers) == 30
    assert numbers[0].tolist() == numbers[1].tolist()
    assert numbers[0].tolist() != numbers[29].tolist()


def test_most_candidates__costly_kind__is_bounded():
    assert HOOKS.most_candidates(PredictorKind.RANKING_NETWORK, 5_000) == 1_000
    assert HOOKS.most_candidates(PredictorKind.TWO_TOWER, 5_000) == 5_000
