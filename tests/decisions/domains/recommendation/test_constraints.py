"""What may be shown, and how many each filter removed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.domains.recommendation.constraints import CONSTRAINTS, eligible

NOTHING = np.zeros(0, dtype=np.int64)


def places(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def test_eligible__without_any_restriction__is_the_catalogue():
    found = eligible(np.ones(4, dtype=bool), bought=NOTHING, excluded=NOTHING, only=None)
    assert found.candidates.tolist() == [0, 1, 2, 3]
    assert found.candidates.dtype == np.int64
    assert dict(found.removed) == dict.fromkeys(CONSTRAINTS, 0)


def test_eligible__every_filter__counts_what_those_before_it_left():
    in_stock = np.array([True, False, True, True, True, False])
    found = eligible(in_stock, bought=places(2, 1, 2), excluded=places(3, 2, 0), only=places(4, 3, 2, 1, 1, 0))
    assert found.candidates.tolist() == [4]
    assert dict(found.removed) == {"outside_candidates": 1, "out_of_stock": 1, "already_bought": 1, "excluded": 2}
    assert tuple(found.removed) == CONSTRAINTS


def test_eligible__places_outside_the_catalogue__name_nothing():
    outside = places(-1, -3, 3, 2**62)
    found = eligible(np.ones(3, dtype=bool), bought=outside, excluded=outside, only=places(-1, 1, 3))
    assert found.candidates.tolist() == [1]
    assert dict(found.removed) == {"outside_candidates": 2, "out_of_stock": 0, "already_bought": 0, "excluded": 0}


@pytest.mark.parametrize("only", [None, NOTHING])
def test_eligible__of_an_empty_catalogue__is_nothing(only: np.ndarray | None):
    assert eligible(np.zeros(0, dtype=bool), bought=places(0), excluded=NOTHING, only=only).candidates.tolist() == []


def test_eligible__an_empty_list_of_candidates__leaves_nothing():
    found = eligible(np.ones(3, dtype=bool), bought=NOTHING, excluded=NOTHING, only=NOTHING)
    assert found.candidates.tolist() == []
    assert found.removed["outside_candidates"] == 3


def test_eligible__its_arguments__are_left_as_they_were():
    in_stock, bought = np.array([True, True]), places(1)
    eligible(in_stock, bought=bought, excluded=bought, only=bought)
    assert in_stock.tolist() == [True, True]
    assert bought.tolist() == [1]


SOME = st.lists(st.integers(-3, 12), max_size=20)


@given(st.lists(st.booleans(), max_size=10), SOME, SOME, st.none() | SOME)
def test_eligible__any_restrictions__are_those_of_sets(
    stock: list[bool], bought: list[int], excluded: list[int], only: list[int] | None
):
    found = eligible(
        np.array(stock, dtype=bool),
        bought=places(*bought),
        excluded=places(*excluded),
        only=None if only is None else places(*only),
    )
    wanted = {place for place, there in enumerate(stock) if there} - set(bought) - set(excluded)
    assert found.candidates.tolist() == sorted(wanted if only is None else wanted & set(only))
    assert sum(found.removed.values()) + len(found.candidates) == len(stock)
