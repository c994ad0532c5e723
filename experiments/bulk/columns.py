"""Columns of a table as the engine takes them: ids and attributes as parsed from JSON."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

import pyarrow as pa
from pyarrow import types

from foundation.errors import DomainError

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_TRUTHS = {"true": True, "false": False}


class AttributeKind(StrEnum):
    """What the cells of a CSV column are; those of other tables have a type of their own."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"


class ColumnUnusable(DomainError):
    """A column does not hold what it must; the message names it."""

    code = "COLUMN_UNUSABLE"
    hint = "Export the column with another type, or leave it out."


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column that holds an attribute of the same name."""

    name: str
    kind: AttributeKind = AttributeKind.TEXT


def read_attribute(text: str) -> Attribute:
    """Return the attribute of `country`, `orders:number` or `member:boolean`.

    Raises:
        ColumnUnusable: the kind is unknown or the name is missing.
    """
    name, separator, kind = text.strip().rpartition(":")
    if separator and name and kind in tuple(AttributeKind):
        return Attribute(name, AttributeKind(kind))
    if not text.strip() or separator:
        known = ", ".join(AttributeKind)
        raise ColumnUnusable(f"{text!r} is not an attribute.", hint=f"Write NAME or NAME:KIND with KIND of {known}.")
    return Attribute(text.strip())


def texts_of(column: pa.ChunkedArray | pa.Array, name: str) -> list[str | None]:
    """Return the ids or keys of a column, None where there is none.

    Raises:
        ColumnUnusable: the column holds anything but text: 42, 42.0 and "42" would be three units.
    """
    plain = _plain(column)
    if types.is_null(plain.type):
        return [None] * len(plain)
    if not _is_text(plain.type):
        raise ColumnUnusable(
            f"The column {name!r} is of type {plain.type}; ids are texts.",
            hint=f"Write it as the shop sends it: CAST({name} AS VARCHAR) in SQL, .astype(str) in pandas"
            " (and see that 42 does not become 42.0).",
        )
    found: list[str | None] = plain.to_pylist()
    return found


def values_of(column: pa.ChunkedArray | pa.Array, name: str) -> list[Any]:
    """Return the values of an attribute, None where there is none; a float that is no number is none.

    Raises:
        ColumnUnusable: the values are no texts, numbers or booleans.
    """
    plain = _plain(column)
    kind = plain.type
    if not (
        _is_text(kind)
        or types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_boolean(kind)
        or types.is_null(kind)
    ):
        raise ColumnUnusable(
            f"The column {name!r} is of type {kind}; attributes are texts, numbers or booleans.",
            hint="Write it as the shop sends it with its requests.",
        )
    values: list[Any] = plain.to_pylist()
    if types.is_floating(kind):
        return [None if value is None or not isfinite(value) else value for value in values]
    return values


def parsed(texts: Sequence[str | None], attribute: Attribute, *, first_row: int) -> list[Any]:
    """Return the values of a CSV column of this kind; an empty cell is no value.

    Raises:
        ColumnUnusable: a cell is no number, or neither true nor false; rows count from `first_row`.
    """
    read: Callable[[str], Any] = _READ[attribute.kind]
    found: list[Any] = []
    for place, text in enumerate(texts):
        try:
            found.append(read(text) if text else None)
        except (ValueError, KeyError):
            raise ColumnUnusable(
                f"Row {first_row + place}, column {attribute.name!r}: {text!r} is no {attribute.kind}.",
                hint="Mend the cell; an empty one says that the value is not known.",
            ) from None
    return found


def _number(text: str) -> int | float:
    if _WHOLE.fullmatch(text.strip()):
        return int(text)
    value = float(text)
    if not isfinite(value):
        raise ValueError(text)
    return value


def _plain(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Return the column without a dictionary."""
    return column.cast(column.type.value_type) if types.is_dictionary(column.type) else column


def _is_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


_READ: dict[AttributeKind, Callable[[str], Any]] = {
    AttributeKind.TEXT: str,
    AttributeKind.NUMBER: _number,
    AttributeKind.BOOLEAN: lambda text: _TRUTHS[text.strip().lower()],
}
