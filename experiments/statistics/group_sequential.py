"""Group-sequential bounds: Lan-DeMets spending on information, and the classical shapes."""

import math
from functools import lru_cache

from experiments.statistics.distributions import normal_isf, normal_sf
from experiments.statistics.recursion import FLOOR, State, crossing_probabilities, increasing, origin
from experiments.statistics.spending import Spending, spent

_NEGLIGIBLE = 1e-16


def lan_demets(
    information: tuple[float, ...],
    alpha: float,
    *,
    spending: Spending = Spending.OBRIEN_FLEMING,
    parameter: float | None = None,
    fractions: tuple[float, ...] | None = None,
) -> tuple[float, ...]:
    """Return the upper z-bounds, one-sided at alpha / 2 and used symmetrically; infinite where nothing is spent yet.

    information: of each look, any positive scale. fractions: of the horizon at which alpha has been spent by each
    look; without them information counts as a fraction of 1. A last fraction of 1 spends all that is left, with
    the correlations of the information actually seen (Lan & DeMets 1983, 1989).
    """
    at = information if fractions is None else fractions
    levels: list[float] = []
    for fraction in at:
        level = spent(fraction, alpha / 2.0, spending, parameter)
        levels.append(max(level, levels[-1]) if levels else level)
    return bounds_for(increasing(information), tuple(levels))


def bounds_for(information: tuple[float, ...], cumulative: tuple[float, ...]) -> tuple[float, ...]:
    """Return the z-bounds that spend cumulative one-sided alpha at increasing information."""
    return tuple(_look(information[:k], cumulative[:k])[0] for k in range(1, len(information) + 1))


@lru_cache(maxsize=4096)
def _look(information: tuple[float, ...], cumulative: tuple[float, ...]) -> tuple[float, State]:
    """Return the last look's bound and the state after it; earlier looks come from the cache."""
    earlier = _look(information[:-1], cumulative[:-1])[1] if len(information) > 1 else origin()
    at = information[-1]
    root = math.sqrt(at)
    target = cumulative[-1] - (cumulative[-2] if len(cumulative) > 1 else 0.0)
    bound = _solve(earlier, at, target)
    top = min(bound, -FLOOR) * root
    return bound, earlier.advance(at, FLOOR * root, top)


def _solve(earlier: State, information: float, target: float) -> float:
    if earlier.information == 0.0:
        return normal_isf(target)
    if target < _NEGLIGIBLE:
        return math.inf
    root = math.sqrt(information)
    low, high = FLOOR, -FLOOR
    for _ in range(60):
        middle = 0.5 * (low + high)
        if earlier.exceed(information, middle * root) > target:
            low = middle
        else:
            high = middle
        if high - low < 1e-10:
            break
    return 0.5 * (low + high)


def wang_tsiatis(looks: int, alpha: float, delta: float) -> tuple[float, ...]:
    """Return the bounds C (k / K)^(delta - 1/2) of K equal looks with two-sided size alpha, each side on its own.

    delta 0 is O'Brien & Fleming's, 1/2 Pocock's.
    """
    information = tuple((k + 1) / looks for k in range(looks))
    shape = [at ** (delta - 0.5) for at in information]
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        up, down = crossing_probabilities(
            information, tuple(middle * s for s in shape), lower=tuple(-middle * s for s in shape)
        )
        if sum(up) + sum(down) > alpha:
            low = middle
        else:
            high = middle
        if high - low < 1e-9:
            break
    return tuple(0.5 * (low + high) * s for s in shape)


def power(information: tuple[float, ...], bounds: tuple[float, ...], drift: float) -> tuple[float, float]:
    """Return the power and the mean information at which the test stops; drift is the mean of Z at information 1."""
    up, _ = crossing_probabilities(information, bounds, drift=drift)
    running, expected = 1.0, 0.0
    for at, earlier, crossed in zip(information, (0.0, *information), up, strict=False):
        expected += running * (at - earlier)
        running -= crossed
    return sum(up), expected


def drift_for_power(information: tuple[float, ...], bounds: tuple[float, ...], wanted: float) -> float:
    """Return the drift (mean of Z at information 1) at which the bounds have the wanted power."""
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if power(information, bounds, middle)[0] < wanted:
            low = middle
        else:
            high = middle
        if high - low < 1e-9:
            break
    return 0.5 * (low + high)


def inflation(information: tuple[float, ...], bounds: tuple[float, ...], alpha: float, wanted: float) -> float:
    """Return the factor by which the sample of a fixed two-sided test must grow for the same power."""
    fixed = normal_isf(alpha / 2.0) + normal_isf(1.0 - wanted)
    return (drift_for_power(information, bounds, wanted) / fixed) ** 2


def conditional_power(z: float, fraction: float, final_bound: float, drift: float | None = None) -> float:
    """Return the chance to cross at the end, given z at an information fraction; drift None is the current trend."""
    theta = z / math.sqrt(fraction) if drift is None else drift
    distance = final_bound - z * math.sqrt(fraction) - theta * (1.0 - fraction)
    return normal_sf(distance / math.sqrt(1.0 - fraction))
