"""Items with prices as pricing meets them: catalogues of subjects, moments, and bundles that decide on them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from decisions.domain import Domain
from decisions.domains.pricing.domain import DOMAIN
from decisions.moment import Catalogue, Moment
from decisions.serving.bundle import LiveBundle, open_bundle
from decisions.serving.choosing import Means
from decisions.serving.decide import Decision, decide
from decisions.serving.decision_requests import DecisionRequest
from decisions.serving.equipment import Equipment, fit, stocked
from decisions.serving.known import NOTHING_KNOWN
from decisions.serving.scoring import score_at_once
from decisions.settings import checked_settings
from decisions.vocabulary import BundleSource
from models_registry.predictors.demand import Demand
from tests.decisions.published import (
    companion,
    decision_content,
    model_record,
    point,
    policy,
    popularity_bytes,
    published,
)
from tests.experiments.assignment.builders import AT, arms, experiment

MODEL = policy("model_ranked", version=12)
TREATED = experiment(1, unit_kind="item", variants=arms(0, 1_000_000))
"""An experiment in which every item is treated."""
LONG_AGO = (AT - timedelta(days=100)).timestamp()


def subjects(items: Mapping[str, Mapping[str, Any]]) -> Catalogue:
    """Return a catalogue of items with what is said of each; numbers that are not said are unknown."""
    numbers = ("price", "own_price", "cost", "daily_sales", "changed_at", "reference", "floor", "ceiling", "map_price")
    columns: dict[str, Any] = {
        name: np.array([float(said.get(name, np.nan)) for said in items.values()]) for name in numbers
    }
    columns |= {name: tuple(said.get(name, "") for said in items.values()) for name in ("cluster", "category")}
    columns |= {"item": tuple(items), "store": ("",) * len(items)}
    return Catalogue(
        items=tuple(items),
        places={item: place for place, item in enumerate(items)},
        in_stock=np.ones(len(items), np.bool_),
        baseline=np.zeros(len(items), np.float32),
        fields=columns,
    )


def moment(subject: str = "mug", *, at: datetime = AT, **settings: float | str) -> Moment:
    """Return a moment in which nothing is known of anybody."""
    return Moment(
        at=at,
        personalised=False,
        attributes={},
        context={},
        history=(),
        bought=(),
        shown={},
        excluded=(),
        only=None,
        size=1,
        subject=subject,
        settings=checked_settings(DOMAIN, settings),
    )


def menu_of(
    *wanted: str, settings: Mapping[str, float | str] | None = None, at: datetime = AT, **said: Any
) -> Catalogue:
    """Return the menu of a mug of which so much is said."""
    assert DOMAIN.hooks.menu is not None
    return DOMAIN.hooks.menu(moment(at=at, **(settings or {})), subjects({"mug": said}), 0, wanted)


def allowed(
    *wanted: str, settings: Mapping[str, float | str] | None = None, at: datetime = AT, **said: Any
) -> list[str]:
    """Return the prices that may be asked for the mug."""
    menu = menu_of(*wanted, settings=settings, at=at, **said)
    found = DOMAIN.hooks.eligible(moment(at=at, **(settings or {})), menu).candidates
    return [menu.items[place] for place in found.tolist()]


def demand(elasticity: float = -2.0, *, items: tuple[str, ...] = ("mug",), reference: float = 20.0) -> Demand:
    """Return a demand of one piece a day at the reference price."""
    size = len(items)
    return Demand(
        items=items,
        intercepts=np.zeros(size, np.float32),
        references=np.full(size, reference, np.float32),
        elasticities=np.full(size, elasticity, np.float32),
        errors=np.full(size, 0.1, np.float32),
        doubts=np.zeros(size, np.uint8),
    )


def bundle_of(
    catalogue: Catalogue,
    treatment: Mapping[str, Any] = MODEL,
    *,
    predictor: Demand | None = None,
    domain: Domain = DOMAIN,
    learners: Sequence[Mapping[str, Any]] = (),
    **settings: float | str,
) -> LiveBundle:
    """Return a bundle with a decision point on prices, whose experiment treats every item."""
    arms_of = {"control": policy(), "arm-1": dict(treatment)}
    at = point(
        key="prices",
        domain=domain.key,
        personal=False,
        slate_size=1,
        largest_slate=1,
        deadline_ms=1_000,
        experiments=[{"id": 1, "variants": arms_of}],
        settings=settings,
    )
    content = decision_content(TREATED, points=[at], models=[model_record(12, popularity_bytes())], learners=learners)
    bundle = open_bundle(published(content, companion()), source=BundleSource.POSTGRES)
    used = demand(items=catalogue.items) if predictor is None else predictor
    places = {item: place for place, item in enumerate(used.items)}
    fitted = fit(bundle.points.models[12], used, places, catalogue)
    shelves = {domain.key: stocked(domain, catalogue)}
    return replace(bundle, equipment=Equipment({"items": catalogue}, shelves, {12: fitted}))


def decided(bundle: LiveBundle, item: str = "mug", *, at: datetime = AT, **parts: Any) -> Decision:
    """Return what is decided about an item's price."""
    units = {"item": item} | parts.pop("units", {})
    request = DecisionRequest(units=units, **parts)
    means = Means(score_at_once, "decision-1")
    return decide(request, bundle.points.by_key["prices"], bundle, NOTHING_KNOWN, at, means)


def price_of(decision: Decision) -> str | None:
    """Return the price that was chosen, None where there is none."""
    return decision.actions[0].item if decision.actions else None


def as_json(decision: Decision) -> str:
    """Return what a decision comes to, for comparisons."""
    return json.dumps([decision.policy, decision.reason, *((a.item, a.propensity, a.score) for a in decision.actions)])
