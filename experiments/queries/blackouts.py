"""The blackout calendar of a project, as times."""

from datetime import datetime, timedelta
from typing import Final

from experiments.assignment.periods import days_between
from experiments.lifecycle import SERVING
from experiments.models import Blackout, Experiment
from foundation.queries import project_facts

DAY: Final = timedelta(days=1)
Span = tuple[datetime, datetime]
"""[from, until), in UTC."""


def blackouts_after(project_id: int, at: datetime) -> tuple[Span, ...]:
    """Return the blackouts of a project that are not over by then, oldest first."""
    zone = project_facts(project_id).time_zone
    rows = Blackout.objects.filter(project_id=project_id).order_by("first_day", "pk")
    spans = (days_between(row.first_day, row.last_day, zone) for row in rows)
    return tuple((begun, over) for begun, over in spans if over > at)


def kept_out(experiment_id: int) -> tuple[Span, ...]:
    """Return the blackouts that were frozen with an experiment's schedule, oldest first."""
    frozen = Experiment.objects.values_list("blackouts", flat=True).get(pk=experiment_id)
    return tuple((datetime.fromisoformat(begun), datetime.fromisoformat(over)) for begun, over in frozen or ())


def experiment_within(project_id: int, span: Span, *, at: datetime) -> str | None:
    """Return the key of an experiment by period that serves and would have to know of a blackout; None where none does.

    It would where the blackout touches its periods before its planned end, or before `at` where it outlives that.
    """
    rows = Experiment.objects.filter(project_id=project_id, status__in=SERVING).order_by("pk")
    return next((row.key for row in rows if _reaches_into(row, span, at)), None)


def _reaches_into(row: Experiment, span: Span, at: datetime) -> bool:
    begun, over = span
    if row.periods_from is None or over <= row.periods_from:
        return False
    return row.horizon_days is None or begun < max(row.periods_from + row.horizon_days * DAY, at)
