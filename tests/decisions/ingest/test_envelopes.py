import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.ingest.envelopes import (
    LARGEST_MESSAGE,
    EnvelopeMalformed,
    Message,
    TooManyMessages,
    open_batch,
    read_message,
    write_key_of,
)
from decisions.vocabulary import Rejection


def test_open_batch__good_body__gives_each_message_untouched() -> None:
    body = b'{"sentAt":"2026-06-01T00:00:00Z","context":{"a":1},"batch":[{"a": 1},{"b":[2,"]"]}],"writeKey":"k"}'

    envelope = open_batch(body)

    assert envelope.messages == [b'{"a": 1}', b'{"b":[2,"]"]}']
    assert envelope.sent_at == "2026-06-01T00:00:00Z"


POISON = {
    "lone surrogate": b'{"messageId":"\\ud800"}',
    "deep": b'{"properties":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "not a number": b'{"a":NaN}',
    "infinite": b'{"properties":{"a":1e400}}',
    "leading zero": b'{"a":01}',
    "bad escape": b'{"a":"\\x"}',
    "bad utf-8": b'{"messageId":"\xff"}',
    "no json": b"nonsense",
    "control character": b'{"messageId":"a\x01"}',
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_open_batch__one_poisoned_message__leaves_the_others(poison: bytes) -> None:
    good = [b'{"messageId":"%d","x":"],[}{\\""}' % n for n in range(3)]
    body = b'{"batch" : [ ' + b" , ".join([good[0], poison, *good[1:]]) + b' ] , "sentAt" : "s"}'

    envelope = open_batch(body)

    assert envelope.sent_at == "s"
    assert len(envelope.messages) == 4
    read = [read_message(raw) for raw in envelope.messages]
    assert [m.message_id for m in read if isinstance(m, Message)] == ["0", "1", "2"]
    assert read[1] in (Rejection.MALFORMED, Rejection.TOO_DEEP)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"batch":null}',
        b'{"batch":{}}',
        b'{"batch":[',
        b'{"batch":[{}]',
        b'{"batch":[{}]}x',
        b'{"other":[{"batch":[1]}]}',
        b'{"batch":[NaN],"sentAt":NaN}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_open_batch__body_that_is_no_batch__is_malformed(body: bytes) -> None:
    with pytest.raises(EnvelopeMalformed):
        open_batch(body)


def test_open_batch__a_thousand_messages__and_no_more() -> None:
    assert len(open_batch(b'{"batch":[' + b",".join([b"{}"] * 1_000) + b"]}").messages) == 1_000
    for more in (b"{}", b"NaN"):
        with pytest.raises(TooManyMessages):
            open_batch(b'{"batch":[' + b",".join([b"{}"] * 1_000 + [more]) + b"]}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.text(max_size=6), JSON, max_size=4), max_size=5), st.sampled_from([None, 1]))
def test_open_batch__piecemeal_or_whole__finds_the_same_messages(
    messages: list[dict[str, Any]], indent: int | None
) -> None:
    texts = [json.dumps(entry, indent=indent) for entry in messages]
    whole = '{"first": {"batch": [1]}, "batch": [%s]}'
    poisoned = open_batch((whole % ", ".join(["NaN", *texts])).encode())
    clean = open_batch((whole % ", ".join(texts)).encode())

    assert [json.loads(raw) for raw in clean.messages] == messages
    assert poisoned.messages[0] == b"NaN"
    assert poisoned.messages[1:] == [raw.strip() for raw in clean.messages]


def test_read_message__too_large__is_refused_unread() -> None:
    fits = b'{"a":"' + b"x" * (LARGEST_MESSAGE - 8) + b'"}'

    assert len(fits) == LARGEST_MESSAGE
    assert isinstance(read_message(fits), Message)
    assert read_message(fits + b" ") == Rejection.TOO_LARGE


@pytest.mark.parametrize("raw", [b"1", b"null", b'"x"', b"[]", b"", b"{"])
def test_read_message__no_object__is_malformed(raw: bytes) -> None:
    assert read_message(raw) == Rejection.MALFORMED


@given(st.binary(max_size=60))
def test_read_message__any_bytes__never_raises(raw: bytes) -> None:
    read_message(raw)
    write_key_of(raw)


def test_write_key_of__beacon__is_read_from_the_body() -> None:
    assert write_key_of(b'{"writeKey":"k","batch":[]}') == "k"
    assert write_key_of(b'{"writeKey":5}') is None
    assert write_key_of(b"nonsense") is None
