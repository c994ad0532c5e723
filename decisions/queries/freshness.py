"""When the shop last confirmed the data of a collection, and who asks how old they are."""

from datetime import datetime, timedelta

from django.db.models import Min

from decisions.ingest.collections import Collection
from decisions.models import CatalogueFreshness, DecisionPoint


def fresh_at(project_id: int, collection: str) -> datetime | None:
    """Return the project time at which the data were last sent or pulled; None where they never were."""
    rows = CatalogueFreshness.objects.filter(project_id=project_id, collection=collection)
    return rows.values_list("fresh_at", flat=True).first()


def most_age(project_id: int, collection: Collection) -> timedelta | None:
    """Return the least age that a decision point over the collection bears, project time; None where none asks."""
    points = DecisionPoint.objects.filter(project_id=project_id, domain__in=collection.domains)
    least: int | None = points.aggregate(least=Min("most_age_minutes"))["least"]
    return None if least is None else timedelta(minutes=least)
