"""When the running periods of experiments began."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from experiments.lifecycle import SERVING
from experiments.models import Experiment


def latest_period_start(experiment_ids: Iterable[int], *, at: datetime) -> datetime | None:
    """Return when the youngest of the periods in which experiments are at a project time began, None without one.

    Experiments that are running or paused and randomise by period; those whose first period is still to come have none.
    """
    rows = Experiment.objects.filter(
        pk__in=experiment_ids, status__in=SERVING, period_minutes__isnull=False, periods_from__lte=at
    ).values_list("periods_from", "period_minutes")
    starts = [_start(anchor, timedelta(minutes=minutes), at) for anchor, minutes in rows if anchor and minutes]
    return max(starts, default=None)


def _start(anchor: datetime, length: timedelta, at: datetime) -> datetime:
    return anchor + (at - anchor) // length * length
