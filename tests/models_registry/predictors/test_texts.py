"""Tables of text features, and a two-tower network for items it was not trained on."""

import numpy as np
import pytest

from models_registry.artifacts import ArtifactMalformed
from models_registry.predictors.protocol import Adaptable
from models_registry.predictors.texts import MOST_FEATURES, TextTable
from models_registry.predictors.two_tower import TextTwoTower, two_tower_of
from models_registry.vocabulary import PredictorKind
from tests.models_registry.predictors.material import (
    TEXT_TOWER,
    TWO_TOWER,
    TWO_TOWER_SETTINGS,
    artifact,
    floats,
    history,
)

TABLE = TextTable(floats((1, 0), (0, 2), (4, 4)), 4.0 * 32.0)


def numbers(*rows: object) -> np.ndarray:
    return np.array(rows, dtype=np.int64)


def tower(**changes: np.ndarray) -> TextTwoTower:
    found = two_tower_of(artifact(PredictorKind.TWO_TOWER, {**TEXT_TOWER, **changes}, TWO_TOWER_SETTINGS))
    assert isinstance(found, TextTwoTower)
    return found


def test_of__features__are_summed_by_the_root_of_their_number():
    found = TABLE.of(numbers((0, 1, -1), (2, -1, -1), (-1, -1, -1)))
    assert found == pytest.approx(floats((1 / np.sqrt(2), 2 / np.sqrt(2)), (4, 4), (0, 0)))
    assert found.dtype == np.float32


def test_of__more_items_than_a_block__are_all_summed():
    assert TABLE.of(np.full((10_000, 1), 2, dtype=np.int64)).tolist() == [[4.0, 4.0]] * 10_000


def test_adapted__known_items__score_as_before_and_new_ones_by_their_text():
    found = tower()
    adapted = found.adapted(("new", "c", "a"), numbers((0, 1), (3, 3), (-1, -1)))
    assert adapted.items == ("new", "c", "a")
    before, after = found.score(history(0)), adapted.score(history(2))
    assert after[[1, 2]] == pytest.approx(before[[2, 0]])
    # Of a the tower makes (1.5, 1); features 0 and 1 make the vector (1, 3) / sqrt 2 and the bias 0.5 / sqrt 2.
    user = np.array([1.5, 1.0])
    assert after[0] == pytest.approx((user @ (1, 3) + 0.5) / np.sqrt(2))


def test_adapted__a_new_item_in_the_history__is_read_by_its_text():
    adapted = tower().adapted(("new", "a"), numbers((2, -1), (-1, -1)))
    # Feature 2 makes the input (4, 0), of which the tower makes (4.5, 4).
    assert adapted.score(history(0))[1] == pytest.approx(4.5)


def test_adapted__an_item_without_any_text__is_the_least_liked():
    adapted = tower().adapted(("new", "a", "b", "c"), np.full((4, 2), -1, dtype=np.int64))
    assert adapted.score(history())[0] == pytest.approx(-0.25)


def test_adapted__no_items__is_a_predictor_of_none():
    assert tower().adapted((), np.empty((0, 4), dtype=np.int64)).score(history(1)).shape == (0,)


@pytest.mark.parametrize(
    "wrong",
    [
        numbers((4, 0)),
        numbers((-2, 0)),
        numbers((0,), (0,)),
        np.zeros(1, dtype=np.int64),
        np.zeros((1, MOST_FEATURES + 1), dtype=np.int64),
    ],
)
def test_adapted__numbers_that_do_not_fit__are_refused_and_the_predictor_stays(wrong: np.ndarray):
    found = tower()
    before = found.score(history(0, 1)).tolist()
    with pytest.raises(ArtifactMalformed):
        found.adapted(("new",), wrong)
    assert found.score(history(0, 1)).tolist() == before


def test_adaptable__only_a_network_with_texts__is():
    assert isinstance(tower(), Adaptable)
    assert not isinstance(
        two_tower_of(artifact(PredictorKind.TWO_TOWER, TWO_TOWER, TWO_TOWER_SETTINGS)),
        Adaptable,
    )


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"text_inputs": floats((1,), (0,), (4,), (0,))}, "text_inputs"),
        ({"text_vectors": floats((1, 0), (0, 3), (0, 0))}, "text_vectors"),
        ({"text_vectors": floats((1, 0), (0, 3), (0, 0), (3e38, 0))}, "text_vectors"),
        ({"text_bias": floats(0.5)}, "text_bias"),
        ({"text_inputs": floats((3e38, 1), (0, 2), (4, 0), (0, 0))}, "user.0.weights"),
    ],
)
def test_reader__tables_that_do_not_fit__are_refused_by_name(changes: dict[str, np.ndarray], named: str):
    with pytest.raises(ArtifactMalformed, match=named):
        tower(**changes)
