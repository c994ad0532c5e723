"""Online Retail: prices that fell with the quantity of the line, which every regression takes for an elasticity."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from decisions.domain_reports import Table, Tell
from decisions.domains.pricing.training.doubts import Bulk, bulk_of_lines, find_doubts
from decisions.domains.pricing.training.panel import THURSDAY, WEEK, Floats, Integers, Panel
from decisions.domains.pricing.training.real_data.figures import Estimate, demeaned, slopes
from decisions.domains.pricing.training.real_data.reading import codes, read_columns
from models_registry.predictors.demand import Doubt

FILE: Final = "rec/online_retail.parquet"
LEAST_PRICES: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Order lines of items with LEAST_PRICES prices. price, pieces: logs. day: whole numbers."""

    item: Integers
    day: Integers
    price: Floats
    pieces: Floats
    items: int


@dataclass(frozen=True, slots=True)
class RetailFigures:
    """naive: slope of log weekly pieces in the log of the mean price paid, within items. listed: in the price of the
    week's smallest line, which no quantity lowers. bulk: of the lines. flagged: share of items with BULK_DISCOUNTS.
    """

    naive: Estimate
    listed: Estimate
    bulk: Bulk
    flagged: float
    items: int
    lines: int
    item_weeks: int


def read(folder: Path) -> Lines:
    """Return the lines of known customers with a quantity and a price above 0. Raises RecordedDataMissing."""
    table = read_columns(
        folder / FILE,
        {
            "item": "StockCode",
            "day": "date_diff('day', DATE '1970-01-01', CAST(InvoiceDate AS TIMESTAMP)::date)",
            "price": "UnitPrice::double",
            "pieces": "Quantity::double",
        },
        where="Quantity > 0 AND UnitPrice > 0 AND CustomerID IS NOT NULL",
    )
    _, item = codes(table["item"])
    pairs = np.unique(np.stack((item, np.rint(table["price"] * 1e4).astype(np.int64)), axis=1), axis=0)
    varied = (np.bincount(pairs[:, 0]) >= LEAST_PRICES)[item]
    _, item = np.unique(item[varied], return_inverse=True)
    return Lines(
        item=item.reshape(-1).astype(np.int64),
        day=table["day"][varied].astype(np.int64) + (THURSDAY - 1),
        price=np.log(table["price"][varied]),
        pieces=np.log(table["pieces"][varied]),
        items=int(item.max()) + 1,
    )


def figures(lines: Lines) -> RetailFigures:
    """Return the figures of the report."""
    item, _week, pieces, paid, listed = by_stretch(lines, WEEK)
    several = np.bincount(item)[item] > 1
    item, pieces, paid, listed = item[several], pieces[several], paid[several], listed[several]
    y = demeaned(pieces, item)
    flags = find_doubts(daily_panel(lines)).flags
    return RetailFigures(
        naive=slopes(y, [demeaned(paid, item)], item)[0],
        listed=slopes(y, [demeaned(listed, item)], item)[0],
        bulk=bulk_of_lines(lines.item, lines.day, lines.price, lines.pieces),
        flagged=float(np.mean((flags & Doubt.BULK_DISCOUNTS) > 0)),
        items=lines.items,
        lines=len(lines.item),
        item_weeks=len(item),
    )


def by_stretch(lines: Lines, days: int) -> tuple[Integers, Integers, Floats, Floats, Floats]:
    """Return (item, stretch, log pieces, log mean paid, log price of the smallest line) by item and stretch of days."""
    stretch = lines.day // days
    keys = lines.item * (int(stretch.max()) + 1) + stretch
    order = np.lexsort((-lines.price, lines.pieces, keys))
    names, first = np.unique(keys[order], return_index=True)
    place = np.searchsorted(names, keys)
    pieces = np.bincount(place, np.exp(lines.pieces))
    amount = np.bincount(place, np.exp(lines.pieces + lines.price))
    item, at = np.divmod(names, int(stretch.max()) + 1)
    return item, at, np.log(pieces), np.log(amount / pieces), lines.price[order][first]


def daily_panel(lines: Lines) -> Panel:
    """Return the days with a sale as a sales log without a price ledger has them: the price is what was paid."""
    item, day, pieces, paid, _listed = by_stretch(lines, 1)
    keys = lines.item * (int(lines.day.max()) + 1) + lines.day
    names, place = np.unique(keys, return_inverse=True)
    largest = np.full(len(names), -np.inf)
    np.maximum.at(largest, place.reshape(-1), lines.pieces)
    return Panel(
        item=item,
        day=day,
        units=np.exp(pieces),
        price=paid,
        paid=paid,
        largest=largest,
        open=np.ones(len(item)),
        items=lines.items,
    )


def table(folder: Path, *, tell: Tell) -> Table:
    """Return what is said of Online Retail in the report. Raises RecordedDataMissing."""
    found = figures(read(folder))
    tell(f"Online Retail: BULK_DISCOUNTS at {found.flagged:.0%} of items, naive slope {found.naive.text()}")
    text = (
        f"{found.lines:,} order lines of {found.items:,} items with at least {LEAST_PRICES} prices. The wholesaler "
        "gave discounts for quantity: whoever ordered much paid less for a piece. **The slope of the first row is no "
        "elasticity**: it is the discount schedule read backwards, and no price should be set by it. Errors are by "
        "item."
    )
    rows = (
        ("slope of weekly pieces in the mean price paid (not causal)", found.naive.text()),
        ("the same in the price of the week's smallest line", found.listed.text()),
        ("variance of prices within items that the quantity of the line explains", f"{found.bulk.explained:.1%}"),
        ("variance of prices within items that lies within single days", f"{found.bulk.within_day:.1%}"),
        ("item-days with several lines that have several prices", f"{found.bulk.mixed_days:.1%}"),
        ("price of a line by its quantity, slope of logs", f"{found.bulk.slope:+.3f}"),
        ("items that the recipe flags as `BULK_DISCOUNTS` from daily sums alone", f"{found.flagged:.1%}"),
    )
    return Table("Online Retail: recognised as confounded", text, ("figure", "value"), rows)
