"""The simulated shop: who gains from a lower price, and for how long an earlier one is felt."""

import numpy as np
import pytest

from experiments.calibration import markets
from experiments.calibration.markets import Market

DAYS = 42
STOCKS = Market(stock_days=7)
HABIT = Market(bought_ahead=0.0, habit=0.5, habit_days=3)


def shop(market=STOCKS, days=DAYS):
    return markets.draw_shop(market, np.random.default_rng(1), days)


def pieces(market, reduced, days=DAYS):
    return markets.pieces_expected(market, shop(market, days), reduced)[0]


def nowhere(days=DAYS):
    return np.zeros((*shop(days=days).pull.shape, days), dtype=bool)


def test_draw_shop__items__are_three_to_five_in_each_cluster():
    found = shop()
    counts = found.items[0].sum(axis=1)
    assert (counts.min(), counts.max()) == (3, 5)
    assert np.all(found.price[found.items] > found.cost[found.items])


def test_pieces_expected__one_item_reduced__takes_from_its_neighbours_and_from_nobody_else():
    reduced = nowhere()
    before = pieces(STOCKS, reduced)
    reduced[:, 0, 0] = True
    after = pieces(STOCKS, reduced)
    assert after[0, 0].sum() > before[0, 0].sum()
    assert np.all(after[0, 1:3].sum(axis=-1) < before[0, 1:3].sum(axis=-1))
    assert np.array_equal(after[1:], before[1:])


def test_pieces_expected__a_cheap_week__is_followed_by_as_many_days_of_less_as_the_stock_lasts():
    reduced = nowhere()
    before = pieces(STOCKS, reduced).sum(axis=1)
    reduced[..., 7:14] = True
    after = pieces(STOCKS, reduced).sum(axis=1)
    assert np.all(after[:, 14:21] < before[:, 14:21])
    assert np.allclose(after[:, 21:], before[:, 21:])
    assert not np.allclose(after[:, 20], before[:, 20])


def test_pieces_expected__what_was_bought_ahead__is_missing_later_to_the_piece():
    reduced = nowhere()
    without = Market(bought_ahead=0.0)
    reduced[..., 7:14] = True
    ahead, used = pieces(STOCKS, reduced).sum(axis=1), pieces(without, reduced).sum(axis=1)
    assert ahead.sum(axis=1) == pytest.approx(used.sum(axis=1))
    assert np.all(ahead[:, 7] > used[:, 7])


def test_pieces_expected__a_habit__is_over_after_its_days():
    reduced = nowhere()
    before = pieces(HABIT, reduced)
    reduced[..., 7:14] = True
    after = pieces(HABIT, reduced)
    assert not np.allclose(after[..., 16], before[..., 16])
    assert np.allclose(after[..., 17:], before[..., 17:])


def test_always_minus_never__in_steady_state__does_not_depend_on_what_is_bought_ahead():
    found = [markets.always_minus_never(m, shop(m), warm_up=14) for m in (STOCKS, Market(bought_ahead=0.0))]
    assert found[0].mean() < 0.0
    assert found[0].mean() == pytest.approx(found[1].mean(), rel=0.1)


def test_margins__of_a_reduced_item__are_lower_by_the_reduction():
    reduced = nowhere(7)
    reduced[0, 3, 1] = True
    found = markets.margins(STOCKS, shop(days=7), reduced)[0, 3]
    price, cost = (float(column[0, 3, 1]) for column in (shop(days=7).price, shop(days=7).cost))
    assert found[1, 0] == pytest.approx(round(0.9 * price, 2) - cost)
    assert found[0, 0] == pytest.approx(float(shop(days=7).price[0, 3, 0] - shop(days=7).cost[0, 3, 0]))
