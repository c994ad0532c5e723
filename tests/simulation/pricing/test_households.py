"""Households: what they take has the frequencies of the truth, and what they buy ahead is missing later."""

import numpy as np
import pytest

from simulation.pricing.households import Pantries, households
from simulation.pricing.truth import Kind, PriceTruth, draw_market

DAYS, WARM_UP = 600, 10
TRUTH = PriceTruth(clusters=2, keen=Kind(40.0, 8.0, 0.7), loyal=Kind(40.0, 0.8, 0.2))
KEEN, LOYAL = 0, 1


def lived(market, level, days):
    """Return what each cluster brought on each day at a level of prices that may change by day, and the needs."""
    pantries = Pantries(market)
    brought, needs = np.zeros((2, days)), np.zeros((2, days))
    for day in range(days):
        for household in households(market, day):
            members = market.members(household.cluster)
            prices = market.price[members] * level(day)
            taken = pantries.take(household, day, prices)
            needs[household.cluster, day] += 1
            if taken is not None:
                margin = prices[taken.place - members.start] - market.cost[taken.place]
                brought[household.cluster, day] += taken.pieces * margin
    return brought, needs


@pytest.mark.parametrize("level", [0.8, 1.0, 1.3])
def test_take__at_prices_that_never_change__brings_what_the_closed_form_says(level):
    market = draw_market(TRUTH, 3)
    brought, needs = lived(market, lambda _day: level, DAYS)
    for cluster in (KEEN, LOYAL):
        prices = market.price[market.members(cluster)] * level
        expected = market.contribution(cluster, prices) * market.kinds[cluster].households
        days = brought[cluster, WARM_UP:]
        # what is bought ahead on a day is missing on the next two: three days together are a sample
        blocks = days[: len(days) // 3 * 3].reshape(-1, 3).mean(axis=1)
        assert abs(blocks.mean() - expected) < 4 * blocks.std(ddof=1) / len(blocks) ** 0.5
        assert needs[cluster].mean() == pytest.approx(market.kinds[cluster].households, rel=0.02)


def test_take__after_a_reduction__is_less_for_as_long_as_stocks_last():
    market = draw_market(TRUTH, 3)
    brought, _ = lived(market, lambda day: 0.8 if day % 10 < 5 else 1.0, DAYS)
    by_day = brought[KEEN].reshape(-1, 10).mean(axis=0)
    first, after = by_day[5], by_day[8]
    assert first < 0.8 * after
    assert by_day[0] > 1.1 * by_day[4], "the first day of a reduction sells to those who have nothing at home"


def test_take__nothing_reduced__leaves_nothing_at_home():
    market = draw_market(TRUTH, 3)
    pantries = Pantries(market)
    for household in households(market, 7):
        taken = pantries.take(household, 7, market.price[market.members(household.cluster)])
        assert taken is None or taken.pieces == 1
    assert pantries.filled(KEEN, 8, 0.3) == 0.0


def test_households__of_a_day__come_in_order_and_are_the_same_again():
    market = draw_market(PriceTruth(), 3)
    found = list(households(market, 9))
    assert found == list(households(market, 9))
    assert found != list(households(market, 10))
    hours = [household.hour for household in found]
    assert hours == sorted(hours)
    assert hours[0] >= 0.0
    assert hours[-1] < 24.0
