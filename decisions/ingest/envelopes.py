"""The envelopes of the Segment HTTP API: one bad message never spoils the others of its batch."""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from decisions.vocabulary import Rejection
from foundation.errors import DomainError

MOST_MESSAGES = 1_000
LARGEST_MESSAGE = 32_768
LARGEST_SPLIT = 2_000_000
"""Bytes up to which a batch that does not parse as a whole is taken apart message by message."""


class EnvelopeMalformed(DomainError):
    """The body as a whole cannot be read."""

    code = "BODY_MALFORMED"
    hint = 'Send {"batch": [..], "sentAt": ".."} with 1 to 1000 messages, or a single message as an object.'


class TooManyMessages(DomainError):
    """The batch has more messages than one request may."""

    code = "BATCH_TOO_LONG"
    hint = f"Send at most {MOST_MESSAGES} messages in a batch."


class Message(msgspec.Struct, rename="camel", gc=False):
    """A message as it was sent; whether its fields make sense is for `validation` to say."""

    type: Any = None
    message_id: Any = None
    user_id: Any = None
    anonymous_id: Any = None
    previous_id: Any = None
    event: Any = None
    timestamp: Any = None
    sent_at: Any = None
    properties: Any = None
    traits: Any = None
    context: Any = None


class _Envelope(msgspec.Struct, rename="camel", gc=False):
    batch: list[msgspec.Raw]
    sent_at: Any = None
    backfill: Any = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """A batch taken apart: raw messages, not yet parsed. `backfill` says that all of them are history."""

    messages: list[bytes]
    sent_at: object
    backfill: bool = False


class _Keyed(msgspec.Struct, rename="camel", gc=False):
    write_key: Any = None


_read_keyed = msgspec.json.Decoder(_Keyed).decode
_read_envelope = msgspec.json.Decoder(_Envelope).decode
_read_message = msgspec.json.Decoder(Message).decode


def open_batch(body: bytes) -> Envelope:
    """Return the messages of a batch.

    Raises:
        EnvelopeMalformed: the body is no JSON object with a list `batch`.
        TooManyMessages: more than a thousand.
    """
    try:
        envelope = _read_envelope(body)
        messages = [bytes(raw) for raw in envelope.batch]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        envelope, messages = _open_piecemeal(body, error)
    if len(messages) > MOST_MESSAGES:
        raise TooManyMessages(f"The batch has {len(messages)} messages.")
    return Envelope(messages, envelope.sent_at, envelope.backfill is True)


def write_key_of(body: bytes) -> str | None:
    """Return the write key that a body carries, as beacons of browsers do, which cannot set headers."""
    try:
        key = _read_keyed(body).write_key
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return key if isinstance(key, str) else None


def read_message(raw: bytes) -> Message | Rejection:
    """Return a parsed message, or why it cannot be parsed."""
    if len(raw) > LARGEST_MESSAGE:
        return Rejection.TOO_LARGE
    try:
        return _read_message(raw)
    except RecursionError:
        return Rejection.TOO_DEEP
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Rejection.MALFORMED


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}:,]', re.DOTALL)


def _open_piecemeal(body: bytes, error: Exception) -> tuple[_Envelope, list[bytes]]:
    """Return envelope and messages of a body that does not parse as a whole because some message does not."""
    span = _batch_span(body) if len(body) <= LARGEST_SPLIT else None
    if span is None:
        raise EnvelopeMalformed(f"The body is not a batch: {_said(error)}.") from error
    start, end, messages = span
    try:
        return _read_envelope(body[:start] + b"[]" + body[end:]), messages
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise EnvelopeMalformed(f"The body is not a batch: {_said(fault)}.") from fault


def _batch_span(body: bytes) -> tuple[int, int, list[bytes]] | None:
    """Return where the list `batch` of the outermost object begins and ends, and its items."""
    depth = 0
    key = previous = b""
    start = item = -1
    messages: list[bytes] = []
    for match in _TOKEN.finditer(body):
        token = match.group()
        if token in (b"{", b"["):
            depth += 1
            if depth == 2 and start < 0 and token == b"[" and key == b'"batch"':
                start, item = match.start(), match.end()
        elif token in (b"}", b"]"):
            depth -= 1
            if depth == 1 and start >= 0:
                last = body[item : match.start()].strip()
                return start, match.end(), [*messages, last] if messages or last else []
        elif token == b"," and depth == 2 and start >= 0:
            messages.append(body[item : match.start()].strip())
            item = match.end()
        elif token == b":" and depth == 1:
            key = previous
        previous = token
    return None


def _said(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error).rstrip(".")
