"""Pruning artifacts: of versions that hold no alias, are old, and that no experiment of late pins."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from decisions.queries.pins import pinned_versions
from foundation.errors import DomainError
from models_registry.actions.retention import Leaving, drop_artifact, leaving_artifacts

LEAST_DAYS = 1


class DaysInvalid(DomainError):
    """Artifacts are kept for a day at least."""

    code = "DAYS_INVALID"
    hint = "Say for how many days artifacts are kept, 1 or more."


def prunable_artifacts(*, days: int, now: datetime) -> Sequence[Leaving]:
    """Return the artifacts that may go, oldest first; nothing is changed. Raises DaysInvalid."""
    if days < LEAST_DAYS:
        raise DaysInvalid(f"{days} days cannot be kept.")
    within = timedelta(days=days)
    return leaving_artifacts(before=now - within, kept=pinned_versions(now=now, within=within))


def prune_artifacts(*, days: int, acting_user: str, now: datetime, reason: str) -> Sequence[Leaving]:
    """Drop the artifacts that may go, each in a transaction of its own with its journal entries; return those.

    Raises DaysInvalid, ReasonMissing.
    """
    pinned = partial(pinned_versions, now=now, within=timedelta(days=days))
    return [
        leaving
        for leaving in prunable_artifacts(days=days, now=now)
        if drop_artifact(leaving, acting_user=acting_user, now=now, reason=reason, kept=pinned)
    ]
