"""Demand by price: by hand, falling for every price, and artifacts that would overflow or rise are refused."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models_registry.artifacts import Artifact, ArtifactMalformed, Manifest, TensorSpec
from models_registry.predictors.demand import (
    FLATTEST,
    LARGEST_INTERCEPT,
    LEAST_RATIO,
    STEEPEST,
    Demand,
    Doubt,
    demand_of,
    write_demand,
)
from models_registry.predictors.loading import predictor_of
from models_registry.predictors.popularity import write_items
from models_registry.vocabulary import PredictorKind
from tests.models_registry.predictors.material import ITEMS, artifact, floats, history

DEMAND: Mapping[str, np.ndarray] = {
    "item_ids": write_items(ITEMS),
    "intercepts": floats(np.log(8.0), 0.0, -2.0),
    "references": floats(10.0, 2.0, 400.0),
    "elasticities": floats(-2.0, -0.5, -10.0),
    "errors": floats(0.25, 0.0, 3.0),
    "doubts": np.array([0, Doubt.FEW_PRICES | Doubt.BULK_DISCOUNTS, Doubt.CLIPPED], dtype=np.uint8),
}


def predictor(**changes: np.ndarray) -> Demand:
    return demand_of(artifact(PredictorKind.DEMAND, {**DEMAND, **changes}, {}))


def test_score__prices_of_a_menu__are_what_one_computes_by_hand():
    """8 a day at 10.00 with elasticity -2: 8 (p / 10)^-2."""
    scores = predictor().score(history(0, 5_000_000, 10_000_000, 20_000_000))
    assert scores == pytest.approx([32.0, 8.0, 2.0])
    assert scores.dtype == np.float32


def test_score__candidates__are_places_among_the_prices():
    asked = history(0, 5_000_000, 10_000_000, 20_000_000)
    assert predictor().score(asked, history(2, 0)) == pytest.approx([2.0, 32.0])
    for wrong in (3, -1):
        with pytest.raises(IndexError):
            predictor().score(asked, history(wrong))


@pytest.mark.parametrize("place", [3, -1, 2**40])
def test_score__no_place_of_an_item__is_an_error(place: int):
    with pytest.raises(IndexError):
        predictor().score(history(place, 5_000_000))


@pytest.mark.parametrize("asked", [history(), history(2)])
def test_score__without_prices__is_demand_at_each_reference_price(asked: np.ndarray):
    assert predictor().score(asked) == pytest.approx([8.0, 1.0, np.exp(-2.0)])


def test_curve__far_below_the_reference_price__grows_no_further():
    curve = predictor().curve(0, np.array([0.5, 1.0, 10.0 * LEAST_RATIO]))
    assert curve == pytest.approx([800.0, 800.0, 800.0])


def test_elasticity__of_an_item__comes_with_its_error_and_its_doubts():
    found = predictor()
    assert found.elasticity(0) == (-2.0, 0.25)
    assert found.doubts_of(0) == ()
    assert found.doubts_of(1) == ("FEW_PRICES", "BULK_DISCOUNTS")
    assert found.doubts_of(2) == ("CLIPPED",)


@given(st.integers(0, 2), arrays(np.int64, st.integers(1, 40)))
def test_score__any_prices__are_finite_and_never_rise_with_the_price(place: int, prices: np.ndarray):
    scores = predictor().score(np.concatenate(([place], np.sort(prices))))
    assert scores.shape == prices.shape
    assert np.isfinite(scores).all()
    assert (np.diff(scores) <= 0.0).all()


def test_predictor__asked_from_several_threads__answers_as_alone():
    found = predictor()
    rng = np.random.default_rng(5)
    asked = [np.append(rng.integers(0, 3), rng.integers(1, 10**9, 60)) for _ in range(100)]
    alone = [found.score(question).tolist() for question in asked]
    with ThreadPoolExecutor(8) as pool:
        assert [scores.tolist() for scores in pool.map(found.score, asked)] == alone


def test_write__and_read__are_the_same():
    written = write_demand(predictor())
    again = demand_of(artifact(PredictorKind.DEMAND, written, {}))
    for name in DEMAND:
        assert np.array_equal(write_demand(again)[name], DEMAND[name])


@pytest.mark.parametrize("name", list(DEMAND))
def test_loading__an_array_missing__is_refused(name: str):
    with pytest.raises(ArtifactMalformed):
        predictor_of(artifact(PredictorKind.DEMAND, {key: DEMAND[key] for key in DEMAND if key != name}, {}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("intercepts", LARGEST_INTERCEPT * 1.01),
        ("intercepts", -LARGEST_INTERCEPT * 1.01),
        ("references", 0.0),
        ("references", -1.0),
        ("references", 1e13),
        ("elasticities", 0.0),
        ("elasticities", 2.0),
        ("elasticities", FLATTEST / 1.01),
        ("elasticities", STEEPEST * 1.01),
        ("errors", -0.1),
        ("errors", 101.0),
    ],
)
def test_loading__numbers_out_of_bounds__are_refused(name: str, value: float):
    wrong = DEMAND[name].copy()
    wrong[1] = value
    with pytest.raises(ArtifactMalformed, match=name):
        predictor(**{name: wrong})


@pytest.mark.parametrize(
    "changes",
    [
        {"doubts": np.array([0, 32, 0], dtype=np.uint8)},
        {"doubts": np.array([0, 0, 0], dtype=np.int32)},
        {"intercepts": floats(0.0, 0.0)},
        {"errors": floats((0.0,), (0.0,), (0.0,))},
        {"item_ids": write_items(ITEMS[:2])},
    ],
)
def test_loading__arrays_that_do_not_fit__are_refused(changes: dict[str, Any]):
    with pytest.raises(ArtifactMalformed):
        predictor(**changes)


@given(st.data())
def test_predictor__any_finite_numbers__are_refused_or_give_finite_scores(data: st.DataObject):
    numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)
    moderate = st.floats(-9.0, 9.0, width=32)
    changed = {
        name: data.draw(arrays(np.float32, 3, elements=data.draw(st.sampled_from([numbers, moderate]))))
        for name in data.draw(st.sets(st.sampled_from(["intercepts", "references", "elasticities", "errors"])))
    }
    everything = {**DEMAND, **changed}
    specs = {name: TensorSpec(tensor.shape, tensor.dtype.name) for name, tensor in everything.items()}
    try:
        found = predictor_of(Artifact(Manifest(PredictorKind.DEMAND, (), specs, {}), everything))
    except ArtifactMalformed:
        return
    assert np.isfinite(found.score(np.append(data.draw(st.integers(0, 2)), data.draw(arrays(np.int64, 5))))).all()
