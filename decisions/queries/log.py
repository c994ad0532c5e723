"""The event log, how far it has been projected, and what has been published."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from decisions.models import ProjectionState, PublishedBundle


@dataclass(frozen=True, slots=True)
class LogFacts:
    """How much a project's event log holds, and how far it has been projected."""

    messages: int
    newest: datetime | None
    watermark: datetime | None


def log_facts(project_id: int) -> LogFacts:
    """Return the size and the progress of a project's event log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), max(received_at) FROM decisions_eventlog WHERE project_id = %s", [project_id])
        messages, newest = cursor.fetchone()
    state = ProjectionState.objects.filter(project_id=project_id).first()
    return LogFacts(messages=messages, newest=newest, watermark=state.watermark if state else None)


def projected_until(project_id: int) -> datetime | None:
    """Return up to which receipt a project's log has been projected, None before the first time."""
    state = ProjectionState.objects.filter(project_id=project_id).first()
    return state.watermark if state else None


def published_version(project_id: int) -> int | None:
    """Return the version of the newest bundle, or None before the first."""
    return PublishedBundle.objects.filter(project_id=project_id).values_list("version", flat=True).first()


def log_digest(project_id: int) -> str:
    """Return a digest of the project's event log, equal for equal rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(string_agg(md5(log::text), '' ORDER BY day, message_id), '')"
            " FROM decisions_eventlog log WHERE project_id = %s",
            [project_id],
        )
        return hashlib.sha256(cursor.fetchone()[0].encode()).hexdigest()
