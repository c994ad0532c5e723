import numpy as np

from experiments.statistics.moments import PowerSums
from simulation.behaviour import Reactions
from simulation.fast.plans import spec_of
from simulation.fast.sums import sums_of, totals_of

MICROS = 1_000_000
CENTS = [0, 1_999, 50_000, 3_000]
ALL = np.ones(4, dtype=bool)


def totals():
    """Return four visitors: one without an order, one with, one above the cap of 400, one who sent it all back."""
    return totals_of(
        Reactions(
            views=np.array([3, 0, 1, 2]),
            clicked=np.array([[True, False], [False, False], [True, True], [False, False]]),
            carted=np.zeros((4, 2), dtype=bool),
            wanted=np.full(4, -1),
            ordered=np.array([False, True, True, True]),
            pieces=np.ones(4, dtype=np.int64),
            cents=np.array(CENTS),
            refunded=np.array([False, False, False, True]),
        ),
        np.array([5, 0, 2, 0]),
    )


def test_sums_of__conversion__counts_who_ordered():
    assert sums_of(spec_of("conversion"), totals(), ALL) == PowerSums(4, ("y",), (3,), (3,), (3,), 3)


def test_sums_of__revenue__is_net_of_refunds_capped_and_exact_in_micro_units():
    found = sums_of(spec_of("revenue"), totals(), ALL)
    small, cap, large = 19_990_000, 400 * MICROS, 500 * MICROS
    assert found.names == ("y", "y_uncapped")
    assert found.sums == (small + cap, small + large)
    assert found.products == (small**2 + cap**2, small**2 + cap * large, small**2 + large**2)
    assert found.nonzero == (2, 2)
    assert found.cubes == small**3 + cap**3


def test_sums_of__views__count_clicks_too_and_carry_the_days_before():
    found = sums_of(spec_of("views"), totals(), ALL)
    assert found.names == ("y", "x")
    assert found.sums == (4 + 0 + 3 + 2, 7)
    assert found.product("y", "x") == 4 * 5 + 3 * 2
    assert found.product("x", "x") == 29


def test_sums_of__order_value__is_the_value_of_orders_by_their_number():
    found = sums_of(spec_of("order-value"), totals(), ALL)
    assert found.names == ("y", "d")
    assert found.sums == (sum(CENTS) * MICROS // 100, 3)


def test_sums_of__nobody__are_zero():
    assert sums_of(spec_of("conversion"), totals(), ~ALL) == PowerSums(0, ("y",), (0,), (0,), (0,), 0)
