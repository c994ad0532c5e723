"""Online Retail: the orders of a British wholesaler of gifts in a year, with product descriptions, split in time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb
import numpy as np

from decisions.domain import INTERACTIONS, Interaction, InteractionLog
from decisions.domain_reports import RecordedDataMissing
from decisions.domains.recommendation.training.dataset import split_log
from decisions.domains.recommendation.training.real_data.contest import Split, before

FILE: Final = Path("rec/online_retail.parquet")
ABOUT: Final = (
    "**Online Retail**: a year of orders of a British wholesaler of gifts, UCI Machine Learning Repository, CC BY 4.0 "
    "(Chen 2015, doi 10.24432/C5BW33). Lines of known customers with a quantity and a price above 0. The latest fifth "
    "of the lines is what is judged by: customers who had ordered before, and what they then ordered for the first "
    "time. Item text is the product's description; there are no categories."
)
TEST_SHARE: Final = 0.2
MOST_USERS: Final = 5_000
SPLIT_SEED: Final = 1
QUICK_USERS: Final = 600

_LINES: Final = """
    SELECT CAST(CAST(CustomerID AS BIGINT) AS VARCHAR) AS unit, StockCode AS item, coalesce(Description, '') AS title,
           epoch(CAST(InvoiceDate AS TIMESTAMP)) AS at
    FROM read_parquet(?) WHERE Quantity > 0 AND UnitPrice > 0 AND CustomerID IS NOT NULL
"""


def split(path: Path, *, quick: bool) -> Split:
    """Return the log split at one time for the test, and what lies before it split again for the tuning.

    Raises RecordedDataMissing.
    """
    log = read(path)
    if quick:
        log = _of_first_units(log, QUICK_USERS)
    test = split_log(log, share=TEST_SHARE, most_users=MOST_USERS, seed=SPLIT_SEED)
    validation = split_log(before(test), share=TEST_SHARE, most_users=MOST_USERS, seed=SPLIT_SEED)
    return Split(validation, test)


def read(path: Path) -> InteractionLog:
    """Return the order lines. An item's title is its most frequent description. Raises RecordedDataMissing."""
    try:
        with duckdb.connect() as engine:
            lines = engine.execute(_LINES, [str(path)]).fetchnumpy()
    except duckdb.Error as error:
        raise RecordedDataMissing(f"{path.name} holds no order lines of Online Retail.") from error
    unit_ids, units = np.unique(np.asarray(lines["unit"], dtype=np.str_), return_inverse=True)
    item_ids, items = np.unique(np.asarray(lines["item"], dtype=np.str_), return_inverse=True)
    at = np.asarray(lines["at"], dtype=np.float64)
    if not len(unit_ids):
        raise RecordedDataMissing(f"{path.name} holds no order line of a known customer.")
    order = np.lexsort((items, units, at))
    return InteractionLog(
        units=units[order].astype(np.int32),
        items=items[order].astype(np.int32),
        kinds=np.full(len(order), INTERACTIONS.index(Interaction.ORDER), dtype=np.int8),
        at=at[order],
        item_ids=tuple(item_ids.tolist()),
        categories=("",) * len(item_ids),
        prices=np.zeros(len(item_ids), dtype=np.float32),
        ratings=np.zeros(len(item_ids), dtype=np.float32),
        start=datetime.fromtimestamp(at.min(), UTC),
        end=datetime.fromtimestamp(at.max(), UTC) + timedelta(seconds=1),
        titles=_titles(items, np.asarray(lines["title"], dtype=np.str_), len(item_ids)),
    )


def _titles(items: np.ndarray, titles: np.ndarray, count: int) -> tuple[str, ...]:
    """Return the most frequent title of each item, of equal ones the first by the alphabet."""
    names, codes = np.unique(titles, return_inverse=True)
    pairs, frequency = np.unique(items.astype(np.int64) * len(names) + codes, return_counts=True)
    order = np.lexsort((pairs, -frequency, pairs // len(names)))
    firsts = order[np.searchsorted(pairs[order] // len(names), np.arange(count))]
    return tuple(names[pairs[firsts] % len(names)].tolist())


def _of_first_units(log: InteractionLog, count: int) -> InteractionLog:
    kept = log.units < count
    columns = {name: getattr(log, name)[kept] for name in ("units", "items", "kinds", "at")}
    return replace(log, **columns)
