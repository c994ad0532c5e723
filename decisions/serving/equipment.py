"""What decisions are made with: catalogues as arrays, and predictors and learning policies fitted to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from decisions.domain import ITEMS, Domain
from decisions.moment import Catalogue
from decisions.policy import Indices, Policy
from decisions.serving.offers import PriceBook
from decisions.serving.points import LearnerRecord, ModelRecord
from foundation.errors import DomainError
from models_registry.predictors.protocol import Predictor


class DomainUnfit(DomainError):
    """A domain makes of a catalogue something that decisions cannot be made with."""

    code = "DOMAIN_UNFIT"
    hint = "Look at what the hooks of the domain return for this catalogue."


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
class FittedLearner:
    """A learning policy in its state, choosing among the actions of a catalogue."""

    record: LearnerRecord
    policy: Policy


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """What a domain chooses among. `groups` has a number for each action, of which a slate has at most one each."""

    catalogue: Catalogue
    groups: Indices | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Equipment:
    """The files of a bundle, as far as they could be loaded. `faults` says of the others what is wrong, by name.

    `catalogues` go by collection, `shelves` by the key of the domain. `prices` are None where nothing is quoted.
    """

    catalogues: Mapping[str, Catalogue] = field(default_factory=lambda: MappingProxyType({}))
    shelves: Mapping[str, Shelf] = field(default_factory=lambda: MappingProxyType({}))
    models: Mapping[int, Fitted] = field(default_factory=lambda: MappingProxyType({}))
    learners: Mapping[int, FittedLearner] = field(default_factory=lambda: MappingProxyType({}))
    faults: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    prices: PriceBook | None = None

    @property
    def catalogue(self) -> Catalogue | None:
        """The catalogue of the shop's items."""
        return self.catalogues.get(ITEMS)


NO_EQUIPMENT = Equipment()


def stocked(domain: Domain, catalogue: Catalogue) -> Shelf:
    """Return what a domain chooses among. Raises DomainUnfit where its groups are not one number for each action."""
    if domain.hooks.groups is None:
        return Shelf(catalogue)
    groups = domain.hooks.groups(catalogue)
    if groups.shape != (len(catalogue.items),) or groups.dtype.kind != "i":
        raise DomainUnfit(f"The domain {domain.key} does not group its actions by one whole number each.")
    return Shelf(catalogue, groups)


def fit(record: ModelRecord, predictor: Predictor, places: Mapping[str, int], catalogue: Catalogue) -> Fitted:
    """Return a predictor beside a catalogue; `places` says where the predictor has an item."""
    of_catalogue = np.array([places.get(item, -1) for item in catalogue.items], dtype=np.int64)
    of_catalogue.flags.writeable = False
    return Fitted(record, predictor, places, of_catalogue, predictor.items == catalogue.items)
