"""The metrics of a project."""

from collections.abc import Sequence

from experiments.models import Metric


def metric_ids(project_id: int, *, keys: Sequence[str]) -> dict[str, int]:
    """Return the newest version of each of these metrics that the project has, by key."""
    rows = Metric.objects.filter(project_id=project_id, key__in=keys).order_by("version")
    return {key: int(pk) for key, pk in rows.values_list("key", "pk")}
