"""The projector: from the event log to exposures and outcomes, in sets, in the order of receipt.

Every step depends on the log alone, never on when or in which batches it runs, so that a rebuild gives equal rows.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from decisions.actions import projection_sql as sql
from decisions.actions.features import BEGINNING, promise_features
from decisions.models import ProjectionState
from experiments.actions.evidence import forget_evidence, record_evidence
from foundation.queries import ProjectFacts, project_facts

BATCH = 200_000


@dataclass(frozen=True, slots=True)
class Projected:
    """What one step of the projector did, in rows."""

    messages: int
    exposures: int
    outcomes: int
    quarantined: int
    watermark: datetime
    complete: bool


@transaction.atomic
def project_events(*, project_id: int) -> Projected:
    """Project the next messages that every ingest transaction has certainly finished writing, and move the watermark.

    The features of the units they are about are promised with them. At most about 200 000 messages; `complete` says
    whether more are waiting. Concurrent calls wait for each other.
    """
    facts = project_facts(project_id)
    watermark = _locked_watermark(project_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT now() - make_interval(secs => %s)", [facts.receipt_guard.total_seconds()])
        safe = cursor.fetchone()[0]
    step = _step(facts, watermark, safe)
    if step.messages:
        promise_features(project_id=project_id, after=watermark, until=step.watermark)
    return step


@transaction.atomic
def rebuild(*, project_id: int) -> Projected:
    """Forget the project's evidence and project its log again, up to the watermark."""
    facts = project_facts(project_id)
    reached = _locked_watermark(project_id)
    forget_evidence(project_id=project_id)
    total = Projected(0, 0, 0, 0, BEGINNING, False)
    while not total.complete:
        step = _step(facts, total.watermark, reached)
        total = Projected(
            messages=total.messages + step.messages,
            exposures=total.exposures + step.exposures,
            outcomes=total.outcomes + step.outcomes,
            quarantined=total.quarantined + step.quarantined,
            watermark=step.watermark,
            complete=step.complete,
        )
    return total


def _locked_watermark(project_id: int) -> datetime:
    ProjectionState.objects.get_or_create(project_id=project_id, defaults={"watermark": BEGINNING})
    return ProjectionState.objects.select_for_update().get(project_id=project_id).watermark


def _step(facts: ProjectFacts, after: datetime, until: datetime) -> Projected:
    """Project messages received after `after` and not after `until`, at most a batch, and store the new watermark."""
    if until <= after:
        return Projected(0, 0, 0, 0, after, True)
    with connection.cursor() as cursor:
        cursor.execute(sql.BATCH_END, [facts.id, after, until, BATCH])
        found = cursor.fetchone()
        upper = found[0] if found else until
        messages = _stage(cursor, facts, after, upper)
    recorded = record_evidence(project_id=facts.id)
    ProjectionState.objects.filter(project_id=facts.id).update(watermark=upper)
    return Projected(
        messages=messages,
        exposures=recorded.exposures,
        outcomes=recorded.outcomes,
        quarantined=recorded.quarantined,
        watermark=upper,
        complete=found is None,
    )


def _stage(cursor: CursorWrapper, facts: ProjectFacts, after: datetime, upper: datetime) -> int:
    """Fill the temporary tables that `record_evidence` reads; return how many messages they come from."""
    clock = facts.clock
    parameters: dict[str, int | float | str | datetime] = {
        "project": facts.id,
        "after": after,
        "upper": upper,
        "currency": facts.currency,
        "number": sql.NUMBER,
        "origin": clock.origin or BEGINNING,
        "started": clock.started_at or BEGINNING,
        "speed": clock.speed,
    }
    cursor.execute(sql.DROP)
    cursor.execute(sql.MESSAGES, parameters)
    messages = cursor.rowcount
    for statement in (sql.EXPOSURES, sql.LINES, sql.OUTCOMES, sql.REJECTS):
        cursor.execute(statement, parameters)
    return int(messages)
