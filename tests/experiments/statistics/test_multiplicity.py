import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.statistics import multiplicity
from experiments.statistics.distributions import normal_sf
from experiments.statistics.gatekeeping import graphical

PS = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12)


@pytest.mark.parametrize(("arms", "published"), [(2, 2.21), (3, 2.35), (5, 2.51)])
def test_dunnett_critical__equal_arms__is_the_published_value(arms, published):
    assert round(multiplicity.dunnett_critical(0.05, multiplicity.equal_loadings(arms)), 2) == published


def test_dunnett_critical__few_degrees_of_freedom__is_larger():
    loadings = multiplicity.equal_loadings(3)
    # Dunnett (1964), two-sided 5%, 3 treatments, 20 degrees of freedom
    assert multiplicity.dunnett_critical(0.05, loadings, 20.0) == pytest.approx(2.54, abs=0.01)


@pytest.mark.parametrize("z", [9.0, 15.0, 25.0])
def test_dunnett_p__far_tail__keeps_its_digits(z):
    # two events that far out hardly ever happen together
    both = 4.0 * normal_sf(z)
    assert multiplicity.dunnett_p(z, multiplicity.equal_loadings(2)) == pytest.approx(both, rel=1e-6, abs=0.0)


def test_dunnett_p__one_treatment__is_the_plain_test():
    assert multiplicity.dunnett_p(1.96, (math.sqrt(0.5),)) == pytest.approx(0.05, abs=1e-4)


@given(PS)
def test_adjusted__any_p_values__are_ordered_between_the_raw_and_bonferroni(ps):
    bonferroni = multiplicity.bonferroni(ps)
    for method in (multiplicity.holm, multiplicity.hochberg, multiplicity.hommel):
        adjusted = method(ps)
        assert all(p <= a + 1e-12 for p, a in zip(ps, adjusted, strict=True))
        assert all(a <= b + 1e-12 for a, b in zip(adjusted, bonferroni, strict=True))
    assert all(h <= s + 1e-9 for h, s in zip(multiplicity.hommel(ps), multiplicity.hochberg(ps), strict=True))
    assert all(h <= s + 1e-9 for h, s in zip(multiplicity.hochberg(ps), multiplicity.holm(ps), strict=True))


@given(PS)
def test_graphical__equal_weights_handed_on_evenly__is_holm(ps):
    m = len(ps)
    transition = [[0.0 if i == j else 1.0 / max(1, m - 1) for j in range(m)] for i in range(m)]
    holm = [i for i, p in enumerate(multiplicity.holm(ps)) if p <= 0.05 * (1 - 1e-9)]
    assert set(holm) <= set(graphical(ps, [1.0 / m] * m, transition, 0.05))
    assert set(graphical(ps, [1.0 / m] * m, transition, 0.05 * (1 - 1e-6))) <= {
        i for i, p in enumerate(multiplicity.holm(ps)) if p <= 0.05
    }


def test_e_benjamini_hochberg__none_large_enough__rejects_nothing():
    assert multiplicity.e_benjamini_hochberg([1.0, 2.0], 0.05) == []
