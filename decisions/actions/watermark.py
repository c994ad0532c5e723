"""How far a project's log has been projected, under the lock that the projector holds while it works."""

from datetime import datetime

from decisions.actions.features import BEGINNING
from decisions.models import ProjectionState


def locked_watermark(project_id: int) -> datetime:
    """Return the receipt time (wall) up to which messages have been projected; the row stays locked.

    Must run inside a transaction. What outcomes are made from besides the log (costs, clusters) changes under this
    lock alone, so that a message is projected with what a rebuild will find for its time.
    """
    ProjectionState.objects.get_or_create(project_id=project_id, defaults={"watermark": BEGINNING})
    return ProjectionState.objects.select_for_update().get(project_id=project_id).watermark
