"""Partial pooling on slopes whose means and spreads are known."""

import numpy as np
import pytest

from decisions.domains.pricing.training.pooling import Hyperprior, Pooled, Standing, paule_mandel, pool

PRIOR = Hyperprior(mean=-2.6, sd=2.2, spread=0.5)


def settled(estimates: np.ndarray, variances: np.ndarray, cluster: np.ndarray) -> Pooled:
    """Return what pooling settles at where each item's likelihood is normal with a known variance."""
    means, within = np.full(len(estimates), PRIOR.mean), PRIOR.spread**2
    for _ in range(60):
        posterior = 1.0 / (1.0 / variances + 1.0 / within)
        modes = posterior * (estimates / variances + means / within)
        found = pool(Standing(modes, posterior, means, within), cluster, PRIOR)
        means, within = found.means, found.within
    return found


def test_pool__slopes_of_clusters__have_the_means_and_spreads_they_were_drawn_with():
    rng = np.random.default_rng(3)
    cluster = np.repeat(np.arange(60), 20)
    centres = -2.0 + rng.normal(0.0, 0.6, 60)
    variances = rng.uniform(0.01, 0.2, 1_200)
    estimates = centres[cluster] + rng.normal(0.0, 0.3, 1_200) + rng.normal(0.0, np.sqrt(variances))
    found = settled(estimates, variances, cluster)
    assert np.sqrt(found.within) == pytest.approx(0.3, abs=0.03)
    assert np.sqrt(found.between) == pytest.approx(0.6, abs=0.12)
    assert abs(found.overall + 2.0) < 3.0 * found.overall_error
    away = (found.means[::20] - centres) / found.errors[::20]
    assert np.mean(np.abs(away) < 1.96) > 0.85


def test_pool__items_without_a_cluster__are_one_together():
    rng = np.random.default_rng(4)
    estimates, variances = -1.5 + rng.normal(0.0, 0.4, 300), np.full(300, 0.05)
    one = settled(estimates, variances, np.full(300, -1))
    assert one.between == 0.0
    assert np.ptp(one.means) == 0.0
    assert one.means[0] == pytest.approx(estimates.mean(), abs=0.02)


def test_pool__slopes_that_say_nothing__stay_where_the_hyperprior_is():
    found = settled(np.full(5, 40.0), np.full(5, 1e12), np.zeros(5, np.int64))
    assert found.overall == pytest.approx(PRIOR.mean, abs=1e-6)
    assert found.overall_error == pytest.approx(PRIOR.sd, abs=1e-6)
    assert np.sqrt(found.within) == pytest.approx(PRIOR.spread, abs=1e-6)


def test_pool__a_cluster_that_nothing_is_known_of__has_the_overall_mean_and_a_wider_error():
    rng = np.random.default_rng(5)
    cluster = np.append(np.repeat(np.arange(10), 10), 10)
    estimates = np.append(-1.0 - 0.2 * cluster[:-1] + rng.normal(0.0, 0.1, 100), 99.0)
    found = settled(estimates, np.append(np.full(100, 0.01), 1e12), cluster)
    assert found.means[-1] == pytest.approx(found.overall, abs=1e-6)
    assert found.errors[-1] == pytest.approx(np.sqrt(found.between + found.overall_error**2), rel=1e-6)
    assert found.errors[-1] > found.errors[0]


def test_paule_mandel__values_of_equal_variance__is_their_variance_less_it():
    values = np.array([1.0, 2.0, 4.0, 7.0])
    assert paule_mandel(values, np.full(4, 0.5)) == pytest.approx(values.var(ddof=1) - 0.5, abs=1e-9)
    assert paule_mandel(values, np.full(4, 50.0)) == 0.0
    assert paule_mandel(values[:1], np.ones(1)) == 0.0
