import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import binom, binomtest, chisquare

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


def test_log_bayes_factors__many_cells__equal_one_at_a_time():
    counts = np.array([[100, 120, 0], [0, 0, 0], [4000, 3900, 7]])
    weights = [0.5, 0.3, 0.0]
    found = srm.log_bayes_factors(counts, weights, concentration=10.0)
    one_by_one = [srm.log_bayes_factor(row, weights, concentration=10.0) for row in counts.tolist()]
    assert found == pytest.approx(one_by_one, rel=1e-9, abs=1e-9)
    assert srm.log_bayes_factors(counts, [1.0, 0.0, 0.0]).tolist() == [0.0, 0.0, 0.0]


def test_log_evidence_of_cells__two_strata__is_the_mean_over_concentrations_of_products():
    counts = [np.array([[50, 30]]), np.array([[10, 40]])]
    splits = [[1.0, 1.0], [1.0, 3.0]]
    products = [
        math.exp(
            sum(srm.log_bayes_factor(c[0].tolist(), w, concentration=k) for c, w in zip(counts, splits, strict=True))
        )
        for k in srm.CELL_CONCENTRATIONS
    ]
    found = srm.log_evidence_of_cells(list(zip(counts, splits, strict=True)))
    assert found == pytest.approx([math.log(sum(products) / 2.0)])


def test_log_evidence_of_family__cells_without_units__change_nothing():
    assert srm.log_evidence_of_family(np.array([3.0])) == srm.log_evidence_of_family(np.array([3.0, 0.0, 0.0]))
    assert float(srm.log_evidence_of_family(np.array([]))) == 0.0
    w = srm.SUSPECTED
    assert srm.log_evidence_of_family(np.array([2.0])) == pytest.approx(math.log(1.0 - w + w * math.exp(2.0)))


def test_log_evidence_of_family__every_outcome_of_a_fair_split__has_the_expected_e_value_one():
    sizes, share = (4, 7, 2), 0.3
    outcomes = np.array(list(product(*(range(n + 1) for n in sizes))))
    chances = np.prod([binom.pmf(outcomes[:, i], n, share) for i, n in enumerate(sizes)], axis=0)
    counts = np.stack([outcomes, np.array(sizes) - outcomes], axis=-1)
    e_values = np.exp(srm.log_evidence_of_family(srm.log_evidence_of_cells([(counts, [share, 1.0 - share])])))
    assert float((chances * e_values).sum()) == pytest.approx(1.0, rel=1e-12)


def test_distance__ranks_cells_far_beyond_the_smallest_float():
    near, far, further = ([([500, n], [1.0, 1.0])] for n in (480, 100, 0))
    assert srm.distance(near) < srm.distance(far) < srm.distance(further)
    assert srm.distance([([10**9, 1], [1.0, 1.0])]) > srm.distance([([10**8, 1], [1.0, 1.0])])
    assert srm.distance([([0, 0], [1.0, 1.0])]) == -math.inf
    assert srm.distance([([5, 0], [1.0, 0.0])]) == -math.inf


def test_bonferroni_p__smallest_of_the_splits_with_units__is_multiplied_by_their_number():
    splits = [([300, 360], [1.0, 1.0]), ([0, 0], [1.0, 1.0]), ([500, 500], [1.0, 1.0])]
    assert srm.bonferroni_p(splits) == pytest.approx(2.0 * binomtest(300, 660).pvalue)
    assert srm.bonferroni_p([([0, 0], [1.0, 1.0])]) is None


def test_bonferroni_p__three_arms_and_few_units__never_claims_more_than_the_exact_evidence():
    rng = np.random.default_rng(4)
    small = rng.multinomial(30, [0.9, 0.05, 0.05], size=20_000)
    p = np.array([srm.bonferroni_p([(row.tolist(), [18.0, 1.0, 1.0])]) for row in small], dtype=float)
    assert (p <= 0.001).mean() <= 0.001


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
