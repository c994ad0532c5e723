"""Costs of items as rows: each holds from its time until the next one, and what orders brought is booked with them.

A cost may be dated back: lines of orders since then are booked anew. It may not where a look has counted them already,
for a look is what was seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from decisions.actions.catalogue import ItemFault, ItemsTaken
from decisions.actions.projection import rebook_messages
from decisions.actions.watermark import locked_watermark
from decisions.ingest.items import ItemValues
from decisions.models import ItemCost
from experiments.queries.order_lines import counted_until, items_with_lines, messages_with_lines
from foundation.queries import project_facts

ROUNDING: Final = timedelta(seconds=1)
"""More than the times of a simulation can differ by, whoever computes them."""


@dataclass(frozen=True, slots=True)
class _Sent:
    index: int
    item: str
    cost: int
    since: datetime


@dataclass(frozen=True, slots=True)
class _Span:
    """A row that is there; pk 0: one that is to be opened. until: None where no other follows."""

    pk: int
    cost: int
    since: datetime
    until: datetime | None


def write_costs(project_id: int, rows: Sequence[ItemValues]) -> ItemsTaken:
    """Write costs, of which none has the item and time of another, and book anew what they date back to.

    In a transaction; `index` says which of what was sent a row is. The projector waits until it ends.
    """
    watermark = locked_watermark(project_id)
    sent = sorted((_sent(row) for row in rows), key=lambda cost: (cost.item, cost.since))
    known = _known(project_id, {cost.item for cost in sent})
    counted = counted_until(project_id)
    sold = _counted_items(project_id, sent, counted)
    opened: list[_Sent] = []
    refused: list[ItemFault] = []
    unchanged = 0
    for item, costs in groupby(sent, key=lambda cost: cost.item):
        spans = list(known.get(item, ()))
        for cost in costs:
            reason = _why_not(spans, cost, counted if item in sold else None)
            if reason is None and _cost_then(spans, cost.since) == cost.cost:
                unchanged += 1
            elif reason is None:
                spans = _opened(spans, cost)
                opened.append(cost)
            else:
                refused.append(ItemFault(cost.index, cost.item, reason))
    _write(project_id, known, opened)
    _book_anew(project_id, opened, watermark)
    created = len({cost.item for cost in opened} - set(known))
    return ItemsTaken(created, len(opened) - created, unchanged, tuple(refused))


def _sent(row: ItemValues) -> _Sent:
    return _Sent(row["index"], row["item_id"], row["cost"], datetime.fromisoformat(row["since"]))


def _known(project_id: int, items: set[str]) -> dict[str, list[_Span]]:
    """Return the rows of items in the order of time."""
    found: dict[str, list[_Span]] = {}
    rows = ItemCost.objects.filter(project_id=project_id, item_id__in=items).order_by("item_id", "valid_from")
    for row in rows:
        found.setdefault(row.item_id, []).append(_Span(row.pk, row.cost, row.valid_from, row.valid_until))
    return found


def _counted_items(project_id: int, sent: Sequence[_Sent], counted: datetime | None) -> set[str]:
    """Return the items with lines that a look has counted at or after the time of a cost that was sent."""
    if counted is None:
        return set()
    early = {cost.item: cost.since for cost in reversed(sent) if cost.since < counted}
    return items_with_lines(project_id, early, before=counted)


def _cost_then(spans: Sequence[_Span], at: datetime) -> int | None:
    """Return the cost that holds at a time."""
    return next((span.cost for span in reversed(spans) if span.since <= at), None)


def _why_not(spans: Sequence[_Span], cost: _Sent, counted: datetime | None) -> str | None:
    """Return why a cost cannot hold from its time on; None where it can, or does already."""
    if _cost_then(spans, cost.since) == cost.cost:
        return None
    if spans and spans[-1].since == cost.since:
        return "COST_KNOWN: another cost holds from that very time on; send a later `from`."
    if spans and spans[-1].since > cost.since:
        return f"LATER_COST_KNOWN: a cost that holds from {spans[-1].since.isoformat()} on is known already."
    if counted is not None and cost.since < counted:
        return f"COSTS_COUNTED: looks have counted orders of it up to {counted.isoformat()}; send a `from` after that."
    return None


def _opened(spans: Sequence[_Span], cost: _Sent) -> list[_Span]:
    """Return the spans with one more at their end."""
    before = [_Span(span.pk, span.cost, span.since, span.until or cost.since) for span in spans]
    return [*before, _Span(0, cost.cost, cost.since, None)]


def _write(project_id: int, known: Mapping[str, Sequence[_Span]], opened: Sequence[_Sent]) -> None:
    """Close the rows that others follow now, and add those."""
    closed: list[ItemCost] = []
    added: list[ItemCost] = []
    for item, costs in groupby(opened, key=lambda cost: cost.item):
        times = [(cost.since, cost.cost) for cost in costs]
        closed += [ItemCost(pk=span.pk, valid_until=times[0][0]) for span in known.get(item, ()) if span.until is None]
        ends = [*(since for since, _ in times[1:]), None]
        added += [
            ItemCost(project_id=project_id, item_id=item, cost=cost, valid_from=since, valid_until=until)
            for (since, cost), until in zip(times, ends, strict=True)
        ]
    ItemCost.objects.bulk_update(closed, ["valid_until"])
    ItemCost.objects.bulk_create(added)


def _book_anew(project_id: int, opened: Sequence[_Sent], watermark: datetime) -> None:
    """Book the lines since a cost that lies before what is projected; the others meet it on their way."""
    clock = project_facts(project_id).clock
    back = {cost.item: cost.since for cost in reversed(opened) if clock.wall(cost.since) <= watermark + ROUNDING}
    messages = messages_with_lines(project_id, back)
    if messages:
        rebook_messages(project_id=project_id, keys=messages)
