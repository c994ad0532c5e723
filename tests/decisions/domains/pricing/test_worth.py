"""What prices are worth, and what a model is asked about them."""

import numpy as np
import pytest

from decisions.domains.pricing.hooks import HOOKS
from decisions.domains.pricing.worth import asked, baseline, worth
from tests.decisions.domains.pricing.worlds import menu_of, moment


def best_by_baseline(**said: float) -> str:
    menu = menu_of(**said)
    scores = baseline(moment(), menu, np.arange(len(menu.items)))
    assert scores.dtype == np.float32
    return menu.items[int(scores.argmax())]


def test_asked__item_that_the_model_knows__is_its_place_and_all_prices_in_millionths():
    menu = menu_of(price=20.0, settings={"max_step": 0.02})
    question = asked(moment(max_step=0.02), menu, {"cup": 0, "mug": 7})
    assert question.dtype == np.int64
    assert question.tolist() == [7, 19_600_000, 19_800_000, 20_000_000, 20_200_000, 20_400_000]


def test_asked__item_that_the_model_does_not_know__is_nothing():
    assert asked(moment("jug"), menu_of(price=20.0), {"mug": 0}).shape == (0,)
    assert HOOKS.subject(moment(), {"mug": 0}).shape == (0,)


@pytest.mark.parametrize(("objective", "expected"), [("profit", [7.0 * 3.0, 8.0 * 2.0]), ("revenue", [57.0, 40.0])])
def test_worth__demand__is_what_a_day_brings(objective, expected):
    menu = menu_of(price=20.0, cost=12.0, settings={"max_step": 0.05, "grid_step": 0.05})
    assert menu.items == ("19.00", "20.00", "21.00")
    found = worth(moment(objective=objective), menu, np.array([0, 1]), np.array([3.0, 2.0], np.float32))
    assert found.dtype == np.float32
    assert found.tolist() == expected


def test_worth__demand_below_nothing__is_nothing():
    menu = menu_of(price=20.0, cost=12.0)
    assert worth(moment(), menu, np.array([0, 1]), np.array([-3.0, -0.0], np.float32)).tolist() == [0.0, 0.0]


def test_worth__demand_that_is_no_number__stays_none():
    menu = menu_of(price=20.0, cost=12.0)
    found = worth(moment(), menu, np.array([0, 1, 2]), np.array([np.nan, np.inf, 1.0], np.float32))
    assert np.isfinite(found).tolist() == [False, False, True]


def test_baseline__price_that_the_shop_set__is_kept():
    assert best_by_baseline(price=20.0) == "20.00"
    assert best_by_baseline(price=20.0, own_price=20.0) == "20.00"


def test_baseline__price_that_was_decided__goes_back_to_the_own_one():
    assert best_by_baseline(price=19.0, own_price=20.0) == "20.00"


def test_baseline__own_price_that_may_not_be_asked__leaves_the_present_one():
    menu = menu_of(price=19.0, own_price=20.0)
    left = np.array([place for place, item in enumerate(menu.items) if item != "20.00"])
    assert menu.items[left[int(baseline(moment(), menu, left).argmax())]] == "19.00"


def test_baseline__no_candidates__has_no_scores():
    assert baseline(moment(), menu_of(), np.zeros(0, np.int64)).shape == (0,)
