"""Doubts about elasticities: raised where prices followed the line or demand, and not where they were set at will."""

import numpy as np
import pytest

from decisions.domains.pricing.training.dataset import split_log
from decisions.domains.pricing.training.doubts import Findings, bulk_of_lines
from models_registry.predictors.demand import Doubt
from tests.decisions.domains.pricing.training.shops import changed, of_tables, shop


def findings(log) -> Findings:
    return split_log(log, test_share=0.1).findings


def flagged(found: Findings, doubt: Doubt) -> float:
    return float(np.mean((found.flags & doubt) > 0))


def bulk_log(*, ledger: bool):
    """Return days of items whose buyers of many pieces pay less for each; the price on the shelf never changes."""
    rng = np.random.default_rng(2)
    shape = (140, 20)
    largest = np.floor(np.exp(rng.normal(1.5, 1.0, shape))) + 1.0
    units = largest + rng.poisson(1.0, shape)
    paid = 10.0 * largest**-0.1 * np.exp(rng.normal(0.0, 0.02, shape))
    offered = np.full(shape, 10.0)
    offered[70:, :5] = 11.0
    log = of_tables(units, offered if ledger else paid)
    return changed(log, paid=paid.reshape(-1), largest=largest.reshape(-1), orders=np.ones(units.size))


def test_doubts__discounts_for_quantity__are_recognised_from_daily_sums():
    found = findings(bulk_log(ledger=False))
    assert flagged(found, Doubt.BULK_DISCOUNTS) == 1.0
    assert found.bulk_share > 0.5


def test_doubts__prices_set_for_everybody__are_no_discounts_for_quantity():
    """People buy more pieces at a time where the price is low: that is an answer to the price."""
    world = shop(items=40, never=0).log
    lines = np.where(world.units > 0, np.maximum(1.0, np.rint(3.0 * (world.price / world.price.mean()) ** -2)), 0.0)
    found = findings(changed(world, largest=np.minimum(lines, world.units)))
    assert flagged(found, Doubt.BULK_DISCOUNTS) == 0.0


def test_doubts__prices_set_at_will__raise_none():
    found = findings(shop(items=100, seed=5).log)
    assert flagged(found, Doubt.PRICE_FOLLOWS_DEMAND) <= 0.02
    assert abs(found.follows_t) < 3.3
    assert flagged(found, Doubt.NEVER_CHANGED) == flagged(found, Doubt.FEW_PRICES) == 0.0


def test_doubts__promotions_that_end__do_not_pass_for_prices_that_follow_demand():
    """A week of low price and much demand is followed by a rise: because it was low, and not because it sold."""
    rng = np.random.default_rng(6)
    promoted = np.repeat(rng.random((30, 60)) < 0.2, 7, axis=0)
    price = np.where(promoted, 7.0, 10.0)
    units = rng.poisson(4.0 * (price / 10.0) ** -3).astype(np.float64)
    found = findings(of_tables(units, price))
    assert flagged(found, Doubt.PRICE_FOLLOWS_DEMAND) <= 0.04
    assert abs(found.follows_t) < 3.3
    assert flagged(found, Doubt.FEW_PRICES) > 0.9


def test_doubts__prices_cut_after_bad_weeks__are_said_to_follow_demand():
    rng = np.random.default_rng(7)
    weeks, items = 40, 60
    price, units = np.full((weeks * 7, items), 10.0), np.zeros((weeks * 7, items))
    state = np.zeros(items)
    for week in range(weeks):
        rows = slice(week * 7, week * 7 + 7)
        state = 0.6 * state + rng.normal(0.0, 0.5, items)
        units[rows] = rng.poisson(5.0 * np.exp(state) * (price[rows] / 10.0) ** -1, (7, items))
        if week + 1 < weeks:
            price[week * 7 + 7 : week * 7 + 14] = np.round(10.0 * np.exp(0.2 * np.clip(state, -1.0, 1.0)), 2)
    found = findings(of_tables(units, price))
    assert found.follows_t > 10.0
    assert flagged(found, Doubt.PRICE_FOLLOWS_DEMAND) > 0.8


def test_doubts__items_that_kept_their_price__are_counted():
    found = findings(shop(items=10, never=3).log)
    assert ((found.flags & Doubt.NEVER_CHANGED) > 0).tolist() == [False] * 7 + [True] * 3


def test_bulk_of_lines__a_schedule_of_discounts__is_told_by_quantity_and_within_days():
    rng = np.random.default_rng(8)
    count = 4_000
    item, day = rng.integers(0, 20, count), rng.integers(0, 50, count)
    quantity = np.log(rng.integers(1, 40, count))
    found = bulk_of_lines(item, day, 1.0 - 0.1 * quantity, quantity)
    assert found.slope == pytest.approx(-0.1)
    assert found.explained == pytest.approx(1.0)
    assert found.within_day > 0.6
    assert found.mixed_days > 0.9


def test_bulk_of_lines__prices_by_day__have_nothing_within_days():
    rng = np.random.default_rng(9)
    item, day = rng.integers(0, 20, 4_000), rng.integers(0, 50, 4_000)
    price = np.log(10.0) + 0.01 * (day % 5)
    found = bulk_of_lines(item, day, price, np.log(rng.integers(1, 40, 4_000)))
    assert found.within_day == pytest.approx(0.0, abs=1e-12)
    assert found.mixed_days == 0.0
    assert found.explained < 0.05


def test_bulk_of_lines__one_price__is_no_variance_to_explain():
    one = np.zeros(5, np.int64)
    assert bulk_of_lines(one, one, np.ones(5), np.arange(5.0)).explained == 0.0
