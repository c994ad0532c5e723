import itertools
import math

import numpy as np
import pytest

from experiments.statistics.distributions import normal_isf
from experiments.statistics.futility import FutilityInvalid, SpendingRule, at_drift, beta_spending
from experiments.statistics.group_sequential import lan_demets
from experiments.statistics.recursion import crossing_probabilities
from experiments.statistics.spending import Spending

WEEKLY = (0.25, 0.5, 0.75, 1.0)


def test_beta_spending__one_look__is_the_fixed_test():
    found = beta_spending((1.0,), alpha=0.025, beta=0.2)
    assert found.efficacy == pytest.approx((normal_isf(0.025),))
    assert found.futility == ()
    assert found.drift == pytest.approx(normal_isf(0.025) + normal_isf(0.2), abs=1e-7)
    assert (found.inflation, found.expected_planned, found.expected_null) == pytest.approx((1.0, 1.0, 1.0), abs=1e-7)


@pytest.mark.parametrize("kind", [Spending.OBRIEN_FLEMING, Spending.POCOCK, Spending.HWANG_SHIH_DECANI])
def test_beta_spending__not_binding__keeps_the_efficacy_bounds_and_reaches_the_power(kind):
    rule = SpendingRule(kind)
    found = beta_spending(WEEKLY, alpha=0.025, beta=0.1, beta_rule=rule)
    assert found.efficacy == pytest.approx(lan_demets(WEEKLY, 0.05), abs=1e-8)
    lower = (*found.futility, found.efficacy[-1])
    up, down = crossing_probabilities(WEEKLY, found.efficacy, lower=lower, drift=found.drift)
    assert sum(up) == pytest.approx(0.9, abs=1e-6)
    assert np.cumsum(down) == pytest.approx([rule.by(t, 0.1) for t in WEEKLY], abs=1e-6)


def test_beta_spending__binding__spends_alpha_only_if_futility_is_obeyed():
    free, bound = (beta_spending(WEEKLY, alpha=0.025, beta=0.2, binding=binding) for binding in (False, True))
    up, _ = crossing_probabilities(WEEKLY, bound.efficacy, lower=(*bound.futility, bound.efficacy[-1]))
    assert sum(up) == pytest.approx(0.025, abs=1e-6)
    ignored, _ = crossing_probabilities(WEEKLY, bound.efficacy)
    assert sum(ignored) > 0.0255
    assert bound.inflation < free.inflation


def test_beta_spending__no_effect__stops_early_for_nothing():
    found = beta_spending(WEEKLY, alpha=0.025, beta=0.2)
    assert found.expected_null < 0.65 < found.expected_planned < found.inflation


def test_beta_spending__nothing_spent_yet__has_no_bound():
    found = beta_spending((0.001, 0.5, 1.0), alpha=0.025, beta=0.2)
    assert found.futility[0] == -math.inf
    assert found.efficacy[0] == math.inf


def test_beta_spending__many_looks__simulated_paths_agree():
    information = tuple((k + 1) / 10 for k in range(10))
    found = beta_spending(information, alpha=0.025, beta=0.2)
    steps = np.random.default_rng(2).normal(0.0, math.sqrt(0.1), size=(20_000, 10))
    root = np.sqrt(np.array(information))
    z = (steps.cumsum(axis=1) + found.drift * np.array(information)) / root
    over = z >= np.array(found.efficacy)
    under = z < np.array((*found.futility, found.efficacy[-1]))
    first_over = np.where(over.any(axis=1), over.argmax(axis=1), 99)
    first_under = np.where(under.any(axis=1), under.argmax(axis=1), 99)
    assert (first_over < first_under).mean() == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(
    ("information", "alpha", "beta"),
    [
        ((), 0.025, 0.2),
        ((0.5, 0.5, 1.0), 0.025, 0.2),
        ((0.5, 0.9), 0.025, 0.2),
        ((0.0, 1.0), 0.025, 0.2),
        ((0.5, math.nan, 1.0), 0.025, 0.2),
        ((1.0,), 0.0, 0.2),
        ((1.0,), 0.025, 0.5),
        ((1.0,), math.nan, 0.2),
    ],
)
def test_beta_spending__impossible_design__is_refused(information, alpha, beta):
    with pytest.raises(FutilityInvalid):
        beta_spending(information, alpha=alpha, beta=beta)


def test_at_drift__planned_effect__is_given_up_with_beta_by_each_look():
    information = (0.2, 0.5, 0.8, 1.0)
    drift = normal_isf(0.025) + normal_isf(0.2)
    bounds = at_drift(information, drift, alpha=0.025, beta=0.2)
    upper = lan_demets(information, 0.05)
    _, down = crossing_probabilities(information, upper, lower=(*bounds, -math.inf), drift=drift)
    rule = SpendingRule()
    assert list(itertools.accumulate(down[:-1])) == pytest.approx([rule.by(t, 0.2) for t in information[:-1]], abs=1e-6)


def test_at_drift__twenty_looks__is_below_the_bounds_of_an_inflated_design():
    information = tuple((k + 1) / 20 for k in range(20))
    fixed = at_drift(information, normal_isf(0.025) + normal_isf(0.2), alpha=0.025, beta=0.2)
    inflated = beta_spending(information, alpha=0.025, beta=0.2).futility
    assert all(low <= high for low, high in zip(fixed, inflated, strict=True))
