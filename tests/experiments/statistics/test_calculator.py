import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.statistics import power
from experiments.statistics.calculator import Answer, Asked, Missing, lift_for, power_for, units_for
from experiments.statistics.design_bounds import level_each, two_sided_bounds
from experiments.statistics.designs import (
    Baseline,
    Clusters,
    Correction,
    Design,
    DesignInvalid,
    Guardrail,
    Looks,
    Traffic,
    Watching,
    conversion,
)
from experiments.statistics.distributions import normal_isf
from experiments.statistics.multiplicity import dunnett_critical
from experiments.statistics.spending import Spending

RATE = conversion(0.04)
REVENUE = Baseline(2.5, 30.0)
WEEKLY = Looks(Watching.GROUP_SEQUENTIAL, 5)


@pytest.mark.parametrize("lift", [0.05, -0.1, 0.5])
def test_units_for__conversion_one_look__is_the_formula_for_two_rates(lift):
    found = units_for(Design(RATE, control_share=0.25), lift)
    control, treatment = power.units_for_proportion(
        control=0.04, treatment=0.04 * (1.0 + lift), alpha=0.05, power=0.8, ratio=3.0
    )
    if lift > 0.0:
        assert (found.control, found.each_treatment) == (math.ceil(control), math.ceil(treatment))
    assert found.asked is Asked.UNITS
    assert found.power == pytest.approx(0.8, abs=1e-9)
    assert found.inflation == pytest.approx(1.0)
    assert found.difference == pytest.approx(0.04 * lift)


def test_units_for__mean_one_look__is_the_formula_for_two_means():
    found = units_for(Design(REVENUE, power=0.9, alpha=0.01), 0.1)
    control, _ = power.units_for_mean(
        variance_control=900.0, variance_treatment=900.0, difference=0.25, alpha=0.01, power=0.9
    )
    assert found.control == found.each_treatment == math.ceil(control)
    assert found.units == found.analysed == 2 * found.control


def test_units_for__history_triggering_and_clusters__scale_the_units():
    plain = units_for(Design(REVENUE), 0.1)
    adjusted = units_for(Design(replace(REVENUE, r2=0.5)), 0.1)
    triggered = units_for(Design(REVENUE, triggered=0.2), 0.1)
    clustered = units_for(Design(REVENUE, clusters=Clusters(10.0, 0.05, 0.5)), 0.1)
    assert adjusted.control == pytest.approx(plain.control / 2.0, abs=1.0)
    assert (triggered.analysed, triggered.units) == (plain.analysed, 5 * plain.analysed)
    # sizes of mean 10 and cv .5 with ICC .05: 1 + 11.5 times .05
    assert clustered.design_effect == pytest.approx(1.575)
    assert clustered.control == pytest.approx(1.575 * plain.control, abs=2.0)
    assert clustered.clusters == math.ceil(clustered.analysed / 10.0)


@pytest.mark.parametrize(
    ("spending", "inflation"),
    # K = 5, alpha .05, power .8: close to 1.028 and 1.229 of the shapes they follow (Jennison & Turnbull 2000)
    [(Spending.OBRIEN_FLEMING, 1.03), (Spending.POCOCK, 1.215)],
)
def test_units_for__group_sequential__is_inflated_as_published(spending, inflation):
    found = units_for(Design(REVENUE, looks=replace(WEEKLY, spending=spending)), 0.1)
    assert found.inflation == pytest.approx(inflation, abs=0.015)
    assert found.power == pytest.approx(0.8, abs=1e-6)
    assert found.mean_share < 0.85


def test_units_for__confidence_sequence__costs_more_than_group_sequential_and_less_than_its_last_look():
    looks = Looks(Watching.CONFIDENCE_SEQUENCE, 14)
    found, grouped = (
        units_for(Design(REVENUE, looks=each), 0.1) for each in (looks, replace(looks, method=WEEKLY.method))
    )
    last_look_alone = power.sequence_inflation(found.last_bound, alpha=0.05, power=0.8)
    assert grouped.inflation < found.inflation < last_look_alone


def test_units_for__alpha_kept_for_later__asks_for_a_little_more():
    plain, kept = (units_for(Design(RATE, looks=replace(WEEKLY, reserved=share)), 0.1) for share in (0.0, 0.1))
    assert plain.units < kept.units < 1.05 * plain.units


def test_level_each__several_arms_and_metrics__keep_alpha():
    assert level_each(Design(RATE, treatments=3)) == pytest.approx(
        2.0 * 0.5 * math.erfc(dunnett_critical(0.05, (math.sqrt(0.5),) * 3) / math.sqrt(2.0))
    )
    assert level_each(Design(RATE, treatments=3, looks=WEEKLY)) == pytest.approx(0.05 / 3.0)
    assert level_each(Design(RATE, treatments=3, correction=Correction.NONE)) == 0.05
    assert level_each(Design(RATE, treatments=2, decision_metrics=2, correction=Correction.HOLM)) == 0.0125
    assert 0.05 / 3.0 < level_each(Design(RATE, treatments=3)) < 0.05


def test_units_for__guardrails__are_sized_for_all_together():
    guardrails = (
        Guardrail("revenue", REVENUE, 0.1),
        Guardrail("errors", conversion(0.01), 0.2, lower_is_better=True),
    )
    alone, together = units_for(Design(RATE), 0.1), units_for(Design(RATE, guardrails=guardrails), 0.1)
    assert together.units > alone.units
    assert together.ship_power == pytest.approx(0.8, abs=1e-5)
    assert together.ship_power == pytest.approx(together.power * math.prod(each.power for each in together.guardrails))
    assert [each.name for each in together.guardrails] == ["revenue", "errors"]


def test_power_for__alpha_is_reserved__guardrails_reserve_their_part_too():
    def found(share: float, alpha: float) -> float:
        looks = replace(WEEKLY, reserved=share)
        guardrails = (Guardrail("revenue", REVENUE, 0.1, alpha=alpha),)
        return power_for(Design(RATE, looks=looks, guardrails=guardrails), 0.1, 40_000.0).guardrails[0].power

    assert found(0.1, 0.05) == pytest.approx(found(0.0, 0.045), abs=1e-12)


def test_power_for__guardrail_one_look__is_the_power_of_its_one_sided_test():
    found = power_for(Design(RATE, guardrails=(Guardrail("revenue", REVENUE, 0.1),)), 0.1, 40_000.0)
    se = 30.0 * math.sqrt((1.0 + 0.81) / 20_000.0)
    expected = 0.5 * math.erfc((normal_isf(0.05) - 0.25 / se) / math.sqrt(2.0))
    assert found.guardrails[0].power == pytest.approx(expected, abs=1e-9)


LOOKS = st.sampled_from([Looks(), WEEKLY, Looks(Watching.CONFIDENCE_SEQUENCE, 4)])


@settings(max_examples=25, deadline=None)
@given(
    st.one_of(
        st.floats(0.001, 0.5).map(conversion),
        st.builds(
            lambda mean, variation, r2: Baseline(mean, mean * variation, r2=r2),
            st.floats(0.01, 1e6),
            st.floats(0.1, 50.0),
            st.floats(0.0, 0.9),
        ),
    ),
    st.floats(0.02, 0.9),
    LOOKS,
    st.integers(1, 3),
    st.floats(0.1, 0.8),
)
def test_answers__of_one_design__agree_whatever_was_asked(baseline, lift, looks, treatments, share):
    design = Design(baseline, treatments=treatments, control_share=share, looks=looks)
    found = units_for(design, lift)
    if found.control < 500 or found.each_treatment < 500:
        return
    reached = power_for(design, lift, found.units)
    smallest = lift_for(design, found.units)
    assert reached.power == pytest.approx(0.8, abs=5e-3)
    assert smallest.lift == pytest.approx(lift, rel=5e-3)
    assert smallest.asked is Asked.LIFT


def test_lift_for__days_and_weeks__agree_with_the_units_by_then():
    design = Design(RATE, traffic=Traffic(10_000.0), looks=WEEKLY)
    found = units_for(design, 0.1)
    assert found.days == 7 * math.ceil((found.units / 10_000.0 + 7.0) / 7.0)
    weeks = {week.week: week for week in found.by_week}
    assert (weeks[1].units, weeks[1].lift, weeks[1].reason) == (0, None, Missing.WINDOW_OPEN)
    assert weeks[4].units == 210_000
    assert weeks[4].lift == pytest.approx(lift_for(design, 210_000.0).lift)
    lifts = [week.lift for week in found.by_week[1:] if week.lift is not None]
    assert len(lifts) == len(found.by_week) - 1
    assert lifts == sorted(lifts, reverse=True)


def test_answers__figures_that_do_not_exist__have_a_reason():
    bare = units_for(Design(RATE), 0.1)
    assert (bare.days, bare.clusters, bare.by_week) == (None, None, ())
    assert bare.reasons == {
        "days": Missing.NO_TRAFFIC,
        "by_week": Missing.NO_TRAFFIC,
        "clusters": Missing.NO_CLUSTERS,
    }
    rare = Traffic(0.5, 0)
    full = units_for(Design(conversion(0.9), traffic=rare, clusters=Clusters(2.0, 0.1)), 0.1)
    assert full.reasons == {}
    assert [week.reason for week in full.by_week[:2]] == [Missing.TOO_FEW_UNITS, Missing.NO_POSSIBLE_LIFT]


@pytest.mark.parametrize(
    "looks", [Looks(Watching.GROUP_SEQUENTIAL, 60, reserved=0.1), Looks(Watching.CONFIDENCE_SEQUENCE, 7), Looks()]
)
@pytest.mark.parametrize(("alpha", "power"), [(0.05, 0.8), (0.4, 0.41), (1e-6, 0.9999)])
def test_drift__of_bounds__has_the_power(looks, alpha, power):
    bounds = two_sided_bounds(looks, alpha)
    assert bounds.power(bounds.drift(power)) == pytest.approx(power, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: units_for(Design(RATE), 0.0), "lift"),
        (lambda: units_for(Design(RATE), -1.0), "lift"),
        (lambda: units_for(Design(RATE), math.nan), "lift"),
        (lambda: units_for(Design(RATE), 30.0), "lift"),
        (lambda: units_for(Design(RATE), 1e-9), "lift"),
        (lambda: lift_for(Design(conversion(0.9)), 10.0), "units"),
        (lambda: lift_for(Design(RATE), math.nan), "units"),
        (lambda: lift_for(Design(RATE), -5.0), "units"),
        (lambda: power_for(Design(RATE), 0.1, 3.0), "units"),
        (lambda: power_for(Design(RATE), 0.1, math.inf), "units"),
    ],
)
def test_answers__impossible_questions__are_refused_by_name(call, named):
    with pytest.raises(DesignInvalid, match=named):
        call()


def test_power_for__huge_scales__stay_finite():
    found = power_for(Design(Baseline(1e15, 1e16)), 0.1, 1e6)
    assert isinstance(found, Answer)
    assert found.power == pytest.approx(power_for(Design(Baseline(1.0, 10.0)), 0.1, 1e6).power)


def test_units_for__simulated_tests__find_the_lift_as_often_as_planned():
    generator = np.random.default_rng(12)
    found = units_for(Design(conversion(0.2), control_share=0.3), 0.15)
    n_c, n_t = found.control, found.each_treatment
    x_c, x_t = generator.binomial(n_c, 0.2, 20_000), generator.binomial(n_t, 0.23, 20_000)
    pooled = (x_c + x_t) / (n_c + n_t)
    z = (x_t / n_t - x_c / n_c) / np.sqrt(pooled * (1.0 - pooled) * (1.0 / n_c + 1.0 / n_t))
    assert (np.abs(z) > normal_isf(0.025)).mean() == pytest.approx(0.8, abs=0.012)
