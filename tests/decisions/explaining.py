"""Decisions to explain: of a model that reads histories, of one that reads the moment, in a shop with a catalogue."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from decisions.actions.catalogue import publish_catalogue, put_items
from decisions.domains.ad_placement.features import INPUTS, creative_numbers, layout
from models_registry.artifacts import pack
from models_registry.predictors.popularity import write_items
from models_registry.vocabulary import PredictorKind
from tests.decisions.ads import CREATIVES, POINT, make_ads
from tests.fixtures import registry
from tests.fixtures.records import NOW

ITEMS = ("mug", "kettle", "lamp", "scarf", "basket")
SOLD_OUT = "basket"
HISTORY = ["kettle", "mug"]
BITS = 8


@dataclass(frozen=True, slots=True)
class Shop:
    """The ids of what was made."""

    project: int
    model: int
    point: int
    version: int


def make_shop(project_id: int) -> Shop:
    """Return a shop whose items are published, one of them sold out, with a version that reads histories."""
    items = [{"item_id": item, "title": item.title(), "stock": 0 if item == SOLD_OUT else 3} for item in ITEMS]
    assert not put_items(project_id=project_id, items=items).refused
    publish_catalogue(project_id=project_id, now=NOW)
    model = registry.make_model(project_id)
    point = registry.make_point(project_id, model)
    version = registry.make_version_of(model, similar(), kind=PredictorKind.ITEM_ITEM)
    return Shop(project_id, model, point, version)


def similar() -> bytes:
    """Return an item-to-item artifact: kettle speaks for lamp (0.5) and scarf (0.25), mug for lamp (1)."""
    tensors = {
        "item_ids": write_items(ITEMS),
        "prior": np.array([0.5, 0.4, 0.3, 0.2, 0.1], dtype=np.float32),
        "starts": np.array([0, 1, 3, 3, 3, 3], dtype=np.int64),
        "neighbours": np.array([2, 2, 3], dtype=np.int32),
        "similarity": np.array([1.0, 0.5, 0.25], dtype=np.float32),
    }
    return pack(kind=PredictorKind.ITEM_ITEM, inputs=(), tensors=tensors, settings={"half_life": 1.0})


def ranked(shop: Shop, decision_id: str = "decision-1", **changes: Any) -> str:
    """Log what the version shows somebody who dealt with a kettle and, before that, with a mug; return the id."""
    said = {
        "policy": "model_ranked",
        "reason": "MODEL",
        "version": shop.version,
        "actions": [["lamp", 1.0, 0.3 + 2 / 3], ["mug", 1.0, 0.5], ["scarf", 1.0, 0.2 + 1 / 6]],
        "candidates": 4,
        "removed": {"out_of_stock": 1},
        "history": 2,
        "history_items": HISTORY,
        **changes,
    }
    return registry.log_decision(shop.project, decision_id=decision_id, **said)


def make_ad_shop(project_id: int) -> Shop:
    """Return a shop with creatives and a logistic version that reads the moment."""
    point = make_ads(project_id)
    publish_catalogue(project_id=project_id, now=NOW, collection="creatives")
    model = registry.make_model(project_id, key="responses", name="Responses", domain="ad_placement")
    version = registry.make_version_of(model, responses(), kind=PredictorKind.HASHED_LOGISTIC, inputs=INPUTS)
    return Shop(project_id, model, point, version)


def responses() -> bytes:
    """Return a logistic artifact of small random weights."""
    items = tuple(str(creative["item_id"]) for creative in CREATIVES)
    tensors = {
        "item_ids": write_items(items),
        "numbers": creative_numbers(items, {}),
        "click.weights": np.random.default_rng(3).normal(0.0, 0.3, 1 << BITS).astype(np.float32),
    }
    settings = {
        **layout(BITS).settings(),
        "click_slope": 1.0,
        "click_intercept": 0.0,
        "click_bias": -2.0,
        "order_slope": 1.0,
        "order_intercept": 0.0,
        "order_bias": 0.0,
        "order_rate": 0.05,
        "has_orders": False,
    }
    return pack(kind=PredictorKind.HASHED_LOGISTIC, inputs=INPUTS, tensors=tensors, settings=settings)


def placed(shop: Shop, decision_id: str = "ad-1", **changes: Any) -> str:
    """Log what the version shows in a slot; return the id."""
    said = {
        "policy": "model_ranked",
        "reason": "MODEL",
        "version": shop.version,
        "actions": [["shoe-b", 1.0, 0.1], ["house", 1.0, 0.001]],
        "candidates": 4,
        "removed": {"frequency_cap": 2, "budget_spent": 1},
        "history": 0,
        "context": {"slot": "top", "device": "phone"},
        "displayed": True,
        **changes,
    }
    return registry.log_decision(shop.project, POINT, decision_id=decision_id, **said)
