"""Distributions of totals beside SciPy's, over means from a piece a century to a thousand million."""

import numpy as np
import pytest
from scipy import stats

from models_registry.predictors.totals import totals_of

PROBABILITIES = np.array([0.05, 0.5, 0.9, 0.99])


@pytest.mark.parametrize(("mean", "variance"), [(0.02, 0.05), (0.3, 0.5), (2.0, 9.0), (30.0, 31.0), (30.0, 300.0)])
def test_totals__counts__are_negative_binomial(mean: float, variance: float) -> None:
    found = totals_of(mean, variance)
    expected = stats.nbinom(mean * mean / (variance - mean), mean / variance)
    assert np.allclose(found.chances, expected.pmf(found.totals), atol=1e-9)
    assert found.quantiles(PROBABILITIES).tolist() == expected.ppf(PROBABILITIES).tolist()


def test_totals__a_variance_that_is_the_mean__is_poisson() -> None:
    found = totals_of(12.0, 12.0)
    assert np.allclose(found.chances, stats.poisson(12.0).pmf(found.totals), atol=1e-9)


@pytest.mark.parametrize(
    ("mean", "variance"), [(70.0, 4.0), (5e3, 5e3), (1e6, 1e10), (1e6, 1e12), (1e3, 9e6), (1e9, 1e14)]
)
def test_totals__large_or_even_ones__are_gamma(mean: float, variance: float) -> None:
    found = totals_of(mean, variance)
    shape, scale = mean * mean / variance, variance / mean
    expected = stats.gamma(shape, scale=scale)
    levels = np.linspace(0.0, mean + 4.0 * np.sqrt(variance), 9)
    longer = stats.gamma(shape + 1.0, scale=scale)
    short = mean * longer.sf(levels) - levels * expected.sf(levels)
    assert np.allclose(found.shortage(levels), short, atol=1e-3 * mean)
    assert np.allclose(found.quantiles(PROBABILITIES[1:]), expected.ppf(PROBABILITIES[1:]), rtol=0.02)
    assert float(found.chances @ found.totals) == pytest.approx(mean)


def test_shortage__of_counts__is_what_summing_over_them_gives() -> None:
    found = totals_of(6.0, 15.0)
    levels = np.arange(0.0, 40.0)
    summed = [float(found.chances @ np.maximum(0.0, found.totals - level)) for level in levels]
    assert np.allclose(found.shortage(levels), summed, atol=1e-9)
    assert found.shortage(np.array([-3.0])).tolist() == [pytest.approx(9.0)]


def test_totals__no_demand__is_certain() -> None:
    found = totals_of(0.0, 5.0)
    assert found.quantiles(PROBABILITIES).tolist() == [0.0] * 4
    assert found.shortage(np.array([-2.0, 0.0, 3.0])).tolist() == [2.0, 0.0, 0.0]


def test_totals__no_variance__keeps_a_little() -> None:
    quantiles = totals_of(70.0, 0.0).quantiles(PROBABILITIES)
    assert (np.abs(quantiles - 70.0) < 2.0).all()
