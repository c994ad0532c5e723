"""Which experiments randomise units of a kind now."""

from experiments.models import Experiment
from experiments.vocabulary import Status, UnitKind

_LIVE = (Status.RUNNING.value, Status.PAUSED.value)


def live_experiments(project_id: int, kind: UnitKind) -> list[str]:
    """Return the keys of a project's live experiments that randomise units of this kind, in their order."""
    rows = Experiment.objects.filter(project_id=project_id, source="OWN", unit_kind=kind.value, status__in=_LIVE)
    return list(rows.order_by("key").values_list("key", flat=True))
