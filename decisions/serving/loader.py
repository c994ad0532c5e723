"""From the files that a bundle names to equipment, parsed once for all bundle versions; for the loader's thread alone.

A file that is missing, damaged, forged or malformed leaves what it stands for unavailable, never the bundle. What
domains decide with in batches is not loaded: no request is decided by it, and batches open it for themselves.
"""

import logging
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from decisions.domain import ITEMS, Domain, Mode
from decisions.learning.state import LearnerSnapshot, open_state
from decisions.moment import Catalogue, Moment
from decisions.policies.learned import LearnerMismatch, fit_learner
from decisions.policy import Indices, Policy
from decisions.registry import fields_of
from decisions.serving.adapting import Adaptations
from decisions.serving.artifacts import Fetch, FileCache, Files
from decisions.serving.catalogues import read_catalogue, with_fields
from decisions.serving.equipment import Equipment, Fitted, FittedLearner, Shelf, fit, stocked
from decisions.serving.offers import PriceBook, read_prices
from decisions.serving.points import FileRecord, LearnerRecord, ModelRecord, Points
from decisions.serving.source import BundleSourceDown
from foundation.errors import DomainError
from models_registry.artifacts import ArtifactMalformed, open_artifact
from models_registry.predictors.loading import predictor_of
from models_registry.predictors.protocol import Adaptable, Predictor

NOBODY: Final = Moment(
    at=datetime(1970, 1, 1, tzinfo=UTC),
    personalised=False,
    attributes={},
    context={},
    history=(),
    bought=(),
    shown={},
    excluded=(),
    only=None,
    size=1,
)
"""A moment in which nothing is known, to try predictors with."""
_NOTHING: Final = np.zeros(0, dtype=np.int64)

logger = logging.getLogger(__name__)


class _Known(NamedTuple):
    """What a parsed file is known by: its digest, its seal and the key that the seal was checked with."""

    sha256: str
    seal: str
    key: bytes


class _Beside(NamedTuple):
    """What is fitted to a catalogue by the features of a domain ("" for none)."""

    catalogue: str
    known: _Known
    domain: str


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """A bundle to equip: its points, the key of its seals, where files come from, and what goes wrong by name."""

    points: Points
    key: bytes
    fetch: Fetch
    faults: dict[str, str]
    catalogues: dict[str, Catalogue]


class EquipmentLoader:
    """Turns the files that bundles name into equipment, and reuses what it has parsed already."""

    def __init__(self, cache: FileCache) -> None:
        self._files = Files(cache)
        self._catalogues: dict[tuple[str, str], Catalogue] = {}
        self._shelves: dict[tuple[str, str], Shelf] = {}
        self._prices: dict[str, PriceBook] = {}
        self._predictors: dict[_Known, tuple[Predictor, Mapping[str, int]]] = {}
        self._fitted: dict[_Beside, Fitted] = {}
        self._adaptations = Adaptations()
        self._snapshots: dict[_Known, LearnerSnapshot] = {}
        self._policies: dict[_Beside, Policy] = {}

    def equip(self, points: Points, key: bytes, fetch: Fetch) -> Equipment:
        """Return the equipment for the points of a bundle; `key` is the secret that its artifacts are sealed with.

        Raises:
            BundleSourceDown: from `fetch`; nothing is lost, the next call goes on from what is cached.
        """
        task = _Task(points, key, fetch, {}, {})
        for collection, file in points.catalogues.items():
            with _noted(task.faults, "catalogue" if collection == ITEMS else f"catalogue of {collection}"):
                task.catalogues[collection] = self._catalogue(collection, file, fetch)
        prices = None
        with _noted(task.faults, "prices"):
            prices = None if points.prices is None else self._price_book(points.prices, fetch)
        return Equipment(
            catalogues=MappingProxyType(task.catalogues),
            shelves=MappingProxyType(self._all_shelves(task)),
            models=MappingProxyType(self._all_models(task)),
            learners=MappingProxyType(self._all_learners(task)),
            faults=MappingProxyType(task.faults),
            prices=prices,
        )

    def forget_all_but(self, live: Iterable[Points]) -> None:
        """Let go of what no live bundle names, in memory and on disk."""
        names = {name for points in live for name in points.files}
        self._catalogues = {at: found for at, found in self._catalogues.items() if at[0] in names}
        self._shelves = {at: found for at, found in self._shelves.items() if at[0] in names}
        self._prices = {sha: found for sha, found in self._prices.items() if sha in names}
        self._predictors = {known: found for known, found in self._predictors.items() if known.sha256 in names}
        self._snapshots = {known: found for known, found in self._snapshots.items() if known.sha256 in names}
        self._fitted = {at: found for at, found in self._fitted.items() if _is_named(at, names)}
        self._policies = {at: found for at, found in self._policies.items() if _is_named(at, names)}
        self._adaptations.keep_only(names)
        self._files.keep_only(names)

    def _all_shelves(self, task: _Task) -> dict[str, Shelf]:
        found = {}
        for domain in filter(_answers_requests, task.points.domains.values()):
            catalogue = task.catalogues.get(domain.collection)
            with _noted(task.faults, f"actions of {domain.key}"):
                if catalogue is not None:
                    at = task.points.catalogues[domain.collection].sha256, domain.key
                    if at not in self._shelves:
                        self._shelves[at] = stocked(domain, catalogue)
                    found[domain.key] = self._shelves[at]
        return found

    def _all_models(self, task: _Task) -> dict[int, Fitted]:
        found = {}
        for record in task.points.models.values():
            domain = task.points.version_domains.get(record.version)
            if not _answers_requests(domain):
                continue
            with _noted(task.faults, f"model version {record.version}"):
                known = self._predictor(record, task)
                catalogue = task.catalogues.get(ITEMS if domain is None else domain.collection)
                if catalogue is not None:
                    beside = _beside(task, known, domain)
                    if beside not in self._fitted:
                        self._fitted[beside] = self._fit(record, known, domain, catalogue)
                    found[record.version] = replace(self._fitted[beside], record=record)
        return found

    def _all_learners(self, task: _Task) -> dict[int, FittedLearner]:
        found = {}
        for record in task.points.learners.values():
            domain = task.points.learner_domains.get(record.id)
            if not _answers_requests(domain):
                continue
            with _noted(task.faults, f"learner {record.key}"):
                known = self._snapshot(record, task)
                catalogue = None if domain is None else task.catalogues.get(domain.collection)
                if domain is not None and catalogue is not None:
                    beside = _beside(task, known, domain)
                    if beside not in self._policies:
                        names = domain.hooks.feature_names
                        self._policies[beside] = fit_learner(self._snapshots[known], catalogue, names)
                    found[record.id] = FittedLearner(record, self._policies[beside])
        return found

    def _catalogue(self, collection: str, file: FileRecord, fetch: Fetch) -> Catalogue:
        at = file.sha256, collection
        if at not in self._catalogues:
            found = read_catalogue(self._files.content(file, fetch), collection=collection)
            self._catalogues[at] = with_fields(found, fields_of(collection))
        return self._catalogues[at]

    def _price_book(self, file: FileRecord, fetch: Fetch) -> PriceBook:
        if file.sha256 not in self._prices:
            self._prices[file.sha256] = read_prices(self._files.content(file, fetch))
        return self._prices[file.sha256]

    def _predictor(self, record: ModelRecord, task: _Task) -> _Known:
        """Return what the record's predictor is known by, once it is parsed."""
        known = _Known(record.file.sha256, record.seal, task.key)
        if known not in self._predictors:
            content = self._files.content(record.file, task.fetch)
            artifact = open_artifact(content, sha=record.file.sha256, sealed=record.seal, key=task.key)
            predictor = predictor_of(artifact)
            if not isinstance(predictor, Adaptable):
                _try_out(predictor)
            self._predictors[known] = predictor, _places(predictor)
        return known

    def _fit(self, record: ModelRecord, known: _Known, domain: Domain | None, catalogue: Catalogue) -> Fitted:
        """Return a predictor beside a catalogue; one that can score what it was not trained on is the catalogue's."""
        predictor, places = self._predictors[known]
        own = self._adaptations.adapted(known.sha256, predictor, domain, catalogue)
        if own is not predictor:
            places = catalogue.places
        if domain is not None and isinstance(predictor, Adaptable):
            _try_out(own, domain.hooks.subject(NOBODY, places))
        return fit(record, own, places, catalogue)

    def _snapshot(self, record: LearnerRecord, task: _Task) -> _Known:
        """Return what the state of the record's learner is known by, once it is parsed."""
        known = _Known(record.file.sha256, record.seal, task.key)
        if known not in self._snapshots:
            content = self._files.content(record.file, task.fetch)
            found = open_state(content, sha256=record.file.sha256, seal=record.seal, key=task.key)
            if found.kind != record.kind:
                raise LearnerMismatch(f"The state is of the kind {found.kind}, not {record.kind}.")
            self._snapshots[known] = found
        return known


def _answers_requests(domain: Domain | None) -> bool:
    """Return whether a process of the edge may have to decide with what is of a domain, or of none that is known."""
    return domain is None or domain.mode is Mode.ONLINE


def _beside(task: _Task, known: _Known, domain: Domain | None) -> _Beside:
    collection = ITEMS if domain is None else domain.collection
    return _Beside(task.points.catalogues[collection].sha256, known, "" if domain is None else domain.key)


def _is_named(at: _Beside, names: Container[str]) -> bool:
    return at.catalogue in names and at.known.sha256 in names


def _places(predictor: Predictor) -> Mapping[str, int]:
    return MappingProxyType({item: place for place, item in enumerate(predictor.items)})


def _try_out(predictor: Predictor, subject: Indices = _NOTHING) -> None:
    """Let a predictor score once, so that no shopper meets its first time. Raises ArtifactMalformed."""
    anything = subject if len(subject) else np.zeros(min(1, len(predictor.items)), dtype=np.int64)
    scores = predictor.score(anything)
    if scores.shape != (len(predictor.items),) or not np.isfinite(scores).all():
        raise ArtifactMalformed("Its predictor does not give every item a finite score.")


@contextmanager
def _noted(faults: dict[str, str], name: str) -> Iterator[None]:
    """Turn a failure of the block into a sentence under a name."""
    try:
        yield
    except BundleSourceDown:
        raise
    except DomainError as error:
        faults[name] = f"{error.code}: {error.message}"
    except Exception as error:
        # One file whose reader has a fault must not keep the others, or the bundle, from being served.
        logger.exception("%s cannot be loaded", name)
        faults[name] = f"{type(error).__name__}: it cannot be loaded; the log of the edge says why."
