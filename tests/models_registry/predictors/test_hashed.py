"""Both hashed predictors from their artifacts: what all predictors promise, for subjects of one length."""

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
from models_registry.predictors.protocol import Adaptable
from models_registry.vocabulary import PredictorKind
from tests.models_registry.predictors.hashed import ITEMS, SETTINGS, SUBJECT, layers, tables
from tests.models_registry.predictors.material import artifact

Case = tuple[PredictorKind, Mapping[str, np.ndarray], Mapping[str, Any]]
CASES: tuple[Case, ...] = (
    (PredictorKind.HASHED_LOGISTIC, tables(), SETTINGS),
    (PredictorKind.HASHED_NETWORK, *layers()),
)
each_kind = pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].value)


@each_kind
def test_loading__an_array_or_a_setting_missing__is_refused(case: Case):
    kind, tensors, settings = case
    for name in tensors:
        with pytest.raises(ArtifactMalformed):
            predictor_of(artifact(kind, {key: value for key, value in tensors.items() if key != name}, settings))
    for name in settings:
        if name != "has_orders":
            with pytest.raises(ArtifactMalformed):
                predictor_of(artifact(kind, tensors, {key: value for key, value in settings.items() if key != name}))


@each_kind
def test_loading__fewer_items_than_rows_or_arrays_of_the_other__are_refused(case: Case):
    kind, tensors, settings = case
    other = next(found for found in CASES if found[0] is not kind)
    for strange in ({**tensors, "item_ids": write_items(ITEMS[:2])}, other[1]):
        with pytest.raises(ArtifactMalformed):
            predictor_of(artifact(kind, strange, settings))


@each_kind
def test_predictor__asked_from_several_threads__answers_as_alone(case: Case):
    predictor = predictor_of(artifact(*case))
    rng = np.random.default_rng(5)
    subjects = [rng.integers(1, 2**62, len(SUBJECT)) for _ in range(100)]
    alone = [predictor.score(found).tolist() for found in subjects]
    with ThreadPoolExecutor(8) as pool:
        assert [scores.tolist() for scores in pool.map(predictor.score, subjects)] == alone


@each_kind
def test_predictor__any_subject__gives_a_finite_probability_for_each_creative(case: Case):
    predictor = predictor_of(artifact(*case))

    @given(arrays(np.int64, len(SUBJECT)))
    def finite(subject: np.ndarray) -> None:
        scores = predictor.score(subject)
        assert scores.shape == (3,)
        assert scores.dtype == np.float32
        assert ((scores >= 0.0) & (scores <= 1.0)).all()

    finite()


NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)
MODERATE = st.floats(-1e3, 1e3, width=32)


@each_kind
def test_predictor__any_finite_numbers__are_refused_or_give_finite_scores(case: Case):
    kind, tensors, settings = case
    learnt = [name for name, tensor in tensors.items() if tensor.dtype == np.float32]

    @given(st.data())
    def refused_or_finite(data: st.DataObject) -> None:
        numbers = data.draw(st.sampled_from([NUMBERS, MODERATE]))
        changed = {name: np.full(tensors[name].shape, data.draw(numbers), dtype=np.float32) for name in learnt}
        everything = {**tensors, **changed}
        specs = {name: TensorSpec(tensor.shape, tensor.dtype.name) for name, tensor in everything.items()}
        try:
            predictor = predictor_of(Artifact(Manifest(kind, (), specs, settings), everything))
        except ArtifactMalformed:
            return
        assert np.isfinite(predictor.score(SUBJECT)).all()

    refused_or_finite()


@each_kind
def test_predictor__nothing_to_score__gives_nothing(case: Case):
    predictor = predictor_of(artifact(*case))
    assert predictor.score(SUBJECT, np.zeros(0, dtype=np.int64)).shape == (0,)
    assert isinstance(predictor, Adaptable)
    empty = predictor.adapted((), np.zeros((0, 6), dtype=np.int64))
    assert empty.score(SUBJECT).shape == (0,)
