import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.statistics.means import welch
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid
from experiments.statistics.segments import heterogeneity, of_pairs, shrunk
from tests.experiments.statistics.units import sample


def test_heterogeneity__two_segments__is_computed_by_hand():
    found = heterogeneity([1.0, 5.0], [1.0, 3.0])
    assert found.fixed == pytest.approx(2.0)
    assert found.q == pytest.approx(4.0)
    assert found.p_value == pytest.approx(0.0455002638963584)
    assert found.i2 == pytest.approx(0.75)
    assert found.tau2 == pytest.approx(3.0 / (4.0 / 3.0 - 10.0 / 9.0 / (4.0 / 3.0)))
    assert found.fixed_se == pytest.approx(0.75**0.5)


def test_heterogeneity__effects_that_agree__have_no_spread_and_are_shown_alike():
    found = heterogeneity([0.02, 0.03, 0.025], [0.0004, 0.0009, 0.0016])
    assert (found.tau2, found.i2) == (0.0, 0.0)
    assert found.random == pytest.approx(found.fixed)
    shown = shrunk([0.02, 0.03, 0.025], [0.0004, 0.0009, 0.0016])
    assert [one.effect for one in shown] == pytest.approx([found.fixed] * 3)
    assert [one.se for one in shown] == pytest.approx([found.fixed_se] * 3)


def test_shrunk__differing_effects__move_the_noisy_ones_most():
    found, shown = heterogeneity([-0.2, 0.1, 0.4], [0.01, 0.02, 0.03]), shrunk([-0.2, 0.1, 0.4], [0.01, 0.02, 0.03])
    weights = [one.weight for one in shown]
    assert weights == sorted(weights, reverse=True)
    assert shown[0].effect == pytest.approx(found.random + weights[0] * (-0.2 - found.random))
    for d, one in zip([-0.2, 0.1, 0.4], shown, strict=True):
        assert min(found.random, d) <= one.effect <= max(found.random, d)


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(0.01, 9)), min_size=2, max_size=10), st.sampled_from([1e-150, 1e100])
)
def test_heterogeneity__another_unit__scales(rows, unit):
    d, v = np.array(rows).T
    plain, scaled = heterogeneity(d, v), heterogeneity(d * unit, v * unit**2)
    assert scaled.q == pytest.approx(plain.q, rel=1e-6, abs=1e-9)
    assert scaled.random_se == pytest.approx(plain.random_se * unit, rel=1e-6)
    assert scaled.fixed == pytest.approx(plain.fixed * unit, rel=1e-6, abs=1e-9 * unit)


def test_heterogeneity__equal_effects__keeps_its_size():
    rng = np.random.default_rng(1)
    v = np.array([0.5, 1.0, 2.0, 4.0])
    rejected = [heterogeneity(rng.normal(1.0, np.sqrt(v)), v).p_value < 0.05 for _ in range(2000)]
    assert 0.035 <= np.mean(rejected) <= 0.065


def test_shrunk__effects_drawn_from_a_spread__are_nearer_to_the_truth():
    rng = np.random.default_rng(2)
    shown_error = raw_error = 0.0
    for _ in range(300):
        truth = rng.normal(0.1, 0.3, 8)
        raw = truth + rng.normal(0.0, 0.5, 8)
        shown = np.array([one.effect for one in shrunk(raw, np.full(8, 0.25))])
        shown_error += np.square(shown - truth).sum()
        raw_error += np.square(raw - truth).sum()
    assert shown_error < 0.6 * raw_error


def test_of_pairs__one_pair_per_segment__gives_differences_and_variances():
    pairs = tuple(welch(sample([1.0, 2.0, 4.0]), sample([2.0, 3.0, k])) for k in (5.0, 9.0))
    effects, variances = of_pairs(pairs)
    assert effects.tolist() == [pair.difference for pair in pairs]
    assert variances.tolist() == [pair.variance for pair in pairs]


@pytest.mark.parametrize(
    ("effects", "variances", "reason"),
    [
        ([], [], UndefinedReason.NO_DATA),
        ([1.0], [1.0], UndefinedReason.TOO_FEW_UNITS),
        ([1.0, 2.0], [1.0, 0.0], UndefinedReason.NO_VARIANCE),
        ([1.0, 1e300], [1e-30, 1.0], UndefinedReason.OVERFLOW),
    ],
)
def test_heterogeneity__figures_that_cannot_be_pooled__is_undefined(effects, variances, reason):
    assert heterogeneity(effects, variances) == shrunk(effects, variances) == Undefined(reason)


def test_heterogeneity__bad_input__is_refused():
    for effects, variances in (([1.0, np.nan], [1.0, 1.0]), ([1.0, 2.0], [1.0, -1.0]), ([1.0, 2.0], [1.0])):
        with pytest.raises(RowsInvalid):
            heterogeneity(effects, variances)
