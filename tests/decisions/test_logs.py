"""Parts of logs, weights of arms, and what rows are distributed like."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from decisions.domain import DecisionLog, InteractionLog, SalesLog
from decisions.logs import arm_weights, before, distributions, keep, since, variant_rows

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
AT = START.timestamp() + np.arange(6) * 3_600.0


def interactions() -> InteractionLog:
    """Return six interactions of three units with three items, one of which nobody dealt with."""
    return InteractionLog(
        units=np.array([0, 0, 1, 1, 2, 2], np.int32),
        items=np.array([0, 1, 0, 1, 0, 1], np.int32),
        kinds=np.array([0, 0, 1, 0, 2, 0], np.int8),
        at=AT,
        item_ids=("a", "b", "c"),
        categories=("mugs", "", "lamps"),
        prices=np.array([5.0, 0.0, 7.0], np.float32),
        ratings=np.zeros(3, np.float32),
        start=START,
        end=END,
    )


def sales() -> SalesLog:
    """Return three days of two items, of which the second was first sold on the second day; a third sold nothing."""
    return SalesLog(
        series=np.array([0, 0, 1, 0, 1], np.int32),
        at=START.timestamp() + np.array([0.0, 1.0, 1.0, 2.0, 2.0]) * 86_400.0,
        units=np.array([4.0, 0.0, 2.0, 2.0, 1.0]),
        price=np.array([5.0, np.nan, 7.0, 6.0, 7.0]),
        paid=np.array([5.0, np.nan, 7.0, 6.0, 7.0]),
        orders=np.array([2.0, 0.0, 1.0, 1.0, 1.0]),
        largest=np.array([3.0, 0.0, 2.0, 2.0, 1.0]),
        in_stock=np.array([1.0, 0.0, 1.0, 0.5, 1.0]),
        series_ids=("a", "b", "c"),
        items=("a", "b", "c"),
        stores=("", "", ""),
        clusters=("x", "x", ""),
        categories=("mugs", "", "lamps"),
        costs=np.array([2.0, np.nan, 1.0]),
        start=START,
        end=START + timedelta(days=3),
        weights=np.array([1.0, 2.0, 3.0, 4.0, 5.0]),
    )


def decisions() -> DecisionLog:
    """Return three decisions with two actions each: one outside experiments and one of each of two variants."""
    return DecisionLog(
        decisions=np.array([0, 0, 1, 1, 2, 2], np.int32),
        units=np.array([0, 0, 1, 1, 2, 2], np.int32),
        items=np.array([0, 1, 0, 1, 0, 1], np.int32),
        positions=np.array([0, 1, 0, 1, 0, 1], np.int16),
        propensities=np.full(6, 0.5),
        at=AT,
        variants=np.array([0, 0, 1, 1, 2, 2], np.int16),
        versions=np.zeros(6, np.int64),
        rewards={"click": np.array([True, False] * 3)},
        values=np.arange(6.0),
        context={"device": ("phone", "phone", "desk", "desk", "", "")},
        item_ids=("a", "b"),
        fields={},
        variant_keys=("", "control", "treatment"),
        start=START,
        end=END,
    )


@pytest.mark.parametrize("log", [interactions(), decisions()])
def test_before_and_since__of_a_time__share_all_rows(log):
    middle = float(AT[2])
    earlier, later = before(log, middle), since(log, middle)
    assert (len(earlier.at), len(later.at)) == (2, 4)
    assert earlier.end == later.start == datetime.fromtimestamp(middle, UTC)
    assert (earlier.start, later.end) == (START, END)
    assert np.concatenate((earlier.items, later.items)).tolist() == log.items.tolist()


def test_keep__some_decisions__keeps_every_column_of_them():
    rows = variant_rows(decisions(), "treatment")
    kept = keep(decisions(), rows)
    assert kept.decisions.tolist() == [2, 2]
    assert kept.rewards["click"].tolist() == [True, False]
    assert kept.values.tolist() == [4.0, 5.0]
    assert kept.context == {"device": ("", "")}
    assert not variant_rows(decisions(), "nobody").any()


def test_weights__by_hand__are_ratios_of_shares_smoothed_by_the_number_of_items():
    items, own = np.array([0, 0, 0, 1], np.int32), np.array([True, False, False, True])
    likely = (np.array([1.0, 1.0]) + 2 * np.array([0.75, 0.25])) / (2 + 2)
    expected = (likely / np.array([0.75, 0.25]))[items]
    assert arm_weights(items, own, item_count=2) == pytest.approx(expected)


@given(arrays.arrays(np.int32, st.integers(1, 60), elements=st.integers(0, 8)), st.integers(0, 2**16))
def test_weights__of_any_rows__are_positive_with_mean_one(items: np.ndarray, seed: int):
    own = np.random.default_rng(seed).uniform(size=len(items)) < 0.3
    weights = arm_weights(items, own, item_count=9)
    assert (weights > 0.0).all()
    assert weights.mean() == pytest.approx(1.0)


@pytest.mark.parametrize("own", [np.zeros(4, np.bool_), np.ones(4, np.bool_)])
def test_weights__where_nothing_or_everything_is_its_own__are_one(own: np.ndarray):
    assert arm_weights(np.array([0, 1, 1, 2], np.int32), own, item_count=3) == pytest.approx(np.ones(4))


def test_weights__of_no_rows__are_none():
    assert len(arm_weights(np.zeros(0, np.int32), np.zeros(0, np.bool_), item_count=3)) == 0


def test_distributions__of_interactions__are_those_of_its_rows():
    columns, units = distributions(interactions())
    assert units == 3
    assert columns["kinds"] == {"Product Viewed": 4, "Product Added": 1, "Order Completed": 1}
    assert columns["categories"] == {"mugs": 3}
    assert columns["prices"].tolist() == [5.0] * 3
    assert columns["history"].tolist() == [2.0] * 3
    assert sum(columns["items"].values()) == 6


def test_distributions__of_decisions__tell_positions_and_context():
    columns, units = distributions(decisions())
    assert (units, columns["positions"].tolist()) == (3, [0, 1, 0, 1, 0, 1])
    assert columns["context.device"] == {"phone": 2, "desk": 2, "": 2}


def test_sales__before_and_since_a_day__keep_the_rows_of_the_others_with_their_weights():
    split = START.timestamp() + 86_400.0
    early, late = before(sales(), split), since(sales(), split)
    assert (early.units.tolist(), early.weights.tolist(), early.end) == ([4.0], [1.0], START + timedelta(days=1))
    assert late.series.tolist() == [0, 1, 0, 1]
    assert late.largest.tolist() == [0.0, 2.0, 2.0, 1.0]
    assert late.in_stock.tolist() == [0.0, 1.0, 0.5, 1.0]
    assert (late.weights.tolist(), late.series_ids) == ([2.0, 3.0, 4.0, 5.0], ("a", "b", "c"))


def test_distributions__of_sales__count_pieces_and_leave_out_what_nobody_knows():
    columns, units = distributions(sales())
    assert units == 2
    assert columns["daily_sales"].tolist() == [2.0, 1.5]
    assert columns["categories"] == {"mugs": 6}
    assert sum(columns["items"].values()) == 9
    assert columns["prices"].tolist() == [5.0, 7.0, 6.0, 7.0]
    assert columns["in_stock"].tolist() == [1.0, 0.0, 1.0, 0.5, 1.0]
