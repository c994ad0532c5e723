"""The rows of campaign paces: read under a lock, and written as they are now."""

from collections.abc import Sequence
from datetime import date

from decisions.models import CampaignPace
from decisions.queries.pacing import PaceFacts, pace_facts

_KEY = ["project", "campaign", "experiment_id", "variant", "day"]
_VALUES = ["budget", "spent", "multiplier", "updated_at"]


def locked_paces(project_id: int, day: date) -> tuple[PaceFacts, ...]:
    """Return the paces of a day, locked until the transaction ends: only one pacing of them at a time."""
    rows = CampaignPace.objects.select_for_update().filter(project_id=project_id, day=day)
    return tuple(pace_facts(row) for row in rows.order_by("campaign", "experiment_id", "variant"))


def write_paces(project_id: int, paces: Sequence[PaceFacts]) -> None:
    """Write paces in place of those of the same campaign, arm and day."""
    rows = [_row(project_id, found) for found in paces]
    CampaignPace.objects.bulk_create(rows, update_conflicts=True, unique_fields=_KEY, update_fields=_VALUES)


def _row(project_id: int, found: PaceFacts) -> CampaignPace:
    experiment, _, variant = found.arm.partition(".")
    return CampaignPace(
        project_id=project_id,
        campaign=found.campaign,
        experiment_id=int(experiment or 0),
        variant=variant,
        day=found.day,
        budget=found.pace.budget,
        spent=found.pace.spent,
        multiplier=found.pace.multiplier,
        updated_at=found.updated_at,
    )
