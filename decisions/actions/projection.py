"""The projector: from the event log to exposures and outcomes, in sets, in the order of receipt.

Every step depends on the log, and on what costs and clusters were at the time of a message, never on when or in which
batches it runs, so that a rebuild gives equal rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from decisions.actions import projection_sql as sql
from decisions.actions import projection_supplements as supplements
from decisions.actions.features import BEGINNING, promise_features
from decisions.actions.remembering import promise_units
from decisions.actions.stale_looks import mark_stale_looks
from decisions.actions.watermark import locked_watermark
from decisions.models import ItemCluster, ItemCost, ProjectionState
from experiments.actions.evidence import forget_evidence, rebook_evidence, record_evidence, replay_evidence
from foundation.queries import ProjectFacts, project_facts

BATCH = 200_000
UNENDING = datetime(9999, 12, 31, tzinfo=UTC)


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

    The features of the units they are about, and what these met, are promised with them. At most about 200 000
    messages; `complete` says whether more are waiting. Concurrent calls wait for each other.
    """
    facts = project_facts(project_id)
    watermark = locked_watermark(project_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT now() - make_interval(secs => %s)", [facts.receipt_guard.total_seconds()])
        safe = cursor.fetchone()[0]
    step = _step(facts, watermark, safe)
    if step.exposures or step.outcomes:
        mark_stale_looks(project_id=project_id)
    if step.messages:
        promise_features(project_id=project_id, after=watermark, until=step.watermark)
    if step.watermark > watermark:
        promise_units(project_id=project_id, after=watermark, until=step.watermark)
    return step


@transaction.atomic
def rebuild(*, project_id: int) -> Projected:
    """Forget the project's evidence and project its log again, up to the watermark."""
    facts = project_facts(project_id)
    reached = locked_watermark(project_id)
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
    with connection.cursor() as cursor:
        # What was replayed after the watermark counts already, and nothing else received since then does.
        _stage(cursor, facts, reached, reached, again_upper=UNENDING)
    recorded = record_evidence(project_id=facts.id)
    return replace(
        total,
        exposures=total.exposures + recorded.exposures,
        outcomes=total.outcomes + recorded.outcomes,
        quarantined=total.quarantined + recorded.quarantined,
    )


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


def replay_messages(
    *, project_id: int, keys: Sequence[tuple[date, str]], at: datetime
) -> tuple[Projected, list[tuple[date, str]]]:
    """Judge quarantined messages again; return what came of it and which of them count from now on.

    Must run inside a transaction. What counts now is received at `at` for every look that is taken, and for a rebuild.
    Messages keep their own times, and those that still have a fault stay as they are.
    """
    facts = project_facts(project_id)
    watermark = locked_watermark(project_id)
    named = {"days": [day for day, _ in keys], "message_ids": [message_id for _, message_id in keys], "at": at}
    with connection.cursor() as cursor:
        messages = _fill(cursor, sql.REPLAYED_MESSAGES, _parameters(facts) | named)
        recorded = replay_evidence(project_id=project_id, at=at)
        mark_stale_looks(project_id=project_id, replayed=True)
        cursor.execute("SELECT day, message_id FROM replayed_message ORDER BY day, message_id")
        released = cursor.fetchall()
        cursor.execute(sql.REPLAYED, {"project": project_id, "at": at})
    done = Projected(messages, recorded.exposures, recorded.outcomes, recorded.quarantined, watermark, True)
    return done, released


@transaction.atomic
def rebook_messages(*, project_id: int, keys: Sequence[tuple[date, str]]) -> int:
    """Book the lines of projected messages anew, with the costs that are known by now; return how many are booked.

    Nothing else of these messages changes, and what is booked counts as received when they were.
    """
    facts = project_facts(project_id)
    locked_watermark(project_id)
    named = {"days": [day for day, _ in keys], "message_ids": [message_id for _, message_id in keys]}
    with connection.cursor() as cursor:
        _fill(cursor, sql.PROJECTED_MESSAGES, _parameters(facts) | named)
    return rebook_evidence(project_id=project_id)


def _stage(
    cursor: CursorWrapper, facts: ProjectFacts, after: datetime, upper: datetime, *, again_upper: datetime | None = None
) -> int:
    """Fill the temporary tables that `record_evidence` reads; return how many messages they come from."""
    bounds = {"after": after, "upper": upper, "again_upper": again_upper or upper}
    return _fill(cursor, sql.MESSAGES, _parameters(facts) | bounds)


def _parameters(facts: ProjectFacts) -> dict[str, Any]:
    clock = facts.clock
    return {
        "project": facts.id,
        "currency": facts.currency,
        "number": sql.NUMBER,
        "origin": clock.origin or BEGINNING,
        "started": clock.started_at or BEGINNING,
        "speed": clock.speed,
    }


def _fill(cursor: CursorWrapper, messages_statement: str, parameters: dict[str, Any]) -> int:
    cursor.execute(sql.DROP)
    cursor.execute(messages_statement, parameters)
    messages = cursor.rowcount
    for statement in (sql.EXPOSURES, sql.LINKS, sql.LINES, *_outcomes(parameters["project"]), sql.REJECTS):
        cursor.execute(statement, parameters)
    return int(messages)


def _outcomes(project_id: int) -> tuple[str, ...]:
    """Return the statements that make outcomes of lines; those that ask costs or clusters only where there are any."""
    in_clusters = ItemCluster.objects.filter(project_id=project_id).exists()
    has_costs = ItemCost.objects.filter(project_id=project_id).exists()
    outcomes = supplements.OUTCOMES_IN_CLUSTERS if in_clusters else sql.OUTCOMES
    return (outcomes, supplements.CONTRIBUTIONS) if has_costs else (outcomes,)
