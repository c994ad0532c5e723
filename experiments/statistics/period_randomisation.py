"""The randomisation test of a design by period: the arms are drawn again among the cells that could have had them.

It rests on the draw alone, whatever the cells resemble. Cells of one stratum (a unit's block of periods, or a unit
where each cell was drawn on its own) were equally likely to have the arms that they have in any order.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.statistics.cell_totals import Arms, cell_totals
from experiments.statistics.clusters import cr2
from experiments.statistics.means import checked
from experiments.statistics.moments import Vector
from experiments.statistics.randomisation import RandomisationTest
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.rows import Mask

DRAWS: Final = 999
_LEAST_ORDERS: Final = 1_000
"""Orders of the arms below which a test by drawing them again says little."""
_TIE: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class DrawnCells:
    """Cells of control and one treatment, in columns of one length; of a ratio with its denominators `below`.

    strata: among which cells the arms change places. clusters: over what errors are. Both are numbers from 0.
    """

    treated: Mask
    strata: NDArray[np.intp]
    clusters: NDArray[np.intp]
    above: Vector
    below: Vector | None = None


def period_test(cells: DrawnCells, rng: np.random.Generator, *, draws: int = DRAWS) -> RandomisationTest | Undefined:
    """Return how extreme the difference is among those of arms drawn again, in units of its error: two-sided.

    Differences are studentised by CR2, so that the test holds approximately also where the treatment changes the
    spread alone (Wu & Ding 2021). p = (1 + #) / (1 + draws); a draw whose error does not exist counts as extreme.
    Undefined where the real arms have no error, or where there are fewer than 1 000 orders of them.
    """
    seen = _statistic(cells, cells.treated)
    if isinstance(seen, Undefined):
        return seen
    places = _exchangeable(cells)
    if _log_orders(cells.treated, places) < math.log(_LEAST_ORDERS):
        return Undefined(UndefinedReason.TOO_FEW_UNITS)
    extreme = 0
    arms = cells.treated.copy()
    for _ in range(draws):
        for rows in places:
            arms[rows] = rng.permuted(cells.treated[rows], axis=1)
        found = _statistic(cells, arms)
        extreme += isinstance(found, Undefined) or abs(found[1]) >= abs(seen[1]) * (1.0 - _TIE)
    return RandomisationTest(seen[0], (1 + extreme) / (1 + draws), draws)


def _statistic(cells: DrawnCells, treated: Mask) -> tuple[float, float] | Undefined:
    """Return the difference and how many errors it is from 0."""

    def summed(values: Vector | None) -> Arms:
        whole = np.bincount(cells.clusters, weights=values).astype(float)
        of = None if values is None else values[treated]
        treatment = np.bincount(cells.clusters[treated], weights=of, minlength=whole.size).astype(float)
        return whole - treatment, treatment

    totals = cell_totals(summed(None), summed(cells.above), None if cells.below is None else summed(cells.below))
    pair = totals if isinstance(totals, Undefined) else checked(cr2(totals))
    return pair if isinstance(pair, Undefined) else (pair.difference, pair.statistic)


def _exchangeable(cells: DrawnCells) -> list[NDArray[np.intp]]:
    """Return the rows of strata that have both arms, strata of one size together: shape (strata, size)."""
    order = np.argsort(cells.strata, kind="stable")
    _, starts, sizes = np.unique(cells.strata[order], return_index=True, return_counts=True)
    treated = np.add.reduceat(cells.treated[order].astype(np.intp), starts) if starts.size else starts
    mixed = (treated > 0) & (treated < sizes)
    return [
        order[starts[mixed & (sizes == size)][:, None] + np.arange(size)] for size in np.unique(sizes[mixed]).tolist()
    ]


def _log_orders(treated: Mask, places: list[NDArray[np.intp]]) -> float:
    """Return the logarithm of how many orders of the arms there are."""
    total = 0.0
    for rows in places:
        size = rows.shape[1]
        for chosen in treated[rows].sum(axis=1).tolist():
            total += math.lgamma(size + 1) - math.lgamma(chosen + 1) - math.lgamma(size - chosen + 1)
    return total
