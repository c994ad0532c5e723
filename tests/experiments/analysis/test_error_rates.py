"""Seeded simulations: how often the default rules err. Bands are three standard errors of 2 000 replicates and more."""

import math

import numpy as np
import pytest

from experiments.analysis.effects import Effect
from experiments.analysis.estimate import Stratified, estimate
from experiments.analysis.plan import Adjustment
from experiments.statistics import confidence, lift, noninferiority
from experiments.statistics.distributions import normal_isf
from experiments.statistics.group_sequential import lan_demets
from experiments.statistics.means import checked, welch
from experiments.statistics.moments import Moments
from experiments.statistics.pair import ArmEstimate, Pair
from experiments.statistics.results import IntervalStatus, Undefined, ends
from experiments.vocabulary import MetricKind
from tests.experiments.statistics.units import sample

REPLICATES = 2000


def effect_of(kind: MetricKind, control: Moments, treatment: Moments, adjust=Adjustment.NONE) -> Effect:
    found = estimate(kind, Stratified((control,)), Stratified((treatment,)), adjust=adjust)
    assert not isinstance(found, Undefined)
    return found.effect


def from_rate(n: int, successes: int) -> Moments:
    rate = successes / n
    return Moments(n, ("y",), np.array([rate]), np.array([[n * rate * (1 - rate)]]), None, (successes,))


@pytest.mark.parametrize(("n_c", "n_t", "rate"), [(2000, 2000, 0.05), (9000, 1000, 0.03), (500, 500, 0.2)])
def test_conversion__no_effect__rejects_five_percent(n_c, n_t, rate):
    rng = np.random.default_rng(11)
    counts = zip(rng.binomial(n_c, rate, REPLICATES), rng.binomial(n_t, rate, REPLICATES), strict=True)
    rejected = sum(
        effect_of(MetricKind.CONVERSION, from_rate(n_c, int(c)), from_rate(n_t, int(t))).p_value() < 0.05
        for c, t in counts
    )
    assert 0.035 <= rejected / REPLICATES <= 0.065


def spenders(rng: np.random.Generator, n: int) -> Moments:
    buyers = rng.binomial(n, 0.03)
    spent = rng.lognormal(3.5, 1.2, buyers)
    mean = spent.sum() / n
    return Moments(n, ("y",), np.array([mean]), np.array([[np.sum(spent**2) - n * mean**2]]), None, (buyers,))


def test_revenue__ten_to_ninety__keeps_its_size_where_the_plug_in_does_not():
    rng = np.random.default_rng(12)
    ours = plug_in = 0
    for _ in range(REPLICATES):
        control, treatment = spenders(rng, 18_000), spenders(rng, 2_000)
        ours += effect_of(MetricKind.SUM, control, treatment).p_value() < 0.05
        plain = checked(welch(control, treatment))
        assert isinstance(plain, Pair)
        plug_in += abs(plain.statistic) > 1.96
    assert ours / REPLICATES <= 0.06 + 3 * math.sqrt(0.06 * 0.94 / REPLICATES)
    assert plug_in / REPLICATES > 0.065


def test_revenue__even_split__rejects_five_percent():
    rng = np.random.default_rng(13)
    rejected = sum(
        effect_of(MetricKind.SUM, spenders(rng, 10_000), spenders(rng, 10_000)).p_value() < 0.05
        for _ in range(REPLICATES)
    )
    assert 0.035 <= rejected / REPLICATES <= 0.065


def test_adjusted_revenue__no_effect__rejects_five_percent_with_a_smaller_error():
    rng = np.random.default_rng(14)
    rejected, saved = 0, []
    for _ in range(500):
        arms = []
        for _arm in range(2):
            x = rng.gamma(2.0, 10.0, 400)
            arms.append(sample(x + rng.gamma(2.0, 6.0, 400), x, names=("y", "x")))
        adjusted = effect_of(MetricKind.SUM, arms[0], arms[1], Adjustment.LIN)
        rejected += adjusted.p_value() < 0.05
        saved.append(adjusted.pair.variance / effect_of(MetricKind.SUM, arms[0], arms[1]).pair.variance)
    assert 0.02 <= rejected / 500 <= 0.08
    assert np.mean(saved) == pytest.approx(36.0 / 136.0, rel=0.1)


def test_fieller__twenty_conversions_and_a_lift__misses_evenly_on_both_sides():
    rng = np.random.default_rng(15)
    below = above = 0
    for _ in range(REPLICATES):
        control, treatment = rng.binomial(2000, 0.01), rng.binomial(2000, 0.015)
        rates = control / 2000, treatment / 2000
        arms = [ArmEstimate(2000, rate, rate * (1 - rate) / 2000) for rate in rates]
        pair = Pair(arms[0], arms[1])
        found = lift.fieller(pair, 1.96)
        if found.status is not IntervalStatus.BOUNDED:
            continue
        lower, upper = ends(found)
        below, above = below + (lower > 0.5), above + (upper < 0.5)
    assert below / REPLICATES <= 0.04
    assert above / REPLICATES <= 0.04
    assert (below + above) / REPLICATES <= 0.065


def brownian(rng: np.random.Generator, looks: int, paths: int) -> np.ndarray:
    steps = rng.normal(0.0, math.sqrt(1.0 / looks), (paths, looks)).cumsum(axis=1)
    return steps / np.sqrt((np.arange(looks) + 1.0) / looks)


@pytest.mark.parametrize("looks", [14, 28])
def test_group_sequential__daily_looks_without_an_effect__rejects_five_percent_at_most(looks):
    z = np.abs(brownian(np.random.default_rng(16), looks, 20_000))
    bounds = np.array(lan_demets(tuple((k + 1) / looks for k in range(looks)), 0.05))
    crossed = (z >= bounds).any(axis=1).mean()
    naive = (z >= 1.96).any(axis=1).mean()
    assert crossed <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 20_000)
    assert crossed >= 0.042
    assert naive > 0.2


def test_group_sequential__conversions_with_growing_information__keeps_five_percent():
    rng = np.random.default_rng(17)
    daily = rng.binomial(500, 0.05, (REPLICATES, 2, 28)).cumsum(axis=2)
    n = 500.0 * (np.arange(28) + 1)
    pooled = daily.sum(axis=1) / (2 * n)
    z = (daily[:, 1] - daily[:, 0]) / n / np.sqrt(pooled * (1 - pooled) * 2 / n)
    bounds = np.array(lan_demets(tuple(n), 0.05, fractions=tuple(n / n[-1])))
    assert (np.abs(z) >= bounds).any(axis=1).mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / REPLICATES)


def test_confidence_sequence__hundred_looks_without_an_effect__rejects_five_percent_at_most():
    z = np.abs(brownian(np.random.default_rng(18), 100, 5000))
    g = confidence.tuned_g(0.05, 50.0)
    bounds = np.array([confidence.two_sided(k + 1.0, g, 0.05) for k in range(100)])
    assert (z >= bounds).any(axis=1).mean() <= 0.05


def test_harm_alarm__no_harm__is_below_its_one_sided_alpha():
    z = brownian(np.random.default_rng(19), 28, 10_000)
    g = confidence.tuned_g(0.05, 28.0)
    bounds = np.array([confidence.one_sided_mixture(k + 1.0, g, 0.025) for k in range(28)])
    assert (z >= bounds).any(axis=1).mean() <= 0.025


def test_non_inferiority__exactly_as_bad_as_the_margin__passes_five_percent():
    rng = np.random.default_rng(20)
    for higher, factor in ((True, 0.9), (False, 1.1)):
        passed = 0
        for _ in range(REPLICATES):
            means = rng.normal(10.0, 0.4), rng.normal(10.0 * factor, 0.4)
            pair = Pair(ArmEstimate(1000, means[0], 0.16), ArmEstimate(1000, means[1], 0.16))
            found = noninferiority.relative_statistic(pair, 0.1, higher_is_better=higher)
            assert not isinstance(found, Undefined)
            passed += found >= normal_isf(0.05)
        assert 0.035 <= passed / REPLICATES <= 0.065
