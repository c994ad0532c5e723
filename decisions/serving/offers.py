"""What everybody is offered at a moment: the published prices, each with the times from and until which it holds.

Every process switches by the project's clock alone, so that processes with the same file have the same prices.
"""

import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.assignment.bucketing import encode_unit
from foundation.errors import DomainError
from foundation.money import BIGINT_MAX

READABLE_PRICES: Final = (1,)
FOREVER: Final = BIGINT_MAX
"""The end of an offer that has none."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class PricesMalformed(DomainError):
    """The published prices cannot be read; the message says what is wrong with them."""

    code = "PRICES_MALFORMED"
    hint = "Publish the prices again; until then nothing is quoted."


class Offer(NamedTuple):
    """A price in millionths of the currency, and since when it holds: microseconds of project time since 1970."""

    price: int
    starts: int


@dataclass(frozen=True, slots=True, eq=False)
class PriceBook:
    """The offers of a project: those of one item stand together in `first[place]` .. `first[place + 1]`, in time.

    prices: millionths of the currency. starts, ends: microseconds since 1970, project time; FOREVER where there is no
    end.
    """

    places: Mapping[str, int]
    first: Sequence[int]
    prices: Sequence[int]
    starts: Sequence[int]
    ends: Sequence[int]

    def offer(self, item: str, at: int) -> Offer | None:
        """Return what an item is offered for at a time, None where it is not; never raises."""
        place = self.places.get(item)
        if place is None:
            return None
        for row in range(self.first[place + 1] - 1, self.first[place] - 1, -1):
            if self.starts[row] <= at:
                return Offer(self.prices[row], self.starts[row]) if at < self.ends[row] else None
        return None


def microseconds(moment: datetime) -> int:
    """Return whole microseconds since 1970 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(microseconds_since: int) -> datetime:
    """Return the moment that so many microseconds after 1970 is (the inverse of `microseconds`)."""
    return _EPOCH + microseconds_since * _MICROSECOND


def write_prices(rows: Sequence[tuple[str, int, int, int | None]]) -> bytes:
    """Return the bytes of offers (item, price, start, end) in the order of item and start; equal ones give equal bytes.

    Millionths of the currency; microseconds of project time since 1970, None for no end.
    """
    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    said = dict(zip(("items", "prices", "starts", "ends"), map(list, columns), strict=True))
    return json.dumps({"schema": READABLE_PRICES[0]} | said, ensure_ascii=False, separators=(",", ":")).encode()


def read_prices(content: bytes) -> PriceBook:
    """Return the offers that published bytes stand for.

    Raises:
        PricesMalformed: no JSON of a known schema, columns of unequal length, ids that are not fit for storing, prices
            that are negative, or offers of an item that overlap or are not in the order of time.
    """
    try:
        said = json.loads(content)
        schema = said["schema"]
        items, prices, starts, ends = (said[name] for name in ("items", "prices", "starts", "ends"))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PricesMalformed(f"They are not readable: {type(error).__name__}.") from error
    if schema not in READABLE_PRICES or isinstance(schema, bool):
        raise PricesMalformed(f"Their schema {schema!r} cannot be read.")
    if not all(isinstance(column, list) and len(column) == len(items) for column in (items, prices, starts, ends)):
        raise PricesMalformed("Their columns are not lists of equal length.")
    if any(encode_unit(item) is None for item in items):
        raise PricesMalformed("An item's id is not a text that can be stored.")
    places, first = _places(items)
    book = PriceBook(
        places=MappingProxyType(places),
        first=first,
        prices=_whole("prices", prices, least=0),
        starts=_whole("starts", starts, least=-FOREVER),
        ends=_whole("ends", [FOREVER if end is None else end for end in ends], least=-FOREVER),
    )
    _refuse_overlaps(book)
    return book


def _places(items: Sequence[str]) -> tuple[dict[str, int], Sequence[int]]:
    """Return the place of each item, and the row at which the offers of each place begin. Raises PricesMalformed."""
    places: dict[str, int] = {}
    first = array("q")
    for row, item in enumerate(items):
        if row == 0 or item != items[row - 1]:
            if item in places:
                raise PricesMalformed("The offers of an item do not stand together.")
            places[item] = len(first)
            first.append(row)
    first.append(len(items))
    return places, first


def _whole(name: str, values: Sequence[object], *, least: int) -> Sequence[int]:
    numbers = array("q")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= FOREVER:
            raise PricesMalformed(f"{name} has something else than whole numbers that can be stored.")
        numbers.append(value)
    return numbers


def _refuse_overlaps(book: PriceBook) -> None:
    for place in range(len(book.first) - 1):
        rows = range(book.first[place], book.first[place + 1])
        is_in_order = all(book.starts[row] < book.ends[row] for row in rows) and all(
            book.ends[row] <= book.starts[row + 1] for row in rows[:-1]
        )
        if not is_in_order:
            raise PricesMalformed("Offers of an item overlap, or are not in the order of time.")
