"""The messages of the Segment HTTP API that a client sends, made from units and what happened to them."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from experiments.assignment.snapshot import Assignment
from experiments.vocabulary import UnitKind

EXPOSURE_EVENT = "Experiment Viewed"
_UNIT_PROPERTIES = (
    (UnitKind.SESSION, "session_id"),
    (UnitKind.ITEM, "product_id"),
    (UnitKind.STORE, "store_id"),
)


def track(event: str, units: Mapping[str, str], properties: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Return an event of these units."""
    named = {name: units[kind] for kind, name in _UNIT_PROPERTIES if units.get(kind)}
    return _head("track", units, at) | {"event": event, "properties": named | dict(properties)}


def exposure(
    assignment: Assignment,
    units: Mapping[str, str],
    attributes: Mapping[str, object],
    at: datetime,
    *,
    personalised: bool,
) -> dict[str, Any]:
    """Return the exposure of an enrolled unit, with all that the server needs to compute the assignment again."""
    properties = {
        "experiment": assignment.experiment_key,
        "variant": assignment.variant,
        "attributes": dict(attributes),
        "personalised": personalised,
    }
    return track(EXPOSURE_EVENT, units, properties, at)


def identify(units: Mapping[str, str], traits: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Return the traits of a visitor or customer."""
    return _head("identify", units, at) | {"traits": dict(traits)}


def alias(visitor: str, customer: str, at: datetime) -> dict[str, Any]:
    """Return that a visitor turned out to be a customer."""
    return _head("alias", {}, at) | {"previousId": visitor, "userId": customer}


def _head(kind: str, units: Mapping[str, str], at: datetime) -> dict[str, Any]:
    ids = {"anonymousId": units.get(UnitKind.VISITOR), "userId": units.get(UnitKind.CUSTOMER)}
    known = {name: unit for name, unit in ids.items() if unit}
    return {"type": kind, "messageId": str(uuid.uuid4()), "timestamp": at.isoformat()} | known
