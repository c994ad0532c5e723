"""The past of the simulated prices: history that varies prices by cluster and week, and nothing else."""

from datetime import UTC, date, datetime

import numpy as np

from simulation.pricing.past import LEVELS, levels_of, past
from simulation.pricing.truth import PriceTruth, draw_market

UNTIL, DAYS = date(2026, 3, 2), 21
TRUTH = PriceTruth(clusters=4)


def test_past__messages__are_history_of_the_days_before_and_sent_again_the_same():
    market = draw_market(TRUTH, 3)
    told = list(past(market, until=UNTIL, days=DAYS))
    assert told == list(past(market, until=UNTIL, days=DAYS))
    assert len({message["messageId"] for message in told}) == len(told) > 200
    times = [datetime.fromisoformat(message["timestamp"]) for message in told]
    assert min(times) >= datetime(2026, 2, 9, tzinfo=UTC)
    assert max(times) < datetime(2026, 3, 2, tzinfo=UTC)
    assert all(message["context"] == {"backfill": True} for message in told)


def test_past__prices__are_those_of_the_cluster_s_week():
    market = draw_market(TRUTH, 3)
    for message in past(market, until=UNTIL, days=DAYS):
        week = (datetime.fromisoformat(message["timestamp"]).date() - UNTIL).days // 7
        [line] = message["properties"]["products"]
        place = market.ids.index(line["product_id"])
        level = levels_of(market, week)[market.cluster[place]]
        assert level in LEVELS
        assert line["price"] == float(np.round(market.price[place] * level, 2))
        assert message["properties"]["revenue"] == round(line["price"] * line["quantity"], 2)
