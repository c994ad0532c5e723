import math

import pytest

from experiments.statistics import noninferiority, proportions
from experiments.statistics.pair import ArmEstimate, Pair
from experiments.statistics.proportions import Counts
from experiments.statistics.results import Undefined, UndefinedReason

PAIR = Pair(ArmEstimate(1000, 10.0, 0.04), ArmEstimate(1000, 9.9, 0.05), 0.01)


def test_relative_statistic__higher_is_better__moves_the_margin_with_control():
    found = noninferiority.relative_statistic(PAIR, 0.05, higher_is_better=True)
    assert found == pytest.approx((9.9 - 9.5) / math.sqrt(0.05 + 0.95**2 * 0.04 - 2 * 0.95 * 0.01))


def test_relative_statistic__lower_is_better__counts_the_other_way():
    found = noninferiority.relative_statistic(PAIR, 0.05, higher_is_better=False)
    assert found == pytest.approx((10.5 - 9.9) / math.sqrt(0.05 + 1.05**2 * 0.04 - 2 * 1.05 * 0.01))


@pytest.mark.parametrize(
    ("control", "reason"), [(0.0, UndefinedReason.ZERO_CONTROL), (-1.0, UndefinedReason.NEGATIVE_CONTROL)]
)
def test_relative_statistic__control_not_positive__is_undefined(control, reason):
    pair = Pair(ArmEstimate(10, control, 1.0), ArmEstimate(10, 1.0, 1.0))
    assert noninferiority.relative_statistic(pair, 0.05, higher_is_better=True) == Undefined(reason)


def test_proportion_relative__no_margin__is_the_score_test():
    counts = Counts(5000, 400, 5200, 395)
    assert noninferiority.proportion_relative_z(counts, 0.0, higher_is_better=True) == pytest.approx(
        proportions.pooled_z(counts)
    )


def test_proportion_relative__nobody_converts__is_undefined():
    found = noninferiority.proportion_relative_z(Counts(50, 0, 50, 0), 0.1, higher_is_better=True)
    assert found == Undefined(UndefinedReason.ZERO_CONTROL)


def test_proportion_absolute__lower_is_better__mirrors():
    counts, swapped = Counts(500, 40, 500, 50), Counts(500, 460, 500, 450)
    assert noninferiority.proportion_absolute_z(counts, 0.03, higher_is_better=False) == pytest.approx(
        noninferiority.proportion_absolute_z(swapped, 0.03, higher_is_better=True)
    )
