"""Published catalogues and predictors beside them, as the edge has them: read once and kept, a few at a time."""

from functools import lru_cache
from typing import Final

import numpy as np

from decisions.domain import Domain
from decisions.models import PublishedChunk
from decisions.moment import Catalogue
from decisions.queries.catalogue import published_catalogue
from decisions.registry import domain_of, fields_of
from decisions.serving.adapting import numbers_of
from decisions.serving.catalogues import CatalogueMalformed, read_catalogue, with_fields
from foundation.errors import DomainError
from foundation.queries import project_facts
from models_registry.artifacts import open_artifact
from models_registry.predictors.loading import predictor_of
from models_registry.predictors.protocol import Adaptable, Predictor
from models_registry.queries.versions import ArtifactDropped, VersionFacts, artifact_bytes, dropped_artifacts

KEPT: Final = 2
"""Of catalogues and of predictors: they are large, and a person looks at one decision after the other."""


class CatalogueUnpublished(DomainError):
    """No catalogue of the collection has been published."""

    code = "CATALOGUE_UNPUBLISHED"
    hint = "Send the items, and look whether a worker runs: it publishes them."


def shelf_of(project_id: int, domain: Domain) -> Catalogue:
    """Return the catalogue that a domain chooses from now. Raises CatalogueUnpublished, CatalogueMalformed."""
    published = published_catalogue(project_id, domain.collection)
    if published is None:
        raise CatalogueUnpublished(f"No catalogue of {domain.collection} has been published.")
    return _catalogue(published.sha256, domain.collection)


def predictor_for(version: VersionFacts, domain: Domain, catalogue: Catalogue) -> Predictor:
    """Return the predictor of a version, from its verified artifact, beside a catalogue as the edge has it.

    Raises:
        ArtifactDropped, ArtifactDamaged, ArtifactForged, ArtifactMalformed: it cannot be had, or is not to be trusted.
        DomainUnfit: the catalogue has not what the domain needs.
    """
    dropped_at = dropped_artifacts([version.sha256]).get(version.sha256)
    if dropped_at is not None:
        raise ArtifactDropped(f"The artifact {version.sha256[:12]} was dropped on {dropped_at:%Y-%m-%d}.")
    found = _predictor(version.model.project_id, version.sha256, version.seal)
    if domain.hooks.item_numbers is None or not isinstance(found, Adaptable):
        return found
    return _adapted(found, domain.key, catalogue)


def one_of(catalogue: Catalogue, item: str) -> Catalogue:
    """Return a catalogue that has one of the items alone."""
    place = catalogue.places[item]
    return Catalogue(
        items=(item,),
        places={item: 0},
        in_stock=catalogue.in_stock[place : place + 1],
        baseline=catalogue.baseline[place : place + 1],
        fields={
            name: column[place : place + 1] if isinstance(column, np.ndarray) else (column[place],)
            for name, column in catalogue.fields.items()
        },
        fresh_at=catalogue.fresh_at,
    )


@lru_cache(maxsize=KEPT)
def _adapted(predictor: Adaptable, domain_key: str, catalogue: Catalogue) -> Predictor:
    """Return the predictor of the catalogue's own actions; both are told apart by identity, as they never change."""
    return predictor.adapted(catalogue.items, numbers_of(domain_of(domain_key), catalogue))


@lru_cache(maxsize=KEPT)
def _catalogue(sha256: str, collection: str) -> Catalogue:
    chunks = PublishedChunk.objects.filter(sha256=sha256).order_by("position").values_list("content", flat=True)
    content = b"".join(bytes(chunk) for chunk in chunks)
    if not content:
        raise CatalogueMalformed(f"The catalogue {sha256[:12]} is not stored any more.")
    return with_fields(read_catalogue(content, collection=collection), fields_of(collection))


@lru_cache(maxsize=KEPT)
def _predictor(project_id: int, sha256: str, seal: str) -> Predictor:
    """Return the predictor of an artifact as it was trained, after digest and seal have been checked."""
    key = project_facts(project_id).signing_key
    return predictor_of(open_artifact(artifact_bytes(sha256), sha=sha256, sealed=seal, key=key))
