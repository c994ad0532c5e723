"""Every kind of predictor from its artifact: what all of them promise."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models_registry.artifacts import Artifact, ArtifactMalformed, Manifest, TensorSpec
from models_registry.predictors.loading import predictor_of
from models_registry.predictors.popularity import write_items
from models_registry.vocabulary import PredictorKind
from tests.models_registry.predictors.material import EVERY_KIND, ITEMS, artifact, history

Case = tuple[PredictorKind, Mapping[str, np.ndarray], Mapping[str, Any]]
each_kind = pytest.mark.parametrize("case", EVERY_KIND, ids=lambda case: case[0].value)

OF_THEIR_OWN = {
    PredictorKind.HASHED_LOGISTIC,
    PredictorKind.HASHED_NETWORK,
    PredictorKind.DEMAND,
    PredictorKind.FORECAST,
}
"""Asked about subjects that are no histories: the same promises are in test_hashed, test_demand and test_forecast."""


def test_loading__every_kind__has_a_reader():
    assert [case[0] for case in EVERY_KIND if predictor_of(artifact(*case)).kind is case[0]] == [
        kind for kind, _, _ in EVERY_KIND
    ]
    assert {case[0] for case in EVERY_KIND} | OF_THEIR_OWN == set(PredictorKind)


@each_kind
def test_loading__any_array_missing__is_refused(case: Case):
    kind, tensors, settings = case
    for name in tensors:
        with pytest.raises(ArtifactMalformed):
            predictor_of(artifact(kind, {key: value for key, value in tensors.items() if key != name}, settings))


@each_kind
def test_loading__arrays_of_another_kind__are_refused(case: Case):
    for kind, tensors, settings in EVERY_KIND:
        if kind is not case[0]:
            with pytest.raises(ArtifactMalformed):
                predictor_of(artifact(case[0], tensors, settings))


@each_kind
def test_loading__fewer_items_than_rows__is_refused(case: Case):
    kind, tensors, settings = case
    with pytest.raises(ArtifactMalformed):
        predictor_of(artifact(kind, {**tensors, "item_ids": write_items(ITEMS[:2])}, settings))


@each_kind
def test_predictor__of_any_kind__cannot_be_changed(case: Case):
    predictor = predictor_of(artifact(*case))
    with pytest.raises((AttributeError, TypeError)):
        predictor.items = ()  # type: ignore[misc]


@each_kind
def test_predictor__asked_from_several_threads__answers_as_alone(case: Case):
    predictor = predictor_of(artifact(*case))
    rng = np.random.default_rng(5)
    histories = [rng.integers(0, 3, rng.integers(0, 60)) for _ in range(200)]
    alone = [predictor.score(found).tolist() for found in histories]
    with ThreadPoolExecutor(8) as pool:
        assert [scores.tolist() for scores in pool.map(predictor.score, histories)] == alone


@each_kind
def test_predictor__any_history__gives_a_finite_float32_for_each_item(case: Case):
    predictor = predictor_of(artifact(*case))

    @given(arrays(np.int64, st.integers(0, 120)))
    def finite(places: np.ndarray) -> None:
        scores = predictor.score(places)
        assert scores.shape == (3,)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    finite()


NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)
MODERATE = st.floats(-1e3, 1e3, width=32)


@each_kind
def test_predictor__any_finite_numbers__are_refused_or_give_finite_scores(case: Case):
    kind, tensors, settings = case
    learnt = [name for name, tensor in tensors.items() if tensor.dtype == np.float32]

    @given(st.data(), st.lists(st.integers(-2, 4), max_size=60))
    def refused_or_finite(data: st.DataObject, places: list[int]) -> None:
        numbers = data.draw(st.sampled_from([NUMBERS, MODERATE]))
        changed = {name: data.draw(arrays(np.float32, tensors[name].shape, elements=numbers)) for name in learnt}
        everything = {**tensors, **changed}
        specs = {name: TensorSpec(tensor.shape, tensor.dtype.name) for name, tensor in everything.items()}
        manifest = Manifest(kind=kind, inputs=("history",), tensors=specs, settings=settings)
        try:
            predictor = predictor_of(Artifact(manifest, everything))
        except ArtifactMalformed:
            return
        assert np.isfinite(predictor.score(history(*places))).all()

    refused_or_finite()
