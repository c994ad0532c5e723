import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.statistics import clusters
from experiments.statistics.clusters import ClusterTotals
from experiments.statistics.distributions import t_isf
from experiments.statistics.lift import fieller
from experiments.statistics.means import checked, welch
from experiments.statistics.pair import Pair, difference_interval
from experiments.statistics.results import IntervalStatus, Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid
from tests.experiments.statistics.units import sample


def dense(codes, treated, y):
    """Return CR2's error and degrees of freedom by the matrices of the definition."""
    x = np.column_stack([np.ones(y.size), treated])
    bread = np.linalg.inv(x.T @ x)
    hat = x @ bread @ x.T
    residual = y - hat @ y
    left, score = np.eye(y.size) - hat, []
    columns = []
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        values, vectors = np.linalg.eigh(left[np.ix_(rows, rows)])
        root = vectors @ np.diag(values**-0.5) @ vectors.T
        weight = root @ x[rows] @ bread[:, 1]
        score.append(weight @ residual[rows])
        columns.append(left[:, rows] @ weight)
    p = np.column_stack(columns)
    omega = p.T @ p
    return math.sqrt(np.square(score).sum()), np.trace(omega) ** 2 / np.trace(omega @ omega)


def shops(rng, count, correlation=0.3, *, effect=0.0):
    """Return rows of clusters of very different size, the first half treated."""
    sizes = 2 + rng.geometric(0.06, count)
    codes = np.repeat(np.arange(count), sizes)
    level = np.repeat(rng.normal(0.0, math.sqrt(correlation), count), sizes)
    treated = (codes < count // 2).astype(float)
    return codes, treated, level + rng.normal(0.0, math.sqrt(1.0 - correlation), codes.size) + effect * treated


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.booleans())
def test_cr2__any_clusters_even_across_arms__equals_the_definition(seed, crossed):
    rng = np.random.default_rng(seed)
    codes, treated, y = shops(rng, 8)
    if crossed:
        treated = rng.permutation(treated)
    pair = clusters.cr2(ClusterTotals.from_rows(codes, treated, y))
    se, df = dense(codes, treated, y)
    assert pair.difference == pytest.approx(y[treated == 1].mean() - y[treated == 0].mean())
    assert pair.se == pytest.approx(se)
    assert pair.df == pytest.approx(df)


def test_cr2__one_row_per_cluster__is_welchs_error():
    rng = np.random.default_rng(1)
    y, treated = rng.normal(size=30), np.repeat([0, 1], 15)
    pair = clusters.cr2(ClusterTotals.from_rows(np.arange(30), treated, y))
    plain = welch(sample(y[:15]), sample(y[15:]))
    assert pair.se == pytest.approx(plain.se)
    assert pair.df == pytest.approx(28.0)


def test_cr1__two_equal_clusters_per_arm__is_computed_by_hand():
    totals = ClusterTotals.from_rows([0, 0, 1, 1, 2, 2, 3, 3], [0] * 4 + [1] * 4, [0, 0, 2, 2, 5, 5, 9, 9])
    assert clusters.cr0(totals).variance == pytest.approx(2 * 2**2 / 16 + 2 * 4**2 / 16)
    assert clusters.cr1(totals).variance / clusters.cr0(totals).variance == pytest.approx(4 / 3 * 7 / 6)
    assert clusters.delta(totals).variance == pytest.approx(2.0 * clusters.cr0(totals).variance)
    assert clusters.cr2(totals).variance == pytest.approx(2.0 * clusters.cr0(totals).variance)
    assert clusters.cr1(totals).df == 3


def test_cr2__ten_uneven_clusters__covers_where_the_normal_sandwich_and_rows_do_not():
    rng = np.random.default_rng(2)
    covered = plain = rows = 0
    for _ in range(1000):
        codes, treated, y = shops(rng, 10)
        totals = ClusterTotals.from_rows(codes, treated, y)
        pair, common = clusters.cr2(totals), clusters.cr1(totals)
        covered += difference_interval(pair, t_isf(0.025, pair.df)).contains(0.0)
        plain += difference_interval(common, 1.96).contains(0.0)
        by_row = welch(sample(y[treated == 0]), sample(y[treated == 1]))
        rows += difference_interval(by_row, 1.96).contains(0.0)
    assert covered / 1000 >= 0.935
    assert plain / 1000 <= 0.90
    assert rows / 1000 <= 0.75


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([-1e15, -3.0, 1e6, 1e15]))
def test_pair__level_far_from_zero__changes_the_error_by_rounding_only(seed, level):
    codes, treated, y = shops(np.random.default_rng(seed), 6, effect=1.0)
    y = np.round(y * 64) if abs(level) > 1e9 else y
    near, far = (clusters.cr2(ClusterTotals.from_rows(codes, treated, values)) for values in (y, y + level))
    assert far.se == pytest.approx(near.se, rel=1e-2 if abs(level) > 1e9 else 1e-6)
    assert far.df == pytest.approx(near.df)


def test_lift__clusters_that_hold_both_arms__uses_their_covariance():
    rng = np.random.default_rng(3)
    codes = np.repeat(np.arange(20), 40)
    treated = np.tile([0, 1], 400)
    y = 10.0 + np.repeat(rng.normal(0.0, 2.0, 20), 40) + rng.normal(0.0, 1.0, 800)
    pair = clusters.cr2(ClusterTotals.from_rows(codes, treated, y))
    assert pair.covariance > 0.0
    assert pair.variance < 0.2 * (pair.control.variance + pair.treatment.variance)
    assert fieller(pair, pair.multiplier(1.96)).status is IntervalStatus.BOUNDED


@pytest.mark.parametrize("error", [clusters.cr0, clusters.cr1, clusters.cr2, clusters.delta])
def test_errors__too_few_clusters__are_undefined(error):
    none = ClusterTotals.from_rows([], [], [])
    one_arm = ClusterTotals.from_rows([0, 1], [0, 0], [1.0, 2.0])
    single = ClusterTotals.from_rows([0, 1, 2], [0, 0, 1], [1.0, 2.0, 3.0])
    constant = ClusterTotals.from_rows([0, 1, 2, 3], [0, 0, 1, 1], [1.0] * 4)
    assert error(none) == error(one_arm) == Undefined(UndefinedReason.NO_DATA)
    assert error(single) == Undefined(UndefinedReason.TOO_FEW_UNITS)
    assert checked(error(constant)) == Undefined(UndefinedReason.NO_VARIANCE)


def test_needs_randomisation_test__few_clusters_or_one_clustered_side__does():
    few = ClusterTotals.from_rows(np.arange(9), np.arange(9) % 2, np.arange(9.0))
    enough = ClusterTotals.from_rows(np.arange(40) // 2, np.arange(40) // 2 % 2, np.arange(40.0))
    treated_in_shops = np.concatenate([np.arange(40), np.repeat([100, 101, 102], 20)])
    one_side = ClusterTotals.from_rows(treated_in_shops, np.repeat([0, 1], [40, 60]), np.arange(100.0))
    assert clusters.needs_randomisation_test(few)
    assert not clusters.needs_randomisation_test(enough)
    assert clusters.needs_randomisation_test(one_side)


def test_totals__that_no_rows_have__are_refused():
    with pytest.raises(RowsInvalid):
        ClusterTotals.from_rows([0, 1], [0, 1], [1.0, math.inf])
    with pytest.raises(RowsInvalid):
        ClusterTotals(np.ones((3, 2)), np.ones((2, 2)))
    with pytest.raises(RowsInvalid):
        ClusterTotals(-np.ones((3, 2)), np.ones((3, 2)))


def test_totals__from_a_query__answer_as_rows_do():
    codes, treated, y = shops(np.random.default_rng(4), 12)
    rows, sums = np.zeros((12, 2)), np.zeros((12, 2))
    for code, arm, value in zip(codes, treated, y, strict=True):
        rows[code, int(arm)] += 1
        sums[code, int(arm)] += value
    queried, own = clusters.cr2(ClusterTotals(rows, sums)), clusters.cr2(ClusterTotals.from_rows(codes, treated, y))
    assert isinstance(queried, Pair)
    assert (queried.difference, queried.se, queried.df) == pytest.approx((own.difference, own.se, own.df))
    assert queried.multiplier(1.96) > 1.96


def test_errors__values_whose_squares_do_not_fit__are_undefined_or_refused():
    y = np.random.default_rng(5).normal(size=40)
    squares = ClusterTotals.from_rows(np.arange(40) // 2, np.arange(40) // 20, y * 1e200)
    for error in (clusters.cr0, clusters.cr1, clusters.cr2, clusters.delta):
        assert checked(error(squares)) == Undefined(UndefinedReason.OVERFLOW)
    with pytest.raises(RowsInvalid):
        ClusterTotals.from_rows([0, 0, 1, 1], [0, 0, 1, 1], [1.7e308] * 4)
