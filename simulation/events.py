"""What a shop reports: events by the names of Segment's e-commerce specification, as messages of its HTTP API."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

VIEWED = "Product Viewed"
CLICKED = "Product Clicked"
ADDED = "Product Added"
ORDERED = "Order Completed"
REFUNDED = "Order Refunded"
EXPOSED = "Experiment Viewed"


@dataclass(frozen=True, slots=True)
class Event:
    """Something a visitor does at a time. mark: what tells it from others of the same name and time."""

    visitor: str
    at: datetime
    name: str
    properties: Mapping[str, Any]
    mark: str = ""


def message(event: Event) -> dict[str, Any]:
    """Return the message of an event; the same event gives the same message id, so that it may be sent again."""
    name = f"{event.visitor}/{event.name}/{event.mark}/{event.at.isoformat()}"
    return {
        "type": "track",
        "messageId": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        "anonymousId": event.visitor,
        "timestamp": event.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "event": event.name,
        "properties": dict(event.properties),
    }
