"""What decisions are made with: the catalogue as arrays, and predictors fitted to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from decisions.moment import Catalogue
from decisions.policy import Indices, Scores
from decisions.serving.points import ModelRecord
from experiments.assignment.bucketing import encode_unit
from foundation.errors import DomainError
from models_registry.predictors.protocol import Predictor

READABLE_CATALOGUES = (1,)


class CatalogueMalformed(DomainError):
    """The published catalogue cannot be read; the message says what is wrong with it."""

    code = "CATALOGUE_MALFORMED"
    hint = "Publish the catalogue again; until then no decision has actions."


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A predictor beside a catalogue.

    `places` says where the predictor has an item; `of_catalogue` has the same for each item of the catalogue, -1
    where the predictor does not know it; `is_aligned` tells that both have the same items in the same order.
    """

    record: ModelRecord
    predictor: Predictor
    places: Mapping[str, int]
    of_catalogue: Indices
    is_aligned: bool


@dataclass(frozen=True, slots=True, eq=False)
class Equipment:
    """The files of a bundle, as far as they could be loaded. `faults` says of the others what is wrong, by name."""

    catalogue: Catalogue | None = None
    models: Mapping[int, Fitted] = field(default_factory=lambda: MappingProxyType({}))
    faults: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


NO_EQUIPMENT = Equipment()


def read_catalogue(content: bytes) -> Catalogue:
    """Return the catalogue that published bytes stand for.

    Raises:
        CatalogueMalformed: no JSON of a known schema, columns of unequal length, ids that are not different texts
            fit for storing, a stock that is neither 0 nor 1, or a baseline that is not finite.
    """
    try:
        said = json.loads(content)
        schema, items, stock, scores = said["schema"], said["items"], said["in_stock"], said["baseline"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CatalogueMalformed(f"It is not readable: {type(error).__name__}.") from error
    if schema not in READABLE_CATALOGUES or isinstance(schema, bool):
        raise CatalogueMalformed(f"Its schema {schema!r} cannot be read.")
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
    return Catalogue(tuple(items), MappingProxyType(places), np.array(stock, dtype=np.bool_), _finite(scores))


def fit(record: ModelRecord, predictor: Predictor, places: Mapping[str, int], catalogue: Catalogue) -> Fitted:
    """Return a predictor beside a catalogue; `places` says where the predictor has an item."""
    of_catalogue = np.array([places.get(item, -1) for item in catalogue.items], dtype=np.int64)
    of_catalogue.flags.writeable = False
    return Fitted(record, predictor, places, of_catalogue, predictor.items == catalogue.items)


def _finite(scores: list[object]) -> Scores:
    if any(isinstance(score, bool) or not isinstance(score, int | float) for score in scores):
        raise CatalogueMalformed("baseline has something else than numbers.")
    try:
        with np.errstate(over="ignore"):
            baseline = np.array(scores, dtype=np.float64).astype(np.float32)
    except OverflowError as error:
        raise CatalogueMalformed("baseline has a number that is too large.") from error
    if not np.isfinite(baseline).all():
        raise CatalogueMalformed("baseline has a value that is not finite.")
    baseline.flags.writeable = False
    return baseline
