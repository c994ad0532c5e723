"""Simulated units arrive at the analysis as the sums that they have."""

import numpy as np
import pytest

from experiments.calibration.sums import DenseSums, SparseSums
from experiments.statistics.moments import PowerSums


def counted(*columns, names, scale=1):
    """Return the sums of unit columns, one unit after the other."""
    scaled = [[int(value) * scale for value in column] for column in columns]
    size = len(scaled)
    return PowerSums(
        len(scaled[0]),
        names,
        tuple(sum(column) for column in scaled),
        tuple(
            sum(a * b for a, b in zip(scaled[i], scaled[j], strict=True)) for i in range(size) for j in range(i, size)
        ),
        tuple(sum(value != 0 for value in column) for column in scaled),
        sum(value**3 for value in scaled[0]),
    )


def test_sparse_sums__capped_money__equal_a_plain_count():
    values = np.array([500, 20_000, 70, 9_000, 12, 90_000])
    counts = np.array([[1, 0, 2], [0, 3, 0]])
    sums = SparseSums(values, counts, capped=np.minimum(values, 10_000), scale=10_000)
    spent = [9_000, 12, 90_000, 0, 0, 0, 0]
    capped = [min(value, 10_000) for value in spent]
    assert sums.at(1, 1, 7) == counted(capped, spent, names=("y", "y_uncapped"), scale=10_000)
    assert sums.at(1, 0, 4) == counted([0] * 4, [0] * 4, names=("y", "y_uncapped"))
    assert sums.at(0, 2, 3) == counted([500, 10_000, 70], [500, 20_000, 70], names=("y", "y_uncapped"), scale=10_000)


def test_sparse_sums__after_a_running_sum_has_wrapped__stay_exact():
    values = np.full(12, 1_000_000)
    sums = SparseSums(values, np.full((12, 1), 1))
    assert sums.at(11, 0, 1) == counted([1_000_000], names=("y",))


@pytest.mark.parametrize("look", [0, 2])
def test_dense_sums__two_variables__equal_a_plain_count(look):
    rng = np.random.default_rng(1)
    y, x = rng.poisson(1.0, (2, 3, 5)), rng.poisson(2.0, (2, 3, 5))
    sums = DenseSums({"y": y, "x": x})
    units = [column[1, : look + 1].ravel() for column in (y, x)]
    assert sums.at(1, look) == counted(*units, names=("y", "x"))
