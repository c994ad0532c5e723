"""Plug-in formulas for two rates: cheap fall-backs, and what other programs print, for comparison with them."""

import math

from experiments.statistics.figures import FigureInvalid, not_negative
from experiments.statistics.lift import exp_interval
from experiments.statistics.one_proportion import wilson
from experiments.statistics.proportions import Counts, with_units
from experiments.statistics.results import Interval, UndefinedReason, bounded, ends, undefined


def wald_difference(counts: Counts, q: float) -> Interval:
    """Return difference +- q sqrt(p_c (1 - p_c) / n_c + p_t (1 - p_t) / n_t)."""
    not_negative(q=q)
    if counts.n_control == 0 or counts.n_treatment == 0:
        return undefined(UndefinedReason.NO_DATA)
    variance = (
        counts.control * (1.0 - counts.control) / counts.n_control
        + counts.treatment * (1.0 - counts.treatment) / counts.n_treatment
    )
    difference, half = counts.treatment - counts.control, q * math.sqrt(variance)
    return bounded(difference - half, difference + half)


def newcombe(counts: Counts, q: float) -> Interval:
    """Return Newcombe's (1998) hybrid of two Wilson intervals: the cheap fall-back for a difference."""
    not_negative(q=q)
    if counts.n_control == 0 or counts.n_treatment == 0:
        return undefined(UndefinedReason.NO_DATA)
    control = wilson(counts.x_control, counts.n_control, q)
    treatment = wilson(counts.x_treatment, counts.n_treatment, q)
    lower_c, upper_c = ends(control)
    lower_t, upper_t = ends(treatment)
    difference = counts.treatment - counts.control
    down = math.hypot(counts.treatment - lower_t, upper_c - counts.control)
    up = math.hypot(upper_t - counts.treatment, counts.control - lower_c)
    return bounded(difference - down, difference + up)


def agresti_caffo(counts: Counts, q: float) -> Interval:
    """Return the Wald interval after one success and one failure are added to each arm (Agresti & Caffo 2000)."""
    added = Counts(counts.n_control + 2, counts.x_control + 1, counts.n_treatment + 2, counts.x_treatment + 1)
    return wald_difference(added, q)


def katz_log(counts: Counts, q: float) -> Interval:
    """Return Katz's log interval of the lift; both arms need successes."""
    not_negative(q=q)
    if counts.n_control == 0 or counts.n_treatment == 0:
        return undefined(UndefinedReason.NO_DATA)
    if counts.x_control == 0 or counts.x_treatment == 0:
        return undefined(UndefinedReason.ZERO_CONTROL)
    spread = math.sqrt(
        1.0 / counts.x_treatment - 1.0 / counts.n_treatment + 1.0 / counts.x_control - 1.0 / counts.n_control
    )
    centre = math.log(counts.treatment / counts.control)
    return exp_interval(centre, q * spread)


def corrected_z(counts: Counts) -> float:
    """Return the pooled z with Yates' continuity correction, towards 0; needs successes and failures."""
    _with_both(counts)
    pooled, per_unit = counts.pooled, 1.0 / counts.n_control + 1.0 / counts.n_treatment
    difference = counts.treatment - counts.control
    distance = max(0.0, abs(difference) - 0.5 * per_unit)
    return math.copysign(distance / math.sqrt(pooled * (1.0 - pooled) * per_unit), difference)


def likelihood_ratio(counts: Counts) -> float:
    """Return the G statistic of no difference, chi-square with one degree of freedom."""
    _with_both(counts)
    return 2.0 * sum(seen * math.log(seen / expected) for seen, expected in _cells(counts) if seen)


def corrected_likelihood_ratio(counts: Counts) -> float:
    """Return the G statistic with Yates' continuity correction: each count moved by 1/2 towards its expectation."""
    _with_both(counts)
    moved = [
        (seen + math.copysign(min(0.5, abs(expected - seen)), expected - seen), expected)
        for seen, expected in _cells(counts)
    ]
    return 2.0 * sum(seen * math.log(seen / expected) for seen, expected in moved if seen)


def _with_both(counts: Counts) -> None:
    with_units(counts)
    if counts.x_control + counts.x_treatment in (0, counts.n_control + counts.n_treatment):
        raise FigureInvalid("successes: there must be some, and some units without")


def _cells(counts: Counts) -> tuple[tuple[float, float], ...]:
    """Return the four counts, each with what is expected without an effect."""
    failures_c, failures_t = counts.n_control - counts.x_control, counts.n_treatment - counts.x_treatment
    return (
        (counts.x_control, counts.n_control * counts.pooled),
        (failures_c, counts.n_control * (1.0 - counts.pooled)),
        (counts.x_treatment, counts.n_treatment * counts.pooled),
        (failures_t, counts.n_treatment * (1.0 - counts.pooled)),
    )
