"""A log of visitors who look at items of their taste, as the edge would have written it."""

import uuid
from datetime import datetime, timedelta

import numpy as np
from django.db import connection

from tests.fixtures.messages import unit_of
from tests.fixtures.records import NOW

TASTES = 4


def fill_log(
    project: int,
    *,
    visitors: int = 300,
    views: int = 14,
    seed: int = 1,
    until: datetime = NOW,
    days: float = 6.0,
    shift: int = 0,
) -> None:
    """Log visitors u0, u1, ... who look at items of one of four tastes within some days before a time.

    shift: is added to the numbers of the items that are looked at, so that interest moves to other ones.
    """
    generator = np.random.default_rng(seed)
    rows = []
    for visitor in range(visitors):
        taste, unit = visitor % TASTES, unit_of(project, f"u{visitor}")
        for _ in range(views):
            item = f"item-{taste}-{int(generator.integers(12)) + shift}"
            at = until - timedelta(hours=float(generator.uniform(1.0, days * 24)))
            rows.append((project, at.date(), uuid.UUID(bytes=generator.bytes(16)).hex, at, at, at, unit, item))
    with connection.cursor() as cursor:
        for day in sorted({row[1] for row in rows}):
            cursor.execute("SELECT tiltyard_ensure_partition('decisions_eventlog', %s)", [day])
        cursor.executemany(
            "INSERT INTO decisions_eventlog (project_id, day, message_id, received_at, kind, event, occurred_at,"
            " corrected_at, visitor, item, properties)"
            " VALUES (%s, %s, %s, %s, 'track', 'Product Viewed', %s, %s, %s, %s, '{}')",
            rows,
        )
