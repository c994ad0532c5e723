import numpy as np
import pytest

from experiments.statistics.means import needs_restriction, restricted, welch
from experiments.statistics.pair import Pair, difference_interval, p_value
from experiments.statistics.results import Undefined, UndefinedReason, ends
from experiments.statistics.stratify import combine
from tests.experiments.statistics.units import sample


def pair_of(control, treatment) -> Pair:
    found = welch(sample(control), sample(treatment))
    assert isinstance(found, Pair)
    return found


def test_combine__no_stratum__is_undefined():
    assert combine([]) == Undefined(UndefinedReason.NO_COMMON_STRATUM)


def test_combine__one_stratum__is_itself():
    pair = pair_of([1.0, 2.0, 4.0], [2.0, 3.0])
    assert combine([pair]) is pair


def test_combine__two_strata__weighs_by_units_and_adds_the_superpopulation_term():
    strata = [pair_of([1.0, 3.0, 2.0], [4.0, 6.0, 5.0]), pair_of([10.0, 12.0], [11.0, 13.0])]
    found = combine(strata)
    assert isinstance(found, Pair)
    shares, deltas = (0.6, 0.4), (3.0, 1.0)
    delta = 0.6 * 3.0 + 0.4 * 1.0
    assert found.difference == pytest.approx(delta)
    within = sum(p * p * pair.variance for p, pair in zip(shares, strata, strict=True))
    between = (sum(p * d * d for p, d in zip(shares, deltas, strict=True)) - delta**2) / 10.0
    assert found.variance == pytest.approx(within + between)


def test_combine__split_that_changed__is_unbiased_where_pooling_is_not():
    # day one 90/10 with a high base, day two 50/50 with a low one: pooling sees an effect that is not there
    rng = np.random.default_rng(2)
    days = [(rng.normal(10, 1, 9000), rng.normal(10, 1, 1000)), (rng.normal(5, 1, 5000), rng.normal(5, 1, 5000))]
    pooled = pair_of(np.concatenate([d[0] for d in days]), np.concatenate([d[1] for d in days]))
    found = combine([pair_of(*day) for day in days])
    assert isinstance(found, Pair)
    assert abs(pooled.difference) > 1.0
    assert p_value(found) > 0.01
    assert abs(found.difference) < 0.1


def test_combine__restricted_strata__keep_interval_and_test_together():
    rng = np.random.default_rng(12)
    agreed = 0
    for _ in range(100):
        pairs = []
        for n_c, n_t in ((300, 30), (200, 150)):
            arms = [sample(np.where(rng.random(n) < 0.3, rng.lognormal(1, 1, n), 0.0)) for n in (n_c, n_t)]
            pair = welch(arms[0], arms[1])
            assert isinstance(pair, Pair)
            pairs.append(restricted(pair, arms[0], arms[1]) if needs_restriction(arms[0], arms[1]) else pair)
        found = combine(pairs)
        assert isinstance(found, Pair)
        assert found.restricted is not None
        q = found.multiplier(1.2)
        lower, upper = ends(difference_interval(found, q))
        agreed += (not lower <= 0.0 <= upper) is (abs(found.statistic) > q)
    assert agreed == 100
