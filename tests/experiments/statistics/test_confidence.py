import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.statistics import confidence

N = st.floats(1.0, 1e7)
ALPHA = st.floats(1e-5, 0.2)


@given(N, st.floats(1.0, 1e6), ALPHA)
def test_two_sided__at_its_multiplier__the_p_value_is_alpha(n, planned, alpha):
    g = confidence.tuned_g(alpha, planned)
    z = confidence.two_sided(n, g, alpha)
    assert confidence.always_valid_p(confidence.log_e_value(z, n, g)) == pytest.approx(alpha, rel=1e-6)


@given(N, st.floats(1.0, 1e6), ALPHA)
def test_one_sided_mixture__at_its_multiplier__the_e_value_is_one_over_alpha(n, planned, alpha):
    g = confidence.tuned_g(2.0 * alpha, planned)
    z = confidence.one_sided_mixture(n, g, alpha)
    assert confidence.log_e_value_one_sided(z, n, g) == pytest.approx(-math.log(alpha), abs=1e-6)
    assert z <= confidence.one_sided(n, g, alpha)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
def test_tuned_g__at_the_planned_time__is_the_tightest(factor):
    g = confidence.tuned_g(0.05, 1000.0)
    assert confidence.two_sided(1000.0, g, 0.05) < confidence.two_sided(1000.0, factor * g, 0.05)


def test_t_multiplier__many_degrees_of_freedom__is_the_normal_one():
    assert confidence.t_multiplier(1e9, 500.0, 400.0, 0.05) == pytest.approx(confidence.two_sided(500.0, 400.0, 0.05))


def test_t_multiplier__too_few_degrees_of_freedom__is_infinite():
    assert confidence.t_multiplier(2.0, 4.0, 1e6, 0.05) == math.inf
