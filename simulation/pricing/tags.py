"""The prices that shoppers were quoted, held against each other: one price for everybody at one moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Tag:
    """A price that somebody was quoted. at: when. since: from when on everybody was offered it."""

    item: str
    at: datetime
    price: float
    since: datetime


def unequal(tags: list[Tag]) -> Iterator[tuple[Tag, Tag]]:
    """Yield pairs of quotes of an item that contradict each other: somebody paid another price than others did then.

    One offer has two prices, or an offer was quoted again after the one that took its place.
    """
    prices: dict[tuple[str, datetime], Tag] = {}
    latest: dict[str, Tag] = {}
    for tag in sorted(tags, key=lambda tag: tag.at):
        first = prices.setdefault((tag.item, tag.since), tag)
        newest = latest.setdefault(tag.item, tag)
        if first.price != tag.price:
            yield first, tag
        if tag.since < newest.since or tag.at < tag.since:
            yield newest, tag
        elif tag.since > newest.since:
            latest[tag.item] = tag
