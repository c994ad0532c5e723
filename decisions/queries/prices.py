"""What everybody was, is and will be offered: the price ledger, read for people, for the law and for the edge."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import starmap
from typing import Final

from django.db.models import QuerySet

from decisions.domain import ITEMS
from decisions.models import BatchDecision, DecisionPoint, Item, PriceOffer
from decisions.queries.supply import holds_at, not_over
from decisions.registry import all_domains
from decisions.serving.offers import microseconds, write_prices
from decisions.strike_through import LOOK_BACK, Judged, Stretch, judge
from experiments.vocabulary import Payable

MOST_OFFERS: Final = 1_000
"""Of an item's history, the newest."""


@dataclass(frozen=True, slots=True)
class Offered:
    """For how much an item was offered to everybody: millionths of the currency; from and until in project time.

    until: None where no end is known yet. batch: the batch that decided it, None where the shop set it itself.
    """

    item_id: str
    price: int
    since: datetime
    until: datetime | None
    batch: int | None


@dataclass(frozen=True, slots=True)
class PriceDecision:
    """The decision of a batch that an item was offered by: `cell` is the unit in its period, "" outside experiments."""

    batch: int
    point: str
    decision_id: str
    price: int
    reason: str
    experiment: str
    variant: str
    cell: str
    takes_effect_at: datetime


@dataclass(frozen=True, slots=True)
class PriceContent:
    """The bytes of the prices that the edge quotes, and how many items have any."""

    content: bytes
    items: int


def offered(project_id: int, item_id: str, *, at: datetime) -> Offered | None:
    """Return what everybody was offered at a project time; None where the item was not offered, or nobody knows."""
    row = _offers(project_id, item_id).filter(holds_at(at)).first()
    return None if row is None else _offered(row)


def history(project_id: int, item_id: str, *, most: int = MOST_OFFERS) -> list[Offered]:
    """Return the newest offers of an item, the newest first; those that have not begun among them."""
    return [_offered(row) for row in _offers(project_id, item_id).order_by("-valid_from")[:most]]


def lowest(project_id: int, item_id: str, *, before: datetime, days: int = LOOK_BACK.days) -> Offered | None:
    """Return the lowest offer of the days before a project time, of several the latest; None where none is known.

    Whether the ledger reaches back so far is another question; see `struck`.
    """
    since = before - timedelta(days=days)
    rows = _offers(project_id, item_id).filter(not_over(since), valid_from__lt=before)
    row = rows.order_by("price", "-valid_from").first()
    return None if row is None else _offered(row)


def struck(project_id: int, item_id: str, *, price: int, at: datetime) -> Judged:
    """Return whether a price (millionths) may be struck through beside what is offered at a project time."""
    rows = _offers(project_id, item_id).order_by("valid_from")
    stretches = list(starmap(Stretch, rows.values_list("price", "valid_from", "valid_until")))
    return judge(price, stretches, at=at)


def own_prices(project_id: int, *, at: datetime) -> dict[str, int]:
    """Return the price that the shop itself set last for each item that has one at a project time.

    It is what an item costs once nothing is decided about it any more: a price that a batch decided, and that the shop
    has sent back as its own, is none. Where the ledger has none of the shop it is the price that the item was sent
    with.
    """
    offers = PriceOffer.objects.filter(project_id=project_id)
    offered_now = offers.filter(holds_at(at)).values("item_id")
    own = offers.filter(batch__isnull=True, valid_from__lte=at, item_id__in=offered_now)
    newest = own.order_by("item_id", "-valid_from").distinct("item_id")
    sent = Item.objects.filter(project_id=project_id, collection=ITEMS).values_list("item_id", "price")
    told = {item: price for item, price in sent if price is not None}
    return told | dict(newest.values_list("item_id", "price"))


def price_decision(project_id: int, item_id: str, *, at: datetime) -> PriceDecision | None:
    """Return the newest decision about an item's price that was in force at a project time; None where none was."""
    row = (
        BatchDecision.objects.select_related("batch__point", "experiment")
        .filter(
            batch__point__project_id=project_id,
            batch__point__domain__in=_price_domains(),
            batch__takes_effect_at__lte=at,
            subject=item_id,
            value__isnull=False,
        )
        .order_by("-batch__takes_effect_at", "-batch_id")
        .first()
    )
    if row is None or row.value is None:
        return None
    return PriceDecision(
        batch=int(row.batch_id),
        point=row.batch.point.key,
        decision_id=row.decision_id,
        price=row.value,
        reason=row.reason,
        experiment="" if row.experiment is None else row.experiment.key,
        variant=row.variant,
        cell=row.cell,
        takes_effect_at=row.batch.takes_effect_at,
    )


def decides_prices(project_id: int) -> bool:
    """Return whether the project has a decision point that decides on prices, so that the edge quotes them."""
    return DecisionPoint.objects.filter(project_id=project_id, domain__in=_price_domains()).exists()


def price_content(project_id: int, *, since: datetime) -> PriceContent:
    """Return the offers that hold after a project time, as the edge loads them; equal ledgers give equal bytes."""
    rows = (
        PriceOffer.objects.filter(not_over(since), project_id=project_id)
        .order_by("item_id", "valid_from")
        .values_list("item_id", "price", "valid_from", "valid_until")
    )
    offers = [
        (item, price, microseconds(starts), None if ends is None else microseconds(ends))
        for item, price, starts, ends in rows.iterator()
    ]
    return PriceContent(write_prices(offers), len({item for item, *_ in offers}))


def _offers(project_id: int, item_id: str) -> "QuerySet[PriceOffer]":
    return PriceOffer.objects.filter(project_id=project_id, item_id=item_id)


def _price_domains() -> list[str]:
    return [key for key, domain in all_domains().items() if domain.payable is Payable.PRICE]


def _offered(row: PriceOffer) -> Offered:
    return Offered(row.item_id, row.price, row.valid_from, row.valid_until, row.batch_id)
