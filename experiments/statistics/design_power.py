"""What an experiment by period would find, rehearsed on a shop's own past: the design is drawn again and again on it.

Nothing happened in the past that depends on a draw, so that what is found there is false; an effect that is put into
the treatment's cells shows what would be found. No model of how units or days vary is assumed: they vary as they did.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from experiments.statistics.cell_totals import Arms, cell_totals
from experiments.statistics.clusters import cr2
from experiments.statistics.distributions import t_isf
from experiments.statistics.figures import between_0_and_1
from experiments.statistics.means import checked
from experiments.statistics.moments import Matrix, Vector
from experiments.statistics.pair import Pair
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid, codes_of, finite_column

CONTROL, TREATMENT = 0, 1
"""How a draw calls the arms that are compared; other numbers are other arms."""


@dataclass(frozen=True, slots=True, eq=False)
class PastCells:
    """A metric in the past, cut into cells: shape (units, periods), of a ratio with its denominators `below`.

    clusters: over what errors are, a number for each cell. Raises RowsInvalid for cells that cannot be.
    """

    above: Matrix
    clusters: NDArray[np.intp]
    below: Matrix | None = None

    def __post_init__(self) -> None:
        shape = self.above.shape
        if len(shape) != 2:
            raise RowsInvalid(f"above: must have the shape (units, periods), not {shape}")
        for name, table in (("above", self.above), ("clusters", self.clusters), ("below", self.below)):
            if table is not None and table.shape != shape:
                raise RowsInvalid(f"{name}: has shape {table.shape} instead of {shape}")
            if table is not None:
                finite_column(name, table.ravel())


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsal:
    """What the draws found: the share that were significant without an effect, and for each the smallest relative
    lift that it would have found, ascending, infinite where it would have found none.
    """

    false_positives: float
    found_from: Vector

    @property
    def draws(self) -> int:
        """How many draws there were."""
        return self.found_from.size

    def power(self, lift: float) -> float:
        """Return the share of the draws in which a relative lift would have been found."""
        return float(np.searchsorted(self.found_from, lift, side="right")) / self.draws

    def detectable(self, power: float) -> float | None:
        """Return the smallest relative lift that is found with this power, or None where no lift is."""
        found = float(self.found_from[max(0, math.ceil(power * self.draws) - 1)])
        return found if math.isfinite(found) else None


def rehearse(past: PastCells, draws: Iterable[NDArray[np.int8]], *, alpha: float) -> Rehearsal | Undefined:
    """Return what these draws of the design find at a two-sided level, or why the past does not say.

    draws: the arm of each cell, of the shape of the cells. Differences are over cells with CR2 errors over clusters
    and Satterthwaite's degrees of freedom, as the experiment will be judged. A lift is put in as a factor on every cell
    of the treatment, which makes it exact for all lifts at once (`_found_from`). Units that sell more gain more, so
    that where few of them make up most of the total, their inequality alone may hide every lift. Raises RowsInvalid for
    draws of another shape, FigureInvalid for a level that is none.
    """
    between_0_and_1(alpha=alpha)
    if not np.any(past.above):
        return Undefined(UndefinedReason.NO_DATA)
    codes, _ = codes_of("clusters", past.clusters.ravel(), past.clusters.size)
    past = replace(past, clusters=codes.reshape(past.clusters.shape))
    found: list[float] = []
    false, tested, problem = 0, 0, Undefined(UndefinedReason.NO_DATA)
    for arms in draws:
        pair = _pair(past, arms)
        if isinstance(pair, Undefined):
            problem = pair
            found.append(math.inf)
            continue
        critical = t_isf(alpha / 2.0, pair.df)
        tested += 1
        false += abs(pair.statistic) >= critical
        found.append(_found_from(pair, critical))
    if not tested:
        return problem
    return Rehearsal(false / len(found), np.sort(np.array(found)))


def _pair(past: PastCells, arms: NDArray[np.int8]) -> Pair | Undefined:
    if arms.shape != past.above.shape:
        raise RowsInvalid(f"draws: one has shape {arms.shape} instead of {past.above.shape}")
    sides = tuple(arms == arm for arm in (CONTROL, TREATMENT))
    number = int(past.clusters.max()) + 1

    def summed(values: Matrix | None) -> Arms:
        control, treatment = (
            np.bincount(past.clusters[side], weights=None if values is None else values[side], minlength=number).astype(
                float
            )
            for side in sides
        )
        return control, treatment

    with np.errstate(over="ignore", invalid="ignore"):  # `cell_totals` and `checked` name what does not fit a float
        totals = cell_totals(summed(None), summed(past.above), None if past.below is None else summed(past.below))
        return totals if isinstance(totals, Undefined) else checked(cr2(totals))


def _found_from(pair: Pair, critical: float) -> float:
    """Return the lift from which on the treatment would be found better, infinite where it never would.

    With u = 1 + lift the difference is u T - C and its variance u^2 V_T - 2 u V_CT + V_C: found where the difference is
    above 0 and its square at least critical^2 times that, a quadratic in u (Fieller 1954). 0 where it is found at once.
    It is in units of T, so that no square leaves the floats before its root would.
    """
    unit = pair.treatment.mean
    if not unit > 0.0:
        return math.inf
    square, control = critical * critical, pair.control.mean / unit
    a = 1.0 - square * (pair.treatment.variance / unit / unit)
    b = -2.0 * (control - square * (pair.covariance / unit / unit))
    c = control * control - square * (pair.control.variance / unit / unit)
    inside = b * b - 4.0 * a * c
    if not (a > 0.0 and math.isfinite(inside)):
        return math.inf
    root = (-b + math.sqrt(inside)) / (2.0 * a) if inside > 0.0 else control
    return max(root - 1.0, 0.0)
