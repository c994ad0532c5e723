"""The truth of the simulated stores: demand as declared, no piece lost or made up, a rule that is better for long."""

import numpy as np
import pytest

from simulation.restock.truth import WEEK, RestockTruth, Stock, draw_shelves, min_max

TRUTH = RestockTruth(stores=4, items=5)
DAYS = range(738_000, 738_000 + 7 * 104)


def test_shelves__of_one_seed__are_always_the_same_and_of_another_differ():
    first, again, other = (draw_shelves(TRUTH, seed) for seed in (5, 5, 6))
    assert first.subjects == again.subjects
    assert len(set(first.subjects)) == 20
    assert np.array_equal(first.means, again.means)
    assert np.array_equal(first.asked(738_000), again.asked(738_000))
    assert not np.array_equal(first.means, other.means)


def test_asked__over_two_years__has_mean_variance_and_weekdays_as_declared():
    shelves = draw_shelves(RestockTruth(demand_spread=1e-9, dispersion=0.3), 5)
    asked = np.array([shelves.asked(day) for day in DAYS])
    weekdays = np.array([(day - 1) % 7 for day in DAYS])
    for weekday, factor in enumerate(WEEK):
        found, mean = asked[weekdays == weekday], 4.0 * factor
        variance = mean + 0.3 * mean**2
        assert abs(found.mean() - mean) < 4.0 * np.sqrt(variance / found.size)
        assert found.var() == pytest.approx(variance, rel=0.1)


def test_leads__of_many_orders__have_mean_and_spread_as_declared():
    shelves = draw_shelves(TRUTH, 5)
    leads = np.array([shelves.leads(day) for day in DAYS])
    assert set(np.unique(leads)) == {1, 2, 3}
    assert abs(leads.mean() - TRUTH.lead_days) < 4.0 * TRUTH.lead_sd / np.sqrt(leads.size)
    assert leads.std() == pytest.approx(TRUTH.lead_sd, rel=0.05)


def test_stock__ordered_received_and_sold__loses_and_makes_up_no_piece():
    shelves = draw_shelves(TRUTH, 5)
    begun = np.full(20, 7, dtype=np.int64)
    stock = Stock(begun)
    ordered, sold = np.zeros((2, 20), dtype=np.int64)
    for day in DAYS[:60]:
        before = stock.position
        stock.receive(day)
        assert np.array_equal(stock.position, before)
        pieces = np.where(stock.position < 9, 9 - stock.position, 0)
        stock.order(day, pieces, shelves.leads(day))
        asked = shelves.asked(day)
        went = stock.sell(asked)
        assert (went <= asked).all()
        assert (stock.on_hand >= 0).all()
        ordered, sold = ordered + pieces, sold + went
    assert np.array_equal(begun + ordered - sold, stock.position)
    assert begun.tolist() == [7] * 20


def test_stock__order__is_on_the_shelf_after_its_lead_time_and_not_before():
    stock = Stock(np.zeros(2, dtype=np.int64))
    stock.order(10, np.array([4, 6]), np.array([1, 3]))
    found = []
    for day in (10, 11, 12, 13):
        stock.receive(day)
        found.append((stock.on_hand.tolist(), stock.on_order.tolist()))
    assert found == [([0, 0], [4, 6]), ([4, 0], [0, 6]), ([4, 0], [0, 6]), ([4, 6], [0, 0])]


def test_min_max__at_or_below_the_point__orders_up_to_the_level():
    rule = min_max(np.array([2, 2, 2]), np.array([8, 8, 8]))
    assert rule(np.array([1, 2, 3])).tolist() == [7, 6, 0]


def test_steady_profit__lean_rule__earns_less_than_one_that_lasts_until_the_next_order_and_more_costs_to_hold():
    shelves = draw_shelves(RestockTruth(stores=4, items=5, holding=3.0), 5)
    lean, fitting, hoarding = (
        shelves.steady_profit(min_max(*shelves.up_to(reorder, level)))
        for reorder, level in ((0.5, 1.0), (4.0, 5.0), (40.0, 41.0))
    )
    assert fitting > 1.5 * lean
    assert fitting > hoarding


def test_steady_profit__shelves_never_empty__is_the_margin_of_all_demand():
    truth = RestockTruth(stores=4, items=5, holding=0.0)
    shelves = draw_shelves(truth, 5)
    found = shelves.steady_profit(min_max(*shelves.up_to(30.0, 31.0)))
    asked = np.mean([shelves.asked(day).mean() for day in range(29, 393)])
    assert found == pytest.approx((truth.price - truth.cost) * asked)


@pytest.mark.parametrize(
    "wrong",
    [{"cost": 10.0}, {"leads": ((1, 0.5), (2, 0.4))}, {"leads": ((0, 1.0),)}, {"demand": 0.0}, {"dispersion": 0.0}],
)
def test_truth__parameters_that_cannot_be__are_refused(wrong):
    with pytest.raises(ValueError):
        RestockTruth(**wrong)
