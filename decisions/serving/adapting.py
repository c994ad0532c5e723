"""Predictors that score what they were not trained on, made the catalogue's own; again only when its fields change."""

from collections.abc import Container
from typing import NamedTuple

import numpy as np

from decisions.domain import Domain
from decisions.moment import Catalogue, Column
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
            known = self._numbered[domain.key] = _Numbered(catalogue, numbers_of(domain, catalogue))
        return known.numbers


def numbers_of(domain: Domain, catalogue: Catalogue) -> Indices:
    """Return what models of the domain read of each action. Raises DomainUnfit where these are no whole numbers."""
    make = domain.hooks.item_numbers
    assert make is not None
    numbers = make(catalogue)
    if numbers.ndim != 2 or len(numbers) != len(catalogue.items) or numbers.dtype != np.int64:
        raise DomainUnfit(f"The domain {domain.key} does not make a row of whole numbers of each action.")
    return numbers


def _is_same(one: Catalogue, other: Catalogue) -> bool:
    """Return whether two catalogues have the same actions with the same fields."""
    if one.items != other.items or one.fields.keys() != other.fields.keys():
        return False
    return all(_is_equal(column, other.fields[name]) for name, column in one.fields.items())


def _is_equal(one: Column, other: Column) -> bool:
    if isinstance(one, tuple) or isinstance(other, tuple):
        return isinstance(one, tuple) and isinstance(other, tuple) and one == other
    return np.array_equal(one, other, equal_nan=True)
