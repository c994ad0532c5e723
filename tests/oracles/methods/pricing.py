"""Demand that does not rise with the price, and the price that brings most by it."""

import numpy as np

from experiments.statistics.monotone import non_increasing
from tests.oracles.compare import Case
from tests.oracles.methods.means import Answer


def monotone_demand_pava(case: Case) -> Answer:
    inputs = case["inputs"]
    prices, asked = np.array(inputs["prices"], np.float64), np.array(inputs["n"], np.float64)
    demand = non_increasing(np.array(inputs["purchases"]) / asked, asked)
    worth = (prices - inputs["unit_cost"]) * demand
    return {
        "demand": demand.tolist(),
        "expected_revenue_per_visitor": worth.tolist(),
        "best_price": inputs["prices"][int(worth.argmax())],
    }
