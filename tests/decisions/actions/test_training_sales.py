"""Training of prices from the shop's own orders: a version with its lineage, drift of its sales, refusals in words."""

import json
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection

from decisions.actions.drifting import check_drift
from decisions.actions.training import order_training
from foundation.models import Job
from models_registry.actions.training import TrainingOrder
from models_registry.predictors.demand import Demand
from models_registry.predictors.loading import predictor_of
from models_registry.queries.runs import run_by_id
from models_registry.queries.schedules import schedule_by_id
from models_registry.queries.versions import verified_artifact, version_by_id
from models_registry.vocabulary import RunState
from tests.decisions.domains.pricing.training.shops import START, Shop, shop
from tests.decisions.recipes import make_schedule
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import make_model
from workers import runner

pytestmark = pytest.mark.django_db(transaction=True)

DAYS = 105
WORLD = shop(items=40, clusters=4, days=DAYS, between=0.9, within=0.5, week_sd=0.03, level=15.0, size=30.0)
DAY = timedelta(days=1)
MIDNIGHT = NOW.replace(hour=0)


def fill(project: int, world: Shop = WORLD) -> None:
    """Log an order of each item on each of its days, the last of which ends at MIDNIGHT."""
    log, shift = world.log, MIDNIGHT - world.log.end
    rows = []
    for number, (series, at, units, price) in enumerate(zip(log.series, log.at, log.units, log.price, strict=True)):
        moment = START + timedelta(seconds=at - START.timestamp() + 43_200.0) + shift
        products = [{"product_id": log.items[series], "quantity": int(units), "price": float(price)}]
        if units >= 1.0:
            rows.append((project, moment.date(), f"o{number}", moment, moment, json.dumps({"products": products})))
    with connection.cursor() as cursor:
        for day in sorted({row[1] for row in rows}):
            cursor.execute("SELECT tiltyard_ensure_partition('decisions_eventlog', %s)", [day])
        cursor.executemany(
            "INSERT INTO decisions_eventlog (project_id, day, message_id, received_at, kind, event, corrected_at,"
            " properties) VALUES (%s, %s, %s, %s, 'history', 'Order Completed', %s, %s)",
            rows,
        )


def trained(model: int, **changes) -> int:
    """Return the id of a run that has ended."""
    window = {"data_start": MIDNIGHT - DAYS * DAY, "data_end": NOW}
    order = TrainingOrder(recipe="elasticity", seed=3, **window, **changes)
    run_id = order_training(model_id=model, order=order, acting_user=ACTOR, now=NOW)
    assert runner.run(job_id=Job.objects.get(kind="train", state="READY").pk)
    return run_id


def test_train__from_orders__registers_demand_that_knows_where_it_comes_from():
    project = make_project()
    fill(project)
    run = run_by_id(trained(make_model(project, domain="pricing", key="prices")))
    assert run.state is RunState.SUCCEEDED, (run.gate, run.error)
    version = version_by_id(run.version_id)
    assert version.metrics["deviance"] < version.metrics["popularity_deviance"]
    assert run.dataset["rows"] == 40 * DAYS
    assert set(run.dataset["profile"]["bins"]) == {"daily_sales", "items", "prices", "in_stock"}
    demand = predictor_of(verified_artifact(version))
    assert isinstance(demand, Demand)
    wanted = [WORLD.elasticities[int(item.split("-")[1])] for item in demand.items]
    assert np.corrcoef(demand.elasticities, wanted)[0, 1] > 0.8


def test_train__orders_at_one_price__fails_with_what_to_do():
    project = make_project()
    fill(project, shop(items=12, days=DAYS, never=12))
    run = run_by_id(trained(make_model(project, domain="pricing", key="prices")))
    assert run.state is RunState.FAILED
    assert run.error_code == "TRAINING_DATA_INSUFFICIENT"
    assert "Let prices vary first, in an experiment." in run.error


def test_drift__of_sales__is_none_on_the_same_days_and_seen_where_prices_doubled():
    project = make_project()
    fill(project, shop(items=110, days=56))
    model = make_model(project, domain="pricing", key="prices")
    schedule = make_schedule(model, recipe="elasticity", window_days=DAYS)
    run = run_by_id(trained(model, schedule_id=schedule, margin=10.0))
    assert run.state is RunState.SUCCEEDED, (run.gate, run.error)
    check_drift(schedule_id=schedule, now=NOW)(NOW)
    same = schedule_by_id(schedule).drift_check
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE decisions_eventlog SET properties = jsonb_set(properties, '{products,0,price}',"
            " to_jsonb((properties->'products'->0->>'price')::numeric * 2))"
            " WHERE corrected_at >= %s AND project_id = %s",
            [MIDNIGHT - 8 * DAY, project],
        )
    check_drift(schedule_id=schedule, now=NOW)(NOW)
    moved = schedule_by_id(schedule).drift_check
    assert same["unseen"]["metric_drop"] == moved["unseen"]["metric_drop"] == "TOO_SOON"
    assert same["psi"]["prices"]["psi"] < 0.1
    assert moved["psi"]["prices"]["psi"] > 0.25
