"""The report on recorded demand: what is judged, what orders cost, and every table."""

from pathlib import Path

import numpy as np
import pytest

from decisions.domain_reports import markdown
from decisions.domains.restock.training.figures import PROBABILITIES
from decisions.domains.restock.training.real_data import evaluate
from decisions.domains.restock.training.real_data.contest import (
    bootstrapped,
    bootstrapped_share,
    judged,
    naive_forecaster,
    recipe_forecaster,
)
from decisions.domains.restock.training.real_data.costs import HELD_OUT, LEAD, Prices, fixed_base_stock, simulated
from decisions.domains.restock.training.real_data.readers import Recorded, read_supply_graph
from tests.decisions.domains.restock.training.sales import panel


def test_judged__a_forecaster_that_knows__makes_no_error():
    rows = np.random.default_rng(1).poisson(5.0, (4, 40)).astype(float)
    recorded = Recorded("made", panel(*rows.tolist(), horizons=(1, 2, 3)), interval=3, folds=4)

    def knowing(before, steps):
        total = rows[:, before.steps : before.steps + steps].sum(axis=1)
        return np.tile(total[:, None], (1, len(PROBABILITIES)))

    found = judged(recorded, knowing)
    assert not found.errors.any()
    assert not found.losses.any()
    assert found.covered == 1.0
    assert (judged(recorded, naive_forecaster).losses > 0.0).all()


def test_simulated__demand_of_one_a_step__is_held_and_lost_as_counted_by_hand():
    found = panel([1.0] * 24, horizons=(1, 2, 3))
    never = simulated(found, lambda _panel, position, _prices: np.zeros_like(position), Prices(2.0, 0.5))
    assert (never.lost[0], never.held[0], never.asked[0]) == (HELD_OUT - 3.0, 2.0 + 1.0, HELD_OUT)
    assert never.cost[0] == pytest.approx(2.0 * (HELD_OUT - 3) + 0.5 * 3)
    kept = simulated(found, lambda _panel, position, _prices: 3.0 - position, Prices(2.0, 0.5))
    assert kept.lost[0] == 0.0
    assert kept.fill_rate == 1.0
    assert LEAD == 2


def test_simulated__sales_that_were_lost__are_seen_as_a_bound_alone():
    found = panel([4.0] * 24, horizons=(1, 2, 3))
    seen = []

    def watching(before, position, _prices):
        seen.append((before.units[0, -1], bool(before.known[0, -1]), bool(before.censored[0, -1])))
        return np.where(position > 0.0, 0.0, 1.0)

    simulated(found, watching, Prices(1.0, 0.1))
    assert seen[1:4] == [(4.0, True, False)] * 3
    assert (1.0, False, True) in seen
    assert found.units[0, -1] == 4.0


def test_fixed_base_stock__more_holding_cost__orders_less():
    rows = np.random.default_rng(1).poisson(5.0, (6, 40)).astype(float)
    before = panel(*rows.tolist())
    cheap, dear = (fixed_base_stock(before)(before, np.zeros(6), Prices(1.0, holding)) for holding in (0.01, 0.5))
    assert (cheap > dear).all()


def test_bootstrapped__figures__are_within_their_interval():
    figures = np.random.default_rng(1).normal(3.0, 1.0, 400)
    found = bootstrapped(figures)
    assert found.lower < found.value < found.upper
    assert found.upper - found.lower == pytest.approx(2 * 1.96 / 20, rel=0.2)
    assert bootstrapped_share(figures * 0.5, figures).value == pytest.approx(-0.5)


@pytest.mark.realdata
def test_recipe__of_supply_graph__beats_the_naive_forecast(real_data: Path):
    recorded = read_supply_graph(real_data)
    naive = judged(recorded, naive_forecaster)
    found = judged(recorded, recipe_forecaster("exponential_smoothing", {}))
    assert bootstrapped(found.losses - naive.losses).upper < 0.0
    assert 0.85 < found.covered <= 1.0


@pytest.mark.nightly
def test_evaluate__quick__writes_every_table(real_data: Path):
    told: list[str] = []
    text = markdown(evaluate(real_data, quick=True, tell=told.append))
    for title in ("811 weekly products", "SupplyGraph", "daily orders"):
        assert f"### Demand: {title}" in text
    assert "### Orders: simulated cost" in text
    assert text.count("| quantile_network |") == 3
    assert told
