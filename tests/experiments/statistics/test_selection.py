import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.statistics.distributions import normal_isf
from experiments.statistics.empirical_bayes import empirical_prior
from experiments.statistics.posterior import NormalPrior
from experiments.statistics.selection import (
    SelectionInvalid,
    conditional_effect,
    cutoff_for,
    portfolio_total,
    shrunk_total,
)


def test_conditional_effect__cutoff_far_below__changes_nothing():
    found = conditional_effect(0.5, 0.1, -5.0)
    assert (found.most_likely, found.median_unbiased) == pytest.approx((0.5, 0.5))
    assert (found.lower, found.upper) == pytest.approx((0.5 - 0.1959964, 0.5 + 0.1959964), abs=1e-7)
    assert found.bias_if_true == pytest.approx(0.0, abs=1e-12)


def test_conditional_effect__barely_selected__is_far_below_the_estimate():
    # x - c = d standard errors: E[X - c | X > c; mu] = x - c has the root mu = -1 / d for small d, the median -ln 2 / d
    found = conditional_effect(2.0 + 1e-6, 1.0, 2.0)
    assert found.most_likely == pytest.approx(-1e6, rel=1e-4)
    assert found.median_unbiased == pytest.approx(-math.log(2.0) * 1e6, rel=1e-4)
    assert found.lower < found.median_unbiased < found.upper


@given(st.floats(1e-3, 20.0), st.floats(-3.0, 8.0))
def test_conditional_effect__any_selection__corrects_downwards_in_order(above, cutoff):
    found = conditional_effect(cutoff + above, 1.0, cutoff)
    assert found.lower < found.median_unbiased < found.upper
    assert found.median_unbiased <= cutoff + above + 1e-9
    assert found.most_likely <= cutoff + above + 1e-9
    assert found.bias_if_true >= 0.0


@pytest.mark.parametrize("scale", [1e-200, 1e15, 1e200])
def test_conditional_effect__another_unit__scales_with_it(scale):
    plain, scaled = conditional_effect(2.5, 1.0, 1.96), conditional_effect(2.5 * scale, scale, 1.96 * scale)
    assert scaled.lower == pytest.approx(plain.lower * scale, rel=1e-9)
    assert scaled.most_likely == pytest.approx(plain.most_likely * scale, rel=1e-9)


@pytest.mark.parametrize("effect", [0.0, 1.0, 2.5])
def test_conditional_effect__significant_ones_alone__are_covered_and_unbiased_in_the_median(effect):
    cutoff = normal_isf(0.025)
    draws = np.random.default_rng(4).normal(effect, 1.0, 60_000)
    kept = draws[draws > cutoff][:1_000]
    found = [conditional_effect(x, 1.0, cutoff) for x in kept]
    covered = np.mean([each.lower <= effect <= each.upper for each in found])
    above = np.mean([each.median_unbiased > effect for each in found])
    assert covered == pytest.approx(0.95, abs=0.022)
    assert above == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("estimate", "se", "cutoff", "alpha"),
    [
        (1.0, 1.0, 1.0, 0.05),
        (0.5, 1.0, 1.0, 0.05),
        (2.0, 0.0, 1.0, 0.05),
        (math.nan, 1.0, 1.0, 0.05),
        (2.0, 1.0, 1.0, 0.0),
    ],
)
def test_conditional_effect__nothing_was_selected__is_refused(estimate, se, cutoff, alpha):
    with pytest.raises(SelectionInvalid) as caught:
        conditional_effect(estimate, se, cutoff, alpha=alpha)
    assert caught.value.code == "SELECTION_INVALID"


def test_cutoff_for__two_sided_level__is_its_critical_estimate():
    assert cutoff_for(0.03, 0.05) == pytest.approx(0.0587989, abs=1e-7)


def test_portfolio_total__by_hand__counts_the_unselected_in_the_bias():
    # phi(1) for x = SE, phi(2) for x = 0, z = 2; only the third is selected: phi(-1)
    found = portfolio_total([1.0, 0.0, 3.0], [1.0, 1.0, 1.0], 2.0)
    assert found.selected == (2,)
    assert found.naive == 3.0
    assert found.bias == pytest.approx(2.0 * 0.24197072 + 0.05399097)
    assert found.adjusted == pytest.approx(3.0 - found.bias)


def test_portfolio_total__no_experiments__is_nothing():
    found = portfolio_total([], [], 1.96)
    assert (found.selected, found.naive, found.bias) == ((), 0.0, 0.0)


@pytest.mark.parametrize(("effects", "errors"), [([1.0], []), ([1.0], [0.0]), ([math.inf], [1.0]), ([1.0], [math.nan])])
def test_portfolio_total__impossible_figures__are_refused(effects, errors):
    with pytest.raises(SelectionInvalid):
        portfolio_total(effects, errors, 1.96)


def test_totals__many_portfolios__naive_is_inflated_and_the_shrunk_one_is_not():
    generator = np.random.default_rng(6)
    effects = generator.normal(0.0, 0.5, size=(3_000, 20))
    seen = effects + generator.normal(size=effects.shape)
    history = empirical_prior(seen[:500].ravel().tolist(), [1.0] * 10_000)
    naive, adjusted, shrunk = [], [], []
    for truth, estimates in zip(effects, seen.tolist(), strict=True):
        found = portfolio_total(estimates, [1.0] * 20, 1.96)
        real = truth[list(found.selected)].sum()
        naive.append(found.naive - real)
        adjusted.append(found.adjusted - real)
        shrunk.append(shrunk_total(estimates, [1.0] * 20, 1.96, history.prior) - real)
    assert np.mean(naive) > 1.0
    assert abs(np.mean(adjusted)) < np.mean(naive)
    assert abs(np.mean(shrunk)) < 0.1 * np.mean(naive)


def test_shrunk_total__selected_alone__are_added():
    # weight 1/2: 3 becomes 1.5; 0.5 is not selected
    assert shrunk_total([3.0, 0.5], [1.0, 1.0], 1.96, NormalPrior(0.0, 1.0)) == pytest.approx(1.5)
    with pytest.raises(SelectionInvalid):
        shrunk_total([3.0], [], 1.96, NormalPrior(0.0, 1.0))
