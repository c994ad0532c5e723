"""The truth of the simulated prices: shares in closed form, and what prices bring in the long run."""

import numpy as np
import pytest

from simulation.pricing.truth import PriceTruth, cluster_id, draw_market

KEEN, LOYAL = 0, 1


def own(market, cluster):
    return market.price[market.members(cluster)]


def test_market__of_one_seed__is_always_the_same_and_of_another_differs():
    first, again, other = (draw_market(PriceTruth(), seed) for seed in (5, 5, 6))
    assert first.items() == again.items()
    assert np.array_equal(first.pull, again.pull)
    assert first.items() != other.items()


def test_items__each__may_be_sold_at_its_own_price_which_is_above_its_cost():
    market = draw_market(PriceTruth(), 5)
    for item, cost, cluster in zip(market.items(), market.cost, market.cluster, strict=True):
        assert cost < item["floor"] < item["price"] < item["ceiling"]
        assert item["cluster"] == cluster_id(int(cluster))


@pytest.mark.parametrize("cluster", [KEEN, LOYAL])
def test_shares__at_own_prices__leave_as_many_without_anything_as_the_kind_says(cluster):
    market = draw_market(PriceTruth(), 5)
    assert market.shares(cluster, own(market, cluster)).sum() == pytest.approx(1.0 - market.kinds[cluster].nothing)


def test_shares__one_item_reduced__takes_from_the_others_of_its_cluster_what_a_test_by_item_would_count_as_gained():
    market = draw_market(PriceTruth(), 5)
    prices = own(market, KEEN).copy()
    prices[0] *= 0.9
    moved = market.shares(KEEN, prices) - market.shares(KEEN, own(market, KEEN))
    assert moved[0] > 0.0
    assert (moved[1:] < 0.0).all()
    assert 0.0 < moved.sum() < moved[0]


@pytest.mark.parametrize("cluster", [KEEN, LOYAL])
def test_elasticity__of_a_cluster__is_the_slope_of_its_log_share(cluster):
    market, step = draw_market(PriceTruth(), 5), 1e-5
    logs = [np.log(market.shares(cluster, own(market, cluster) * factor).sum()) for factor in (1 - step, 1 + step)]
    assert (logs[1] - logs[0]) / (2 * step) == pytest.approx(market.elasticity(cluster), rel=1e-6)


def test_contribution__keen_households__bring_more_at_lower_prices_and_loyal_ones_at_higher_prices():
    market = draw_market(PriceTruth(), 5)
    for cluster, better, worse in ((KEEN, 0.75, 1.4), (LOYAL, 1.4, 0.75)):
        known = market.contribution(cluster, own(market, cluster))
        assert market.contribution(cluster, own(market, cluster) * better) > 1.3 * known
        assert market.contribution(cluster, own(market, cluster) * worse) < known


@pytest.mark.parametrize(
    "faulty", [{"clusters": 1}, {"items": 1}, {"cost": 0.8}, {"envelope": (1.1, 1.4)}, {"bought_ahead": 1.5}]
)
def test_truth__out_of_bounds__is_refused(faulty):
    with pytest.raises(ValueError, match=r"clusters|probability"):
        PriceTruth(**faulty)
