"""What advertising does while it serves: which creatives may be shown, and what each is worth."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.domains.ad_placement.constraints import CONSTRAINTS
from decisions.domains.ad_placement.hooks import FEATURE_NAMES, HOOKS, baseline, eligible, groups, subject, worth
from tests.decisions.domains.ad_placement.worlds import CREATIVES, START, catalogue, moment

FOUR = ("a", "b", "c", "d")


def names(found, shelf) -> list[str]:
    return [shelf.items[place] for place in found.candidates.tolist()]


def test_eligible__nothing_known__lets_all_through():
    shelf = catalogue(FOUR)
    found = eligible(moment(), shelf)
    assert names(found, shelf) == list(FOUR)
    assert tuple(found.removed) == CONSTRAINTS
    assert sum(found.removed.values()) == 0


def test_eligible__flights__are_half_open_and_unreadable_ones_never_on():
    shelf = catalogue(
        FOUR,
        starts=["2026-03-02T12:00:00Z", "2026-03-02T12:00:01Z", "", "next week"],
        ends=["", "", "2026-03-02T12:00:00+00:00", ""],
    )
    found = eligible(moment(), shelf)
    assert names(found, shelf) == ["a"]
    assert found.removed["not_in_flight"] == 3


def test_eligible__budget_spent__is_left_out_in_its_own_arm():
    fields = {"spent_out": np.array([1.0, 0, 0, 0]), "pace@7.b": np.zeros(4), "spent_out@7.b": np.array([0.0, 1, 0, 0])}
    shelf = catalogue(FOUR, **fields)
    assert names(eligible(moment(), shelf), shelf) == ["b", "c", "d"]
    assert names(eligible(moment(arm="7.b"), shelf), shelf) == ["a", "c", "d"]
    assert names(eligible(moment(arm="8.a"), shelf), shelf) == ["b", "c", "d"]


def test_eligible__slots__fit_one_or_any_and_several_need_any():
    shelf = catalogue(FOUR, slot=["top", "side", "", ""])
    assert names(eligible(moment({"slot": "top"}), shelf), shelf) == ["a", "c", "d"]
    assert names(eligible(moment({"slots": ["top", "side"]}), shelf), shelf) == ["c", "d"]
    assert names(eligible(moment({"slots": ["side"]}), shelf), shelf) == ["b", "c", "d"]
    assert names(eligible(moment({"slot": "new"}), shelf), shelf) == ["c", "d"]


@pytest.mark.parametrize(
    ("cap", "left"),
    [(None, ["b", "c", "d"]), (2, ["c", "d"]), (2.0, ["c", "d"]), (0, ["b", "c", "d"]), ("2", ["b", "c", "d"])],
)
def test_eligible__shown_too_often__is_capped(cap, left):
    shelf = catalogue(FOUR)
    context = {} if cap is None else {"cap": cap}
    found = eligible(moment(context, shown={"a": 5, "b": 2, "gone": 9}), shelf)
    assert names(found, shelf) == left
    assert found.removed["frequency_cap"] == len(FOUR) - len(left)


def test_eligible__excluded_restricted_and_paused__each_counts_what_it_took():
    shelf = catalogue(FOUR)
    shelf.in_stock[2] = False
    found = eligible(moment(only=("a", "b", "c", "x"), excluded=("b", "x")), shelf)
    assert names(found, shelf) == ["a"]
    assert {name: count for name, count in found.removed.items() if count} == {
        "outside_candidates": 1,
        "out_of_stock": 1,
        "excluded": 1,
    }


@given(
    st.dictionaries(st.sampled_from(CREATIVES), st.integers(0, 9)),
    st.lists(st.sampled_from([*CREATIVES, "gone"])),
    st.none() | st.lists(st.sampled_from([*CREATIVES, "gone"])),
)
def test_eligible__any_moment__accounts_for_every_creative(shown, excluded, only):
    shelf = catalogue()
    found = eligible(moment(shown=shown, excluded=tuple(excluded), only=None if only is None else tuple(only)), shelf)
    assert len(found.candidates) + sum(found.removed.values()) == len(CREATIVES)
    assert (np.diff(found.candidates) > 0).all()


def test_worth__bid_by_probability_by_pace__in_its_own_arm():
    shelf = catalogue(
        FOUR, bid=np.array([2.0, 1.0, np.nan, 4.0]), pace=np.array([1.0, 0, 0, 3]), **{"pace@7.b": np.zeros(4)}
    )
    places, scores = np.arange(4), np.array([0.5, 0.5, 0.5, 0.25], dtype=np.float32)
    assert worth(moment(), shelf, places, scores).tolist() == [0.5, 0.5, 0.0, 0.25]
    assert worth(moment(arm="7.b"), shelf, places, scores).tolist() == [1.0, 0.5, 0.0, 1.0]


def test_baseline__needs_no_model__is_worth_by_past_rates():
    shelf = catalogue(FOUR, bid=np.array([2.0, 1.0, 1.0, 1.0]), pace=np.array([0.0, 0, 1, 0]))
    assert baseline(moment(), shelf, np.arange(4)) == pytest.approx([0.2, 0.1, 0.05, 0.1])


def test_groups__campaigns__are_one_each_and_none_where_unnamed():
    found = groups(catalogue(FOUR, campaign=["x", "y", "x", ""]))
    assert found.tolist() == [0, 1, 0, -1]
    assert found.dtype == np.int64


def test_subject__context_before_attributes__and_the_first_of_several_slots():
    told = subject(moment({"slot": "top", "device": "phone"}, attributes={"device": "desk"}), {})
    assert told.tolist() == subject(moment({"slot": "top", "device": "phone"}), {}).tolist()
    several = subject(moment({"slots": ["top", "side"], "device": "phone"}), {})
    assert several.tolist() == told.tolist()


def test_action_features__candidates__are_finite_rows_of_shares():
    shelf = catalogue(FOUR, bid=np.array([2.0, 1.0, np.nan, 4.0]), pace=np.array([1.0, 0, 0, 0]))
    features = HOOKS.action_features(
        moment(shown={"b": 5}), shelf, np.array([0, 1, 3]), np.array([0.1, 0.2, 0.4], np.float32)
    )
    assert features.shape == (3, len(FEATURE_NAMES))
    assert np.isfinite(features).all()
    assert features[:, FEATURE_NAMES.index("bid")].tolist() == [0.5, 0.25, 1.0]
    assert features[:, FEATURE_NAMES.index("seen")].tolist() == [0.0, 1.0, 0.0]
    assert features[:, FEATURE_NAMES.index("paced")].tolist() == [0.5, 1.0, 1.0]


def test_item_numbers__two_catalogues_of_one_creative__are_the_same():
    one = HOOKS.item_numbers(catalogue(("a",), title=["Sale"]))
    two = HOOKS.item_numbers(catalogue(("b", "a"), campaign=["other", "campaign-a"], title=["", "Sale"]))
    assert one[0].tolist() == two[1].tolist()


def test_eligible__an_hour_later__goes_by_the_moment_and_not_by_the_clock():
    shelf = catalogue(("a",), ends=["2026-03-02T12:30:00Z"])
    assert len(eligible(moment(at=START + timedelta(hours=12)), shelf).candidates) == 1
    assert len(eligible(moment(at=START + timedelta(hours=13)), shelf).candidates) == 0
