"""Items in stores, and what is decided for them through the one decision engine."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from decisions.domains.restock.domain import DOMAIN
from decisions.domains.restock.menu import menu
from decisions.moment import Catalogue, Moment
from decisions.policy import Indices, Scores
from decisions.serving.bundle import LiveBundle, open_bundle
from decisions.serving.choosing import Means
from decisions.serving.decide import Decision, decide
from decisions.serving.decision_requests import DecisionRequest
from decisions.serving.equipment import Equipment, fit, stocked
from decisions.serving.known import NOTHING_KNOWN
from decisions.serving.scoring import score_at_once
from decisions.settings import checked_settings
from decisions.vocabulary import BundleSource
from models_registry.vocabulary import PredictorKind
from tests.decisions.published import (
    ab_point,
    companion,
    decision_content,
    model_record,
    policy,
    popularity_bytes,
    published,
)
from tests.experiments.assignment.builders import AT, arms, experiment

SUBJECT = "north|tea"
NAN = float("nan")
PLAIN = {
    "on_hand": 10.0,
    "on_order": 0.0,
    "counted_at": AT.timestamp() - 3_600.0,
    "capacity": NAN,
    "reorder_point": NAN,
    "order_up_to": NAN,
    "lead_days": 7.0,
    "lead_sd": 1.0,
    "daily_sales": 4.0,
    "price": 20.0,
    "cost": 12.0,
    "pack_size": 6.0,
    "minimum_order": NAN,
    "shelf_life": NAN,
}
"""An item of which 10 are left, 4 are sold a day, and that comes in packs of 6 within a week."""


class Liking:
    """A predictor that knows one subject and likes the levels next to one that it is told."""

    kind = PredictorKind.POPULARITY

    def __init__(self, level: float, subject: str = SUBJECT) -> None:
        self.items = (subject,)
        self.level = level
        self.heard: list[list[int]] = []

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        assert candidates is not None
        self.heard.append(history.tolist())
        return -np.abs(history[5:][candidates] - self.level).astype(np.float32)


def subjects(*rows: Mapping[str, float]) -> Catalogue:
    """Return a catalogue of subjects: the plain one with the changes of each row, the first of them `north|tea`."""
    ids = tuple(SUBJECT if not number else f"north|tea-{number}" for number in range(len(rows)))
    columns = {name: np.array([{**PLAIN, **row}[name] for row in rows], np.float64) for name in PLAIN}
    texts = {
        "item": tuple(subject.partition("|")[2] for subject in ids),
        "store": ("north",) * len(ids),
        "cluster": ("teas",) * len(ids),
        "category": ("food",) * len(ids),
        "supplier": ("",) * len(ids),
    }
    return Catalogue(
        items=ids,
        places=MappingProxyType({subject: place for place, subject in enumerate(ids)}),
        in_stock=np.ones(len(ids), np.bool_),
        baseline=np.zeros(len(ids), np.float32),
        fields=MappingProxyType({**texts, **columns}),
    )


def moment(**settings: float | str) -> Moment:
    """Return the moment of a decision at a point with these settings."""
    return Moment(
        at=AT,
        personalised=False,
        attributes={},
        context={},
        history=(),
        bought=(),
        shown={},
        excluded=(),
        only=None,
        size=1,
        subject=SUBJECT,
        settings=checked_settings(DOMAIN, settings),
    )


def menu_of(*wanted: str, settings: Mapping[str, float | str] = MappingProxyType({}), **known: float) -> Catalogue:
    """Return the menu of the plain item with some of it known otherwise."""
    return menu(moment(**settings), subjects(known), 0, wanted)


def pieces(catalogue: Catalogue) -> list[int]:
    """Return what can be ordered."""
    return [int(item) for item in catalogue.items]


def bundle_of(
    policy_record: Mapping[str, Any],
    catalogue: Catalogue,
    *,
    predictor: Any = None,
    settings: Mapping[str, float | str] = MappingProxyType({}),
    most_age: int | None = None,
) -> LiveBundle:
    """Return a bundle whose restock point has these subjects, all in the variant of one policy. most_age: minutes."""
    place = ab_point(
        policy_record,
        domain="restock",
        personal=False,
        slate_size=1,
        largest_slate=1,
        settings=dict(settings),
        most_age_minutes=most_age,
    )
    trial = experiment(1, unit_kind="store-item", variants=arms(0, 1_000_000))
    content = decision_content(trial, points=[place], models=[model_record(12, popularity_bytes())])
    bundle = open_bundle(published(content, companion()), source=BundleSource.POSTGRES)
    used = Liking(40.0) if predictor is None else predictor
    fitted = fit(bundle.points.models[12], used, {item: n for n, item in enumerate(used.items)}, catalogue)
    shelves = {DOMAIN.key: stocked(DOMAIN, catalogue)}
    return replace(bundle, equipment=Equipment({}, shelves, {12: fitted}))


def decided(bundle: LiveBundle, subject: str = SUBJECT) -> Decision:
    """Return what is decided for a subject."""
    store, _, item = subject.partition("|")
    request = DecisionRequest(units={"store": store, "item": item, "store-item": subject})
    return decide(request, bundle.points.by_key["home"], bundle, NOTHING_KNOWN, AT, Means(score_at_once, "decision-1"))


BASELINE = policy()
RANKED = policy("model_ranked", version=12)
