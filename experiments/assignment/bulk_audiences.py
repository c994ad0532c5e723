"""Audiences of whole tables: each predicate is asked once for each distinct set of attributes, not once a row."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from experiments.assignment.targeting import Predicate

REFUSED, ADMITTED, FAILED = 0, 1, 2
"""What an audience says of a row; FAILED where it raised, which the engine answers with ENGINE_ERROR."""

Sayings = NDArray[np.int8]


class AudienceColumns:
    """What each of some audiences says of every row of a table."""

    def __init__(self, attributes: Mapping[str, Sequence[object]], rows: int, predicates: Iterable[Predicate]) -> None:
        asked = set(predicates)
        codes, distinct = _factorised(attributes, rows) if asked else (np.zeros(rows, dtype=np.int32), [])
        self._codes = codes
        self._said = {predicate: _ask(predicate, distinct) for predicate in asked}

    def say(self, predicate: Predicate, rows: slice) -> Sayings:
        """Return what an audience says of these rows."""
        found: Sayings = self._said[predicate][self._codes[rows]]
        return found


def _ask(predicate: Predicate, distinct: Sequence[Mapping[str, object]]) -> Sayings:
    return np.fromiter((_answer(predicate, attributes) for attributes in distinct), np.int8, len(distinct))


def _answer(predicate: Predicate, attributes: Mapping[str, object]) -> int:
    try:
        return ADMITTED if predicate(attributes) else REFUSED
    except Exception:  # noqa: BLE001 - as in the engine: one row that fails must not stop the table
        return FAILED


def _factorised(
    attributes: Mapping[str, Sequence[object]], rows: int
) -> tuple[NDArray[np.int32], list[Mapping[str, object]]]:
    """Return for each row which distinct set of attributes it has, and those sets.

    1, 1.0 and True are equal in Python and differ to an audience, so types are part of the key.
    """
    if not attributes:
        return np.zeros(rows, dtype=np.int32), [{}]
    columns = list(attributes.values())
    keys = zip(*chain.from_iterable((column, map(type, column)) for column in columns), strict=True)
    index: dict[tuple[object, ...], int] = {}
    try:
        codes = np.fromiter((index.setdefault(key, len(index)) for key in keys), np.int32, rows)
    except TypeError:  # A list or an object among the values has no hash: each row stands for itself.
        own = [dict(zip(attributes, row, strict=True)) for row in zip(*columns, strict=True)]
        return np.arange(rows, dtype=np.int32), [*own]
    return codes, [dict(zip(attributes, key[::2], strict=True)) for key in index]
