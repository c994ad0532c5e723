"""The choice among ways of smoothing, and the spread that their errors give."""

import numpy as np
import pytest
from scipy import stats

from decisions.domains.restock.training.choosing import chosen, taylor_prior
from decisions.domains.restock.training.figures import gamma_quantiles, pinball
from decisions.domains.restock.training.naive import naive_quantiles, scales
from decisions.domains.restock.training.quantile_network import LEVELS, moments_of
from decisions.domains.restock.training.seasons import season_factors
from decisions.domains.restock.training.smoothing import SEASONLESS, smoothed
from tests.decisions.domains.restock.training.sales import panel


def test_chosen__series_that_jump_and_that_do_not__are_smoothed_and_spread_differently():
    rng = np.random.default_rng(1)
    steady = rng.poisson(20.0, (10, 104))
    jumping = rng.poisson(np.repeat(rng.uniform(5.0, 60.0, (10, 8)), 13, axis=1))
    found = panel(*steady.tolist(), *jumping.tolist(), horizons=(1, 2, 3))
    moments = chosen(found, smoothed(found, np.ones((20, 1)), SEASONLESS), np.ones((20, 1)))
    constant = [float(way.removeprefix("level ").split(",")[0]) for way in moments.way]
    assert max(constant[:10]) <= 0.2
    assert np.mean(constant[10:]) > 1.5 * np.mean(constant[:10])
    assert (np.diff(moments.means, axis=1) >= 0.0).all()
    assert 1.0 < np.median(moments.variances[:10, 2] / 60.0) < 2.5
    assert np.median(moments.variances[10:, 2]) > 5.0 * np.median(moments.variances[:10, 2])


def test_taylor_prior__variances_that_are_a_power__are_found_again():
    means = np.geomspace(1.0, 100.0, 30)
    prior = taylor_prior(means, 3.0 * means**1.5, np.ones(30))
    assert prior(np.array([7.0, 50.0])) == pytest.approx([3.0 * 7.0**1.5, 3.0 * 50.0**1.5])


def test_pinball__of_the_quantile__is_least_in_expectation():
    sold = np.random.default_rng(1).poisson(9.0, 20_000).astype(float)
    losses = [pinball(np.full_like(sold, level), sold, 0.9).mean() for level in range(25)]
    assert int(np.argmin(losses)) == int(np.quantile(sold, 0.9))


@pytest.mark.parametrize(("mean", "variance"), [(20.0, 40.0), (5.0, 10.0), (300.0, 9_000.0)])
def test_gamma_quantiles__of_moments__are_close_to_the_exact_ones(mean: float, variance: float):
    exact = stats.gamma(mean * mean / variance, scale=variance / mean)
    for probability in (0.1, 0.5, 0.95):
        found = gamma_quantiles(np.array([mean]), np.array([variance]), probability)
        assert found[0] == pytest.approx(exact.ppf(probability), rel=0.02)


@pytest.mark.parametrize("exact", [stats.gamma(2.0, scale=3.0), stats.norm(50.0, 8.0), stats.uniform(0.0, 12.0)])
def test_moments_of__quantiles__are_those_of_the_distribution(exact):
    mean, variance = moments_of(exact.ppf(np.array(LEVELS))[None, :])
    assert mean[0] == pytest.approx(exact.mean(), rel=0.03)
    assert variance[0] == pytest.approx(exact.var(), rel=0.12)


def test_naive__weeks_that_change_by_chance__are_the_last_one_with_its_errors():
    rng = np.random.default_rng(1)
    found = panel(*rng.poisson(4.0, (3, 210)).tolist())
    quantiles = naive_quantiles(found, 7, (0.05, 0.5, 0.95))
    last = found.units[:, -7:].sum(axis=1)
    changes = np.diff(found.units.reshape(3, 30, 7).sum(axis=2), axis=1)
    assert scales(found, 7) == pytest.approx(np.abs(changes).mean(axis=1))
    assert quantiles[:, 1] == pytest.approx(last + np.median(changes, axis=1))
    assert (quantiles[:, 0] < last).all()


def test_naive__a_short_series__has_the_errors_of_all():
    found = panel([float(week % 3) for week in range(60)], [7.0] * 60)
    found.known[1, :40] = False
    quantiles = naive_quantiles(found, 7, (0.1, 0.5, 0.9))
    changes = np.diff(found.units[0, 4:].reshape(8, 7).sum(axis=1))
    pooled = np.quantile(np.concatenate((changes / scales(found, 7)[0], [0.0])), (0.1, 0.5, 0.9))
    assert quantiles[1] == pytest.approx(np.maximum(0.0, 49.0 + 49.0 * pooled))


def test_season_factors__a_series_without_sales_on_sundays__learns_it_as_far_as_it_sells():
    week = [2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 0.0]
    found = season_factors(panel(week * 30, [1.0] * 210, [0.0] * 210, season=7))
    assert found[0, 6] < 0.3
    assert found[0, 0] == pytest.approx(7 / 6, rel=0.05)
    assert found[0, 6] < found[2, 6] < 1.0
    assert found[1, 6] > found[2, 6]
    assert found.mean(axis=1) == pytest.approx(np.ones(3))
