"""Order logs of many shapes become the same orders; what cannot be used is counted, with the reason."""

import gzip
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest

from experiments.recorded.files import DataInvalid
from experiments.recorded.workspace import opened_workspace
from experiments.trial.names import ColumnsUnclear, Meaning, column_for
from experiments.trial.orders import NoOrders, OrderLog, read_orders
from tests.experiments.trial.material import write_lines

Reader = Callable[[Path], OrderLog]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    def run(path: Path) -> OrderLog:
        with opened_workspace(tmp_path / "work") as workspace:
            return read_orders(path, workspace)

    return run


PLAIN = ("order_id,customer_id,created_at,amount", "1,ann,2024-03-01 10:00:00,10.50", "2,bob,2024-03-02 11:00:00,20")


def is_plain(log: OrderLog) -> None:
    assert (log.counts.orders, log.counts.customers, log.counts.lines) == (2, 2, 2)
    assert (log.counts.first, log.counts.last) == (date(2024, 3, 1), date(2024, 3, 2))
    assert sorted(log.amount) == [10.5, 20.0]
    assert log.days == 2


@pytest.mark.parametrize(
    ("lines", "encoding"),
    [
        (PLAIN, "utf-8"),
        (PLAIN, "utf-8-sig"),
        (PLAIN, "utf-16"),
        (tuple(line.replace(",", ";") for line in PLAIN), "utf-8"),
        (tuple(line.replace(",", "\t") for line in PLAIN), "latin-1"),
        (
            ("客户ID,下单时间,订单金额(元),订单号", "安,2024/03/01 10:00:00,¥10.50,1", "伯,2024/3/2 11:00:00,￥20,2"),
            "gb18030",
        ),
        (("买家昵称,付款时间,实付金额,订单编号", "安,2024年03月01日,10.50,1", "伯,2024年3月2日,20,2"), "utf-8"),
        (("InvoiceNo;Customer ID;InvoiceDate;Total", "1;a;01.03.2024;10,50", "2;b;02.03.2024 11:00;20,00"), "utf-8"),
        (("order,user id,date,revenue", "1,a,3/1/2024,$10.50", "2,b,3/2/2024,USD 20"), "utf-8"),
        ((" customer_id  date   n dollar_value", " 1 20240301  1  10.50", " 2 20240302  2  20.00"), "utf-8"),
        (("orderid,uid,timestamp,total", "1,a,1709287200,10.5", "2,b,1709373600,20"), "utf-8"),
    ],
)
def test_read_orders__any_writing__gives_the_same_orders(tmp_path: Path, read: Reader, lines, encoding):
    is_plain(read(write_lines(tmp_path / "log.csv", *lines, encoding=encoding)))


def test_read_orders__gzip_and_parquet__are_read_too(tmp_path: Path, read: Reader):
    packed = tmp_path / "log.csv.gz"
    packed.write_bytes(gzip.compress("\n".join(PLAIN).encode()))
    is_plain(read(packed))
    source = write_lines(tmp_path / "log.csv", *PLAIN)
    duckdb.execute(f"COPY (FROM '{source}') TO '{tmp_path / 'log.parquet'}' (FORMAT parquet)")
    is_plain(read(tmp_path / "log.parquet"))


def test_read_orders__lines_with_quantity_and_price__are_added_up_to_orders(tmp_path: Path, read: Reader):
    log = read(
        write_lines(
            tmp_path / "lines.csv",
            "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID",
            "7,A,2,2024-03-01 10:00:00,1.50,ann",
            "7,B,1,2024-03-01 10:00:00,4,ann",
            "C8,A,-1,2024-03-03 10:00:00,1.50,ann",
            "9,A,4,2024-03-04 10:00:00,2.50,bob",
            "C9,A,-4,2024-03-05 10:00:00,2.50,bob",
        )
    )
    # bob's order was taken back in full: both are gone; ann's refund of one piece reduces her revenue
    assert log.amount.tolist() == [7.0, -1.5]
    assert log.is_order.tolist() == [True, False]
    assert (log.counts.orders, log.counts.refund_orders, log.counts.undone_orders) == (1, 1, 1)
    assert (log.line_count.tolist(), log.line_squares.tolist()) == ([2, 1], [25.0, 2.25])


def test_read_orders__lines_that_cannot_be_used__are_counted_with_their_reason(tmp_path: Path, read: Reader):
    log = read(
        write_lines(
            tmp_path / "log.csv",
            "order_id,customer_id,created_at,amount,status",
            "1,ann,2024-03-01,10,paid",
            "1,ann,2024-03-01,10,paid",
            "2,,2024-03-01,10,paid",
            "3,bob,yesterday,10,paid",
            "4,bob,2024-03-02,ten,paid",
            "5,bob,2024-03-02,1e12,paid",
            "6,bob,1970-01-01,5,paid",
            "7,bob,2024-03-02,30,cancelled",
            "8,bob,2024-03-02,0,paid",
            "9,bob,2024-03-02",
        )
    )
    assert log.counts.lines == 10
    assert log.counts.left_out == {
        "no customer": 1,
        "time cannot be read": 1,
        "amount cannot be read": 1,
        "amount is beyond 1 000 000 000": 1,
        "time is not between 1990 and 2099": 1,
        "order was cancelled": 1,
        "line cannot be split into columns": 1,
    }
    assert (log.counts.orders, log.counts.zero_orders) == (2, 1)
    assert (log.counts.repeated, log.counts.repeated_dropped) == (1, True)
    assert np.sort(log.amount).tolist() == [0.0, 10.0]


def test_read_orders__missing_column__says_which_and_how_to_name_it(tmp_path: Path, read: Reader):
    path = write_lines(tmp_path / "log.csv", "order_id,created_at,amount", "1,2024-03-01,10")
    with pytest.raises(
        ColumnsUnclear, match=r"log\.csv: no column holds the customer or visitor; there are: order_id,"
    ):
        read(path)
    path = write_lines(tmp_path / "log.csv", "customer,created_at,quantity", "a,2024-03-01,10")
    with pytest.raises(ColumnsUnclear, match="no column holds the amount") as unclear:
        read(path)
    assert "单价" in unclear.value.hint


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("customer,date,amount", "a,2024-03-01,-5"), "every amount is negative"),
        (("customer,date,amount", "a,soon,5"), "1 lines: time cannot be read"),
        (("customer,date,amount",), "no line can be used"),
    ],
)
def test_read_orders__no_order_at_all__is_refused(tmp_path: Path, read: Reader, lines, told):
    with pytest.raises(NoOrders, match=told):
        read(write_lines(tmp_path / "log.csv", *lines))


def test_read_orders__no_table__is_refused_with_what_to_do(tmp_path: Path, read: Reader):
    with pytest.raises(DataInvalid, match="cannot be opened"):
        read(tmp_path / "none.csv")
    with pytest.raises(DataInvalid, match="there is one column only"):
        read(write_lines(tmp_path / "log.csv", "orders", "1"))
    (tmp_path / "log.csv").write_bytes(b"")
    with pytest.raises(DataInvalid, match="is empty"):
        read(tmp_path / "log.csv")
    (tmp_path / "log.csv").write_bytes(b"a,b\0c\n\0\0")
    with pytest.raises(DataInvalid, match="is no text"):
        read(tmp_path / "log.csv")


def test_column_for__several_candidates__takes_the_likeliest():
    columns = ("id", "Date", "Order Date", "Total (EUR)", "Amount")
    assert column_for(Meaning.TIME, columns) == "Order Date"
    assert column_for(Meaning.AMOUNT, columns) == "Amount"
    assert column_for(Meaning.VARIANT, columns) is None
