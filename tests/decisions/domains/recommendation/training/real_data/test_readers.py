"""Recorded logs as they are read: small files of the same form, and the files themselves where they are."""

import gzip
from pathlib import Path

import duckdb
import numpy as np
import pytest

from decisions.domain_reports import RecordedDataMissing
from decisions.domains.recommendation.training.real_data import msweb, online_retail

RETAIL = """
    COPY (SELECT * FROM (VALUES
        ('1', 'B', 'tea pot', 2, '2011-01-05 10:00:00', 1.5, 7.0),
        ('1', 'A', 'mug', 1, '2011-01-05 10:00:00', 2.0, 7.0),
        ('2', 'A', 'mug red', 1, '2011-01-04 09:00:00', 2.0, 12.0),
        ('3', 'A', 'mug', 1, '2011-01-06 09:00:00', 2.0, 12.0),
        ('3', 'C', NULL, 1, '2011-01-06 09:00:00', 2.0, 12.0),
        ('C4', 'A', 'mug', -1, '2011-01-07 09:00:00', 2.0, 12.0),
        ('5', 'D', 'gift', 1, '2011-01-07 09:00:00', 0.0, 12.0),
        ('6', 'D', 'gift', 1, '2011-01-07 09:00:00', 1.0, NULL)
    ) AS lines(InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID))
    TO '{}' (FORMAT parquet)
"""
VISITS = """I,4,"www.microsoft.com","created by getlog.pl"
A,1287,1,"International AutoRoute","/autoroute"
A,1288,1,"library","/library"
A,1100,1,"caf\xe9","/cafe"
C,"10001",10001
V,1287,1
V,1288,1
V,1100,1
C,"10002",10002
V,1288,1
C,"10003",10003
V,1100,1
V,1288,1
"""


def retail(path: Path, statement: str = RETAIL) -> Path:
    duckdb.execute(statement.format(path))
    return path


def test_online_retail__lines_of_known_customers__are_read_in_the_order_of_time(tmp_path: Path):
    log = online_retail.read(retail(tmp_path / "x.parquet"))
    assert log.item_ids == ("A", "B", "C")
    assert log.titles == ("mug", "tea pot", "")
    assert [(int(unit), int(item)) for unit, item in zip(log.units, log.items, strict=True)] == [
        (0, 0),
        (1, 0),
        (1, 1),
        (0, 0),
        (0, 2),
    ]
    assert log.start.isoformat() == "2011-01-04T09:00:00+00:00"


def test_online_retail__another_file__is_refused(tmp_path: Path):
    other = tmp_path / "other.parquet"
    duckdb.execute(f"COPY (SELECT 1 AS x) TO '{other}' (FORMAT parquet)")
    text = tmp_path / "text.parquet"
    text.write_text("no parquet")
    nobody = retail(tmp_path / "nobody.parquet", RETAIL.replace("7.0)", "NULL)").replace("12.0)", "NULL)"))
    for path in (other, text, nobody, tmp_path / "missing.parquet"):
        with pytest.raises(RecordedDataMissing):
            online_retail.read(path)


def visits(path: Path, text: str = VISITS) -> Path:
    path.write_bytes(gzip.compress(text.encode("latin-1")))
    return path


def test_msweb__visits__belong_to_the_person_before_them(tmp_path: Path):
    titles, units, items = msweb.read(visits(tmp_path / "x.gz"))
    assert titles == {"1100": "café", "1287": "International AutoRoute", "1288": "library"}
    assert units.tolist() == [0, 0, 0, 1, 2, 2]
    assert items.tolist() == [1, 2, 0, 2, 0, 2]


def test_msweb__one_visit_of_each_is_judged_by__and_another_of_those_with_three_tunes():
    units = np.repeat([0, 1, 2], [3, 1, 2])
    items = np.array([1, 2, 0, 2, 0, 2])
    log, stages = msweb.log_of({"a": "x", "b": "y", "c": "z"}, units, items, seed=1)
    assert stages.tolist() == [0, 0, 0, 1, 2, 2]
    assert log.units[stages == 2].tolist() == [0, 2]
    assert log.units[stages == 1].tolist() == [0]
    pairs = sorted(zip(log.units.tolist(), log.items.tolist(), strict=True))
    assert pairs == sorted(zip(units.tolist(), items.tolist(), strict=True))
    other, _ = msweb.log_of({"a": "x", "b": "y", "c": "z"}, units, items, seed=1)
    assert other.items.tolist() == log.items.tolist()


def test_msweb__the_tuning__never_sees_what_is_judged_by(tmp_path: Path):
    rng = np.random.default_rng(4)
    lines = [f'A,{area},1,"area {area}","/{area}"' for area in range(1000, 1020)]
    for person in range(200):
        lines.append(f'C,"{person}",{person}')
        lines += [f"V,{area},1" for area in rng.choice(np.arange(1000, 1020), rng.integers(1, 7), replace=False)]
    split = msweb.split(visits(tmp_path / "x.gz", "\n".join(lines)), quick=False)
    test, validation = split.test, split.validation
    assert all(len(user.targets) == 1 for user in (*test.held_out, *validation.held_out))
    judged = len(test.log.at) - test.train_rows
    assert len(test.held_out) == judged
    assert len(validation.log.at) == test.train_rows


def test_msweb__another_file__is_refused(tmp_path: Path):
    (tmp_path / "text.gz").write_text("no gzip")
    cases = {
        "none.gz": "A,1,1,x,y\n",
        "stranger.gz": 'A,1,1,"x","/x"\nC,"1",1\nV,2,1\n',
        "nobody.gz": 'A,1,1,"x","/x"\nV,1,1\n',
    }
    paths = [visits(tmp_path / name, text) for name, text in cases.items()]
    for path in (*paths, tmp_path / "text.gz", tmp_path / "missing.gz"):
        with pytest.raises(RecordedDataMissing):
            msweb.read(path)


def test_online_retail__the_real_file__has_the_published_counts(real_data: Path):
    log = online_retail.read(real_data / online_retail.FILE)
    assert (len(log.at), log.unit_count, len(log.item_ids)) == (397_884, 4_338, 3_665)
    assert log.titles[log.item_ids.index("85123A")] == "WHITE HANGING HEART T-LIGHT HOLDER"


def test_msweb__the_real_file__has_the_published_counts(real_data: Path):
    titles, units, items = msweb.read(real_data / msweb.FILE)
    assert (len(titles), len(np.unique(units)), len(units), len(np.unique(items))) == (294, 32_711, 98_654, 285)
