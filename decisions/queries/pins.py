"""Which model versions experiments pin."""

from datetime import datetime, timedelta

from decisions.models import VariantPolicy
from experiments.queries.endings import over_before
from foundation.queries import all_projects


def pinned_versions(*, now: datetime, within: timedelta) -> frozenset[int]:
    """Return the versions that an experiment pins which is not over, or has been over for less than `within`.

    now: wall time; what is over counts by the clock of its project.
    """
    pinned: set[int] = set()
    for project in all_projects():
        rows = VariantPolicy.objects.filter(version__isnull=False, experiment__project_id=project.id)
        pairs = list(rows.values_list("experiment_id", "version_id"))
        over = over_before((experiment for experiment, _ in pairs), at=project.clock.at(now) - within)
        pinned.update(version for experiment, version in pairs if experiment not in over and version is not None)
    return frozenset(pinned)
