"""The price ledger: what everybody is offered from when on; written by batches and by the shop's own changes.

Offers of an item never overlap: a new one ends the one before it. One that has not begun when a newer word comes was
never offered to anybody and is withdrawn. Writers of a project take turns, so that the last word is the last row. What
a batch decided is no word about a price that the shop has set, or taken away, since the batch looked at it.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from decisions.actions.ledger_lock import lock_ledger
from decisions.actions.price_publishing import promise_prices
from decisions.models import DecisionBatch
from decisions.queries.batches import BatchUnknown
from foundation.queries import ProjectFacts, project_facts

GRACE: Final = timedelta(seconds=15)
SIMULATION_GRACE: Final = timedelta(seconds=1)
"""Wall time from the word that a price changes until it does: by then every process of the edge has heard of it."""

_CHANGED: Final = """
SELECT sent.item_id, sent.price
FROM jsonb_to_recordset(%(rows)s::jsonb) AS sent(item_id text, price bigint)
LEFT JOIN decisions_priceoffer newest
    ON newest.project_id = %(project)s AND newest.item_id = sent.item_id AND newest.valid_until IS NULL
WHERE newest.price IS DISTINCT FROM sent.price
ORDER BY sent.item_id
"""
_STANDING: Final = """
SELECT DISTINCT item_id FROM decisions_priceoffer
WHERE project_id = %(project)s AND item_id = ANY(%(items)s) AND (valid_until IS NULL OR valid_until > %(at)s)
"""
_SET_SINCE: Final = """
SELECT item_id FROM decisions_priceoffer
WHERE project_id = %(project)s AND item_id = ANY(%(items)s) AND (valid_until IS NULL OR valid_until > %(at)s)
GROUP BY item_id
HAVING bool_or(batch_id IS NULL AND valid_from > %(at)s) OR bool_and(valid_until IS NOT NULL)
"""
_WITHDRAW: Final = """
DELETE FROM decisions_priceoffer offer
USING jsonb_to_recordset(%(rows)s::jsonb) AS sent(item_id text, price bigint)
WHERE offer.project_id = %(project)s AND offer.item_id = sent.item_id AND offer.valid_from >= %(at)s
"""
# An offer that only one which never began would have ended goes on.
_END: Final = """
UPDATE decisions_priceoffer offer SET valid_until = CASE WHEN offer.price = sent.price THEN NULL ELSE %(at)s END
FROM jsonb_to_recordset(%(rows)s::jsonb) AS sent(item_id text, price bigint)
WHERE offer.project_id = %(project)s AND offer.item_id = sent.item_id
    AND (offer.valid_until IS NULL OR offer.valid_until >= %(at)s)
"""
_BEGIN: Final = """
INSERT INTO decisions_priceoffer (project_id, item_id, price, valid_from, batch_id)
SELECT %(project)s, sent.item_id, sent.price, %(at)s, %(batch)s
FROM jsonb_to_recordset(%(rows)s::jsonb) AS sent(item_id text, price bigint)
WHERE sent.price IS NOT NULL AND NOT EXISTS (
    SELECT FROM decisions_priceoffer offer
    WHERE offer.project_id = %(project)s AND offer.item_id = sent.item_id AND offer.valid_until IS NULL
)
ORDER BY sent.item_id
"""

OwnPrice = tuple[str, int | None]
"""An item, and the price that the shop gives it in millionths; None where it takes the price away."""


def grace_of(facts: ProjectFacts) -> timedelta:
    """Return the wall time that a price which is told now waits before it holds."""
    return SIMULATION_GRACE if facts.simulated else GRACE


@transaction.atomic
def write_offers(*, batch_id: int, offers: Sequence[tuple[str, int]], takes_effect_at: datetime) -> None:
    """Write what a batch decided: (item, price in millionths), offered from a project time on that has not come yet.

    An item that is offered for just that much already keeps its offer, and one whose price the shop has set since the
    batch was made keeps that. Raises BatchUnknown.
    """
    found = DecisionBatch.objects.filter(pk=batch_id).values_list("point__project_id", "made_at").first()
    if found is None:
        raise BatchUnknown(f"There is no batch {batch_id}.")
    project_id, made_at = found
    lock_ledger(project_id)
    kept = _items_of(_SET_SINCE, project_id, [item for item, _ in offers], at=made_at)
    if _write(project_id, [offer for offer in offers if offer[0] not in kept], at=takes_effect_at, batch_id=batch_id):
        promise_prices(project_id=project_id)


@transaction.atomic
def write_own_prices(*, project_id: int, prices: Sequence[OwnPrice], now: datetime) -> None:
    """Write prices that the shop itself has changed, with the ledger locked; `now` is wall time.

    An item's first price holds at once. Another one takes its place after the grace, for everybody in one moment.
    """
    if not prices:
        return
    facts = project_facts(project_id)
    at, soon = facts.clock.at(now), facts.clock.at(now + grace_of(facts))
    standing = _items_of(_STANDING, project_id, [item for item, _ in prices], at=at)
    written = _write(project_id, [told for told in prices if told[0] not in standing], at=at)
    written += _write(project_id, [told for told in prices if told[0] in standing], at=soon)
    if written:
        promise_prices(project_id=project_id)


def _write(project_id: int, prices: Sequence[OwnPrice], *, at: datetime, batch_id: int | None = None) -> int:
    """Write what differs from the newest offers and return how many items that is."""
    changed = _changed(project_id, prices)
    if changed:
        values: dict[str, Any] = {"project": project_id, "rows": _rows(changed), "at": at, "batch": batch_id}
        with connection.cursor() as cursor:
            for statement in (_WITHDRAW, _END, _BEGIN):
                cursor.execute(statement, values)
    return len(changed)


def _changed(project_id: int, prices: Sequence[OwnPrice]) -> list[OwnPrice]:
    """Return those that are not what the newest offer of their item says."""
    if not prices:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, {"project": project_id, "rows": _rows(prices)})
        return [(item, price) for item, price in cursor.fetchall()]


def _items_of(statement: str, project_id: int, items: Sequence[str], *, at: datetime) -> set[str]:
    """Return which of the items a statement finds: that are offered at a project time or later, or set since then."""
    with connection.cursor() as cursor:
        cursor.execute(statement, {"project": project_id, "items": list(items), "at": at})
        return {item for (item,) in cursor.fetchall()}


def _rows(prices: Sequence[OwnPrice]) -> str:
    return json.dumps([{"item_id": item, "price": price} for item, price in prices], ensure_ascii=False)
