import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from experiments.statistics.ranks import mann_whitney
from experiments.statistics.results import Alternative, Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid

SCIPY = {Alternative.TWO_SIDED: "two-sided", Alternative.GREATER: "greater", Alternative.LESS: "less"}


@pytest.mark.parametrize("alternative", list(Alternative))
@pytest.mark.parametrize("decimals", [0, 6])
def test_mann_whitney__with_and_without_ties__equals_scipy(alternative, decimals):
    rng = np.random.default_rng(1)
    control, treatment = np.round(rng.normal(0, 2, 40), decimals), np.round(rng.normal(0.8, 2, 33), decimals)
    found = mann_whitney(control, treatment, alternative)
    expected = mannwhitneyu(treatment, control, alternative=SCIPY[alternative], method="asymptotic")
    assert found.wins == expected.statistic
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)


def test_mann_whitney__three_against_two__is_counted_by_hand():
    found = mann_whitney([1.0, 4.0], [2.0, 4.0, 5.0])
    assert found.wins == 1 + 1.5 + 2
    assert found.share == pytest.approx(0.75)


def test_mann_whitney__far_apart__keeps_a_tail():
    found = mann_whitney(np.arange(800.0), np.arange(800.0) + 5000.0)
    assert 0.0 < found.p_value < 1e-200
    assert found.share == 1.0


def test_mann_whitney__monotone_change_of_both_arms__changes_nothing():
    rng = np.random.default_rng(2)
    control, treatment = rng.normal(size=50), rng.normal(size=50)
    assert mann_whitney(np.exp(control), np.exp(treatment)) == mann_whitney(control, treatment)
    assert mann_whitney(control * 1e15, treatment * 1e15) == mann_whitney(control, treatment)


def test_mann_whitney__equal_means_of_other_shape__is_no_test_of_means():
    rng = np.random.default_rng(3)
    assert mann_whitney(rng.exponential(1.0, 3000), rng.normal(1.0, 1.0, 3000)).p_value < 1e-5


def test_mann_whitney__equal_arms__p_is_about_uniform():
    rng = np.random.default_rng(4)
    p = np.array([mann_whitney(*values).p_value for values in rng.poisson(3.0, (1000, 2, 60)).astype(float)])
    assert 0.03 <= np.mean(p <= 0.05) <= 0.07


def test_mann_whitney__nothing_to_rank__is_undefined():
    assert mann_whitney([], [1.0]) == mann_whitney([1.0], []) == Undefined(UndefinedReason.NO_DATA)
    assert mann_whitney([2.0] * 5, [2.0] * 4) == Undefined(UndefinedReason.NO_VARIANCE)
    with pytest.raises(RowsInvalid):
        mann_whitney([np.nan], [1.0])
