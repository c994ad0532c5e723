import math

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from experiments.statistics import srm
from experiments.statistics.results import Undefined, UndefinedReason


def test_chi_square__arm_without_a_share__adds_no_degree_of_freedom():
    assert srm.chi_square([5000, 5200, 0], [0.5, 0.5, 0.0]) == srm.chi_square([5000, 5200], [0.5, 0.5])
    assert srm.fixed_p([5000, 5200, 0], [0.5, 0.5, 0.0]) == pytest.approx(0.0476703806561615)


def test_chi_square__three_arms__equals_scipy():
    found = srm.chi_square([3333, 3400, 3190], [1, 1, 1])
    assert not isinstance(found, Undefined)
    assert found[0] == pytest.approx(chisquare([3333, 3400, 3190]).statistic)


def test_fixed_p__below_a_thousand__is_exact():
    assert srm.fixed_p([300, 360], [0.5, 0.5]) == pytest.approx(binomtest(300, 660).pvalue, rel=1e-9)
    assert srm.fixed_p([80, 20], [0.9, 0.1]) == pytest.approx(binomtest(80, 100, 0.9).pvalue, rel=1e-9)


@pytest.mark.parametrize(("counts", "weights"), [([0, 0], [1, 1]), ([5, 0], [1, 0]), ([], [])])
def test_fixed_p__nothing_to_compare__is_undefined(counts, weights):
    assert srm.fixed_p(counts, weights) == Undefined(UndefinedReason.NO_DATA)
    assert srm.log_bayes_factor(counts, weights) == 0.0


def test_live_arms__units_in_an_arm_without_a_share__are_stray():
    assert srm.live_arms([10, 20, 3], [1, 3, 0]) == ([10, 20], [0.25, 0.75], 3)


def test_sequential_p__evidence_that_faded__stays_at_its_smallest():
    assert srm.sequential_p(math.log(50.0)) == pytest.approx(0.02)
    assert srm.sequential_p(0.0, earlier=0.02) == 0.02
    assert srm.sequential_p(5000.0) == 0.0


def test_sequential__healthy_split_watched_daily__hardly_ever_alarms():
    rng = np.random.default_rng(1)
    daily = rng.binomial(2000, 0.5, size=(2000, 28)).cumsum(axis=1)
    alarms = 0
    for path in daily:
        p = 1.0
        for day, count in enumerate(path, start=1):
            p = srm.sequential_p(srm.log_bayes_factor([int(count), 2000 * day - int(count)], [1, 1]), p)
        alarms += p < 0.01
    assert alarms / 2000 <= 0.01


def test_sequential__51_to_49__is_found():
    rng = np.random.default_rng(2)
    found = []
    for path in rng.binomial(2000, 0.51, size=(100, 60)).cumsum(axis=1):
        days = (
            day
            for day, count in enumerate(path, start=1)
            if srm.sequential_p(srm.log_bayes_factor([int(count), 2000 * day - int(count)], [1, 1])) < 0.001
        )
        found.append(2000 * next(days, 1000))
    assert np.median(found) <= 60_000
