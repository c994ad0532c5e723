"""A bundle equipped for one batch: the subjects in place of the catalogue, and the models and learners of the point."""

import logging
from dataclasses import replace
from types import MappingProxyType

from decisions.domain import Domain
from decisions.learning.state import open_state
from decisions.moment import Catalogue
from decisions.policies.learned import LearnerMismatch, fit_learner
from decisions.queries.learners import state_content
from decisions.serving.bundle import LiveBundle
from decisions.serving.equipment import Equipment, Fitted, FittedLearner, fit, stocked
from decisions.serving.points import DecisionPoint, LearnerRecord, ModelRecord
from foundation.errors import DomainError
from models_registry.artifacts import open_artifact
from models_registry.predictors.loading import predictor_of
from models_registry.queries.versions import artifact_bytes

logger = logging.getLogger(__name__)


def equipped(bundle: LiveBundle, point: DecisionPoint, subjects: Catalogue) -> LiveBundle:
    """Return the bundle with the subjects as what the point's domain decides for, its models and learners opened.

    What cannot be opened is left out: its arm gets the baseline with a reason, and the log and `faults` say why, which
    the batch tells. Raises DomainUnfit.
    """
    faults: dict[str, str] = {}
    models = {}
    for version in {policy.version for policy in point.policies if policy.version is not None}:
        try:
            models[version] = _fitted(bundle.points.models[version], bundle, subjects)
        except DomainError as error:
            logger.warning("model version %s cannot be used in a batch: %s", version, error.message)
            faults[f"model version {version}"] = f"{error.code}: {error.message}"
    learners = {}
    for learner in {policy.learner for policy in point.policies if policy.learner is not None}:
        try:
            learners[learner] = _fitted_learner(bundle.points.learners[learner], bundle, point.domain, subjects)
        except DomainError as error:
            logger.warning("learner %s cannot be used in a batch: %s", learner, error.message)
            faults[f"learner {bundle.points.learners[learner].key}"] = f"{error.code}: {error.message}"
    equipment = Equipment(
        shelves=MappingProxyType({point.domain.key: stocked(point.domain, subjects)}),
        models=MappingProxyType(models),
        learners=MappingProxyType(learners),
        faults=MappingProxyType(faults),
    )
    return replace(bundle, equipment=equipment)


def _fitted(record: ModelRecord, bundle: LiveBundle, subjects: Catalogue) -> Fitted:
    content = artifact_bytes(record.file.sha256)
    key = bundle.signing_keys[0].secret
    predictor = predictor_of(open_artifact(content, sha=record.file.sha256, sealed=record.seal, key=key))
    places = MappingProxyType({item: place for place, item in enumerate(predictor.items)})
    return fit(record, predictor, places, subjects)


def _fitted_learner(record: LearnerRecord, bundle: LiveBundle, domain: Domain, subjects: Catalogue) -> FittedLearner:
    content = state_content(record.id, record.number)
    key = bundle.signing_keys[0].secret
    snapshot = open_state(content, sha256=record.file.sha256, seal=record.seal, key=key)
    if snapshot.kind != record.kind:
        raise LearnerMismatch(f"The state is of the kind {snapshot.kind}, not {record.kind}.")
    return FittedLearner(record, fit_learner(snapshot, subjects, domain.hooks.feature_names))
