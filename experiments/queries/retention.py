"""Which days of evidence experiments that are not over still need."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Max

from experiments.models import Experiment
from experiments.queries.designs import observed_experiments
from experiments.vocabulary import Source, Status

MARGIN = timedelta(days=2)
"""Room for clocks that are off and for zones."""


@dataclass(frozen=True, slots=True)
class Need:
    """An experiment that is not over, and the first day of the evidence it needs."""

    experiment_key: str
    first_day: date


def needed_days(project_id: int, *, at: datetime) -> list[Need]:
    """Return what the experiments of a project that are not over at this project time need, the oldest need first.

    An experiment needs the days from its launch, and before it those that its covariates look back on.
    """
    live = {run.id for run in observed_experiments(project_id, at=at)}
    rows = Experiment.objects.filter(project_id=project_id, source=Source.OWN, started_at__isnull=False)
    rows = rows.filter(pk__in=live) | rows.filter(status__in=[Status.RUNNING, Status.PAUSED])
    counted = rows.annotate(lookback=Max("metrics__metric__covariate_days"))
    needs = [
        Need(row.key, (row.started_at - timedelta(days=row.lookback or 0) - MARGIN).date())
        for row in counted
        if row.started_at is not None
    ]
    return sorted(needs, key=lambda need: (need.first_day, need.experiment_key))
