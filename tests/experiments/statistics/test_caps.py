import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.statistics.caps import capped, pooled_cap, pooled_nonzero_cap
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid


def test_pooled_cap__arms_of_different_size__is_that_of_all_units():
    control, treatment = np.arange(0.0, 60.0), np.arange(60.0, 101.0)
    assert pooled_cap(control, treatment, quantile=0.9) == pytest.approx(90.0)


def test_pooled_nonzero_cap__mostly_zeros__looks_at_buyers_only():
    control, treatment = [0.0] * 990 + [10.0] * 5, [0.0] * 990 + [20.0, 30.0, 40.0, 50.0, 60.0]
    assert pooled_cap(control, treatment, quantile=0.9) == 0.0
    assert pooled_nonzero_cap(control, treatment, quantile=0.5) == pytest.approx(15.0)


def test_caps__without_values__are_undefined():
    assert pooled_cap(quantile=0.9) == pooled_cap([], [], quantile=0.9) == Undefined(UndefinedReason.NO_DATA)
    assert pooled_nonzero_cap([0.0, 0.0], [0.0]) == Undefined(UndefinedReason.NO_DATA)


@given(
    st.lists(st.floats(-1e15, 1e15), min_size=1, max_size=40),
    st.floats(-1e15, 1e15),
    st.floats(0.0, 1e15),
)
def test_capped__any_values__stay_within_the_limits_and_in_order(values, lower, width):
    found = capped(values, lower=lower, upper=lower + width)
    assert found.min() >= lower
    assert found.max() <= lower + width
    assert np.all(np.diff(found[np.argsort(values)]) >= 0.0)
    inside = (np.array(values) >= lower) & (np.array(values) <= lower + width)
    assert np.array_equal(found[inside], np.array(values)[inside])


def test_capped__without_limits__is_unchanged():
    assert capped([1.0, -5.0, 1e9]).tolist() == [1.0, -5.0, 1e9]
    assert capped([1.0, 9.0], upper=4.0).tolist() == [1.0, 4.0]


def test_caps__bad_input__is_refused():
    with pytest.raises(RowsInvalid):
        capped([1.0], lower=2.0, upper=1.0)
    with pytest.raises(RowsInvalid):
        capped([np.inf], upper=1.0)
    with pytest.raises(RowsInvalid):
        pooled_cap([1.0], quantile=1.5)
    with pytest.raises(RowsInvalid):
        pooled_cap([1.0], quantile=float("nan"))
