"""Records of prices for tests: a project that decides on prices, its batches, its ledger."""

from datetime import datetime, timedelta
from typing import Any

from decisions.actions.points import PointDraft, create_point
from decisions.models import BatchDecision, DecisionBatch, PriceOffer
from tests.fixtures.records import ACTOR, NOW

Row = tuple[int, datetime, datetime | None, int | None]


def make_price_point(project_id: int, *, key: str = "prices") -> int:
    """Return the id of a decision point on prices."""
    draft = PointDraft(key=key, name=key.title(), domain="pricing")
    return create_point(project_id=project_id, draft=draft, acting_user=ACTOR, now=NOW)


def make_price_batch(point_id: int, *, at: datetime = NOW, **decided: int) -> int:
    """Return the id of a batch that takes effect at a project time and decided prices (millionths) by item."""
    batch = DecisionBatch.objects.create(
        point_id=point_id,
        due_at=at,
        made_at=at,
        takes_effect_at=at,
        bundle_version=1,
        decisions=len(decided),
        sha256="0" * 64,
    )
    for item, price in decided.items():
        BatchDecision.objects.create(
            batch=batch, subject=item, decision_id=f"{batch.pk}-{item}", value=price, before=None, reason="MODEL"
        )
    return int(batch.pk)


def ledger(project_id: int, item: str = "mug") -> list[Row]:
    """Return the offers of an item in the order of time: price, from, until, batch."""
    rows = PriceOffer.objects.filter(project_id=project_id, item_id=item).order_by("valid_from")
    return list(rows.values_list("price", "valid_from", "valid_until", "batch_id"))


def offer(project_id: int, price: int, since: datetime, until: datetime | None = None, **more: Any) -> None:
    """Write an offer of the mug as the ledger has it."""
    values = {"item_id": "mug", "batch_id": None} | more
    PriceOffer.objects.create(project_id=project_id, price=price, valid_from=since, valid_until=until, **values)


def days(number: float) -> timedelta:
    return timedelta(days=number)
