"""Whether a message can be stored, and what of it: checks of form only; what it means is judged by the projector."""

from typing import Any

import msgspec

from decisions.ingest.envelopes import Message
from decisions.ingest.properties import keep_allowed, keep_attributes
from decisions.vocabulary import MessageKind, Rejection
from experiments.assignment.bucketing import encode_unit
from experiments.assignment.unit_ids import with_store_item
from experiments.vocabulary import UnitKind

LONGEST_MESSAGE_ID = 255
LONGEST_EVENT = 200
DEEPEST = 32

VISITOR = UnitKind.VISITOR.value
CUSTOMER = UnitKind.CUSTOMER.value
SESSION = UnitKind.SESSION.value
ITEM = UnitKind.ITEM.value
STORE = UnitKind.STORE.value
CLUSTER = UnitKind.CLUSTER.value

_KINDS = {kind.value: kind for kind in MessageKind}
_NUL_ESCAPE = b"\\u0000"


class ValidMessage(msgspec.Struct, frozen=True, gc=False):
    """A message in good form: `units` are plain ids by kind, `properties` what is kept, `sent` all that was sent."""

    message_id: str
    kind: MessageKind
    event: str | None
    units: dict[str, str]
    properties: dict[str, Any]
    sent: dict[str, Any]
    dropped: int


def validate(
    message: Message, raw: bytes, *, attributes: frozenset[str], kind: str | None = None
) -> ValidMessage | Rejection:
    """Return the message in good form, or why it is refused.

    `raw` is the text it was parsed from, `attributes` are the names that the project allows, `kind` is given by
    the route of a single message.
    """
    named = message.type if kind is None else kind
    known = _KINDS.get(named) if isinstance(named, str) else None
    if known is None:
        return _text_fault(message, raw) or Rejection.TYPE_UNKNOWN
    fault = _text_fault(message, raw) or _identity_fault(message, known) or _event_fault(message, known)
    if fault is not None:
        return fault
    is_profile = known in (MessageKind.IDENTIFY, MessageKind.GROUP)
    sent = message.traits if is_profile else message.properties
    if sent is None:
        sent = {}
    if not isinstance(sent, dict):
        return Rejection.PROPERTIES_INVALID
    kept, dropped = keep_attributes(sent, attributes) if is_profile else keep_allowed(sent, attributes)
    return ValidMessage(
        message_id=message.message_id,
        kind=known,
        event=message.event if known is MessageKind.TRACK else None,
        units=_units(message, known, kept),
        properties=kept,
        sent=sent,
        dropped=dropped,
    )


def _identity_fault(message: Message, kind: MessageKind) -> Rejection | None:
    message_id = message.message_id
    if message_id is None or message_id == "":
        return Rejection.MESSAGE_ID_MISSING
    if not isinstance(message_id, str) or len(message_id) > LONGEST_MESSAGE_ID:
        return Rejection.MESSAGE_ID_INVALID
    return (_alias_fault(message) if kind is MessageKind.ALIAS else None) or _units_fault(message)


def _alias_fault(message: Message) -> Rejection | None:
    if message.previous_id is None or message.previous_id == "":
        return Rejection.PREVIOUS_ID_MISSING
    if message.user_id is None or message.user_id == "":
        return Rejection.UNIT_MISSING
    return Rejection.UNIT_INVALID if encode_unit(message.previous_id) is None else None


def _units_fault(message: Message) -> Rejection | None:
    visitor, customer = message.anonymous_id, message.user_id
    has_visitor, has_customer = visitor is not None and visitor != "", customer is not None and customer != ""
    if not (has_visitor or has_customer):
        return Rejection.UNIT_MISSING
    is_bad = (has_visitor and encode_unit(visitor) is None) or (has_customer and encode_unit(customer) is None)
    return Rejection.UNIT_INVALID if is_bad else None


def _event_fault(message: Message, kind: MessageKind) -> Rejection | None:
    if kind is not MessageKind.TRACK:
        return None
    if message.event is None or message.event == "":
        return Rejection.EVENT_MISSING
    is_name = isinstance(message.event, str) and len(message.event) <= LONGEST_EVENT
    return None if is_name else Rejection.EVENT_INVALID


def _text_fault(message: Message, raw: bytes) -> Rejection | None:
    """Return what Postgres could not hold or nobody could mean. The bytes are looked at first: that is cheap."""
    if raw.count(b"{") + raw.count(b"[") > DEEPEST and _depth(message) > DEEPEST:
        return Rejection.TOO_DEEP
    if _NUL_ESCAPE in raw and _has_nul(message):
        return Rejection.NUL_CHARACTER
    return None


def _parts(message: Message) -> list[Any]:
    return [getattr(message, name) for name in message.__struct_fields__]


def _depth(message: Message) -> int:
    depth = 0
    level: list[Any] = [_parts(message)]
    while level:
        depth += 1
        level = [part for value in level for part in _children(value) if isinstance(part, dict | list)]
    return depth


def _children(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)


def _has_nul(message: Message) -> bool:
    waiting: list[Any] = [_parts(message)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if "\0" in value:
                return True
        elif isinstance(value, dict):
            waiting.extend(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return False


def _units(message: Message, kind: MessageKind, kept: dict[str, Any]) -> dict[str, str]:
    """Return the plain ids of a message by unit kind; of an alias the previous id is the visitor.

    Visitor and customer have been checked; a session, item, store or cluster that is no valid id is left out. An item
    in a store follows from both.
    """
    units: dict[str, str] = {}
    if kind is MessageKind.ALIAS:
        units[VISITOR] = message.previous_id
    elif message.anonymous_id:
        units[VISITOR] = message.anonymous_id
    if message.user_id:
        units[CUSTOMER] = message.user_id
    session = kept.get("session_id")
    if session is None and isinstance(message.context, dict):
        session = message.context.get("sessionId")
    for name, unit in (
        (SESSION, session),
        (ITEM, kept.get("product_id")),
        (STORE, kept.get("store_id")),
        (CLUSTER, kept.get("cluster_id")),
    ):
        if unit is not None and encode_unit(unit) is not None:
            units[name] = unit  # noqa: PERF403 - a comprehension would make a second dictionary for every message
    return dict(with_store_item(units)) if STORE in units else units
