"""Shops whose batches were decided by models: a price of a known demand, and orders by a known forecast."""

from datetime import datetime
from typing import Any

import numpy as np

from decisions.models import BatchDecision, DecisionBatch, DecisionPoint, StockCount
from decisions.queries.batches import BatchLine, lines_of
from models_registry.artifacts import pack
from models_registry.predictors.demand import Demand, Doubt, write_demand
from models_registry.predictors.popularity import write_items
from models_registry.vocabulary import PredictorKind
from tests.fixtures.batches import made, make_batch_point, make_priced, make_stocked
from tests.fixtures.records import NOW
from tests.fixtures.registry import make_champion, make_model, make_version_of

PRICES = {"cup": 20.0, "jug": 30.0, "pot": 40.0}
"""All cost 5. Cups sell 4 a day at 20.00; profit is largest where elasticity -2 has price 10, -1.25 has 25."""


def demand_artifact() -> bytes:
    """Return a model that knows cup (elasticity -2) and jug (-1.25), and not pot."""
    demand = Demand(
        items=("cup", "jug"),
        intercepts=np.log(np.array([4.0, 2.0], np.float32)),
        references=np.array([20.0, 30.0], np.float32),
        elasticities=np.array([-2.0, -1.25], np.float32),
        errors=np.array([0.25, 0.4], np.float32),
        doubts=np.array([0, Doubt.FEW_PRICES], np.uint8),
    )
    return pack(kind=PredictorKind.DEMAND, inputs=("item",), tensors=write_demand(demand), settings={})


def forecast_artifact() -> bytes:
    """Return a model that knows tea in the north store: 5 pieces a day, as spread as counts are."""
    tensors = {
        "item_ids": write_items(("north|tea",)),
        "means": np.array([[5.0, 35.0, 70.0]], np.float32),
        "variances": np.array([[5.0, 35.0, 70.0]], np.float32),
        "weekdays": np.ones((1, 7), np.float32),
    }
    return pack(kind=PredictorKind.FORECAST, inputs=("place",), tensors=tensors, settings={"horizons": [1, 7, 14]})


def priced(project_id: int, *, due_at: datetime = NOW, now: datetime | None = None, **item: Any) -> DecisionBatch:
    """Return a batch of prices of which cup and jug were decided by a model; item: fields that all have."""
    make_priced(project_id, PRICES, **item)
    model = make_model(project_id, key="demand", name="Demand", domain="pricing")
    make_champion(make_version_of(model, demand_artifact(), kind=PredictorKind.DEMAND, inputs=("item",)))
    point = make_batch_point(project_id, model_id=model)
    return made(project_id, point, due_at=due_at, now=now)


def stocked(project_id: int, *, due_at: datetime = NOW, now: datetime | None = None, **settings: Any) -> DecisionBatch:
    """Return a batch of orders of which that of tea in the north store was decided by a model."""
    make_stocked(project_id, ("north",), ("tea", "rice"), at=due_at)
    StockCount.objects.update(reorder_point=12, order_up_to=60)
    model = make_model(project_id, key="forecast", name="Forecast", domain="restock")
    make_champion(make_version_of(model, forecast_artifact(), kind=PredictorKind.FORECAST, inputs=("place",)))
    point = make_batch_point(project_id, "restock", key="orders", model_id=model)
    DecisionPoint.objects.filter(pk=point).update(settings=settings)
    return made(project_id, point, due_at=due_at, now=now)


def line(batch: DecisionBatch, subject: str) -> BatchLine:
    """Return the decision about a subject in a batch."""
    return next(found for found in lines_of(batch.pk) if found.subject == subject)


def decision_of(batch: DecisionBatch, subject: str) -> str:
    """Return the id of the decision about a subject."""
    return BatchDecision.objects.get(batch=batch, subject=subject).decision_id
