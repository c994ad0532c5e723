"""Creatives, a decision point of advertising, what it showed and what came of that, by real actions and rows."""

from datetime import datetime, timedelta
from typing import Any

from decisions.actions.catalogue import put_actions
from decisions.actions.points import PointDraft, PolicyDraft, bind_experiment, create_point
from decisions.domain import PolicyKind
from experiments.actions import lifecycle
from tests.fixtures.messages import log
from tests.fixtures.records import ACTOR, HALVES, NOW, make_draft
from tests.fixtures.registry import log_decision

POINT = "ads-top"
CREATIVES: tuple[dict[str, Any], ...] = (
    {"item_id": "shoe-a", "title": "Shoes", "campaign": "shoes", "bid": 0.5, "budget": 10},
    {"item_id": "shoe-b", "title": "Boots", "campaign": "shoes", "bid": 0.75},
    {"item_id": "tea-a", "title": "茶", "campaign": "tea", "bid": 4, "budget": 20, "pays": "order"},
    {"item_id": "house", "title": "Our own", "campaign": "house", "bid": 0.01},
)
MORNING = NOW - timedelta(hours=4)
"""08:00 of the day that tests take place in."""


def make_ads(project_id: int, *creatives: dict[str, Any]) -> int:
    """Return the id of a decision point of advertising in a project with creatives."""
    taken = put_actions(project_id=project_id, collection="creatives", items=list(creatives or CREATIVES))
    assert not taken.refused, taken.refused
    draft = PointDraft(key=POINT, name="Top of the page", domain="ad_placement")
    return create_point(project_id=project_id, draft=draft, acting_user=ACTOR, now=NOW)


def show(project_id: int, *creatives: str, number: int, at: datetime, visitor: str = "v1", **changes: Any) -> None:
    """Log a decision that showed creatives."""
    log_decision(
        project_id,
        POINT,
        decision_id=f"decision-{number}",
        at=at,
        visitor=visitor,
        actions=[[creative, 1.0, 0.1] for creative in creatives],
        **changes,
    )


def click(project_id: int, creative: str, *, number: int, at: datetime, visitor: str = "v1") -> None:
    """Log a click on a creative."""
    log(
        project_id,
        message_id=f"click-{number}",
        event="Promotion Clicked",
        at=at,
        visitor=visitor,
        properties={"promotion_id": creative},
    )


def order(project_id: int, *, number: int, at: datetime, visitor: str = "v1", order_id: str | None = None) -> None:
    """Log an order."""
    log(
        project_id,
        message_id=f"order-{number}",
        event="Order Completed",
        at=at,
        visitor=visitor,
        properties={"order_id": order_id or f"order-{number}", "total": 40},
    )


def make_split(project_id: int, point_id: int, *, coverage: int = 500_000, **changes: Any) -> int:
    """Return the id of a running experiment with a budget, whose variants do the same."""
    values = {"budget": 100_000_000, "coverage": coverage, "variants": HALVES, **changes}
    experiment_id = make_draft(project_id, key="split", **values)
    bind_experiment(
        experiment_id=experiment_id,
        point_id=point_id,
        policies={variant.key: PolicyDraft(PolicyKind.BASELINE) for variant in HALVES},
        acting_user=ACTOR,
        now=NOW,
    )
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=MORNING)
    lifecycle.launch(experiment_id=experiment_id, acting_user=ACTOR, now=MORNING)
    return experiment_id
