"""The predictor of demand over some days: its moments, what a level costs, and artifacts that are refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models_registry.artifacts import Artifact, ArtifactMalformed, Manifest, TensorSpec
from models_registry.predictors.forecast import Forecast, forecast_of
from models_registry.predictors.loading import predictor_of
from models_registry.predictors.popularity import write_items
from models_registry.vocabulary import PredictorKind
from tests.models_registry.predictors.material import artifact, floats, history

TENSORS = {
    "item_ids": write_items(("s|a", "s|b", "s|c")),
    "means": floats((2, 14, 28), (0.1, 0.7, 1.4), (0, 0, 0)),
    "variances": floats((4, 28, 112), (0.1, 0.7, 1.4), (0, 0, 0)),
    "weekdays": floats((0.5, 1, 1, 1, 1, 1, 1.5), (1,) * 7, (1,) * 7),
}
SETTINGS: dict[str, Any] = {"horizons": [1, 7, 14]}


def forecast(**changed: Any) -> Forecast:
    found = predictor_of(artifact(PredictorKind.FORECAST, TENSORS | changed, SETTINGS))
    assert isinstance(found, Forecast)
    return found


def test_moments__at_between_and_beyond_horizons__are_interpolated() -> None:
    found = forecast()
    assert found.moments(0, 7.0) == pytest.approx((14.0, 28.0))
    assert found.moments(0, 4.0)[0] == pytest.approx(8.0)
    assert found.moments(0, 0.5) == pytest.approx((1.0, 2.0))
    assert found.moments(0, 28.0) == pytest.approx((56.0, 112.0 * 4.0))  # the variance went as days^2
    assert found.moments(0, 0.0) == (0.0, 0.0)
    assert found.moments(2, 9.0, 3.0) == (0.0, 0.0)


def test_moments__a_spread_of_the_days__adds_what_is_sold_in_it() -> None:
    mean, variance = forecast().moments(0, 7.0, 3.0)
    assert (mean, variance) == pytest.approx((14.0, 28.0 + (2.0 * 3.0) ** 2))


def test_score__every_level__is_minus_the_cost_of_what_is_missing_and_left() -> None:
    found, levels = forecast(), np.arange(0, 61)
    scores = found.score(history(0, 7_000, 1_000, 5_000_000, 500_000, *levels))
    totals = found.totals(0, 7.0, 1.0)
    short = np.array([float(totals.chances @ np.maximum(0.0, totals.totals - level)) for level in levels])
    left = np.array([float(totals.chances @ np.maximum(0.0, level - totals.totals)) for level in levels])
    assert scores.dtype == np.float32
    assert np.allclose(scores, -(5.0 * short + 0.5 * left), rtol=1e-5)
    assert int(np.argmax(scores)) == int(found.quantiles(0, 7.0, np.array([5.0 / 5.5]), spread=1.0)[0])


def test_score__candidates__are_places_among_the_levels() -> None:
    asked = history(0, 7_000, 0, 1_000_000, 1_000_000, 5, 10, 20)
    every = forecast().score(asked)
    assert forecast().score(asked, np.array([2, 0])).tolist() == every[[2, 0]].tolist()
    with pytest.raises(IndexError):
        forecast().score(asked, np.array([3]))


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (history(), ValueError),
        (history(0, 7_000, 0, 1), ValueError),
        (history(3, 7_000, 0, 1, 1, 5), IndexError),
        (history(-1, 7_000, 0, 1, 1, 5), IndexError),
        (history(0, -7_000, 0, 1, 1, 5), ValueError),
        (history(0, 7_000, -1, 1, 1, 5), ValueError),
        (history(0, 99_000_000, 0, 1, 1, 5), ValueError),
    ],
)
def test_score__numbers_that_make_no_sense__are_refused(asked: np.ndarray, error: type[Exception]) -> None:
    with pytest.raises(error):
        forecast().score(asked)


def test_daily__of_a_week__follows_the_weekdays_and_sums_to_the_total() -> None:
    found = forecast().daily(0, 5, 7)
    assert found.tolist() == pytest.approx([2.0, 3.0, 1.0, 2.0, 2.0, 2.0, 2.0])
    assert found.sum() == pytest.approx(14.0)


@pytest.mark.parametrize(
    "changed",
    [
        {"means": -TENSORS["means"]},
        {"means": TENSORS["means"][:, ::-1].copy()},
        {"means": TENSORS["means"][:, :2].copy()},
        {"means": TENSORS["means"].astype(np.float64)},
        {"variances": -TENSORS["variances"]},
        {"variances": TENSORS["variances"][:2].copy()},
        {"weekdays": np.full((3, 7), 8.0, np.float32)},
        {"weekdays": np.ones((3, 6), np.float32)},
        {"item_ids": write_items(("s|a", "s|b"))},
    ],
)
def test_loading__arrays_that_do_not_fit__are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ArtifactMalformed):
        predictor_of(artifact(PredictorKind.FORECAST, TENSORS | changed, SETTINGS))


@pytest.mark.parametrize("horizons", [None, [], [7, 1, 14], [0, 1, 2], [1, 2, 1e6], [1, 2, "3"], [True, 2, 3], 7])
def test_loading__horizons_that_are_none__are_refused(horizons: Any) -> None:
    with pytest.raises(ArtifactMalformed):
        predictor_of(artifact(PredictorKind.FORECAST, TENSORS, {"horizons": horizons}))


@pytest.mark.parametrize("missing", sorted(TENSORS))
def test_loading__an_array_missing__is_refused(missing: str) -> None:
    left = {name: tensor for name, tensor in TENSORS.items() if name != missing}
    with pytest.raises(ArtifactMalformed):
        predictor_of(artifact(PredictorKind.FORECAST, left, SETTINGS))


NUMBERS = st.floats(0.0, 2.0, width=32) | st.floats(width=32, allow_nan=False, allow_infinity=False)
LARGE = st.integers(0, 2**62)


@given(st.data(), st.integers(0, 2), st.integers(0, 9_000_000), st.integers(0, 9_000_000), LARGE, LARGE, LARGE)
def test_score__any_finite_numbers__are_refused_or_give_finite_scores(
    data: st.DataObject, place: int, days: int, spread: int, missing: int, leftover: int, level: int
) -> None:
    learnt = ("means", "variances", "weekdays")
    changed = {name: data.draw(arrays(np.float32, TENSORS[name].shape, elements=NUMBERS)) for name in learnt}
    everything = TENSORS | changed | {"means": np.sort(changed["means"], axis=1)}
    specs = {name: TensorSpec(tensor.shape, tensor.dtype.name) for name, tensor in everything.items()}
    manifest = Manifest(kind=PredictorKind.FORECAST, inputs=("place",), tensors=specs, settings=SETTINGS)
    try:
        found = forecast_of(Artifact(manifest, everything))
    except ArtifactMalformed:
        return
    scores = found.score(history(place, days, spread, missing, leftover, 0, level))
    assert np.isfinite(scores).all()
    assert (scores <= 0.0).all()
