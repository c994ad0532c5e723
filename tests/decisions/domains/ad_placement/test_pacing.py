"""Pacing: the recursion, its bounds, and what it does to a day's spend."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.domains.ad_placement.pacing import (
    LARGEST_MULTIPLIER,
    PERIODS,
    Pace,
    allotted,
    divided,
    is_spent,
    multipliers,
    paced,
)

MICRO = 1_000_000
amounts = st.integers(0, 10**12)


def test_multipliers__recursion_of_balseiro_and_gur__as_defined():
    found = multipliers(1.0, [12, 8, 15, 9, 20, 3], target=10.0, step=0.05, most=5.0)
    assert found == pytest.approx((1.1, 1.0, 1.25, 1.2, 1.7, 1.35), rel=1e-12)


@given(st.floats(0.0, 5.0), st.lists(st.floats(0.0, 1e9), max_size=50), st.floats(0.0, 1e6))
def test_multipliers__any_spend__stay_within_their_bounds(start, spends, target):
    assert all(0.0 <= found <= 5.0 for found in multipliers(start, spends, target=target, step=0.05, most=5.0))


@given(amounts, st.lists(st.tuples(amounts, st.floats(0.0, 100.0)), max_size=30))
def test_paced__any_day__charges_at_most_the_budget_and_keeps_the_bounds(budget, ticks):
    pace, spent, periods = Pace(budget), 0, 0.0
    for cost, passed in ticks:
        spent, periods = spent + cost, min(float(PERIODS), periods + passed)
        pace = paced(pace, spent=spent, periods=periods)
        assert 0 <= pace.spent <= budget
        assert 0.0 <= pace.multiplier <= LARGEST_MULTIPLIER


@given(amounts, amounts, st.floats(0.0, PERIODS), st.floats(0.0, LARGEST_MULTIPLIER))
def test_paced__twice_at_once__is_the_same_as_once(budget, spent, periods, multiplier):
    once = paced(Pace(budget, 0, multiplier), spent=spent, periods=periods)
    assert paced(once, spent=spent, periods=periods) == once


def test_paced__spent_faster_and_slower_than_the_day__moves_up_and_down():
    begun = Pace(1_440 * MICRO, 0, 1.0)
    assert paced(begun, spent=20 * MICRO, periods=10).multiplier == pytest.approx(1.5)
    assert paced(begun, spent=0, periods=10).multiplier == pytest.approx(0.5)
    assert paced(begun, spent=10 * MICRO, periods=10).multiplier == pytest.approx(1.0)


@given(amounts, st.dictionaries(st.sampled_from(["1.a", "1.b", "2.c"]), st.floats(0.0, 0.33), max_size=3))
def test_divided__any_shares__loses_nothing(budget, shares):
    parts = divided(budget, shares)
    assert sum(parts.values()) == budget
    assert all(part >= 0 for part in parts.values())
    assert set(parts) == {"", *shares}


def test_divided__two_halves_of_all_traffic__leave_nothing_outside():
    assert divided(101, {"1.a": 0.5, "1.b": 0.5}) == {"": 0, "1.a": 51, "1.b": 50}
    assert divided(100, {}) == {"": 100}


@pytest.mark.parametrize("shares", [{"1.a": -0.1}, {"1.a": 0.7, "1.b": 0.6}])
def test_divided__impossible_shares__are_refused(shares):
    with pytest.raises(ValueError, match="shares"):
        divided(100, shares)


@given(
    amounts,
    st.dictionaries(st.sampled_from(["1.a", "1.b"]), st.floats(0.0, 0.5), max_size=2),
    st.dictionaries(st.sampled_from(["", "1.a", "9.gone"]), amounts, max_size=3),
)
def test_allotted__any_spend_so_far__never_gives_more_than_the_budget(budget, shares, spent):
    parts = allotted(budget, shares, spent)
    assert all(part >= 0 for part in parts.values())
    assert sum(parts.values()) <= budget


def test_allotted__what_ended_arms_spent__is_gone_and_overspend_outside_is_taken_from_arms():
    assert allotted(1_000, {}, {"9.a": 300}) == {"": 700}
    assert allotted(1_000, {"1.a": 0.25, "1.b": 0.25}, {"": 600}) == {"": 600, "1.a": 200, "1.b": 200}


def test_is_spent__what_is_left_pays_no_bid__is_out():
    assert is_spent(Pace(100, 95), lowest_bid=6)
    assert not is_spent(Pace(100, 94), lowest_bid=6)
    assert is_spent(Pace(0), lowest_bid=0)


def simulated_day(*, step_on: bool, seed: int = 5) -> tuple[np.ndarray, int]:
    """Return cumulative spend by minute of a campaign with a rival, and its budget; paced or taken as it comes."""
    rng = np.random.default_rng(seed)
    budget, bid, rival = 60 * MICRO, MICRO // 2, 0.25
    pace, spent, line = Pace(budget), 0, []
    for minute in range(PERIODS):
        requests = rng.poisson(20)
        values = 0.5 * rng.uniform(0.2, 1.8, requests) / (1.0 + pace.multiplier * step_on)
        shown = 0 if is_spent(pace, lowest_bid=bid) else int((values > rival).sum())
        spent += bid * int(rng.binomial(shown, 0.05))
        pace = paced(pace, spent=spent, periods=minute + 1.0)
        line.append(pace.spent)
        assert spent <= budget + bid * requests
    return np.array(line), budget


def test_paced__a_day_with_more_demand_than_budget__spends_evenly_where_unpaced_is_out_by_noon():
    even, budget = simulated_day(step_on=True)
    early, _ = simulated_day(step_on=False)
    thirds = [float(np.diff([0, *even[479::480]])[part]) / budget for part in range(3)]
    assert early[360] > 0.9 * budget
    assert max(thirds) < 0.45
    assert min(thirds) > 0.2
    assert even[-1] > 0.9 * budget
