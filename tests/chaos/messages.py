"""Messages for events that are sent, sent again, and sent wrongly."""

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

Sent = dict[str, Any]


def message(identity: str, *, at: datetime | None = None, **changes: Any) -> Sent:
    """Return a track message in good form."""
    return {
        "type": "track",
        "messageId": identity,
        "anonymousId": f"visitor-{sum(identity.encode()) % 500}",
        "event": "Product Viewed",
        "timestamp": (at or datetime.now(UTC)).isoformat(),
        "properties": {"product_id": "p-1", "price": 19.99},
    } | changes


def order(identity: str, *, at: datetime) -> Sent:
    """Return an order of two lines."""
    lines = [{"product_id": "p-1", "price": 5, "quantity": 2}, {"product_id": "p-2", "price": 9.99}]
    properties = {"order_id": f"order-{identity}", "revenue": "19.99", "products": lines}
    return message(identity, at=at, event="Order Completed", properties=properties)


def exposure(identity: str, *, visitor: str, token: str, experiment: str, at: datetime) -> Sent:
    """Return the fact that a visitor met the experiment of a decision token."""
    properties = {"experiment": experiment, "decision_token": token}
    return message(identity, at=at, anonymousId=visitor, event="Experiment Viewed", properties=properties)


def batch(messages: Sequence[Sent]) -> Sent:
    """Return an envelope."""
    return {"batch": list(messages), "sentAt": datetime.now(UTC).isoformat()}


def zipped(body: object) -> bytes:
    """Return a body as Segment's libraries may send it."""
    return gzip.compress(json.dumps(body).encode(), 1)


def days_ago(count: float) -> datetime:
    """Return a moment in the past."""
    return datetime.now(UTC) - timedelta(days=count)
