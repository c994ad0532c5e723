import numpy as np
import pytest

from experiments.statistics.lift import fieller, lift
from experiments.statistics.means import restricted, welch
from experiments.statistics.pair import ArmEstimate, Pair, difference_interval, p_value
from experiments.statistics.results import Undefined, UndefinedReason, ends
from experiments.statistics.rows import RowsInvalid
from experiments.statistics.triggering import diluted, disagreement_z, trigger_rate
from tests.experiments.statistics.units import sample

TRIGGERED = Pair(ArmEstimate(100, 6.0, 0.01), ArmEstimate(100, 7.0, 0.02), df=150.0)


def test_diluted__a_fifth_of_the_units__is_computed_by_hand():
    whole = diluted(TRIGGERED, ArmEstimate(400, 2.0, 0.005), 1000)
    assert whole.difference == pytest.approx(0.2)
    assert whole.variance == pytest.approx(0.04 * 0.03)
    assert whole.control.mean == pytest.approx(0.2 * 6.0 + 0.8 * 2.0)
    assert whole.control.variance == pytest.approx(0.04 * 0.01 + 0.64 * 0.005)
    assert lift(whole) == pytest.approx(0.2 / 2.8)
    assert lift(whole) != pytest.approx(0.2 * lift(TRIGGERED))


def test_diluted__every_unit_triggered__is_the_pair_itself():
    whole = diluted(TRIGGERED, ArmEstimate(0, 0.0, 0.0), 200)
    assert (whole.difference, whole.variance) == pytest.approx((TRIGGERED.difference, TRIGGERED.variance))
    assert ends(fieller(whole, 1.96)) == pytest.approx(ends(fieller(TRIGGERED, 1.96)))


def test_diluted__restricted_errors__shrink_with_the_rate():
    rng = np.random.default_rng(1)
    arms = sample(rng.exponential(1.0, 90)), sample(rng.exponential(1.0, 30))
    pair = restricted(welch(*arms), *arms)
    whole = diluted(pair, ArmEstimate(500, 1.0, 0.01), 1200)
    assert whole.se == pytest.approx(0.1 * pair.se)
    assert p_value(whole) == pytest.approx(p_value(pair))


def test_diluted__trigger_that_selects_the_affected__covers_with_less_error_than_all_units():
    rng = np.random.default_rng(2)
    covered, saved, extreme = 0, [], 0
    for _ in range(400):
        arms, rest = [], None
        for effect in (0.0, 0.5):
            hit = rng.random(2000) < 0.2
            values = rng.normal(2.0, 1.0, 2000) + hit * (3.0 + effect)
            arms.append((values, hit))
            rest = values[~hit] if effect == 0.0 else rest
        pair = welch(*(sample(values[hit]) for values, hit in arms))
        whole = diluted(pair, ArmEstimate(rest.size, rest.mean(), rest.var(ddof=1) / rest.size), 4000)
        everyone = welch(*(sample(values) for values, _ in arms))
        covered += difference_interval(whole, 1.96).contains(0.1)
        saved.append(whole.variance / everyone.variance)
        z = disagreement_z(whole, everyone)
        extreme += abs(z) > 1.96
    assert covered / 400 >= 0.92
    assert np.mean(saved) < 0.4
    assert extreme / 400 <= 0.08


def test_diluted__nobody_triggered__is_undefined():
    none = Pair(ArmEstimate(0, 0.0, 0.0), ArmEstimate(0, 0.0, 0.0))
    assert diluted(none, ArmEstimate(10, 1.0, 0.1), 20) == Undefined(UndefinedReason.NO_DATA)
    assert trigger_rate(0, 0) == Undefined(UndefinedReason.NO_DATA)


def test_trigger_rate__more_triggered_than_units__is_refused():
    with pytest.raises(RowsInvalid):
        trigger_rate(11, 10)
    with pytest.raises(RowsInvalid):
        diluted(TRIGGERED, ArmEstimate(10, 1.0, 0.1), 100)


def test_disagreement_z__effect_without_a_trigger__is_large():
    whole = diluted(TRIGGERED, ArmEstimate(400, 2.0, 0.005), 1000)
    everyone = Pair(ArmEstimate(500, 2.8, 0.005), ArmEstimate(500, 3.8, 0.005))
    assert disagreement_z(whole, everyone) == pytest.approx(0.8 / (0.01 - 0.0012) ** 0.5)
    assert disagreement_z(everyone, whole) == Undefined(UndefinedReason.NO_VARIANCE)
