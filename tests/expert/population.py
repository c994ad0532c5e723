"""Many units at once: messages copied into the event log, then projected and analysed by the product's own code."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from decisions.actions.projection import project_events
from experiments.actions.analysis import analyse
from experiments.analysis.reasons import Verdict
from experiments.analysis.scorecard import Scorecard
from experiments.queries.looks import latest_look
from tests.fixtures.records import NOW

COLUMNS = (
    "project_id, day, message_id, received_at, kind, event, occurred_at, corrected_at, visitor, properties, enrolments"
)


@dataclass(frozen=True, slots=True)
class Message:
    """A message of one unit; `at` is when it happened, and it is received a minute later unless told otherwise."""

    id: str
    unit: str
    at: datetime
    event: str
    properties: dict[str, Any] | None = None
    enrolments: list[dict[str, Any]] | None = None
    received_at: datetime | None = None


def exposure(
    experiment_id: int, unit: str, variant: str, at: datetime, *, name: str = "e", epoch: int = 1, p: float = 0.5
) -> Message:
    """Return an exposure whose token was good."""
    entry = {
        "experiment": experiment_id,
        "variant": variant,
        "epoch": epoch,
        "probability": p,
        "slots": [None, 0, 0],
        "unit": unit,
        "unit_kind": "visitor",
        "verification": "TOKEN",
        "reason": None,
    }
    return Message(f"{name}-{unit}", unit, at, "Experiment Viewed", enrolments=[entry])


def order(unit: str, at: datetime, *, revenue: float = 10.0, name: str = "o") -> Message:
    """Return an order."""
    return Message(f"{name}-{unit}", unit, at, "Order Completed", {"order_id": f"{name}-{unit}", "revenue": revenue})


def receive(project_id: int, messages: Iterable[Message]) -> None:
    """Write the messages to the event log, each once however often it comes, and project them."""
    rows = list(messages)
    with connection.cursor() as cursor:
        for day in sorted({message.at.date() for message in rows}):
            cursor.execute("SELECT tiltyard_ensure_partition('decisions_eventlog', %s)", [day])
        cursor.execute("CREATE TEMPORARY TABLE sent (LIKE decisions_eventlog INCLUDING DEFAULTS) ON COMMIT DROP")
        with cursor.copy(f"COPY sent ({COLUMNS}) FROM STDIN") as copy:
            for message in rows:
                copy.write_row(
                    (
                        project_id,
                        message.at.date(),
                        message.id,
                        message.received_at or message.at + timedelta(minutes=1),
                        "track",
                        message.event,
                        message.at,
                        message.at,
                        message.unit,
                        json.dumps(message.properties or {}),
                        None if message.enrolments is None else json.dumps(message.enrolments),
                    )
                )
        cursor.execute("INSERT INTO decisions_eventlog SELECT * FROM sent ON CONFLICT DO NOTHING")
        cursor.execute("DROP TABLE sent")
        cursor.execute("DELETE FROM decisions_projectionstate WHERE project_id = %s", [project_id])
    project_events(project_id=project_id)


def look(experiment_id: int, *, days: float) -> tuple[Scorecard, Verdict]:
    """Analyse up to so many days after the start and return scorecard and verdict."""
    end = NOW + timedelta(days=days)
    analyse(experiment_id=experiment_id, window_end=end, received_before=end + timedelta(days=30), now=end)
    found = latest_look(experiment_id)
    assert found is not None
    return found.scorecard, found.verdict


def arm(index: int) -> str:
    """Return the variant of the unit with this number, half and half."""
    return "treatment" if index % 2 else "control"
