"""What is noted of the messages of a request while they are taken in, and an example of each kind of note."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from decisions.ingest.envelopes import read_message
from decisions.ingest.properties import ATTRIBUTES, KEPT, LINES
from decisions.vocabulary import IntakeKind, Rejection

LONGEST_EXAMPLE = 1_024
"""Bytes of an example."""
LONGEST_PART = 60
MOST_PARTS = 20

NoteKey = tuple[IntakeKind, str]
"""What was noted, and for a rejection its reason."""


@dataclass(slots=True)
class Notes:
    """Counts by what was noted, and for each the place in the request of the first message it was noted of."""

    counts: dict[NoteKey, int] = field(default_factory=dict)
    firsts: dict[NoteKey, int] = field(default_factory=dict)

    def add(self, kind: IntakeKind, place: int, reason: str = "", count: int = 1) -> None:
        """Note something of the message at a place of the request."""
        key = (kind, reason)
        known = self.counts.get(key)
        if known is None:
            self.firsts[key] = place
            self.counts[key] = count
        else:
            self.counts[key] = known + count


@dataclass(frozen=True, slots=True)
class Told:
    """Notes on their way to the database: counts and examples by (kind, reason), of requests with one kind of key."""

    project_id: int
    key_kind: str
    counts: Mapping[NoteKey, int] = field(default_factory=dict)
    examples: Mapping[NoteKey, str] = field(default_factory=dict)


_encode = msgspec.json.Encoder().encode


def examples_of(notes: Notes, raws: Sequence[bytes], told: set[NoteKey]) -> dict[NoteKey, str]:
    """Return an example for each note that has none yet, and add those to `told`."""
    fresh = {key: example_of(raws[place]) for key, place in notes.firsts.items() if key not in told}
    told.update(fresh)
    return fresh


def example_of(raw: bytes) -> str:
    """Return a message as JSON text for people: its form and what the allow-list keeps of it.

    Of ids and of everything that is not kept the type is told and nothing more, so that no shopper can be recognised.
    """
    message = read_message(raw)
    if isinstance(message, Rejection):
        return _fitting({"bytes": len(raw)})
    shown: dict[str, Any] = {"bytes": len(raw)}
    for name in ("type", "event", "timestamp", "sent_at"):
        value = getattr(message, name)
        if value is not None:
            shown[name] = _shortened(value)
    for name in ("message_id", "user_id", "anonymous_id", "previous_id"):
        value = getattr(message, name)
        if value is not None:
            shown[name] = _type_of(value)
    for name in ("properties", "traits"):
        value = getattr(message, name)
        if value is not None:
            shown[name] = _parts(value)
    return _fitting(shown)


def _parts(value: object) -> object:
    if not isinstance(value, dict):
        return _type_of(value)
    parts = {}
    for name in list(value)[:MOST_PARTS]:
        part = value[name]
        is_shown = name in KEPT and name not in (LINES, ATTRIBUTES, "session_id")
        parts[_shortened(name)] = _shortened(part) if is_shown else _type_of(part)
    return parts


def _type_of(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    return f"list of {len(value)}" if isinstance(value, list) else "object"


def _shortened(value: object) -> Any:
    if isinstance(value, str):
        text = value.replace("\0", "\ufffd")
        return text if len(text) <= LONGEST_PART else f"{text[:LONGEST_PART]}..."
    if value is None or isinstance(value, bool | int | float):
        return value
    return _type_of(value)


def _fitting(shown: dict[str, Any]) -> str:
    """Return the example as text, without its largest parts where it would be too long."""
    for name in ("", "traits", "properties"):
        if name in shown:
            shown[name] = _type_of(shown[name])
        text = _encode(shown)
        if len(text) <= LONGEST_EXAMPLE:
            return text.decode()
    return _encode({"bytes": shown["bytes"]}).decode()
