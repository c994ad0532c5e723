"""Rows of small files: which count, which are dropped or quarantined, and what a unit holds then."""

import gzip
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from experiments.recorded.counts import BadRow, Counts
from experiments.recorded.manifest import Manifest
from experiments.recorded.units import RecordedUnits, UnitRow, unit_rows
from tests.experiments.recorded.material import (
    FULL_COLUMNS,
    PLAIN,
    ROWS,
    full_manifest,
    make_manifest,
    recording_of,
    write_csv,
)

TOLERANT = {"tolerated_bad_share": 1}


def read(manifest: Manifest, *paths: Path) -> tuple[dict[str, UnitRow], RecordedUnits, list[BadRow]]:
    with recording_of(manifest, *paths) as recording:
        (part,) = recording.parts
        found, examples = recording.units(part)
        assert found.counts.add_up
        rows = {row.unit: row for row in unit_rows(found, hash_unit=lambda unit: f"#{unit}", hash_cluster=str.upper)}
    assert len(rows) == found.counts.rows_kept
    return rows, found, examples


def test_unit_rows__clean_data__hold_exact_totals_in_order(tmp_path: Path):
    rows, found, _ = read(full_manifest(), write_csv(tmp_path, *ROWS))
    assert rows["#u2"] == UnitRow(
        unit="#u2",
        variant=1,
        shown=1,
        occurred_at="2024-03-01T11:00:00.000000+00:00",
        cluster=None,
        dimensions='{"country":"UK"}',
        totals="{1,2,19990000,19990000,2}",
        covariates="{NULL}",
    )
    assert rows["#u1"].covariates == "{10500000}"
    assert rows["#u4"].dimensions == '{"country":null}'
    assert found.units == {"control": 2, "treatment": 2}
    assert found.counts == Counts(
        rows_read=4,
        rows_kept=4,
        first_at="2024-03-01T10:00:00.000000+00:00",
        last_at="2024-03-02T11:00:00.000000+00:00",
    )


def test_unit_rows__no_unit_column__every_row_is_a_unit_even_if_rows_are_equal(tmp_path: Path):
    manifest = make_manifest(columns={"variant": "arm"})
    rows, found, _ = read(manifest, write_csv(tmp_path, "u1,a,,,1,,,,", "u1,a,,,1,,,,", "u2,b,,,0,,,,"))
    assert sorted(rows) == ["row:1", "row:2", "row:3"]
    assert found.units == {"control": 2, "treatment": 1}


def test_unit_rows__item_units__stay_plain(tmp_path: Path):
    manifest = make_manifest(columns={"unit": "id", "variant": "arm", "unit_kind": "item"})
    rows, _, _ = read(manifest, write_csv(tmp_path, "u1,a,,,1,,,,", "u2,b,,,0,,,,"))
    assert sorted(rows) == ["u1", "u2"]


def test_settle__shown_differs_from_assigned__row_is_dropped_and_the_unit_keeps_its_clean_row(tmp_path: Path):
    path = write_csv(
        tmp_path,
        *ROWS,
        "u1,a,new,2024-02-01 10:00:00,1,9,9,,US",
        "u5,b,old,2024-02-01 10:00:00,1,9,9,,US",
    )
    rows, found, _ = read(full_manifest(), path)
    assert sorted(rows) == ["#u1", "#u2", "#u3", "#u4"]
    assert rows["#u1"].totals == "{0,0,0,0,0}"
    assert (found.counts.mismatched, found.counts.rows_kept) == (2, 4)


def test_settle__repeated_unit__first_by_time_then_by_row_counts(tmp_path: Path):
    path = write_csv(
        tmp_path,
        *ROWS,
        "u1,a,old,2024-03-01 09:59:59,1,1,7,,US",
        "u2,b,new,2024-03-01 11:00:00,0,0,0,,UK",
    )
    rows, found, _ = read(full_manifest(), path)
    assert rows["#u1"].totals == "{1,1,7000000,7000000,1}"
    assert rows["#u2"].totals == "{1,2,19990000,19990000,2}"
    assert (found.counts.duplicates, found.counts.rows_kept) == (2, 4)


def test_settle__unit_in_two_variants__is_a_crossover_and_excluded(tmp_path: Path):
    path = write_csv(
        tmp_path, *ROWS, "u1,b,new,2024-03-09 10:00:00,1,1,7,,US", "u1,b,new,2024-03-09 10:00:00,1,1,7,,US"
    )
    rows, found, _ = read(full_manifest(), path)
    assert sorted(rows) == ["#u2", "#u3", "#u4"]
    assert (found.counts.crossovers, found.counts.crossover_rows, found.counts.duplicates) == (1, 3, 0)


def test_settle__mismatch_would_make_a_crossover__is_none(tmp_path: Path):
    """Mismatches go first: what a unit was assigned to by mistake and never shown does not count against it."""
    _, found, _ = read(full_manifest(), write_csv(tmp_path, *ROWS, "u1,b,old,2024-03-09 10:00:00,1,1,7,,US"))
    assert (found.counts.mismatched, found.counts.crossovers, found.counts.rows_kept) == (1, 0, 4)


def test_settle__rows_in_any_order__give_the_same_units(tmp_path: Path):
    dice = random.Random(5)
    rows = [
        f"u{dice.randrange(60)},{dice.choice('ab')},{dice.choice(['old', 'new'])},2024-03-01 10:{index // 60:02d}:"
        f"{index % 60:02d},{dice.randrange(2)},{dice.randrange(3)},{dice.randrange(900) / 100},,US"
        for index in range(400)
    ]
    expected, found, _ = read(full_manifest(), write_csv(tmp_path, *rows))
    assert found.counts.mismatched > 0
    assert found.counts.duplicates > 0
    assert found.counts.crossovers > 0
    dice.shuffle(rows)
    again, shuffled, _ = read(full_manifest(), write_csv(tmp_path, *rows, name="shuffled.csv"))
    assert again == expected
    assert shuffled.counts == found.counts


@pytest.mark.parametrize(
    ("row", "reason", "column", "value"),
    [
        ("u9,,old,2024-03-01,0,0,0,,US", "MISSING_VARIANT", "arm", None),
        ("u9,c,old,2024-03-01,0,0,0,,US", "UNKNOWN_VARIANT", "arm", "c"),
        ("u9, a,old,2024-03-01,0,0,0,,US", "UNKNOWN_VARIANT", "arm", " a"),
        (",a,old,2024-03-01,0,0,0,,US", "MISSING_UNIT", "id", None),
        ("u9,a,,2024-03-01,0,0,0,,US", "MISSING_SHOWN", "page", None),
        ("u9,a,blue,2024-03-01,0,0,0,,US", "UNKNOWN_SHOWN", "page", "blue"),
        ("u9,a,old,,0,0,0,,US", "UNREADABLE_TIME", "at", None),
        ("u9,a,old,yesterday,0,0,0,,US", "UNREADABLE_TIME", "at", "yesterday"),
        ("u9,a,old,infinity,0,0,0,,US", "UNREADABLE_TIME", "at", "infinity"),
        ("u9,a,old,0044-03-15 (BC),0,0,0,,US", "UNREADABLE_TIME", "at", "0044-03-15 (BC)"),
        ("u9,a,old,20240-03-01,0,0,0,,US", "UNREADABLE_TIME", "at", "20240-03-01"),
        (f"{'u' * 2001},a,old,2024-03-01,0,0,0,,US", "UNREADABLE_ID", "id", None),
        ("u9,a,old,2024-03-01,,0,0,,US", "MISSING_VALUE", "converted", None),
        ("u9,a,old,2024-03-01,2,0,0,,US", "NOT_BINARY", "converted", "2"),
        ("u9,a,old,2024-03-01,0,one,0,,US", "NOT_A_NUMBER", "orders", "one"),
        ("u9,a,old,2024-03-01,0,1.5,0,,US", "NOT_WHOLE", "orders", "1.5"),
        ("u9,a,old,2024-03-01,0,-1,0,,US", "NEGATIVE_COUNT", "orders", "-1"),
        ("u9,a,old,2024-03-01,0,0,$5,,US", "NOT_A_NUMBER", "revenue", "$5"),
        ("u9,a,old,2024-03-01,0,0,10000000000000,,US", "MONEY_OVERFLOW", "revenue", "10000000000000"),
        ("u9,a,old,2024-03-01,0,0,0,abc,US", "NOT_A_NUMBER", "before", "abc"),
        ("u9,a\x00,old,2024-03-01,0,0,0,,US", "UNKNOWN_VARIANT", "arm", "a\x00"),
        ("u9\x00,a,old,2024-03-01,0,0,0,,US", "UNREADABLE_ID", "id", None),
    ],
)
def test_settle__bad_row__is_quarantined_with_its_reason_and_line(
    tmp_path: Path, row: str, reason: str, column: str, value: str | None
):
    rows, found, examples = read(full_manifest(**TOLERANT), write_csv(tmp_path, *ROWS[:2], row, *ROWS[2:]))
    assert sorted(rows) == ["#u1", "#u2", "#u3", "#u4"]
    assert found.counts.quarantined == {reason: 1}
    assert examples == [BadRow("data.csv", 3, 4, reason, column, value)]


def test_settle__missing_zero__counts_an_empty_value_as_nothing(tmp_path: Path):
    outcomes = [
        PLAIN["outcomes"][0],
        {"name": "r", "kind": "money", "column": "revenue", "role": "SECONDARY", "missing": "zero"},
    ]
    rows, _, _ = read(make_manifest(outcomes=outcomes), write_csv(tmp_path, "u1,a,,,1,,,,", "u2,b,,,0,,2.5,,"))
    assert {unit: row.totals for unit, row in rows.items()} == {"#u1": "{1,0}", "#u2": "{0,2500000}"}


def test_settle__null_tokens__mean_that_nothing_is_known(tmp_path: Path):
    path = write_csv(
        tmp_path,
        "u1,a,old,2024-03-01,0,0,0,NA,n/a",
        "u2,b,new,2024-03-01,NA,0,0,1,US",
        "u3,b,new,2024-03-01,1,0,0,1,US",
    )
    rows, found, _ = read(full_manifest(null_tokens=["NA", "n/a"], **TOLERANT), path)
    assert (rows["#u1"].covariates, rows["#u1"].dimensions) == ("{NULL}", '{"country":null}')
    assert found.counts.quarantined == {"MISSING_VALUE": 1}


@pytest.mark.parametrize(
    ("written", "columns", "expected"),
    [
        ("2024-07-01 12:00:00", {}, "2024-07-01T12:00:00.000000+00:00"),
        ("2024-07-01 12:00:00.123456", {}, "2024-07-01T12:00:00.123456+00:00"),
        ("2024-07-01T12:00:00Z", {}, "2024-07-01T12:00:00.000000+00:00"),
        ("2024-07-01T12:00:00+08:00", {}, "2024-07-01T04:00:00.000000+00:00"),
        ("2024-07-01", {}, "2024-07-01T00:00:00.000000+00:00"),
        ("2024-07-01 12:00:00", {"time_zone": "Asia/Shanghai"}, "2024-07-01T04:00:00.000000+00:00"),
        ("2024-01-01 12:00:00", {"time_zone": "Europe/Berlin"}, "2024-01-01T11:00:00.000000+00:00"),
        ("2024-07-01 12:00:00", {"time_zone": "Europe/Berlin"}, "2024-07-01T10:00:00.000000+00:00"),
        ("2024-07-01T12:00:00+02:00", {"time_zone": "Asia/Shanghai"}, "2024-07-01T10:00:00.000000+00:00"),
        ("01/07/2024 12:00", {"time_format": "%d/%m/%Y %H:%M"}, "2024-07-01T12:00:00.000000+00:00"),
        (
            "01/07/2024 12:00 +0200",
            {"time_format": "%d/%m/%Y %H:%M %z", "time_zone": "Asia/Shanghai"},
            "2024-07-01T10:00:00.000000+00:00",
        ),
    ],
)
def test_settle__times__are_read_in_their_zone(tmp_path: Path, written: str, columns: dict[str, str], expected: str):
    path = write_csv(tmp_path, f"u1,a,old,{written},0,0,0,,", f"u2,b,new,{written},0,0,0,,")
    rows, _, _ = read(full_manifest(columns={**FULL_COLUMNS, **columns}), path)
    assert rows["#u1"].occurred_at == expected


def test_settle__clusters__keep_unit_rows_and_drop_clusters_in_two_variants(tmp_path: Path):
    manifest = make_manifest(columns={"variant": "arm", "cluster": "country"})
    path = write_csv(
        tmp_path,
        "u1,a,,,1,,,,s1",
        "u2,a,,,0,,,,s1",
        "u3,b,,,1,,,,s2",
        "u4,a,,,1,,,,s3",
        "u5,b,,,1,,,,s3",
        "u6,b,,,1,,,,s4",
    )
    rows, found, _ = read(manifest, path)
    assert {unit: (row.cluster, row.totals) for unit, row in rows.items()} == {
        "row:1": ("S1", "{1,1}"),
        "row:2": ("S1", "{0,1}"),
        "row:3": ("S2", "{1,1}"),
        "row:6": ("S4", "{1,1}"),
    }
    assert found.units == {"control": 1, "treatment": 2}
    assert (found.counts.crossovers, found.counts.crossover_rows) == (1, 2)


def test_load__parquet_and_gzip_of_the_same_rows__give_the_same_units(tmp_path: Path):
    plain = write_csv(tmp_path, *ROWS)
    packed = tmp_path / "data.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    table: dict[str, list[Any]] = {
        "id": ["u1", "u2", "u3", "u4"],
        "arm": ["a", "b", "a", "b"],
        "page": ["old", "new", "old", "new"],
        "at": pa.array([1709287200, 1709290800, 1709373600, 1709377200], pa.timestamp("s")),
        "converted": [False, True, True, False],
        "orders": [0, 2, 1, 0],
        "revenue": [0.0, 19.99, 5.0, 0.0],
        "before": [10.5, None, 0.0, 3.25],
        "country": ["US", "UK", "US", None],
    }
    columnar = tmp_path / "data.parquet"
    parquet.write_table(pa.table(table), columnar)
    expected, _, _ = read(full_manifest(), plain)
    assert read(full_manifest(), packed)[0] == expected
    assert read(full_manifest(), columnar)[0] == expected


def test_load__several_files__are_one_after_the_other_and_name_themselves(tmp_path: Path):
    variants = [
        {"key": "control", "control": True, "recorded": ["old.csv"]},
        {"key": "treatment", "recorded": ["new.csv"]},
    ]
    manifest = make_manifest(columns={"variant": "$file"}, variants=variants, **TOLERANT)
    old = write_csv(tmp_path, "u1,,,,1,,,,", "u2,,,,0,,,,", name="old.csv")
    new = write_csv(tmp_path, "1,u3", "2,u4", name="new.csv", header="converted,id")
    rows, found, examples = read(manifest, old, new)
    assert {unit: row.variant for unit, row in rows.items()} == {"row:1": 0, "row:2": 0, "row:3": 1}
    assert found.counts.quarantined == {"NOT_BINARY": 1}
    assert examples == [BadRow("new.csv", 2, 3, "NOT_BINARY", "converted", "2")]


def test_load__names_that_sql_could_stumble_over__are_read(tmp_path: Path):
    header = """i'd,"a ""r"" m",SELECT *; --,héé"""
    folder = tmp_path / "it's [1] *"
    folder.mkdir()
    path = write_csv(folder, "u'1,a'; --,1,x", "u2,ünï,0,y", header=header, name="d'[x].csv")
    manifest = make_manifest(
        columns={"unit": "i'd", "variant": 'a "r" m'},
        variants=[
            {"key": "control", "control": True, "recorded": ["a'; --"]},
            {"key": "treatment", "recorded": ["ünï"]},
        ],
        outcomes=[{**PLAIN["outcomes"][0], "column": "SELECT *; --"}],
        dimensions=["héé"],
    )
    rows, _, _ = read(manifest, path)
    assert {unit: row.dimensions for unit, row in rows.items()} == {"#u'1": '{"héé":"x"}', "#u2": '{"héé":"y"}'}


def test_load__many_rows__keeps_the_order_of_the_file(tmp_path: Path):
    """Row numbers come from the order of storage; this file is read by several threads."""
    count = 200_000
    lines = [f"id{index},{'ab'[index % 2]},,,{index % 3 % 2},,,,{'x' * 40}" for index in range(count)]
    lines[150_000] = "id150000,a,,,maybe,,,,"
    manifest = make_manifest(columns={"unit": "id", "variant": "arm"}, dimensions=["country"])
    with recording_of(manifest, write_csv(tmp_path, *lines)) as recording:
        (part,) = recording.parts
        _, examples = recording.units(part)
        wrong = recording.loaded.workspace.database.execute(
            "SELECT count(*) FROM judged WHERE unit <> 'id' || rowid"
        ).fetchone()
    assert wrong == (0,)
    assert [(example.row, example.line) for example in examples] == [(150_001, 150_002)]
