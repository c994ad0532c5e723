"""Predictors that score what they were not trained on, made the catalogue's own.

What models read of an action follows from its fields alone, so it is worked out again only for those that changed.
"""

from collections.abc import Container
from typing import NamedTuple

import numpy as np

from decisions.domain import Domain
from decisions.moment import Bools, Catalogue, Column
from decisions.policy import Indices
from decisions.serving.equipment import DomainUnfit
from models_registry.predictors.protocol import Adaptable, Predictor


class _Numbered(NamedTuple):
    """What a domain made of the fields of a catalogue."""

    catalogue: Catalogue
    numbers: Indices


class _Adapted(NamedTuple):
    """What a predictor became for these numbers."""

    numbers: Indices
    predictor: Predictor


class Adaptations:
    """Remembers for each domain the latest numbers, and what predictors became with them; for one thread alone.

    A catalogue is published anew whenever stock or popularity move, which changes nothing that models read of actions.
    """

    def __init__(self) -> None:
        self._numbered: dict[str, _Numbered] = {}
        self._adapted: dict[tuple[str, str], _Adapted] = {}

    def adapted(self, sha: str, predictor: Predictor, domain: Domain | None, catalogue: Catalogue) -> Predictor:
        """Return the predictor of the catalogue's own actions where it can score others than it was trained on.

        sha: of the file that it was read from.

        Raises:
            ArtifactMalformed: its arrays do not fit the numbers that the domain makes of the catalogue.
            DomainUnfit: these are not a row of whole numbers for each action, or it scores others than it was given.
        """
        if domain is None or domain.hooks.item_numbers is None or not isinstance(predictor, Adaptable):
            return predictor
        numbers = self._numbers(domain, catalogue)
        at = sha, domain.key
        known = self._adapted.get(at)
        if known is None or known.numbers is not numbers:
            found = predictor.adapted(catalogue.items, numbers)
            if found.items != catalogue.items:
                raise DomainUnfit("The adapted predictor scores other actions than those it was given.")
            known = self._adapted[at] = _Adapted(numbers, found)
        return known.predictor

    def keep_only(self, named: Container[str]) -> None:
        """Let go of the predictors of files that are not named."""
        self._adapted = {at: found for at, found in self._adapted.items() if at[0] in named}

    def _numbers(self, domain: Domain, catalogue: Catalogue) -> Indices:
        known = self._numbered.get(domain.key)
        if known is None or not _is_same(known.catalogue, catalogue):
            numbers = None if known is None else _from_before(known, domain, catalogue)
            known = _Numbered(catalogue, numbers_of(domain, catalogue) if numbers is None else numbers)
            self._numbered[domain.key] = known
        return known.numbers


def numbers_of(domain: Domain, catalogue: Catalogue) -> Indices:
    """Return what models of the domain read of each action. Raises DomainUnfit where these are no whole numbers."""
    make = domain.hooks.item_numbers
    assert make is not None
    numbers = make(catalogue)
    if numbers.ndim != 2 or len(numbers) != len(catalogue.items) or numbers.dtype != np.int64:
        raise DomainUnfit(f"The domain {domain.key} does not make a row of whole numbers of each action.")
    return numbers


def _from_before(known: _Numbered, domain: Domain, catalogue: Catalogue) -> Indices | None:
    """Return the numbers of a catalogue: those from before of actions that are as they were, new ones of the others.

    None where the catalogues have different fields, or most actions have changed.
    """
    before = known.catalogue
    kinds, kinds_before = ({name: type(column) for name, column in one.fields.items()} for one in (catalogue, before))
    if kinds != kinds_before:
        return None
    came_from = np.array([before.places.get(item, -1) for item in catalogue.items], dtype=np.int64)
    there = np.flatnonzero(came_from >= 0)
    is_same = np.ones(len(there), dtype=np.bool_)
    for name, column in catalogue.fields.items():
        is_same &= _equal_rows(column, there, before.fields[name], came_from[there])
    came_from[there[~is_same]] = -1
    changed = np.flatnonzero(came_from < 0)
    if 2 * len(changed) > len(came_from):
        return None
    numbers = known.numbers[came_from]
    if len(changed):
        numbers[changed] = numbers_of(domain, _part(catalogue, changed))
    return numbers


def _equal_rows(one: Column, places: Indices, other: Column, others: Indices) -> Bools:
    """Return where the values at places of one column are those at places of the other."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        values, before = one[places], other[others]
        equal: Bools = (values == before) | (np.isnan(values) & np.isnan(before))
        return equal
    pairs = zip(places.tolist(), others.tolist(), strict=True)
    return np.fromiter((one[at] == other[before] for at, before in pairs), dtype=np.bool_, count=len(places))


def _part(catalogue: Catalogue, places: Indices) -> Catalogue:
    """Return the catalogue of some of its actions."""
    items = tuple(catalogue.items[place] for place in places.tolist())
    fields: dict[str, Column] = {
        name: column[places] if isinstance(column, np.ndarray) else tuple(column[place] for place in places.tolist())
        for name, column in catalogue.fields.items()
    }
    return Catalogue(
        items=items,
        places={item: place for place, item in enumerate(items)},
        in_stock=catalogue.in_stock[places],
        baseline=catalogue.baseline[places],
        fields=fields,
    )


def _is_same(one: Catalogue, other: Catalogue) -> bool:
    """Return whether two catalogues have the same actions with the same fields."""
    if one.items != other.items or one.fields.keys() != other.fields.keys():
        return False
    return all(_is_equal(column, other.fields[name]) for name, column in one.fields.items())


def _is_equal(one: Column, other: Column) -> bool:
    if isinstance(one, tuple) or isinstance(other, tuple):
        return isinstance(one, tuple) and isinstance(other, tuple) and one == other
    return np.array_equal(one, other, equal_nan=True)
