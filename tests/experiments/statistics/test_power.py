import math

import pytest

from experiments.statistics import power


def test_units_for_mean__known_design__has_the_power_it_asks_for():
    control, treatment = power.units_for_mean(
        variance_control=4.0, variance_treatment=9.0, difference=0.25, alpha=0.05, power=0.8, ratio=2.0
    )
    assert treatment == 2.0 * control
    se = math.sqrt(4.0 / control + 9.0 / treatment)
    assert power.power_at(0.25, se, alpha=0.05) == pytest.approx(0.8, abs=1e-6)


def test_units_for_mean__covariates__shrink_it():
    full, half = (
        power.units_for_mean(
            variance_control=1.0, variance_treatment=1.0, difference=0.1, alpha=0.05, power=0.8, variance_left=left
        )[0]
        for left in (1.0, 0.5)
    )
    assert half == pytest.approx(full / 2.0)


def test_detectable_rate__units_for_it__come_back():
    rate = power.detectable_rate(control=0.05, units=20_000, alpha=0.05, power=0.8)
    control, _ = power.units_for_proportion(control=0.05, treatment=rate, alpha=0.05, power=0.8)
    assert control == pytest.approx(20_000, rel=1e-6)


def test_detectable_difference_t__power_at_it__comes_back():
    size = power.detectable_difference_t(sd=2.0, n_control=30, n_treatment=60, alpha=0.05, power=0.9)
    reached = power.power_t(difference=size, sd=2.0, n_control=30, n_treatment=60, alpha=0.05)
    assert reached == pytest.approx(0.9)


def test_power_t__far_tail__is_one_and_not_nan():
    assert power.power_t(difference=50.0, sd=1.0, n_control=5000, n_treatment=5000, alpha=0.05) == 1.0


@pytest.mark.parametrize(("units", "per_day", "days"), [(7000, 1000, 7), (7001, 1000, 14), (1, 1000, 7)])
def test_days_for_units__any__are_whole_weeks(units, per_day, days):
    assert power.days_for_units(units, per_day) == days


def test_optimal_control_share__two_treatments__is_root_two():
    assert power.optimal_control_share(2) == pytest.approx(math.sqrt(2) / (math.sqrt(2) + 2))


def test_sequence_inflation__default_level__is_near_two():
    assert power.sequence_inflation(3.03, alpha=0.05, power=0.8) == pytest.approx(1.9, abs=0.05)
