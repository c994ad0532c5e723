import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.serving.ofrep_requests import BodyUnreadable, ContextInvalid, FlagContext, canonical, read_context


def read(context: object) -> FlagContext:
    return read_context(json.dumps({"context": context}).encode())


def test_read_context__members_that_name_units__are_units_and_stay_attributes() -> None:
    sent = {"targetingKey": "v-1", "userId": "c-1", "session": "s", "item": "i", "store": "berlin", "country": "DE"}
    found = read(sent)
    assert found.units == {
        "visitor": "v-1",
        "customer": "c-1",
        "session": "s",
        "item": "i",
        "store": "berlin",
        "store-item": "berlin|i",
    }
    assert found.attributes == sent
    assert (found.personalised, found.preview) == (True, None)


@pytest.mark.parametrize(
    ("context", "units"),
    [
        ({}, {}),
        ({"targetingKey": ""}, {}),
        ({"targetingKey": None, "userId": None}, {}),
        ({"userId": "c-1", "customer": "c-2"}, {"customer": "c-2"}),
        ({"customer": "c-2", "userId": "c-1"}, {"customer": "c-2"}),
        ({"visitor": "v-1"}, {}),
        ({"store-item": "berlin|i-1", "cluster": "shoes"}, {"store-item": "berlin|i-1", "cluster": "shoes"}),
        ({"item": 5}, {"item": 5}),
    ],
)
def test_read_context__units__are_those_that_are_named(context: dict[str, object], units: dict[str, object]) -> None:
    assert read(context).units == units


def test_read_context__personalisation_switched_off_and_a_preview__are_heeded() -> None:
    found = read({"personalised": False, "preview": "token"})
    assert (found.personalised, found.preview) == (False, "token")


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"5",
        b'{"context":null}',
        b'{"context":[]}',
        b'{"context":"v-1"}',
        b'{"context":{"x":1e400}}',
        b'{"context":{"targetingKey":5}}',
        b'{"context":{"targetingKey":"a\\u0000b"}}',
        json.dumps({"context": {"targetingKey": "x" * 10_241}}).encode(),
        b'{"context":{"personalised":"no"}}',
        b'{"context":{"personalised":null}}',
        b'{"context":{"preview":5}}',
    ],
)
def test_read_context__context_that_cannot_be__is_refused_as_such(body: bytes) -> None:
    with pytest.raises(ContextInvalid):
        read_context(body)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b'{"context":{"x":NaN}}', b'{"context":{"x":"\\ud800"}}', b'{"context":' + b'{"a":' * 100_000],
)
def test_read_context__body_that_is_no_json__is_refused_as_such(body: bytes) -> None:
    with pytest.raises(BodyUnreadable):
        read_context(body)


LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    LEAVES | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
RESERVED = {"targetingKey", "personalised", "preview"}
CONTEXTS = st.dictionaries(TEXTS.filter(lambda name: name not in RESERVED), VALUES, max_size=6)


def turned(value: Any) -> Any:
    """Return the value with the members of every object in the opposite order."""
    if isinstance(value, dict):
        return {name: turned(value[name]) for name in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


@given(CONTEXTS)
def test_canonical__members_in_another_order__are_the_same_text(context: dict[str, Any]) -> None:
    assert canonical(read(context)) == canonical(read(turned(context)))


@given(CONTEXTS, CONTEXTS)
def test_canonical__other_contexts__are_other_texts(first: dict[str, Any], second: dict[str, Any]) -> None:
    same = json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
    assert (canonical(read(first)) == canonical(read(second))) == same
