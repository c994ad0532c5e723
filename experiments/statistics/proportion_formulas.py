"""Plug-in formulas for two rates: cheap fall-backs, and what other programs print, for comparison with them."""

import math

from experiments.statistics.one_proportion import wilson
from experiments.statistics.proportions import Counts
from experiments.statistics.results import Interval, bounded, ends


def wald_difference(counts: Counts, q: float) -> Interval:
    """Return difference +- q sqrt(p_c (1 - p_c) / n_c + p_t (1 - p_t) / n_t)."""
    variance = (
        counts.control * (1.0 - counts.control) / counts.n_control
        + counts.treatment * (1.0 - counts.treatment) / counts.n_treatment
    )
    difference, half = counts.treatment - counts.control, q * math.sqrt(variance)
    return bounded(difference - half, difference + half)


def newcombe(counts: Counts, q: float) -> Interval:
    """Return Newcombe's (1998) hybrid of two Wilson intervals: the cheap fall-back for a difference."""
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
    spread = math.sqrt(
        1.0 / counts.x_treatment - 1.0 / counts.n_treatment + 1.0 / counts.x_control - 1.0 / counts.n_control
    )
    centre = math.log(counts.treatment / counts.control)
    return bounded(math.expm1(centre - q * spread), math.expm1(centre + q * spread))


def corrected_z(counts: Counts) -> float:
    """Return the pooled z with Yates' continuity correction, towards 0; needs successes and failures."""
    pooled, per_unit = counts.pooled, 1.0 / counts.n_control + 1.0 / counts.n_treatment
    difference = counts.treatment - counts.control
    distance = max(0.0, abs(difference) - 0.5 * per_unit)
    return math.copysign(distance / math.sqrt(pooled * (1.0 - pooled) * per_unit), difference)


def likelihood_ratio(counts: Counts) -> float:
    """Return the G statistic of no difference, chi-square with one degree of freedom."""
    return 2.0 * sum(seen * math.log(seen / expected) for seen, expected in _cells(counts) if seen)


def corrected_likelihood_ratio(counts: Counts) -> float:
    """Return the G statistic with Yates' continuity correction: each count moved by 1/2 towards its expectation."""
    moved = [
        (seen + math.copysign(min(0.5, abs(expected - seen)), expected - seen), expected)
        for seen, expected in _cells(counts)
    ]
    return 2.0 * sum(seen * math.log(seen / expected) for seen, expected in moved if seen)


def _cells(counts: Counts) -> tuple[tuple[float, float], ...]:
    """Return the four counts, each with what is expected without an effect."""
    failures_c, failures_t = counts.n_control - counts.x_control, counts.n_treatment - counts.x_treatment
    return (
        (counts.x_control, counts.n_control * counts.pooled),
        (failures_c, counts.n_control * (1.0 - counts.pooled)),
        (counts.x_treatment, counts.n_treatment * counts.pooled),
        (failures_t, counts.n_treatment * (1.0 - counts.pooled)),
    )
