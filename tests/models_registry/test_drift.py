"""Drift: the index by hand, how often it is wrong without drift, and that it sees what was put there."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.drift import (
    LEAST_UNITS,
    OTHER,
    Bins,
    BinsDiffer,
    DriftBounds,
    DriftBoundsInvalid,
    DriftFindings,
    Shift,
    chance_psi,
    frozen_bins,
    psi,
    shifts,
)

SHARES = st.lists(st.floats(0.01, 1.0), min_size=2, max_size=12).map(lambda parts: [p / sum(parts) for p in parts])


def test_psi__by_hand__is_the_sum_over_bins():
    assert psi([0.5, 0.5], [0.25, 0.75]) == pytest.approx(-0.25 * math.log(0.5) + 0.25 * math.log(1.5))


def test_psi__bin_that_empties__is_large_and_finite():
    found = psi([0.5, 0.5], [1.0, 0.0])
    assert 2.0 < found < 10.0


@given(SHARES)
def test_psi__of_itself__is_zero(shares: list[float]):
    assert psi(shares, shares) == 0.0


@given(st.data())
def test_psi__of_any_two__is_symmetric_and_never_negative(data: st.DataObject):
    one = data.draw(SHARES)
    other = data.draw(st.permutations(one))
    assert psi(one, other) == pytest.approx(psi(other, one))
    assert psi(one, other) >= -1e-12


@pytest.mark.parametrize(("one", "other"), [([], []), ([1.0], [0.5, 0.5])])
def test_psi__other_bins__are_refused(one: list[float], other: list[float]):
    with pytest.raises(BinsDiffer):
        psi(one, other)


def test_chance__of_equal_distributions__is_what_simulation_gives():
    rng = np.random.default_rng(3)
    expected = [0.1] * 10
    found = []
    for _ in range(400):
        one, other = (rng.multinomial(n, expected) / n for n in (2_000, 1_000))
        found.append(psi(one.tolist(), other.tolist()))
    assert np.mean(found) == pytest.approx(chance_psi(10, expected=2_000, observed=1_000), rel=0.1)


def columns(rng: np.random.Generator, *, price: float = 0.0, category: float = 0.0):
    """Return the columns of 3000 rows; prices are shifted, and a share of rows moves to a category of its own."""
    moved = rng.uniform(size=3_000) < category
    names = np.where(moved, "new", np.array(["a", "b", "c"])[rng.choice(3, 3_000, p=[0.6, 0.3, 0.1])])
    levels, counts = np.unique(names, return_counts=True)
    return {
        "prices": rng.lognormal(3.0 + price, 1.0, 3_000),
        "categories": dict(zip(levels.tolist(), counts.tolist(), strict=True)),
    }


def test_shifts__without_drift__are_false_in_less_than_one_check_of_a_hundred():
    rng = np.random.default_rng(7)
    bounds = DriftBounds(psi=0.2)
    wrong = 0
    for _ in range(300):
        frozen = frozen_bins(columns(rng), units=300)
        wrong += bool(DriftFindings(shifts=shifts(frozen, columns(rng), units=300)).exceeded(bounds))
    assert wrong == 0


@pytest.mark.parametrize(("drift", "feature"), [({"price": 0.8}, "psi:prices"), ({"category": 0.35}, "psi:categories")])
def test_shifts__injected_drift__is_seen_in_the_feature_that_moved(drift: dict[str, float], feature: str):
    rng = np.random.default_rng(11)
    for _ in range(50):
        frozen = frozen_bins(columns(rng), units=300)
        found = DriftFindings(shifts=shifts(frozen, columns(rng, **drift), units=300))
        assert found.exceeded(DriftBounds(psi=0.2)) == (feature,)


def test_bins__of_numbers__are_deciles_and_through_json_the_same():
    bins = frozen_bins({"prices": np.arange(100, dtype=float)}, units=100)["prices"]
    assert len(bins.edges) == 9
    assert bins.shares == pytest.approx((0.1,) * 10)
    assert Bins.from_dict(bins.to_dict()) == bins


def test_bins__of_one_value__see_when_it_becomes_another():
    frozen = frozen_bins({"prices": np.ones(500)}, units=500)
    assert frozen["prices"].shares == (0.0, 1.0, 0.0)
    assert shifts(frozen, {"prices": np.ones(300)}, units=500)["prices"].psi == 0.0
    for other in (0.0, 2.0):
        assert shifts(frozen, {"prices": np.full(300, other)}, units=500)["prices"].psi > 10.0


def test_bins__of_many_levels__keep_the_most_frequent_and_one_for_the_others():
    counts = {f"c{number:02}": 100 - number for number in range(40)}
    bins = frozen_bins({"categories": counts}, units=500)["categories"]
    assert (len(bins.levels), bins.levels[0], bins.levels[-1]) == (21, "c00", OTHER)
    assert sum(bins.shares) == pytest.approx(1.0)


@pytest.mark.parametrize("units", [0, LEAST_UNITS - 1])
def test_shifts__too_few_units__say_nothing(units: int):
    rng = np.random.default_rng(1)
    assert shifts(frozen_bins(columns(rng), units=300), columns(rng, price=2.0), units=units) == {}
    assert shifts(frozen_bins(columns(rng), units=units), columns(rng, price=2.0), units=300) == {}


def test_shifts__column_that_is_gone_empty_or_of_another_kind__are_left_out():
    rng = np.random.default_rng(1)
    frozen = frozen_bins(columns(rng), units=300)
    assert shifts(frozen, {}, units=300) == {}
    assert shifts(frozen, {"prices": np.zeros(0), "categories": {}}, units=300) == {}
    assert shifts(frozen, {"prices": {"a": 3}, "categories": np.ones(3)}, units=300) == {}


def test_findings__metric_drop__is_what_chance_does_not_explain():
    certain = DriftFindings(metric_then=0.20, metric_now=0.10)
    unsure = DriftFindings(metric_then=0.20, metric_now=0.10, metric_error=0.04)
    assert certain.metric_drop == pytest.approx(0.5)
    assert unsure.metric_drop == pytest.approx((0.10 - 1.645 * math.sqrt(2.0) * 0.04) / 0.20)
    assert certain.exceeded(DriftBounds(metric_drop=0.2)) == ("metric_drop",)
    assert unsure.exceeded(DriftBounds(metric_drop=0.2)) == ()


def test_findings__negative_metric_such_as_minus_log_loss__drops_where_it_falls():
    assert DriftFindings(metric_then=-0.20, metric_now=-0.30).metric_drop == pytest.approx(0.5)
    assert DriftFindings(metric_then=-0.20, metric_now=-0.10).metric_drop == 0.0


def test_findings__calibration__compares_rates_in_both_directions():
    for observed in (0.05, 0.15):
        found = DriftFindings(rate_predicted=0.10, rate_observed=observed)
        assert found.calibration == pytest.approx(0.5)
        assert found.exceeded(DriftBounds(calibration=0.2)) == ("calibration",)
    assert DriftFindings(rate_predicted=0.1, rate_observed=0.05, rate_error=0.02).calibration == pytest.approx(0.108)


def test_findings__what_was_not_seen__exceeds_nothing():
    found = DriftFindings(unseen={"data": "TRAINING_DATA_INSUFFICIENT"})
    assert found.exceeded(DriftBounds(psi=0.1, metric_drop=0.1, calibration=0.1)) == ()
    assert (found.metric_drop, found.calibration) == (None, None)


def test_findings__bounds_that_are_not_set__are_not_judged():
    found = DriftFindings(shifts={"prices": Shift(3.0, 0.0)}, metric_then=1.0, metric_now=0.1)
    assert found.exceeded(DriftBounds()) == ()
    assert found.to_dict()["psi"] == {"prices": {"psi": 3.0, "chance": 0.0}}


@pytest.mark.parametrize(
    "bounds", [{"psi": 0}, {"psi": -1}, {"psi": float("nan")}, {"psi": "0.2"}, {"psi": True}, {"kl": 0.2}]
)
def test_bounds__that_make_no_sense__are_refused(bounds: dict[str, object]):
    with pytest.raises(DriftBoundsInvalid):
        DriftBounds.from_dict(bounds)
