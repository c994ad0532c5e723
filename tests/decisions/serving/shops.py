"""Bundles with one decision point, and what is decided there."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from decisions.serving.bundle import LiveBundle, open_bundle
from decisions.serving.catalogues import read_catalogue
from decisions.serving.choosing import Means
from decisions.serving.decide import Decision, decide
from decisions.serving.decision_requests import DecisionRequest, read_decision_request
from decisions.serving.equipment import Equipment, fit, stocked
from decisions.serving.known import Features, Known
from decisions.serving.scoring import Score, score_at_once
from decisions.vocabulary import BundleSource, FeatureState
from models_registry.predictors.popularity import Popularity
from models_registry.predictors.protocol import Predictor
from tests.decisions.published import (
    ITEMS,
    catalogue_bytes,
    companion,
    decision_content,
    file_record,
    model_record,
    policy,
    popularity_bytes,
    published,
)
from tests.experiments.assignment.builders import AT, arms, experiment

RANKED = policy("model_ranked", version=12)


SEEN = Features(FeatureState.AVAILABLE, ("item-10", "item-11"), ("item-29",))


EMPTY = Features(FeatureState.EMPTY)
AWAY = Features(FeatureState.UNAVAILABLE)


TREATED = experiment(1, variants=arms(0, 1_000_000))


BASIC = ["item-00", "item-01", "item-02", "item-04", "item-05"]


def popularity(scores: Mapping[str, float] | None = None) -> Popularity:
    liked = {item: float(place) for place, item in enumerate(ITEMS)} if scores is None else scores
    return Popularity(tuple(liked), np.array(list(liked.values()), dtype=np.float32))


def bundle_of(
    *experiments: Mapping[str, Any],
    at: Mapping[str, Any],
    predictor: Predictor | None = None,
    catalogue: bytes | None = None,
    learners: Sequence[Mapping[str, Any]] = (),
) -> LiveBundle:
    """Return a bundle with one decision point and one model version, both ready; learners have no state yet."""
    raw = catalogue_bytes() if catalogue is None else catalogue
    record = model_record(12, popularity_bytes())
    parts = {"points": [at], "models": [record], "catalogue": file_record(raw), "learners": learners}
    content = decision_content(*experiments, **parts)
    bundle = open_bundle(published(content, companion()), source=BundleSource.POSTGRES)
    loaded = read_catalogue(raw)
    used = popularity() if predictor is None else predictor
    fitted = fit(bundle.points.models[12], used, {item: n for n, item in enumerate(used.items)}, loaded)
    domain = bundle.points.by_key["home"].domain
    shelves = {domain.key: stocked(domain, loaded)}
    return replace(bundle, equipment=Equipment({domain.collection: loaded}, shelves, {12: fitted}))


def asked(bundle: LiveBundle, **parts: Any) -> DecisionRequest:
    body = {"units": {"visitor": "v-1"}} | parts
    return read_decision_request(json.dumps(body).encode(), bundle.points.by_key["home"])


def decided(
    bundle: LiveBundle,
    *,
    features: Features = SEEN,
    score: Score = score_at_once,
    decision_id: str = "decision-1",
    **parts: Any,
) -> Decision:
    means = Means(score, decision_id)
    return decide(asked(bundle, **parts), bundle.points.by_key["home"], bundle, Known(features=features), AT, means)


def items(decision: Decision) -> list[str]:
    return [action.item for action in decision.actions]
