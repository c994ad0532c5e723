"""What is asked of the evidence of an experiment of our own, and the times that bound every row."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import ibis

from experiments.analysis.filters import UnitFilter
from experiments.analysis.metrics import MetricSpec, needs_books
from experiments.vocabulary import UnitKind

CLOCK_SKEW: Final = timedelta(days=2)
"""How far the day of an outcome's partition may lie from its corrected time."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The periods by which units are randomised: the first begins at `anchor`; lengths in minutes."""

    anchor: datetime
    minutes: int
    burn_in: int

    @property
    def counted(self) -> timedelta:
        """How much of a period counts."""
        return timedelta(minutes=self.minutes - self.burn_in)


@dataclass(frozen=True, slots=True)
class Question:
    """One experiment, its metrics, the times, and who is left out.

    zone: in which the days of first exposures are counted. dimensions: attributes whose levels are told apart.
    calendar: where units are randomised by period. has_links: whether customers are known to be visitors, which the
    experiment randomises.
    """

    experiment_id: int
    project_id: int
    unit_kind: UnitKind
    metrics: tuple[MetricSpec, ...]
    window_start: datetime
    window_end: datetime
    received_before: datetime
    exposed_before: datetime
    zone: str = "UTC"
    dimensions: tuple[str, ...] = ()
    filters: tuple[UnitFilter, ...] = ()
    calendar: Calendar | None = None
    has_links: bool = False

    @property
    def by_line(self) -> bool:
        """Whether the lines of an order are about units of their own."""
        return self.unit_kind in (UnitKind.ITEM, UnitKind.CLUSTER, UnitKind.STORE_ITEM)

    @property
    def awaits_books(self) -> bool:
        """Whether a cell counts only once its period has been closed and its stock valued."""
        return self.calendar is not None and any(map(needs_books, self.metrics))


def moment(at: datetime) -> ibis.Value:
    """Return the time as the queries write it."""
    return ibis.literal(at, "timestamp('UTC')")
