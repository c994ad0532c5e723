import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.statistics import confidence
from experiments.statistics.distributions import normal_isf
from experiments.statistics.midway import MidwayInvalid, remaining_units

Z = normal_isf(0.025)


def test_remaining_units__one_look__is_the_sample_size_formula():
    # power .8 needs e / SE = 2.80158, so units grow by (2.80158 / 1)^2
    found = remaining_units(effect=0.1, se=0.1, units=1_000.0, power=0.8, multiplier=lambda _: Z)
    assert found.growth == pytest.approx((Z + normal_isf(0.2)) ** 2 - 1.0, rel=1e-4)
    assert found.additional_units == pytest.approx(1_000.0 * found.growth)
    assert found.power_now == pytest.approx(0.170075, abs=1e-5)


def test_remaining_units__power_reached__needs_none():
    found = remaining_units(effect=-1.0, se=0.1, units=50.0, power=0.8, multiplier=lambda _: Z)
    assert (found.additional_units, found.growth) == (0.0, 0.0)
    assert found.power_now > 0.99


def test_remaining_units__bound_that_grows_too_fast__never_suffices():
    found = remaining_units(effect=0.1, se=0.1, units=50.0, power=0.8, multiplier=lambda units: units)
    assert (found.additional_units, found.growth) == (None, None)


@given(st.floats(0.01, 0.5), st.floats(10.0, 1e5))
def test_remaining_units__confidence_sequence__asks_for_more_than_one_look(effect, units):
    g = confidence.tuned_g(0.05, 5_000.0)
    one = remaining_units(effect=effect, se=0.2, units=units, power=0.8, multiplier=lambda _: Z)
    many = remaining_units(
        effect=effect, se=0.2, units=units, power=0.8, multiplier=lambda n: confidence.two_sided(n, g, 0.05)
    )
    assert many.additional_units >= one.additional_units


@pytest.mark.parametrize(
    ("effect", "se", "units", "power"),
    [(0.0, 1.0, 10.0, 0.8), (1.0, 0.0, 10.0, 0.8), (1.0, 1.0, math.nan, 0.8), (1.0, 1.0, 10.0, 1.0)],
)
def test_remaining_units__impossible_figures__are_refused(effect, se, units, power):
    with pytest.raises(MidwayInvalid):
        remaining_units(effect=effect, se=se, units=units, power=power, multiplier=lambda _: Z)
