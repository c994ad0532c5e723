import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.ingest.envelopes import Message, read_message
from decisions.ingest.validation import ValidMessage, validate
from decisions.vocabulary import MessageKind, Rejection
from tests.decisions.published import message

ALLOWED = frozenset({"country"})


def check(*, kind: str | None = None, **changes: Any) -> ValidMessage | Rejection:
    raw = json.dumps({k: v for k, v in message(**changes).items() if v is not ...}).encode()
    read = read_message(raw)
    return validate(read, raw, attributes=ALLOWED, kind=kind) if isinstance(read, Message) else read


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def test_validate__good_track__is_taken_apart() -> None:
    valid = check(
        userId="c-1", context={"sessionId": "s-1"}, properties={"product_id": "p", "store_id": "x", "email": "e"}
    )

    assert isinstance(valid, ValidMessage)
    assert (valid.message_id, valid.kind, valid.event) == ("message-1", MessageKind.TRACK, "Product Viewed")
    units = {"visitor": "v-1", "customer": "c-1", "session": "s-1", "item": "p", "store": "x", "store-item": "x|p"}
    assert valid.units == units
    assert valid.properties == {"product_id": "p", "store_id": "x"}
    assert valid.dropped == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "purchase"}, Rejection.TYPE_UNKNOWN),
        ({"type": ["track"]}, Rejection.TYPE_UNKNOWN),
        ({"type": ...}, Rejection.TYPE_UNKNOWN),
        ({"messageId": ...}, Rejection.MESSAGE_ID_MISSING),
        ({"messageId": ""}, Rejection.MESSAGE_ID_MISSING),
        ({"messageId": 5}, Rejection.MESSAGE_ID_INVALID),
        ({"messageId": "x" * 256}, Rejection.MESSAGE_ID_INVALID),
        ({"anonymousId": ...}, Rejection.UNIT_MISSING),
        ({"anonymousId": "", "userId": None}, Rejection.UNIT_MISSING),
        ({"anonymousId": 5}, Rejection.UNIT_INVALID),
        ({"userId": 5}, Rejection.UNIT_INVALID),
        ({"userId": 0}, Rejection.UNIT_INVALID),
        ({"anonymousId": "x" * 10_241}, Rejection.UNIT_INVALID),
        ({"event": ...}, Rejection.EVENT_MISSING),
        ({"event": ""}, Rejection.EVENT_MISSING),
        ({"event": 5}, Rejection.EVENT_INVALID),
        ({"event": "x" * 201}, Rejection.EVENT_INVALID),
        ({"properties": [1]}, Rejection.PROPERTIES_INVALID),
        ({"properties": "x"}, Rejection.PROPERTIES_INVALID),
        ({"messageId": "a\0"}, Rejection.NUL_CHARACTER),
        ({"properties": {"a\0": 1}}, Rejection.NUL_CHARACTER),
        ({"properties": {"a": [{"b": "\0"}]}}, Rejection.NUL_CHARACTER),
        ({"properties": nested(32)}, Rejection.TOO_DEEP),
        ({"context": nested(900)}, Rejection.TOO_DEEP),
        ({"properties": {"a": "x" * 33_000}}, Rejection.TOO_LARGE),
        ({"type": "alias", "userId": "c"}, Rejection.PREVIOUS_ID_MISSING),
        ({"type": "alias", "previousId": "v"}, Rejection.UNIT_MISSING),
        ({"type": "alias", "previousId": 5, "userId": "c"}, Rejection.UNIT_INVALID),
    ],
)
def test_validate__bad_message__is_refused_with_its_reason(changes: dict[str, Any], reason: Rejection) -> None:
    assert check(**changes) == reason


@pytest.mark.parametrize(
    "changes",
    [
        {"messageId": "x" * 255},
        {"event": "x" * 200},
        {"event": "事件"},
        {"anonymousId": "x" * 10_240},
        {"properties": None},
        {"properties": ...},
        {"properties": nested(31)},
        {"properties": {"products": [{"sku": "a"}] * 60}},
        {"properties": {"coupon": "\\u0000 written out"}},
        {"type": "page", "event": ...},
        {"type": "identify", "traits": {"country": "DE"}, "event": ...},
        {"type": "group", "event": 5},
    ],
)
def test_validate__at_the_limits__is_accepted(changes: dict[str, Any]) -> None:
    assert isinstance(check(**changes), ValidMessage)


def test_validate__identify__keeps_allowed_traits_only() -> None:
    valid = check(type="identify", traits={"country": "DE", "email": "a@example.com"}, properties={"revenue": 5})

    assert isinstance(valid, ValidMessage)
    assert (valid.event, valid.properties, valid.dropped) == (None, {"country": "DE"}, 1)


def test_validate__alias__joins_the_previous_id_to_the_customer() -> None:
    valid = check(type="alias", previousId="v-0", userId="c-1", anonymousId=...)

    assert isinstance(valid, ValidMessage)
    assert valid.units["visitor"] == "v-0"
    assert valid.units["customer"] == "c-1"


def test_validate__single_route__gives_the_kind() -> None:
    valid = check(kind="track", type=...)

    assert isinstance(valid, ValidMessage)
    assert valid.kind == MessageKind.TRACK


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "type",
    "messageId",
    "userId",
    "anonymousId",
    "previousId",
    "event",
    "properties",
    "traits",
    "context",
    "timestamp",
]


@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
def test_validate__any_fields__is_accepted_or_refused_never_raised(changes: dict[str, Any]) -> None:
    valid = check(**changes)

    assert isinstance(valid, ValidMessage | Rejection)
    if isinstance(valid, ValidMessage):
        assert "\0" not in json.dumps(valid.properties, ensure_ascii=False)
        assert valid.units
