"""Intervals of one rate."""

import math

from scipy.special import betaincinv

from experiments.statistics.figures import FigureInvalid, between_0_and_1, not_negative
from experiments.statistics.results import Interval, UndefinedReason, bounded, undefined


def wilson(successes: int, n: int, q: float) -> Interval:
    """Return Wilson's (1927) score interval of a rate; n must be at least 1."""
    not_negative(q=q)
    if n == 0:
        return undefined(UndefinedReason.NO_DATA)
    _check(successes, n)
    rate = successes / n
    room = 1.0 + q * q / n
    centre = (rate + q * q / (2.0 * n)) / room
    half = q / room * math.sqrt(rate * (1.0 - rate) / n + q * q / (4.0 * n * n))
    lower = 0.0 if successes == 0 else centre - half
    return bounded(lower, 1.0 if successes == n else centre + half)


def clopper_pearson(successes: int, n: int, level: float) -> Interval:
    """Return the exact interval with guaranteed coverage (Clopper & Pearson 1934)."""
    between_0_and_1(level=level)
    if n == 0:
        return undefined(UndefinedReason.NO_DATA)
    _check(successes, n)
    tail = (1.0 - level) / 2.0
    lower = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    upper = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1.0 - tail))
    return bounded(lower, upper)


def agresti_coull(successes: int, n: int, q: float) -> Interval:
    """Return the Wald interval about Wilson's centre (Agresti & Coull 1998), kept within 0 and 1."""
    not_negative(q=q)
    if n == 0:
        return undefined(UndefinedReason.NO_DATA)
    _check(successes, n)
    units = n + q * q
    centre = (successes + q * q / 2.0) / units
    half = q * math.sqrt(centre * (1.0 - centre) / units)
    return bounded(max(0.0, centre - half), min(1.0, centre + half))


def _check(successes: int, n: int) -> None:
    if not 0 <= successes <= n:
        raise FigureInvalid(f"successes: must be between 0 and {n}, not {successes}")
