"""Bad input of the right types, and what every answer to it has to keep."""

import math
from dataclasses import fields, is_dataclass

import numpy as np
from hypothesis import strategies as st

from experiments.statistics.moments import PowerSums
from experiments.statistics.results import Interval, IntervalStatus, Undefined, UndefinedReason
from tests.experiments.statistics.units import exact_sums

MICROS = 1_000_000
HUGE = 10**15 * MICROS
"""A sum of money of 1e15 in its integer scale; its square needs 140 bits."""
POOLS: tuple[tuple[int, ...], ...] = (
    (0,),
    (0, 1, 2, 5, 9),
    (0, 0, 3 * MICROS, 4 * MICROS, 90 * MICROS),
    (7 * MICROS,),
    (-3 * MICROS,),
    (0, 1),
    (0, 0, 0, 0, MICROS),
    (-5 * MICROS, 0, 5 * MICROS),
    (-(10**9), -1, 0, 1, 10**9),
    (HUGE, HUGE + 1),
    (-HUGE, HUGE, 0),
    (2**63 - 1, -(2**63), 3_037_000_500),
    (1, 10**100),
    (0, 10**200),
)
"""Unit values: constant, rare, negative, mean near 0, 1e15 with a spread of one, and such as leave the floats."""
SCALES = (1, 2, 50, 50, 1_000, 10**9, 10**15)
"""How often each unit is repeated: counts whose squares do not fit a machine integer among them."""
FLOATS = st.sampled_from([0.0, 1.0, -1.0, 0.3, 7.0, 1e-9, -2.5, 1e15, -1e15, 1e15 + 1.0, math.nan, math.inf, -math.inf])
LEVELS = st.sampled_from([0.0, 1.0, -0.5, 1.5, 0.05, 0.05, 0.5, 0.5, 0.999, 1e-12, math.nan, math.inf])
COUNTS = st.sampled_from([0, 0, 1, 2, 3, 7, 40, 2_000, 10**6, 3_037_000_500, 10**15])
"""Units: none, few, such as have a square next to 2^63, more than a database will ever hold."""


@st.composite
def unit_rows(draw, names: tuple[str, ...] = ("y",), *, rates: frozenset[str] = frozenset()) -> PowerSums:
    """Draw the exact sums of 0 to 12 units, each repeated up to 1e15 times; `rates` are 0 or 1."""
    size = draw(st.sampled_from([12, 12, 12, 5, 3, 2, 1, 0]))
    pools = [(0, 1) if name in rates else draw(st.sampled_from(POOLS)) for name in names]
    chosen = draw(st.binary(min_size=size * len(names), max_size=size * len(names)))
    columns = [[pool[chosen[k * size + i] % len(pool)] for i in range(size)] for k, pool in enumerate(pools)]
    times = draw(st.sampled_from(SCALES))
    return repeated(exact_sums(names, *columns), times)


def repeated(sums: PowerSums, times: int) -> PowerSums:
    """Return the sums of units of which each stands for so many equal ones."""
    return PowerSums(
        sums.n * times,
        sums.names,
        tuple(entry * times for entry in sums.sums),
        tuple(entry * times for entry in sums.products),
        tuple(entry * times for entry in sums.nonzero),
        None if sums.cubes is None else sums.cubes * times,
    )


def assert_sound(found: object, *, endless: frozenset[str] = frozenset(), where: str = "answer") -> None:
    """Assert that an answer holds no NaN and no infinity, that p-values are probabilities and intervals whole.

    endless: fields that are documented to be infinite (degrees of freedom of a normal, bounds where nothing is spent).
    """
    match found:
        case Interval():
            _assert_interval(found, where)
        case Undefined():
            assert isinstance(found.reason, UndefinedReason), where
        case float() | np.floating():
            _assert_number(float(found), endless, where)
        case np.ndarray():
            for value in found.ravel()[:1000].tolist() if found.dtype.kind == "f" else ():
                _assert_number(value, endless, where)
        case _:
            for name, entry in _parts(found):
                assert_sound(entry, endless=endless, where=f"{where}.{name}")


def _parts(found: object) -> list[tuple[str, object]]:
    """Return what an answer consists of, by name; entries of a list keep the name of the list."""
    if isinstance(found, dict):
        return [(str(key), entry) for key, entry in found.items()]
    if isinstance(found, list | tuple):
        return [("", entry) for entry in found]
    if is_dataclass(found):
        return [(field.name, getattr(found, field.name)) for field in fields(found)]
    return []


def _assert_number(found: float, endless: frozenset[str], where: str) -> None:
    names = [name for name in where.split(".") if name]
    assert not math.isnan(found), f"{where} is NaN"
    assert math.isfinite(found) or names[-1] in endless, f"{where} is {found}"
    if names[-1] in ("p_value", "p_adjusted", "p"):
        assert 0.0 <= found <= 1.0, f"{where} is {found}"


def _assert_interval(found: Interval, where: str) -> None:
    ends = [end for end in (found.lower, found.upper) if end is not None]
    assert all(math.isfinite(end) for end in ends), f"{where} has the ends {ends}"
    assert ends == sorted(ends), f"{where} ends before it begins: {ends}"
    assert (found.reason is None) is (found.status is IntervalStatus.BOUNDED), where
    least, most = {
        IntervalStatus.BOUNDED: (2, 2),
        IntervalStatus.UNBOUNDED: (0, 1),
        IntervalStatus.UNDEFINED: (0, 0),
    }[found.status]
    assert least <= len(ends) <= most, f"{where} is {found.status} with the ends {ends}"
