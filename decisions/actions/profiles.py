"""What the data of a training were distributed like, frozen with its version, for later checks of drift."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from decisions.logs import Log, distributions, since
from models_registry.drift import Bins, Shift, frozen_bins, shifts

FRESH: Final = timedelta(days=7)
"""The newest stretch of a window that is compared: a whole week, so that weekdays weigh alike."""


def profile_of(log: Log) -> dict[str, Any]:
    """Return the frozen distributions of the newest week of a log (or of all of it, where it is shorter), as JSON."""
    days = min(FRESH, log.end - log.start)
    columns, units = distributions(since(log, (log.end - days).timestamp()))
    frozen = frozen_bins(columns, units=units)
    return {"days": days / timedelta(days=1), "bins": {name: bins.to_dict() for name, bins in sorted(frozen.items())}}


def shifts_of(profile: Mapping[str, Any], log: Log) -> dict[str, Shift]:
    """Return how far the newest days of a log have moved away from a frozen profile, feature by feature."""
    days = timedelta(days=float(profile["days"]))
    frozen = {str(name): Bins.from_dict(entry) for name, entry in profile["bins"].items()}
    columns, units = distributions(since(log, (log.end - days).timestamp()))
    return shifts(frozen, columns, units=units)
