import numpy as np
import pytest

from experiments.statistics import rows


@pytest.mark.parametrize("values", [[1.0, float("nan")], [float("inf")], [[1.0, 2.0]]])
def test_finite_column__values_that_are_no_column__are_refused(values):
    with pytest.raises(rows.RowsInvalid) as refused:
        rows.finite_column("y", values)
    assert refused.value.code == "ROWS_INVALID"
    assert refused.value.message.startswith("y: ")


def test_finite_column__no_rows__is_empty():
    assert rows.finite_column("y", []).size == 0


@pytest.mark.parametrize("values", [[0, 1, 2], [0, 1], [0.5, 1, 0]])
def test_treated_column__anything_but_zero_and_one_per_row__is_refused(values):
    with pytest.raises(rows.RowsInvalid):
        rows.treated_column("treatment", values, 3)


def test_codes_of__names__are_numbered_in_their_order():
    codes, groups = rows.codes_of("units", np.array(["b", "a", "b"]), 3)
    assert codes.tolist() == [1, 0, 1]
    assert groups == 2
    with pytest.raises(rows.RowsInvalid):
        rows.codes_of("units", ["a"], 2)


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, float("nan")])
def test_probability__at_or_outside_the_ends__is_refused(value):
    with pytest.raises(rows.RowsInvalid):
        rows.probability("nu", value)
