"""The shop's own items as they are written: where a price changes, the ledger says from when on it is offered.

In a transaction of the caller's.
"""

from collections.abc import Callable
from typing import Final

from django.db import connection

from decisions.actions.catalogue_pace import database_now
from decisions.actions.item_rows import SENT, STAGED, Written, write_items, write_staged
from decisions.actions.ledger_lock import lock_ledger
from decisions.actions.price_ledger import OwnPrice, write_own_prices
from decisions.domain import ITEMS

# An item without any offer gets its first one, also where it was sent before there was a ledger. What a shop sends
# again unchanged says nothing: the price may have been decided otherwise since.
_CHANGED: Final = """
SELECT sent.item_id, sent.price FROM {source} LEFT JOIN decisions_item known
    ON known.project_id = %(project)s AND known.collection = %(collection)s AND known.item_id = sent.item_id
WHERE known.price IS DISTINCT FROM sent.price OR sent.price IS NOT NULL AND NOT EXISTS (
    SELECT FROM decisions_priceoffer offer WHERE offer.project_id = %(project)s AND offer.item_id = sent.item_id
)
"""
_CHANGED_SENT: Final = _CHANGED.format(source=SENT)
_CHANGED_STAGED: Final = _CHANGED.format(source=STAGED)


def put_rows(project_id: int, collection: str, rows: str) -> Written:
    """Write whole items as `item_rows.write_items` does, and what changes of the shop's own prices."""
    return _put(project_id, collection, rows, lambda: write_items(project_id, collection, rows))


def put_staged(project_id: int, collection: str) -> Written:
    """Write all items that wait as `item_rows.write_staged` does, and what changes of the shop's own prices."""
    return _put(project_id, collection, None, lambda: write_staged(project_id, collection))


def _put(project_id: int, collection: str, rows: str | None, write: Callable[[], Written]) -> Written:
    if collection != ITEMS:
        return write()
    lock_ledger(project_id)
    prices = _changed(project_id, rows)
    written = write()
    write_own_prices(project_id=project_id, prices=prices, now=database_now())
    return written


def _changed(project_id: int, rows: str | None) -> list[OwnPrice]:
    """Return the prices that the sent rows, or those that wait, change of the shop's items."""
    statement = _CHANGED_STAGED if rows is None else _CHANGED_SENT
    with connection.cursor() as cursor:
        cursor.execute(statement, {"project": project_id, "collection": ITEMS, "rows": rows})
        return [(item, price) for item, price in cursor.fetchall()]
