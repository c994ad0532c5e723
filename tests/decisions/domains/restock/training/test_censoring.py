"""Lost sales: the mean of demand is found from days that sold out, and nothing is added where none did."""

import numpy as np
import pytest

from decisions.domains.restock.training.censoring import dispersions, uplifts
from decisions.domains.restock.training.panel import panel_of
from decisions.domains.restock.training.seasons import season_factors
from tests.decisions.domains.restock.training import sales


@pytest.mark.parametrize("capacity", [6.0, 8.0, 12.0])
def test_uplifts__poisson_demand_that_sells_out__finds_its_mean(capacity: float):
    demand = np.random.default_rng(1).poisson(8.0, (20, 400)).astype(float)
    in_stock = np.where(demand >= capacity, 0.5, 1.0)
    panel = panel_of(sales.log_of(np.minimum(demand, capacity), in_stock))
    found = panel.means * uplifts(panel, np.ones((20, 7)))
    assert panel.means.mean() < 8.0
    assert found.mean() == pytest.approx(8.0, rel=0.04)


def test_uplifts__nothing_sold_out__are_one():
    panel = panel_of(sales.world(series=5).log)
    assert uplifts(panel, season_factors(panel)).tolist() == [1.0] * 5


def test_uplifts__days_without_stock__say_nothing():
    units = np.random.default_rng(1).poisson(4.0, (3, 100)).astype(float)
    in_stock = np.ones_like(units)
    units[:, ::4], in_stock[:, ::4] = 0.0, 0.0
    panel = panel_of(sales.log_of(units, in_stock))
    assert not panel.known[:, 0].any()
    assert uplifts(panel, np.ones((3, 7))).tolist() == [1.0] * 3
    assert panel.means.mean() == pytest.approx(4.0, rel=0.15)


def test_panel__a_series_that_is_hardly_ever_in_stock__counts_what_it_sold():
    units = np.full((1, 60), 2.0)
    panel = panel_of(sales.log_of(units, np.full_like(units, 0.5)))
    assert panel.known.all()
    assert not panel.censored.any()
    assert panel.means.tolist() == [2.0]


def test_dispersions__negative_binomial_demand__are_its_own():
    panel = panel_of(sales.world(series=80, days=700, drift=0.0).log)
    assert np.median(dispersions(panel, season_factors(panel))) == pytest.approx(1.0 / sales.SIZE, rel=0.15)
