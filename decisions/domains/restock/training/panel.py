"""Sales of many series in equal steps, side by side: what every recipe of restock learns from."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domain import SalesLog
from models_registry.pipeline import TrainingDataInsufficient, TrainingDataInvalid

DAY: Final = 86_400.0
WEEK: Final = 7
HORIZONS: Final = (1, 7, 14, 28, 56)
LEAST_KNOWN: Final = 7
"""A series with fewer steps in stock counts its other steps as if they were: a lower bound is better than nothing."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Pieces sold of each series in each step, all of equal length.

    units: series x steps, float64, 0 where nothing is known. known: sold while in stock for the whole step, so that
    units are the demand. censored: in stock for a part of the step at most, so that demand was at least `units`; other
    steps say nothing. season: steps after which the season begins again, 1 for none. phase: place in it of the first
    step. horizons: over how many steps totals are forecast, rising.
    """

    ids: tuple[str, ...]
    units: Floats
    known: Bools
    censored: Bools
    season: int = WEEK
    phase: int = 0
    horizons: tuple[int, ...] = HORIZONS

    @property
    def series(self) -> int:
        """How many series there are."""
        return len(self.units)

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return int(self.units.shape[1])

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """The place in the season of each step."""
        return (self.phase + np.arange(self.steps)) % self.season

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many known steps each series has."""
        found: npt.NDArray[np.int64] = self.known.sum(axis=1, dtype=np.int64)
        return found

    @property
    def means(self) -> Floats:
        """The mean of the known steps of each series, 0 where there are none."""
        found: Floats = (self.units * self.known).sum(axis=1) / np.maximum(1, self.counts)
        return found

    def between(self, start: int, stop: int) -> "Panel":
        """Return the steps in [start, stop)."""
        part = slice(start, stop)
        return replace(
            self,
            units=self.units[:, part],
            known=self.known[:, part],
            censored=self.censored[:, part],
            phase=(self.phase + start) % self.season,
        )

    def with_bounds(self) -> "Panel":
        """Return it with what is censored counted as known in series that know hardly anything else."""
        scarce = (self.counts < LEAST_KNOWN)[:, None]
        return replace(self, known=self.known | (self.censored & scarce), censored=self.censored & ~scarce)


def complete_panel(ids: tuple[str, ...], units: Floats, *, season: int, horizons: tuple[int, ...]) -> Panel:
    """Return a panel of series that were always in stock."""
    return Panel(ids, units, np.ones(units.shape, np.bool_), np.zeros(units.shape, np.bool_), season, 0, horizons)


def panel_of(log: SalesLog) -> Panel:
    """Return the days of a log side by side. Raises TrainingDataInvalid, TrainingDataInsufficient."""
    ensure_valid(log)
    first = float(log.at[0])
    days = np.rint((log.at - first) / DAY).astype(np.int64)  # days of 23 and 25 hours count as one
    shape = (len(log.series_ids), int(days[-1]) + 1)
    cells = log.series.astype(np.int64) * shape[1] + days
    if len(np.unique(cells)) != len(cells):
        raise TrainingDataInvalid("A series has two rows for the same day.")
    units, in_stock = np.zeros(shape), np.full(shape, np.nan)
    units.flat[cells], in_stock.flat[cells] = log.units, log.in_stock
    known = in_stock >= 1.0
    return Panel(
        ids=log.series_ids,
        units=units,
        known=known,
        censored=(in_stock < 1.0) & (units > 0.0),
        phase=datetime.fromtimestamp(first, log.start.tzinfo).weekday(),
    ).with_bounds()


def ensure_valid(log: SalesLog) -> None:
    """Let pass a log whose columns are what SalesLog says. Raises TrainingDataInvalid, naming the column."""
    if not len(log.at):
        raise TrainingDataInsufficient("The window holds no sale.")
    for name in ("series", "units", "in_stock"):
        _ensure(len(getattr(log, name)) == len(log.at), f"The column {name} has not the length of the column at.")
    for name in ("at", "units", "in_stock"):
        _ensure(bool(np.isfinite(getattr(log, name)).all()), f"The column {name} has values that are not finite.")
    _ensure(bool((log.units >= 0.0).all()), "The column units has negative values.")
    _ensure(bool(((log.in_stock >= 0.0) & (log.in_stock <= 1.0)).all()), "The column in_stock holds no shares.")
    _ensure(bool((np.diff(log.at) >= 0.0).all()), "The rows are not in the order of time.")
    _ensure(
        int(log.series.min()) >= 0 and int(log.series.max()) < len(log.series_ids),
        "The column series has places out of bounds.",
    )
    _ensure(len(set(log.series_ids)) == len(log.series_ids), "Two series have the same id.")


def _ensure(holds: bool, sentence: str) -> None:
    if not holds:
        raise TrainingDataInvalid(sentence)
