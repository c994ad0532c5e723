"""A bundle equipped for one batch: the subjects in place of the catalogue, and the models that the point may ask."""

import logging
from dataclasses import replace
from types import MappingProxyType

from decisions.moment import Catalogue
from decisions.serving.bundle import LiveBundle
from decisions.serving.equipment import Equipment, Fitted, fit, stocked
from decisions.serving.points import DecisionPoint, ModelRecord
from foundation.errors import DomainError
from models_registry.artifacts import open_artifact
from models_registry.predictors.loading import predictor_of
from models_registry.queries.versions import artifact_bytes

logger = logging.getLogger(__name__)


def equipped(bundle: LiveBundle, point: DecisionPoint, subjects: Catalogue) -> LiveBundle:
    """Return the bundle with the subjects as what the point's domain decides for, and its model versions opened.

    A version that cannot be opened is left out, as at an edge: its arm gets the baseline with a reason, and the log and
    `faults` say why. Raises DomainUnfit.
    """
    faults: dict[str, str] = {}
    models = {}
    for version in {policy.version for policy in point.policies if policy.version is not None}:
        try:
            models[version] = _fitted(bundle.points.models[version], bundle, subjects)
        except DomainError as error:
            logger.warning("model version %s cannot be used in a batch: %s", version, error.message)
            faults[f"model version {version}"] = f"{error.code}: {error.message}"
    equipment = Equipment(
        shelves=MappingProxyType({point.domain.key: stocked(point.domain, subjects)}),
        models=MappingProxyType(models),
        faults=MappingProxyType(faults),
    )
    return replace(bundle, equipment=equipment)


def _fitted(record: ModelRecord, bundle: LiveBundle, subjects: Catalogue) -> Fitted:
    content = artifact_bytes(record.file.sha256)
    key = bundle.signing_keys[0].secret
    predictor = predictor_of(open_artifact(content, sha=record.file.sha256, sealed=record.seal, key=key))
    places = MappingProxyType({item: place for place, item in enumerate(predictor.items)})
    return fit(record, predictor, places, subjects)
