"""What the bench of batches decides for: a chain of stores that has counted its items, and a rule on trial."""

from datetime import UTC, datetime, timedelta
from typing import Final

from decisions.actions.points import PointDraft, PolicyDraft, bind_experiment, create_point
from decisions.domain import PolicyKind
from decisions.models import DecisionPoint, Item, ItemCost, StockCount, Supplier
from experiments.actions import lifecycle
from experiments.actions.design import ExperimentDraft, MetricDefinition, MetricDraft, VariantDraft, create_experiment
from experiments.actions.design import create_metric as make_metric
from foundation.actions.projects import create_project

NOW: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
BEGUN: Final = datetime(2026, 3, 3, tzinfo=UTC)
"""When the first period of the experiment begins."""
ACTOR: Final = "bench"


def make_chain(*, stores: int, items: int) -> int:
    """Return the id of a project whose stores have counted their items a moment before the first period."""
    project_id = create_project(key="chain", name="Chain", currency="USD", acting_user=ACTOR, now=NOW)
    ids = [f"item-{number:04d}" for number in range(items)]
    said = {"supplier": "acme", "pack_size": 2}
    Item.objects.bulk_create(
        Item(project_id=project_id, item_id=item, price=20_000_000, properties=said) for item in ids
    )
    ItemCost.objects.bulk_create(
        ItemCost(project_id=project_id, item_id=item, cost=9_000_000, valid_from=NOW - timedelta(days=9))
        for item in ids
    )
    Supplier.objects.create(project_id=project_id, supplier_id="acme", lead_days=3.0, lead_sd=1.0)
    for number in range(stores):
        StockCount.objects.bulk_create(
            StockCount(
                project_id=project_id,
                store_id=f"store-{number:03d}",
                item_id=item,
                on_hand=place % 40,
                reorder_point=15,
                order_up_to=60,
                counted_at=BEGUN,
            )
            for place, item in enumerate(ids)
        )
    return project_id


def make_point(project_id: int) -> int:
    """Return the id of a restock point that decides every day."""
    draft = PointDraft(key="orders", name="Orders", domain="restock")
    point_id = create_point(project_id=project_id, draft=draft, acting_user=ACTOR, now=NOW)
    DecisionPoint.objects.filter(pk=point_id).update(every_minutes=1440)
    return point_id


def start_trial(project_id: int, point_id: int) -> int:
    """Return the id of a running experiment by store, item and period, between the shop's rule and another one."""
    definition = MetricDefinition(
        key="sales", name="Sales", kind="SUM", numerator_events=["Order Completed"], numerator_what="SUM_VALUE"
    )
    metric = make_metric(project_id=project_id, definition=definition, acting_user=ACTOR, now=NOW)
    draft = ExperimentDraft(
        key="rule",
        name="Rule",
        hypothesis="Fewer pieces do as well.",
        variants=(
            VariantDraft("control", "As today", 500_000, control=True),
            VariantDraft("leaner", "Leaner", 500_000),
        ),
        metrics=[MetricDraft(metric, "DECISION", None)],
        unit_kind="store-item",
        period_minutes=14 * 1440,
        period_design="BALANCED",
        burn_in_minutes=7 * 1440,
        horizon_days=56,
    )
    experiment_id = create_experiment(project_id=project_id, draft=draft, acting_user=ACTOR, now=NOW)
    policies = {
        "control": PolicyDraft(PolicyKind.BASELINE),
        "leaner": PolicyDraft(PolicyKind.FIXED, actions=("s=10,S=40",)),
    }
    bind_experiment(experiment_id=experiment_id, point_id=point_id, policies=policies, acting_user=ACTOR, now=NOW)
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    lifecycle.launch(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    return experiment_id
