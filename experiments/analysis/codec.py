"""Frozen dataclasses to plain dictionaries and canonical JSON, and back, with one-line errors that name the place."""

import hashlib
import json
from typing import Any, ClassVar, TypeVar

import msgspec

from foundation.errors import DomainError

T = TypeVar("T")


class RecordInvalid(DomainError):
    """A stored or submitted record that does not have the shape it must have."""

    code: ClassVar[str] = "RECORD_INVALID"
    hint = "Correct the field that the message names."


def to_dict(record: object) -> dict[str, Any]:
    """Return the record as dictionaries, lists and plain values, ready for JSON."""
    built = _listed(msgspec.to_builtins(record))
    if not isinstance(built, dict):
        raise TypeError(f"{type(record).__name__} is not a record")
    return built


def from_dict(kind: type[T], data: object, *, readable_schemas: tuple[int, ...] = ()) -> T:
    """Return the record that the dictionary describes.

    readable_schemas: the schema numbers this code reads; empty for records that carry none.
    Raises RecordInvalid with the reason and the place on one line.
    """
    if readable_schemas:
        schema = data.get("schema") if isinstance(data, dict) else None
        if schema not in readable_schemas:
            known = ", ".join(str(number) for number in readable_schemas)
            raise RecordInvalid(f"{kind.__name__}.schema: {schema!r} is not one of {known}")
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise RecordInvalid(f"{kind.__name__}: {error}") from error


def canonical_json(record: object) -> bytes:
    """Return the one JSON encoding of a record: sorted keys, no spaces, shortest floats, UTF-8.

    Raises ValueError for NaN and infinity: a value that does not exist is null beside a status.
    """
    return json.dumps(
        msgspec.to_builtins(record),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    ).encode()


def sha256(record: object) -> str:
    """Return the hexadecimal digest of the record's canonical JSON."""
    return hashlib.sha256(canonical_json(record)).hexdigest()


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _listed(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_listed(entry) for entry in value]
    return value
