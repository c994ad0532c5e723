"""Group-sequential bounds: Lan-DeMets spending on information, and the classical shapes."""

import math
from functools import lru_cache
from itertools import pairwise

from experiments.statistics.distributions import normal_isf, normal_sf
from experiments.statistics.figures import FigureInvalid, between_0_and_1, finite
from experiments.statistics.recursion import FLOOR, State, crossing_probabilities, increasing, origin
from experiments.statistics.spending import Spending, spent

MOST_LOOKS = 1_000
MOST_DELTA = 5.0
_NEGLIGIBLE = 1e-16
_CLOSE = 1e-11


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
    check_information(information)
    between_0_and_1(alpha=alpha)
    if fractions is not None and len(fractions) != len(information):
        raise FigureInvalid(f"fractions: needs {len(information)} values, has {len(fractions)}")
    at = information if fractions is None else fractions
    levels: list[float] = []
    for fraction in at:
        level = spent(fraction, alpha / 2.0, spending, parameter)
        levels.append(max(level, levels[-1]) if levels else level)
    return bounds_for(increasing(information), tuple(levels))


def bounds_for(information: tuple[float, ...], cumulative: tuple[float, ...]) -> tuple[float, ...]:
    """Return the z-bounds that spend cumulative one-sided alpha at increasing information."""
    check_information(information)
    if len(cumulative) != len(information) or not all(0.0 <= level < 1.0 for level in cumulative):
        raise FigureInvalid(f"cumulative: needs {len(information)} levels from 0 to 1, not {cumulative}")
    return tuple(_bound(information[:k], cumulative[:k]) for k in range(1, len(information) + 1))


@lru_cache(maxsize=4096)
def _bound(information: tuple[float, ...], cumulative: tuple[float, ...]) -> float:
    """Return the last look's bound; earlier looks come from the cache."""
    earlier = _state(information[:-1], cumulative[:-1])
    return _solve(earlier, information[-1], cumulative[-1] - (cumulative[-2] if len(cumulative) > 1 else 0.0))


@lru_cache(maxsize=4096)
def _state(information: tuple[float, ...], cumulative: tuple[float, ...]) -> State:
    """Return the state after the last look, in which the test goes on."""
    if not information:
        return origin()
    root = math.sqrt(information[-1])
    top = min(_bound(information, cumulative), -FLOOR) * root
    return _state(information[:-1], cumulative[:-1]).advance(information[-1], FLOOR * root, top)


def _solve(earlier: State, information: float, target: float) -> float:
    if earlier.information == 0.0:
        return normal_isf(target)
    if target < _NEGLIGIBLE:
        return math.inf
    root = math.sqrt(information)
    low, high = FLOOR, -FLOOR
    bound = min(normal_isf(target), high)  # what a first look would need: never below the answer
    for _ in range(60):
        above = earlier.exceed(information, bound * root)
        low, high = (bound, high) if above > target else (low, bound)
        # Newton's step on ln P, which is concave; halving where it leaves what is left
        slope = earlier.density(information, bound * root) * root
        step = math.log(above / target) * above / slope if above > 0.0 and slope > 0.0 else math.inf
        following = bound + step if low < bound + step < high else 0.5 * (low + high)
        if abs(following - bound) < _CLOSE:
            return following
        bound = following
    return bound


def wang_tsiatis(looks: int, alpha: float, delta: float) -> tuple[float, ...]:
    """Return the bounds C (k / K)^(delta - 1/2) of K equal looks with two-sided size alpha, each side on its own.

    delta 0 is O'Brien & Fleming's, 1/2 Pocock's.
    """
    between_0_and_1(alpha=alpha)
    if not abs(delta) <= MOST_DELTA:
        raise FigureInvalid(f"delta: must be between -{MOST_DELTA:g} and {MOST_DELTA:g}, not {delta}")
    if not 1 <= looks <= MOST_LOOKS:
        raise FigureInvalid(f"looks: must be between 1 and {MOST_LOOKS}, not {looks}")
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
    _check_bounds(information, bounds)
    finite(drift=drift)
    up, _ = crossing_probabilities(information, bounds, drift=drift)
    running, expected = 1.0, 0.0
    for at, earlier, crossed in zip(information, (0.0, *information), up, strict=False):
        expected += running * (at - earlier)
        running -= crossed
    return sum(up), expected


def drift_for_power(information: tuple[float, ...], bounds: tuple[float, ...], wanted: float) -> float:
    """Return the drift (mean of Z at information 1) at which the bounds have the wanted power."""
    _check_bounds(information, bounds)
    between_0_and_1(wanted=wanted)
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
    between_0_and_1(alpha=alpha, wanted=wanted)
    fixed = normal_isf(alpha / 2.0) + normal_isf(1.0 - wanted)
    return (drift_for_power(information, bounds, wanted) / fixed) ** 2


def conditional_power(z: float, fraction: float, final_bound: float, drift: float | None = None) -> float:
    """Return the chance to cross at the end, given z at an information fraction; drift None is the current trend."""
    finite(z=z)
    between_0_and_1(fraction=fraction)
    if drift is not None:
        finite(drift=drift)
    if math.isnan(final_bound):
        raise FigureInvalid("final_bound: must be a number")
    theta = z / math.sqrt(fraction) if drift is None else drift
    distance = final_bound - z * math.sqrt(fraction) - theta * (1.0 - fraction)
    return normal_sf(distance / math.sqrt(1.0 - fraction))


def check_information(information: tuple[float, ...]) -> None:
    """Check that there is information at one look or more, above 0 and finite. Raises FigureInvalid."""
    if not information or not all(0.0 < at < math.inf for at in information):
        raise FigureInvalid(f"information: must be above 0 and finite at every look, not {information}")


def _check_bounds(information: tuple[float, ...], bounds: tuple[float, ...]) -> None:
    check_growing(information)
    if len(bounds) < len(information) or any(math.isnan(bound) for bound in bounds):
        raise FigureInvalid(f"bounds: needs {len(information)} numbers, not {bounds}")


def check_growing(information: tuple[float, ...]) -> None:
    """Check that information grows from look to look, from above 0. Raises FigureInvalid."""
    check_information(information)
    if not all(earlier < later for earlier, later in pairwise(information)):
        raise FigureInvalid(f"information: must grow from look to look, not {information}")
