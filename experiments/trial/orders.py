"""An order log: who ordered, when and for how much, and what of the file could not be used."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from experiments.recorded.workspace import Workspace
from experiments.trial.names import ColumnsUnclear, Meaning, column_for, needed_column
from experiments.trial.tables import Table, amount_sql, load_texts, moment_sql, opened_table, written_moment_sql
from foundation.errors import DomainError

DAY_MICROS: Final = 86_400_000_000
FORMATS: Final[tuple[tuple[str, ...], ...]] = (
    ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y.%m.%d"),
    ("%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日"),
    ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d-%m-%Y %H:%M", "%d-%m-%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y"),
    ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%m/%d/%y %H:%M", "%m/%d/%y", "%m-%d-%Y"),
    ("%b %d, %Y", "%d %b %Y", "%d %B %Y", "%Y-%m-%d %I:%M:%S %p"),
)
_CANCELLED: Final = r"(?i)cancel|refund|return|void|取消|退款|退货|关闭"
_YEARS: Final = "BETWEEN 631152000000000 AND 4102444800000000"
_DAY_FIRST: Final = 3
"""Place of the formats with the day first, the way that moment_sql reads counted."""
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class NoOrders(DomainError):
    """A file in which no line is an order of a known customer at a known time."""

    code: ClassVar[str] = "NO_ORDERS"
    hint = "Export one line per order (or per order line) with customer, time and amount."


@dataclass(frozen=True, slots=True)
class ReadCounts:
    """What was read: lines of the file, lines left out by reason, and what the rest was taken for.

    undone_orders: that a later refund of the same amount took back; both are left out. refund_orders: other
    cancellations and returns, whose amounts reduce revenue. repeated: lines equal to another in every
    column that is used; they are dropped only where an order has one line.
    note: what had to be guessed.
    """

    file: str
    columns: dict[str, str]
    lines: int
    left_out: dict[str, int]
    orders: int
    refund_orders: int
    undone_orders: int
    zero_orders: int
    repeated: int
    repeated_dropped: bool
    customers: int
    first: date
    last: date
    revenue: float
    note: str | None


@dataclass(frozen=True, slots=True, eq=False)
class OrderLog:
    """Orders in the order of time; refunds are orders with a negative amount, and do not count as orders.

    customer: code 0 .. customers - 1. day: days since the first day of the log. amount: in own currency. line_count,
    line_squares: lines of the order and the sum of their squared amounts.
    """

    counts: ReadCounts
    customer: Integers
    day: Integers
    amount: Floats
    line_count: Integers
    line_squares: Floats

    @property
    def is_order(self) -> NDArray[np.bool_]:
        """Whether each entry is an order and no refund."""
        return self.amount >= 0.0

    @property
    def days(self) -> int:
        """Days from the first to the last, both included."""
        return int(self.day.max()) + 1


def read_orders(path: Path, workspace: Workspace) -> OrderLog:
    """Return the orders in a file. Raises ColumnsUnclear, DataInvalid or NoOrders."""
    table = opened_table(path, workspace)
    columns = _columns(table)
    names = list(dict.fromkeys(columns.values()))
    malformed = load_texts(table, workspace, names, into="log")
    text = {meaning: f"n{names.index(column)}" for meaning, column in columns.items()}
    database = workspace.database
    moment, note = _moment(text[Meaning.TIME], workspace)
    database.execute(
        f"CREATE TABLE line AS SELECT rowid AS place, {text[Meaning.CUSTOMER]} AS customer, {_order(text)} AS id,"
        f" {moment} AS moment, {_amount(text)} AS amount, {_is_cancelled(text)} AS cancelled FROM log"
    )
    database.execute(
        "CREATE TABLE judged AS SELECT *, CASE WHEN customer IS NULL THEN 'no customer'"
        " WHEN moment IS NULL THEN 'time cannot be read' WHEN amount IS NULL THEN 'amount cannot be read'"
        f" WHEN NOT isfinite(amount) OR abs(amount) > 1e9 THEN 'amount is beyond 1 000 000 000'"
        f" WHEN NOT moment {_YEARS} THEN 'time is not between 1990 and 2099' END AS fault FROM line"
    )
    left_out = {
        str(fault): int(number)
        for fault, number in database.execute(
            "SELECT fault, count(*) FROM judged WHERE fault IS NOT NULL GROUP BY fault ORDER BY fault"
        ).fetchall()
    }
    if malformed:
        left_out["line cannot be split into columns"] = malformed
    return _log(table, columns, workspace, left_out, note)


def _columns(table: Table) -> dict[Meaning, str]:
    found = {
        Meaning.CUSTOMER: needed_column(
            Meaning.CUSTOMER, table.columns, file=table.name, told="the customer or visitor"
        ),
        Meaning.TIME: needed_column(Meaning.TIME, table.columns, file=table.name, told="the time of the order"),
    }
    amount = column_for(Meaning.AMOUNT, table.columns)
    parts = {meaning: column_for(meaning, table.columns) for meaning in (Meaning.QUANTITY, Meaning.PRICE)}
    if amount is not None:
        found[Meaning.AMOUNT] = amount
    elif all(parts.values()):
        found |= {meaning: column for meaning, column in parts.items() if column is not None}
    else:
        raise ColumnsUnclear(
            f"{table.name}: no column holds the amount; there are: {', '.join(table.columns)}.",
            hint="Name one amount (or 金额), or two of them quantity and price (数量, 单价), in the first line.",
        )
    for meaning in (Meaning.ORDER, Meaning.STATUS):
        column = column_for(meaning, table.columns)
        if column is not None and column not in found.values():
            found[meaning] = column
    return found


def _moment(text: str, workspace: Workspace) -> tuple[str, str | None]:
    """Return the SQL of the time in the way of writing that reads the most lines, and a note where two read as many.

    Of 3/1/2024 and the like, the order of day and month is taken that puts the log into fewer days.
    """
    ways = [moment_sql(text), *(written_moment_sql(text, formats) for formats in FORMATS)]
    asked = ", ".join(f"count({way}), max({way}) - min({way})" for way in ways)
    found = workspace.database.execute(f"SELECT {asked} FROM log").fetchone() or ()
    seen = [(int(found[2 * index] or 0), -int(found[2 * index + 1] or 0), -index) for index in range(len(ways))]
    best = max(seen)
    rivals = [entry for entry in seen if entry[0] == best[0] > 0]
    note = None
    if len(rivals) > 1:
        first = "day" if best[2] == -_DAY_FIRST else "month"
        note = (
            f"Times can be read in two ways; the {first} was taken to come first. Write them as 2024-03-01 to be sure."
        )
    return ways[-best[2]], note


def _order(text: dict[Meaning, str]) -> str:
    return text.get(Meaning.ORDER, "CAST(NULL AS VARCHAR)")


def _amount(text: dict[Meaning, str]) -> str:
    if Meaning.AMOUNT in text:
        return amount_sql(text[Meaning.AMOUNT])
    return f"{amount_sql(text[Meaning.QUANTITY])} * {amount_sql(text[Meaning.PRICE])}"


def _is_cancelled(text: dict[Meaning, str]) -> str:
    return (
        f"coalesce(regexp_matches({text[Meaning.STATUS]}, '{_CANCELLED}'), false)"
        if Meaning.STATUS in text
        else "false"
    )


def _log(
    table: Table, columns: dict[Meaning, str], workspace: Workspace, left_out: dict[str, int], note: str | None
) -> OrderLog:
    """Return the orders that the judged lines make up.

    Without an order id, the lines of one customer at one moment are one order. A cancelled order whose amount is
    positive never came to be and is left out; a negative one is a refund.
    """
    database = workspace.database
    key = "coalesce(id, customer || '@' || moment)"
    good = "FROM judged WHERE fault IS NULL"
    lines = _number(workspace, "SELECT count(*) FROM log") + left_out.get("line cannot be split into columns", 0)
    by_order = Meaning.ORDER in columns and Meaning.QUANTITY not in columns
    distinct = _number(workspace, f"SELECT count(*) FROM (SELECT DISTINCT customer, id, moment, amount {good})")
    repeated = _number(workspace, f"SELECT count(*) {good}") - distinct if by_order else 0
    orders = _number(workspace, f"SELECT count(DISTINCT {key}) {good}")
    dropped = bool(repeated) and by_order and distinct == orders
    source = f"(SELECT DISTINCT customer, id, moment, amount, cancelled {good})" if dropped else f"(SELECT * {good})"
    cancelled = _number(workspace, f"SELECT count(*) FROM {source} WHERE cancelled AND amount > 0")
    if cancelled:
        left_out = {**left_out, "order was cancelled": cancelled}
    database.execute(
        f"CREATE TABLE purchase AS SELECT customer, {key} AS purchase, min(moment) AS moment,"
        f" round(sum(amount), 6) AS amount, count(*) AS lines, sum(amount * amount) AS squares FROM {source}"
        " WHERE NOT (cancelled AND amount > 0) GROUP BY ALL"
    )
    undone = _drop_undone(workspace)
    found = database.execute(
        "SELECT dense_rank() OVER (ORDER BY customer) - 1 AS customer, moment, amount, lines, squares FROM purchase"
        " ORDER BY moment, purchase"
    ).fetchnumpy()
    moment = np.asarray(found["moment"], dtype=np.int64)
    amount = np.asarray(found["amount"], dtype=np.float64)
    if not (amount.size and np.any(amount >= 0.0)):
        told = (
            "; ".join(f"{number:,} lines: {reason}" for reason, number in left_out.items())
            or "every amount is negative"
        )
        raise NoOrders(f"{table.name}: no line can be used as an order ({told}).")
    start = int(moment.min()) // DAY_MICROS
    customer = np.asarray(found["customer"], dtype=np.int64)
    counts = ReadCounts(
        file=table.name,
        columns={str(meaning): column for meaning, column in columns.items()},
        lines=lines,
        left_out=left_out,
        orders=int(np.count_nonzero(amount >= 0.0)),
        refund_orders=int(np.count_nonzero(amount < 0.0)),
        undone_orders=undone,
        zero_orders=int(np.count_nonzero(amount == 0.0)),
        repeated=repeated,
        repeated_dropped=dropped,
        customers=int(customer.max()) + 1,
        first=_day(int(moment.min())),
        last=_day(int(moment.max())),
        revenue=float(amount.sum()),
        note=note,
    )
    return OrderLog(
        counts,
        customer,
        moment // DAY_MICROS - start,
        amount,
        np.asarray(found["lines"], dtype=np.int64),
        np.asarray(found["squares"], dtype=np.float64),
    )


def _drop_undone(workspace: Workspace) -> int:
    """Drop orders that a later refund of the same customer and amount undoes, with that refund; return their number."""
    ranked = "row_number() OVER (PARTITION BY customer, abs(amount) ORDER BY moment, purchase) AS nth"
    workspace.database.execute(
        "CREATE TABLE undone AS SELECT bought.purchase AS bought, refund.purchase AS refunded FROM"
        f" (SELECT *, {ranked} FROM purchase WHERE amount > 0) AS bought JOIN"
        f" (SELECT *, {ranked} FROM purchase WHERE amount < 0) AS refund"
        " ON bought.customer = refund.customer AND bought.amount = -refund.amount AND bought.nth = refund.nth"
        " AND bought.moment <= refund.moment"
    )
    workspace.database.execute(
        "DELETE FROM purchase WHERE purchase IN (SELECT bought FROM undone UNION SELECT refunded FROM undone)"
    )
    return _number(workspace, "SELECT count(*) FROM undone")


def _number(workspace: Workspace, query: str) -> int:
    found = workspace.database.execute(query).fetchone()
    return int(found[0]) if found else 0


def _day(micros: int) -> date:
    return datetime.fromtimestamp(micros / 1e6, UTC).date()
