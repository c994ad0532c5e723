"""Which experiments have been over for how long."""

from collections.abc import Iterable
from datetime import datetime

from experiments.models import Experiment
from experiments.vocabulary import Status


def over_before(experiment_ids: Iterable[int], *, at: datetime) -> frozenset[int]:
    """Return those of these experiments that were concluded before a time of their project."""
    rows = Experiment.objects.filter(pk__in=set(experiment_ids), status=Status.CONCLUDED, concluded_at__lt=at)
    return frozenset(rows.values_list("pk", flat=True))
