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
from experiments.statistics.rows import Mask, RowsInvalid, codes_of, finite_column, treated_column

DRAWS: Final = 999
_LEAST_ORDERS: Final = 1_000
"""Orders of the arms below which a test by drawing them again says little."""
_TIE: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class DrawnCells:
    """Cells of control and one treatment, in columns of one length; of a ratio with its denominators `below`.

    strata: among which cells the arms change places. clusters: over what errors are. Both are numbers. Raises
    RowsInvalid for cells that cannot be.
    """

    treated: Mask
    strata: NDArray[np.intp]
    clusters: NDArray[np.intp]
    above: Vector
    below: Vector | None = None

    def __post_init__(self) -> None:
        cells = finite_column("above", self.above).size
        if self.below is not None and finite_column("below", self.below).size != cells:
            raise RowsInvalid(f"below: has {self.below.size} rows instead of {cells}")
        treated_column("treated", self.treated, cells)
        codes_of("strata", self.strata, cells)
        codes_of("clusters", self.clusters, cells)


def period_test(cells: DrawnCells, rng: np.random.Generator, *, draws: int = DRAWS) -> RandomisationTest | Undefined:
    """Return how extreme the difference is among those of arms drawn again, in units of its error: two-sided.

    Differences are studentised by CR2, so that the test holds approximately also where the treatment changes the
    spread alone (Wu & Ding 2021). p = (1 + #) / (1 + draws); a draw whose error does not exist counts as extreme.
    Undefined where the real arms have no error, or where there are fewer than 1 000 orders of them. Raises RowsInvalid
    without a draw.
    """
    if draws < 1:
        raise RowsInvalid(f"draws: must be at least 1, not {draws}")
    studentised = _Studentised(cells)
    seen = studentised(np.flatnonzero(cells.treated))
    if isinstance(seen, Undefined):
        return seen
    fixed, exchangeable = _exchangeable(cells)
    if sum(strata.log_orders for strata in exchangeable) < math.log(_LEAST_ORDERS):
        return Undefined(UndefinedReason.TOO_FEW_UNITS)
    extreme = 0
    for _ in range(draws):
        drawn = [fixed, *(strata.draw(rng) for strata in exchangeable)]
        found = studentised(np.concatenate(drawn))
        extreme += isinstance(found, Undefined) or abs(found[1]) >= abs(seen[1]) * (1.0 - _TIE)
    return RandomisationTest(seen[0], (1 + extreme) / (1 + draws), draws)


@dataclass(frozen=True, slots=True, eq=False)
class _Strata:
    """Strata of one size with as many treated cells: their rows, of shape (strata, size)."""

    rows: NDArray[np.intp]
    treated: int

    @property
    def log_orders(self) -> float:
        """The logarithm of how many orders of the arms there are."""
        count, size = self.rows.shape
        chosen = math.lgamma(self.treated + 1) + math.lgamma(size - self.treated + 1)
        return float(count) * (math.lgamma(size + 1) - chosen)

    def draw(self, rng: np.random.Generator) -> NDArray[np.intp]:
        """Return the rows that are treated in another draw; one of each stratum is much sooner drawn than several."""
        count, size = self.rows.shape
        if self.treated == 1:
            found: NDArray[np.intp] = self.rows[np.arange(count), rng.integers(0, size, count)]
        else:
            found = rng.permuted(self.rows, axis=1)[:, : self.treated].ravel()
        return found


class _Studentised:
    """The difference and how many errors it is from 0, of any draw of the arms."""

    def __init__(self, cells: DrawnCells) -> None:
        self._clusters, _ = codes_of("clusters", cells.clusters, cells.above.size)
        columns = (cells.above, *([] if cells.below is None else [cells.below]))
        self._cells = np.bincount(self._clusters).astype(float)
        self._columns = [(column, np.bincount(self._clusters, weights=column).astype(float)) for column in columns]

    def __call__(self, treated: NDArray[np.intp]) -> tuple[float, float] | Undefined:
        """Return both for these treated rows."""
        clusters, number = self._clusters[treated], self._cells.size
        counts = np.bincount(clusters, minlength=number).astype(float)
        arms: list[Arms] = [(self._cells - counts, counts)]
        with np.errstate(over="ignore", invalid="ignore"):  # `cell_totals` and `checked` name what does not fit a float
            for column, whole in self._columns:
                part = np.bincount(clusters, weights=column[treated], minlength=number).astype(float)
                arms.append((whole - part, part))
            totals = cell_totals(*arms)
            pair = totals if isinstance(totals, Undefined) else checked(cr2(totals))
        return pair if isinstance(pair, Undefined) else (pair.difference, pair.statistic)


def _exchangeable(cells: DrawnCells) -> tuple[NDArray[np.intp], list[_Strata]]:
    """Return the treated rows that stay so because their stratum has no other arm, and the strata that have both."""
    order = np.argsort(cells.strata, kind="stable")
    _, starts, sizes = np.unique(cells.strata[order], return_index=True, return_counts=True)
    treated = np.add.reduceat(cells.treated[order].astype(np.intp), starts)
    mixed = (treated > 0) & (treated < sizes)
    found = []
    for size, chosen in sorted(set(zip(sizes[mixed].tolist(), treated[mixed].tolist(), strict=True))):
        alike = starts[mixed & (sizes == size) & (treated == chosen)]
        found.append(_Strata(order[alike[:, None] + np.arange(size)], chosen))
    lone = np.repeat(~mixed, sizes)
    return order[lone & cells.treated[order]], found
