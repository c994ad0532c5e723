"""A metric by unit and period of a project's past, before anything was tried: on what a design can be rehearsed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from experiments.analysis.design_power import Panel
from experiments.analysis.metrics import MetricSpec, needs_books
from experiments.analysis.planned_periods import PlannedPeriods
from experiments.assignment.periods import DAY_MINUTES, days_between
from experiments.statistics.moments import Matrix
from experiments.vocabulary import UnitKind
from experiments.warehouse import postgres
from experiments.warehouse.cells import read_total
from experiments.warehouse.panel import panel
from experiments.warehouse.question import Calendar, Question


@dataclass(frozen=True, slots=True)
class PastAsked:
    """Whose past is asked for: the units of a kind, cut into periods that end at `until`, over so many days before it.

    received_before: wall time; later messages are left out.
    """

    project_id: int
    unit_kind: UnitKind
    spec: MetricSpec
    periods: PlannedPeriods
    days: int
    until: datetime
    received_before: datetime


def past_panel(asked: PastAsked) -> Panel | None:
    """Return the totals of every unit in every whole period of the past, units in the order of their ids.

    Units that did nothing in all that time are unknown; in periods in which a known one did nothing its total is 0.
    Leading periods in which nobody did anything, before the shop sent data, are left out. None where the metric has no
    past: nothing happened, or it rests on books that only an experiment closes.
    """
    periods = asked.days * DAY_MINUTES // asked.periods.minutes
    if periods < 1 or needs_books(asked.spec):
        return None
    anchor = asked.until - periods * timedelta(minutes=asked.periods.minutes)
    question = Question(
        experiment_id=0,
        project_id=asked.project_id,
        unit_kind=asked.unit_kind,
        metrics=(asked.spec,),
        window_start=anchor,
        window_end=asked.until,
        received_before=asked.received_before,
        exposed_before=asked.until,
        calendar=Calendar(anchor, asked.periods.minutes, asked.periods.burn_in),
    )
    rows = postgres.rows(panel(question))
    if not rows:
        return None
    first = min(row["period"] for row in rows)
    places = {unit: place for place, unit in enumerate(sorted({row["plain_unit"] for row in rows}))}
    shape = (len(places), periods - first)
    above: Matrix = np.zeros(shape)
    below: Matrix | None = None if asked.spec.denominator is None else np.zeros(shape)
    for row in rows:
        place = (places[row["plain_unit"]], row["period"] - first)
        above[place] = read_total(row, 0, "y") / asked.spec.numerator.divisor
        if below is not None and asked.spec.denominator is not None:
            below[place] = read_total(row, 0, "d") / asked.spec.denominator.divisor
    return Panel(above, below)


def last_midnight(at: datetime, zone: str) -> datetime:
    """Return when the day of a time zone began in which a time lies, in UTC: until then the past is whole."""
    day = at.astimezone(ZoneInfo(zone)).date()
    return days_between(day, day, zone)[0]
