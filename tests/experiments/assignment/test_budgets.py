import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.assignment.budgets import split


@given(st.integers(0, 10**18), st.lists(st.integers(0, 1_000_000), min_size=1, max_size=8).filter(any))
def test_split__any_amount_and_weights__adds_up_and_is_within_one_of_the_share(total: int, weights: list[int]) -> None:
    parts = split(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    assert all(abs(part * whole - total * weight) < whole for part, weight in zip(parts, weights, strict=True))


def test_split__equal_remainders__gives_the_rest_to_the_first():
    assert split(100, [1, 1, 1]) == [34, 33, 33]


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_split__nothing_to_divide_by__is_refused(weights):
    with pytest.raises(ValueError, match=r"weights|empty"):
        split(1, weights)
