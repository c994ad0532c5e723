"""Rules of stock beside brute force and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from decisions.domains.restock.policies import base_stock, critical_ratio, fitted_order, lots, min_max

PIECES = st.integers(0, 200)


@pytest.mark.parametrize(("missing", "leftover"), [(5.0, 0.5), (1.0, 1.0), (0.3, 4.0)])
def test_critical_ratio__as_a_quantile__costs_least_of_all_levels(missing: float, leftover: float):
    demand, levels = stats.nbinom(4, 0.2), np.arange(0, 120)
    pieces = np.arange(0, 400)
    costs = [
        float(demand.pmf(pieces) @ (missing * np.maximum(0, pieces - s) + leftover * np.maximum(0, s - pieces)))
        for s in levels
    ]
    assert demand.ppf(float(critical_ratio(missing, leftover))) == levels[int(np.argmin(costs))]


def test_critical_ratio__without_costs__is_nothing():
    assert critical_ratio(np.array([0.0, 2.0]), np.array([0.0, 0.0])).tolist() == [0.0, 1.0]


def test_rules__at_and_around_their_points__order_what_they_say():
    position = np.array([30.0, 20.0, 19.0, 0.0])
    assert base_stock(position, 25.0).tolist() == [0.0, 5.0, 6.0, 25.0]
    assert min_max(position, reorder_point=20.0, order_up_to=60.0).tolist() == [0.0, 40.0, 41.0, 60.0]
    assert lots(position, reorder_point=20.0, lot=8.0).tolist() == [0.0, 8.0, 8.0, 24.0]


@given(PIECES, PIECES, st.integers(1, 40))
def test_lots__any_position__are_the_fewest_that_lift_it_above_the_point(position: int, point: int, lot: int):
    found = float(lots(float(position), reorder_point=float(point), lot=float(lot)))
    fewest = next(count for count in range(300) if position + count * lot > point)
    assert found == fewest * lot


@given(PIECES, st.integers(1, 24), PIECES, PIECES)
def test_fitted_order__anything_wanted__is_the_best_order_that_can_be_placed(wanted, pack, minimum, room):
    found = float(fitted_order(float(wanted), pack_size=float(pack), minimum_order=float(minimum), room=float(room)))
    possible = [count * pack for count in range(300) if minimum <= count * pack <= room]
    enough = [order for order in possible if order >= wanted]
    best = 0 if wanted == 0 or not possible else min(enough) if enough else max(possible)
    assert found == best


def test_fitted_order__negative_room__orders_nothing():
    assert fitted_order(np.array([5.0, 0.2]), room=np.array([-3.0, np.inf])).tolist() == [0.0, 1.0]
