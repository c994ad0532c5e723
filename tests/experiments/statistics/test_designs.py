import math

import numpy as np
import pytest

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
    ratio_of_means,
)
from experiments.statistics.spending import Spending

RATE = conversion(0.04)


def test_conversion__rate__has_the_bernoulli_deviation():
    found = conversion(0.1)
    assert (found.mean, found.is_rate) == (0.1, True)
    assert found.sd == pytest.approx(0.3)


def test_ratio_of_means__independent_parts__is_the_delta_method():
    # R = 2; variance of n - 2 d: 9 + 4; over the mean denominator 5
    found = ratio_of_means(numerator=10.0, denominator=5.0, numerator_sd=3.0, denominator_sd=1.0, correlation=0.0)
    assert (found.mean, found.is_rate) == (2.0, False)
    assert found.sd == pytest.approx(math.sqrt(13.0) / 5.0)


def test_ratio_of_means__unit_rows__has_the_error_of_the_linearised_ratio():
    generator = np.random.default_rng(3)
    d = generator.poisson(5.0, 200_000) + 1.0
    n = generator.binomial(d.astype(int), 0.3).astype(float)
    found = ratio_of_means(
        numerator=n.mean(),
        denominator=d.mean(),
        numerator_sd=n.std(),
        denominator_sd=d.std(),
        correlation=float(np.corrcoef(n, d)[0, 1]),
    )
    assert found.sd == pytest.approx(((n - n.mean() / d.mean() * d) / d.mean()).std())


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: conversion(0.0), "rate"),
        (lambda: conversion(1.0), "rate"),
        (lambda: conversion(4.0), "rate"),
        (lambda: conversion(math.nan), "rate"),
        (lambda: conversion(0.1, r2=1.0), "r2"),
        (lambda: Baseline(0.0, 1.0), "mean"),
        (lambda: Baseline(-1.0, 1.0), "mean"),
        (lambda: Baseline(1.0, 0.0), "sd"),
        (lambda: Baseline(1.0, math.inf), "sd"),
        (lambda: Baseline(1.0, 1.0, r2=-0.1), "r2"),
        (lambda: Guardrail("g", RATE, 0.0), "margin"),
        (lambda: Guardrail("g", RATE, 0.1, alpha=0.5), "alpha"),
        (lambda: Clusters(0.5, 0.1), "mean_size"),
        (lambda: Clusters(5.0, 1.1), "icc"),
        (lambda: Clusters(5.0, 0.1, -1.0), "cv_size"),
        (lambda: Looks(Watching.FIXED_HORIZON, 2), "looks"),
        (lambda: Looks(Watching.GROUP_SEQUENTIAL, 0), "looks"),
        (lambda: Looks(Watching.GROUP_SEQUENTIAL, 121), "looks"),
        (lambda: Looks(Watching.GROUP_SEQUENTIAL, 5, Spending.POWER), "spending"),
        (lambda: Looks(Watching.CONFIDENCE_SEQUENCE, 5, reserved=0.1), "reserved"),
        (lambda: Looks(Watching.GROUP_SEQUENTIAL, 5, reserved=1.0), "reserved"),
        (lambda: Traffic(0.0), "units_per_day"),
        (lambda: Traffic(math.nan), "units_per_day"),
        (lambda: Traffic(10.0, -1), "window_days"),
        (lambda: Design(RATE, treatments=0), "treatments"),
        (lambda: Design(RATE, control_share=1.0), "control_share"),
        (lambda: Design(RATE, alpha=0.0), "alpha"),
        (lambda: Design(RATE, power=1.0), "power"),
        (lambda: Design(RATE, power=0.01), "power"),
        (lambda: Design(RATE, decision_metrics=0), "decision_metrics"),
        (lambda: Design(RATE, triggered=0.0), "triggered"),
        (
            lambda: Design(RATE, correction=Correction.DUNNETT, looks=Looks(Watching.GROUP_SEQUENTIAL, 5)),
            "correction",
        ),
        (
            lambda: ratio_of_means(
                numerator=1.0, denominator=0.0, numerator_sd=1.0, denominator_sd=1.0, correlation=0.0
            ),
            "denominator",
        ),
        (
            lambda: ratio_of_means(
                numerator=1.0, denominator=1.0, numerator_sd=1.0, denominator_sd=1.0, correlation=2.0
            ),
            "correlation",
        ),
        (
            lambda: ratio_of_means(
                numerator=1.0, denominator=1.0, numerator_sd=-1.0, denominator_sd=1.0, correlation=0.0
            ),
            "numerator_sd",
        ),
    ],
)
def test_designs__impossible_figures__are_refused_by_name(build, named):
    with pytest.raises(DesignInvalid, match=named) as caught:
        build()
    assert caught.value.code == "DESIGN_INVALID"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("units", "window", "days"), [(7_000.0, 0, 7), (7_001.0, 0, 14), (7_000.0, 7, 14), (1.0, 7, 14), (1.0, 0, 7)]
)
def test_traffic__days_for_units__are_whole_weeks_with_closed_windows(units, window, days):
    assert Traffic(1_000.0, window).days_for(units) == days


def test_traffic__units_by__waits_for_the_first_window():
    traffic = Traffic(1_000.0, 7)
    assert (traffic.units_by(7.0), traffic.units_by(28.0)) == (0.0, 21_000.0)


def test_design__control_share__sets_the_ratio_of_arms():
    assert Design(RATE, treatments=3).ratio == pytest.approx(1.0)
    assert Design(RATE, treatments=2, control_share=0.5).ratio == pytest.approx(0.5)
