import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.statistics.empirical_bayes import empirical_prior
from experiments.statistics.figures import FigureInvalid
from experiments.statistics.results import Undefined, UndefinedReason


def test_empirical_prior__equal_errors__is_the_excess_variance():
    # Q = 2 / 0.01 = 200 on one degree of freedom; room = 200 - 20000 / 200 = 100; tau^2 = 199 / 100
    found = empirical_prior([0.0, 2.0], [0.1, 0.1])
    assert found.prior.mean == pytest.approx(1.0)
    assert found.prior.variance == pytest.approx(1.99)
    assert found.shrunk == pytest.approx((1.0 - 1.99 / 2.0, 1.0 + 1.99 / 2.0))
    assert found.experiments == 2


def test_empirical_prior__less_spread_than_noise__is_certain_of_the_mean():
    found = empirical_prior([0.01, 0.01, 0.02], [0.1, 0.2, 0.1])
    assert found.prior.variance == 0.0
    assert set(found.shrunk) == {found.prior.mean}


@pytest.mark.parametrize(
    ("effects", "errors", "reason"),
    [
        ([], [], UndefinedReason.NO_DATA),
        ([0.1], [0.1], UndefinedReason.TOO_FEW_UNITS),
        ([0.1, 0.2], [0.1, 0.0], UndefinedReason.NO_VARIANCE),
        ([0.1, math.nan], [0.1, 0.1], UndefinedReason.OVERFLOW),
    ],
)
def test_empirical_prior__too_little__says_why(effects, errors, reason):
    assert empirical_prior(effects, errors) == Undefined(reason)


def test_empirical_prior__lists_of_different_lengths__are_refused():
    with pytest.raises(FigureInvalid, match="std_errors"):
        empirical_prior([0.1, 0.2], [0.1])


@given(st.lists(st.tuples(st.floats(-1.0, 1.0), st.floats(1e-3, 1.0)), min_size=2, max_size=12), st.floats(1e-9, 1e9))
def test_empirical_prior__another_unit__scales_with_it(past, unit):
    effects, errors = zip(*past, strict=True)
    plain = empirical_prior(effects, errors)
    scaled = empirical_prior([unit * x for x in effects], [unit * se for se in errors])
    assert scaled.prior.mean == pytest.approx(unit * plain.prior.mean, rel=1e-6, abs=1e-9 * unit)
    assert scaled.prior.variance == pytest.approx(unit * unit * plain.prior.variance, rel=1e-5, abs=1e-9 * unit * unit)


def test_empirical_prior__many_experiments__finds_their_spread_and_shrinking_helps():
    generator = np.random.default_rng(11)
    errors = generator.uniform(0.01, 0.05, 4_000)
    effects = generator.normal(0.01, 0.03, errors.size)
    seen = effects + generator.normal(0.0, 1.0, errors.size) * errors
    found = empirical_prior(seen.tolist(), errors.tolist())
    assert found.prior.mean == pytest.approx(0.01, abs=0.003)
    assert math.sqrt(found.prior.variance) == pytest.approx(0.03, abs=0.003)
    assert np.mean((np.array(found.shrunk) - effects) ** 2) < 0.7 * np.mean((seen - effects) ** 2)
