"""From published bytes to the actions of a collection, as arrays; whatever is wrong in them is refused."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decisions.domain import ITEMS, Field, FieldKind
from decisions.moment import Catalogue, Column
from decisions.policy import Scores
from experiments.assignment.bucketing import encode_unit
from foundation.errors import DomainError

READABLE_CATALOGUES: Final = (1, 2)
"""Schema 1 has items, stock and baseline alone; schema 2 says its collection, its fields and how fresh it is."""


class CatalogueMalformed(DomainError):
    """The published catalogue cannot be read; the message says what is wrong with it."""

    code = "CATALOGUE_MALFORMED"
    hint = "Publish the catalogue again; until then no decision has actions."


def read_catalogue(content: bytes, *, collection: str = ITEMS) -> Catalogue:
    """Return the catalogue of a collection that published bytes stand for.

    Raises:
        CatalogueMalformed: no JSON of a known schema, of another collection, columns of unequal length, ids that are
            not different texts fit for storing, a stock that is neither 0 nor 1, a baseline that is not finite, a field
            that has not texts alone or numbers alone, or a time that is no number.
    """
    try:
        said = json.loads(content)
        schema, items, stock, scores = said["schema"], said["items"], said["in_stock"], said["baseline"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CatalogueMalformed(f"It is not readable: {type(error).__name__}.") from error
    if schema not in READABLE_CATALOGUES or isinstance(schema, bool):
        raise CatalogueMalformed(f"Its schema {schema!r} cannot be read.")
    if (said.get("collection") if schema > 1 else ITEMS) != collection:
        raise CatalogueMalformed(f"It is not of the collection {collection}.")
    if not all(isinstance(column, list) for column in (items, stock, scores)):
        raise CatalogueMalformed("Its columns are not lists.")
    if not len(items) == len(stock) == len(scores):
        raise CatalogueMalformed("Its columns are of unequal length.")
    if any(encode_unit(item) is None for item in items):
        raise CatalogueMalformed("An item's id is not a text that can be stored.")
    places = {item: place for place, item in enumerate(items)}
    if len(places) != len(items):
        raise CatalogueMalformed("An item appears twice.")
    if any(flag not in (0, 1) for flag in stock):
        raise CatalogueMalformed("in_stock has something else than 0 and 1.")
    return Catalogue(
        items=tuple(items),
        places=MappingProxyType(places),
        in_stock=np.array(stock, dtype=np.bool_),
        baseline=_baseline(scores),
        fields=MappingProxyType(_fields(said.get("fields"), len(items))) if schema > 1 else MappingProxyType({}),
        fresh_at=_moment(said.get("fresh_at")) if schema > 1 else None,
    )


def with_fields(catalogue: Catalogue, declared: Mapping[str, Field]) -> Catalogue:
    """Return the catalogue with every declared field, so that domains find each; what it lacks is unknown everywhere.

    Raises:
        CatalogueMalformed: a field has numbers where texts are declared, or the reverse.
    """
    size = len(catalogue.items)
    columns = dict(catalogue.fields)
    for name, field in declared.items():
        found = columns.get(name)
        unknown: Column = ("",) * size if field.kind is FieldKind.TEXT else np.full(size, np.nan)
        if found is None or (isinstance(found, np.ndarray) and np.isnan(found).all()):
            columns[name] = unknown
        elif isinstance(found, tuple) != isinstance(unknown, tuple):
            raise CatalogueMalformed(f"Its field {name} does not have what is declared: {field.kind.value}.")
    return replace(catalogue, fields=MappingProxyType(columns))


def _fields(said: Any, size: int) -> dict[str, Column]:
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise CatalogueMalformed("Its fields are no object of columns.")
    return {name: _column(name, values, size) for name, values in said.items()}


def _column(name: str, values: Any, size: int) -> Column:
    """Return the texts of a field, "" where unknown, or its numbers, NaN where unknown."""
    if not isinstance(values, list) or len(values) != size:
        raise CatalogueMalformed(f"Its field {name} does not have one value for each item.")
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, str) for value in known):
        return tuple("" if value is None else value for value in values)
    _ensure_numbers(name, known)
    numbers = _floats(name, [np.nan if value is None else value for value in values])
    if np.isinf(numbers).any() or np.count_nonzero(np.isnan(numbers)) != size - len(known):
        raise CatalogueMalformed(f"Its field {name} has a value that is not finite.")
    numbers.flags.writeable = False
    return numbers


def _baseline(scores: list[object]) -> Scores:
    _ensure_numbers("baseline", scores)
    with np.errstate(over="ignore"):
        baseline = _floats("baseline", scores).astype(np.float32)
    if not np.isfinite(baseline).all():
        raise CatalogueMalformed("baseline has a value that is not finite.")
    baseline.flags.writeable = False
    return baseline


def _moment(value: object) -> float | None:
    if value is None:
        return None
    _ensure_numbers("fresh_at", [value])
    moment = float(_floats("fresh_at", [value])[0])
    if not np.isfinite(moment):
        raise CatalogueMalformed("fresh_at is not finite.")
    return moment


def _ensure_numbers(name: str, values: Iterable[object]) -> None:
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        raise CatalogueMalformed(f"{name} has something else than numbers.")


def _floats(name: str, values: list[Any]) -> npt.NDArray[np.float64]:
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError as error:
        raise CatalogueMalformed(f"{name} has a number that is too large.") from error
