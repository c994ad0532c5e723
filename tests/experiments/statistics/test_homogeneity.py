"""One rate in all arms: Pearson's chi-square against scipy, and what cannot be tested."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from experiments.statistics.homogeneity import Homogeneity, equal_rates
from experiments.statistics.results import Undefined, UndefinedReason


def test_equal_rates__four_arms__is_the_contingency_table_s_chi_square():
    clicks, seen = (150, 122, 110, 132), (3052, 3033, 3092, 3018)
    found = equal_rates(clicks, seen)
    assert isinstance(found, Homogeneity)
    expected = chi2_contingency([clicks, [n - x for x, n in zip(clicks, seen, strict=True)]], correction=False)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.df == 3
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.smallest_expected == pytest.approx(expected.expected_freq.min())


def test_equal_rates__no_units_or_no_spread__is_undefined_with_the_reason():
    assert equal_rates((1,), (10,)) == Undefined(UndefinedReason.NO_DATA)
    assert equal_rates((1, 0), (10, 0)) == Undefined(UndefinedReason.NO_DATA)
    assert equal_rates((0, 0), (10, 20)) == Undefined(UndefinedReason.NO_VARIANCE)
    assert equal_rates((10, 20), (10, 20)) == Undefined(UndefinedReason.NO_VARIANCE)


def test_equal_rates__arm_without_units__is_left_out():
    assert equal_rates((5, 0, 9), (100, 0, 100)) == equal_rates((5, 9), (100, 100))


def test_equal_rates__no_difference__rejects_as_often_as_its_level():
    rng = np.random.default_rng(11)
    seen = (2_000, 2_000, 1_000, 500)
    found = [equal_rates([int(x) for x in rng.binomial(seen, 0.05)], seen) for _ in range(4_000)]
    rejected = sum(not isinstance(each, Undefined) and each.p_value < 0.05 for each in found) / len(found)
    assert 0.04 < rejected < 0.06
