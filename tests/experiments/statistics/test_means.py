import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from experiments.statistics.distributions import normal_isf
from experiments.statistics.means import (
    checked,
    needs_restriction,
    restricted,
    satterthwaite,
    units_for_skewness,
    welch,
)
from experiments.statistics.moments import Moments
from experiments.statistics.pair import Pair, difference_interval, p_value
from experiments.statistics.results import Alternative, IntervalStatus, Undefined, UndefinedReason, ends
from tests.experiments.statistics.units import sample

CONTROL, TREATMENT = [1.0, 2.5, 2.0, 4.0, 3.0], [2.0, 4.5, 6.0, 3.5]


def pair_of(control: Moments, treatment: Moments) -> Pair:
    found = checked(welch(control, treatment))
    assert isinstance(found, Pair)
    return found


@pytest.mark.parametrize(
    ("alternative", "name"),
    [(Alternative.TWO_SIDED, "two-sided"), (Alternative.GREATER, "greater"), (Alternative.LESS, "less")],
)
def test_p_value__unequal_arms__equals_welch(alternative, name):
    expected = ttest_ind(TREATMENT, CONTROL, equal_var=False, alternative=name)
    pair = pair_of(sample(CONTROL), sample(TREATMENT))
    assert p_value(pair, alternative) == pytest.approx(expected.pvalue, rel=1e-12)
    assert pair.df == pytest.approx(expected.df, rel=1e-12)


def test_p_value__thirty_standard_errors__is_not_zero():
    arms = [Moments(10**6, ("y",), np.array([mean]), np.array([[10.0**6]])) for mean in (0.0, 0.0425)]
    assert 0.0 < p_value(pair_of(*arms)) < 1e-190


@pytest.mark.parametrize(
    ("control", "treatment", "reason"),
    [
        ([], [1.0, 2.0], UndefinedReason.NO_DATA),
        ([1.0], [1.0, 2.0], UndefinedReason.TOO_FEW_UNITS),
        ([3.0, 3.0], [3.0, 3.0, 3.0], UndefinedReason.NO_VARIANCE),
    ],
)
def test_welch__not_estimable__says_why(control, treatment, reason):
    empty = Moments(0, ("y",), np.zeros(1), np.zeros((1, 1)))
    arms = [sample(values) if values else empty for values in (control, treatment)]
    assert checked(welch(arms[0], arms[1])) == Undefined(reason)


def test_satterthwaite__one_component__keeps_its_degrees():
    assert satterthwaite([(4.0, 9.0)]) == pytest.approx(9.0)
    assert satterthwaite([(0.0, 3.0)]) == math.inf
    assert satterthwaite([(1e-300, 5.0), (1e-300, 5.0)]) == pytest.approx(10.0)


def test_needs_restriction__uneven_or_few_buyers__is_true():
    def arm(n: int, buyers: int) -> Moments:
        return Moments(n, ("y",), np.zeros(1), np.ones((1, 1)), None, (buyers,))

    assert not needs_restriction(arm(1000, 300), arm(1000, 300))
    assert needs_restriction(arm(1000, 300), arm(1000, 199))
    assert needs_restriction(arm(499, 300), arm(1000, 300))
    # forty stores that all sell something are no scarcity of buyers
    assert not needs_restriction(arm(43, 43), arm(47, 47))
    assert needs_restriction(arm(43, 43), arm(47, 46))
    assert needs_restriction(arm(20, 20), arm(47, 47))


@pytest.mark.parametrize("level", [0.2, 0.05, 0.001])
def test_restricted__any_level__interval_excludes_zero_exactly_when_the_test_rejects(level):
    rng = np.random.default_rng(7)
    agreed = 0
    for _ in range(200):
        arms = [np.where(rng.random(n) < 0.3, rng.lognormal(1.0, 1.0, n), 0.0) for n in (300, 30)]
        control, treatment = sample(arms[0]), sample(arms[1] * 1.5)
        pair = restricted(pair_of(control, treatment), control, treatment)
        lower, upper = ends(difference_interval(pair, pair.multiplier(normal_isf(level / 2.0))))
        agreed += (not lower <= 0.0 <= upper) is (p_value(pair) < level)
    assert agreed == 200


def test_restricted__never__is_narrower_than_the_plug_in():
    control, treatment = sample([0.0] * 90 + [50.0] * 10), sample([0.0] * 9 + [2.0])
    plain = pair_of(control, treatment)
    both = restricted(plain, control, treatment)
    assert both.se > plain.se
    assert p_value(both) > p_value(plain)


def test_difference_interval__multiplier_too_large_for_the_units__is_unbounded():
    control, treatment = sample([0.0, 1.0]), sample([0.0, 3.0])
    pair = restricted(pair_of(control, treatment), control, treatment)
    assert difference_interval(pair, 5.0).status is IntervalStatus.UNBOUNDED


def test_units_for_skewness__two__is_1420():
    assert units_for_skewness(2.0) == 1420.0
