"""What carries over from the period before: found with its size, and not found where nothing does."""

import numpy as np
import pytest

from experiments.statistics.carry_over import CarryOver, carry_over
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid

UNITS, PERIODS = 24, 16


def sample(rng: np.random.Generator, carried: float, *, balanced: bool = True):
    """Return columns of cells with levels of units, seasons, effects around 2 and what the period before leaves."""
    first = rng.integers(0, 2, (UNITS, PERIODS // 2))
    treated = np.stack([first, 1 - first], axis=2).reshape(UNITS, PERIODS).astype(bool)
    if not balanced:
        treated = rng.random((UNITS, PERIODS)) < 0.5
    before = np.concatenate([np.zeros((UNITS, 1), dtype=bool), treated[:, :-1]], axis=1)
    effects = rng.normal(2.0, 1.5, (UNITS, 1))
    noise = rng.normal(size=(UNITS, PERIODS)) + rng.normal(0.0, 5.0, (UNITS, 1)) + rng.normal(0.0, 3.0, (1, PERIODS))
    unit, period = np.indices((UNITS, PERIODS))
    y = noise + effects * treated + carried * before
    return unit.ravel(), period.ravel(), treated.ravel(), y.ravel(), unit.ravel()


@pytest.mark.parametrize("balanced", [True, False])
def test_carry_over__something_is_left__is_found_with_its_size(balanced):
    rng = np.random.default_rng(21)
    found = [carry_over(*sample(rng, 1.0, balanced=balanced)) for _ in range(40)]
    sizes = [pair.estimate for pair in found if isinstance(pair, CarryOver)]
    assert len(sizes) == 40
    assert float(np.mean(sizes)) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("balanced", [True, False])
def test_carry_over__nothing_is_left__errs_as_often_as_it_says(balanced):
    rng = np.random.default_rng(22)
    found = [carry_over(*sample(rng, 0.0, balanced=balanced)) for _ in range(400)]
    ps = np.array([pair.p_value for pair in found if isinstance(pair, CarryOver)])
    assert ps.size == 400
    assert np.count_nonzero(ps < 0.01) <= 11  # 4 are expected; more with probability below .002
    assert 6 <= np.count_nonzero(ps < 0.05) <= 36


def test_carry_over__order_of_the_rows__does_not_matter():
    rng = np.random.default_rng(23)
    columns = sample(rng, 1.0)
    order = rng.permutation(columns[0].size)
    one, other = carry_over(*columns), carry_over(*(column[order] for column in columns))
    assert isinstance(one, CarryOver)
    assert isinstance(other, CarryOver)
    assert other.estimate == pytest.approx(one.estimate, rel=1e-9)


def test_carry_over__gap_between_periods__is_no_period_before():
    units, periods, treated, y, clusters = sample(np.random.default_rng(24), 1.0)
    assert carry_over(units, 2 * periods, treated, y, clusters) == Undefined(UndefinedReason.TOO_FEW_UNITS)


def test_carry_over__few_clusters_and_no_cells__say_so():
    units, periods, treated, y, clusters = sample(np.random.default_rng(25), 1.0)
    few = units < 9
    assert carry_over(*(column[few] for column in (units, periods, treated, y, clusters))) == Undefined(
        UndefinedReason.TOO_FEW_UNITS
    )
    nothing = np.zeros(0, dtype=np.intp)
    assert carry_over(nothing, nothing, nothing.astype(bool), nothing.astype(float), nothing) == Undefined(
        UndefinedReason.TOO_FEW_UNITS
    )


@pytest.mark.parametrize(
    ("place", "column", "field"),
    [
        (0, np.arange(3), "units"),
        (1, np.zeros(UNITS * PERIODS, dtype=np.intp), "periods"),
        (1, np.zeros(UNITS * PERIODS), "periods"),
        (2, np.full(UNITS * PERIODS, 2), "treated"),
        (3, np.full(UNITS * PERIODS, np.nan), "y"),
        (4, np.arange(3), "clusters"),
    ],
)
def test_carry_over__column_that_cannot_be__is_refused_by_name(place, column, field):
    columns = list(sample(np.random.default_rng(26), 1.0))
    columns[place] = column
    with pytest.raises(RowsInvalid, match=f"{field}: "):
        carry_over(*columns)


def test_carry_over__names_and_scale__do_not_matter():
    units, periods, treated, y, clusters = sample(np.random.default_rng(27), 1.0)
    plain, named = (
        carry_over(units, periods, treated, y, clusters),
        carry_over(units * 10**15 - 7, periods - 3, treated, y, clusters - 10**12),
    )
    assert plain == named
    assert carry_over(units, periods, treated, y * 1e300, clusters) == Undefined(UndefinedReason.OVERFLOW)
