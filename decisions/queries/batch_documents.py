"""A batch as the document that is delivered: JSON whose bytes never change, so that its digest names it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from decisions.queries.batches import BatchFacts, BatchLine, lines_of, written_value
from foundation.queries import project_facts

SCHEMA: Final = 1

_encode = msgspec.json.Encoder().encode


def batch_document(batch: BatchFacts) -> bytes:
    """Return the document of a batch: what it is, and each decision. What came of these is not in it.

    Values are decimal texts: currency units for prices, pieces for orders; null where nothing is to change.
    """
    project = project_facts(batch.project_id)
    head = {
        "schema": SCHEMA,
        "batch": batch.id,
        "project": project.key,
        "point": batch.point,
        "domain": batch.domain,
        "currency": project.currency,
        "due_at": _moment(batch.due_at),
        "made_at": _moment(batch.made_at),
        "takes_effect_at": _moment(batch.takes_effect_at),
    }
    return _encode(head | {"decisions": _listed(lines_of(batch.id), batch.decimals)})


def batch_summary(batch: BatchFacts) -> dict[str, Any]:
    """Return what is told of a batch without its decisions."""
    return {
        "batch": batch.id,
        "point": batch.point,
        "domain": batch.domain,
        "due_at": _moment(batch.due_at),
        "made_at": _moment(batch.made_at),
        "takes_effect_at": _moment(batch.takes_effect_at),
        "decisions": batch.decisions,
        "degraded": batch.degraded,
        "state": batch.state.value,
        "delivered_at": None if batch.delivered_at is None else _moment(batch.delivered_at),
        "attempts": batch.attempts,
        "fault": batch.fault,
        "sha256": batch.sha256,
        "acknowledged": {state.value.lower(): count for state, count in batch.applied.items()},
    }


def _listed(lines: Iterable[BatchLine], decimals: int) -> list[dict[str, str | None]]:
    return [
        {
            "subject": line.subject,
            "item": line.item,
            "store": line.store,
            "value": written_value(line.value, decimals),
            "before": written_value(line.before, decimals),
            "reason": line.reason,
            "experiment": line.experiment,
            "variant": line.variant or None,
            "decision_id": line.decision_id,
        }
        for line in lines
    ]


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
