"""Files of units in, files of assignments out."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from experiments.assignment.engine import assign
from experiments.assignment.snapshot import Snapshot
from experiments.bulk import run
from experiments.bulk.columns import Attribute, AttributeKind, ColumnUnusable
from experiments.bulk.exposures import ExposuresUnavailable
from experiments.bulk.frames import Layout
from experiments.bulk.reading import TableUnreadable
from experiments.bulk.run import NothingToAssign, Request, Summary, assign_file
from tests.experiments.assignment.builders import AT, compiled, experiment

AUDIENCE = {
    "all": [{"attribute": "country", "op": "eq", "value": "DE"}, {"attribute": "orders", "op": "gte", "value": 2}]
}
ATTRIBUTES = (Attribute("country"), Attribute("orders", AttributeKind.NUMBER))
ROWS = [(f"u-{number:03d}", ("DE", "CN", "")[number % 3], number % 5) for number in range(50)]


def bundle() -> Snapshot:
    return compiled(experiment(1, audience=AUDIENCE), experiment(2), experiment(3, unit_kind="store"))


def done(source: Path, output: Path, **changes: Any) -> Summary:
    layout = {"unit_kind": "visitor", "id_column": "id", "attributes": ATTRIBUTES} | changes.pop("layout", {})
    request = Request(
        **{"source": source, "layout": Layout(**layout), "at": AT, "keys": None, "output": output, **changes}
    )
    return assign_file(request, bundle(), progress=lambda rows: None)


def written(
    path: Path, rows: list[tuple[Any, ...]] = ROWS, heading: tuple[str, ...] = ("id", "country", "orders")
) -> Path:
    if path.suffix == ".parquet":
        columns = [[None if value == "" else value for value in column] for column in zip(*rows, strict=True)]
        parquet.write_table(pa.table(dict(zip(heading, columns, strict=True))), path)
        return path
    text = "\ufeff" + "\n".join(",".join(map(str, row)) for row in [heading, *rows]) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def expected(unit: str, country: str, orders: int) -> list[tuple[Any, ...]]:
    attributes = {"orders": orders} | ({"country": country} if country else {})
    answers = assign({"visitor": unit}, attributes, AT, None, bundle(), keys=["experiment-1", "experiment-2"])
    return [(a.variant, a.enrolled, a.reason.value, a.epoch, a.probability, *a.slots) for a in answers]


@pytest.mark.parametrize("name", ["units.csv", "units.csv.gz", "units.parquet"])
def test_assign_file__csv_and_parquet__give_what_the_engine_gives(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MOST_CELLS", 14)
    summary = done(written(tmp_path / name), tmp_path / "out.parquet")

    table = parquet.read_table(tmp_path / "out.parquet")
    assert table["id"].to_pylist() == [row[0] for row in ROWS]
    names = ("variant", "enrolled", "reason", "epoch", "probability", "layer_slot", "coverage_slot", "variant_slot")
    for number in (1, 2):
        columns = [table[f"experiment-{number}.{name}"].to_pylist() for name in names]
        assert list(zip(*columns, strict=True)) == [expected(*row)[number - 1] for row in ROWS]
    assert (summary.rows, summary.repeated, summary.marked) == (50, 0, 0)
    assert sum(rows for (key, *_), rows in summary.counts.items() if key == "experiment-1") == 50
    assert summary.counts["experiment-1", "control", False, "AUDIENCE"] > 0


def test_assign_file__csv_out__says_the_same_and_calculates_nothing(tmp_path: Path) -> None:
    source = tmp_path / "units.csv"
    source.write_text('id,n\n"=1+1",1\n@x,2\n007,3\n"with, comma\nand line",4\n')
    summary = done(source, tmp_path / "out.csv", layout={"attributes": ()}, keys=["experiment-2"])

    with (tmp_path / "out.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["id"] for row in rows] == ["'=1+1", "'@x", "007", "with, comma\nand line"]
    (first,) = assign({"visitor": "=1+1"}, {}, AT, None, bundle(), keys=["experiment-2"])
    assert (rows[0]["experiment-2.variant"], rows[0]["experiment-2.enrolled"]) == (first.variant, "true")
    assert rows[0]["experiment-2.layer_slot"] == ""
    assert summary.marked == 2


def test_assign_file__repeated_and_missing_ids__are_counted_and_answered(tmp_path: Path) -> None:
    source = written(tmp_path / "units.csv", [("a", "", ""), ("b", "", ""), ("a", "", ""), ("", "", ""), ("", "", "")])
    summary = done(source, tmp_path / "out.csv", keys=["experiment-2"])

    assert summary.repeated == 1
    assert summary.counts["experiment-2", "control", False, "UNIT_MISSING"] == 2


def test_assign_file__file_without_rows__has_the_headings(tmp_path: Path) -> None:
    source = written(tmp_path / "units.csv", [])
    assert done(source, tmp_path / "out.csv", keys=["experiment-2"]).rows == 0
    assert (tmp_path / "out.csv").read_text().startswith("id,experiment-2.variant,experiment-2.enrolled,")


def test_assign_file__exposures__are_batches_of_those_enrolled(tmp_path: Path) -> None:
    summary = done(
        written(tmp_path / "units.csv"),
        tmp_path / "out.csv",
        keys=["experiment-1"],
        exposures=tmp_path / "exposures.jsonl",
    )

    enrolled = [row for row in ROWS if expected(*row)[0][1]]
    messages = [m for line in (tmp_path / "exposures.jsonl").open() for m in json.loads(line)["batch"]]
    assert summary.messages == len(messages) == len(enrolled) > 0
    assert len({message["messageId"] for message in messages}) == len(messages)
    for message, row in zip(messages, enrolled, strict=True):
        assert message | {"messageId": ""} == {
            "type": "track",
            "messageId": "",
            "anonymousId": row[0],
            "event": "Experiment Viewed",
            "timestamp": "2026-06-01T00:00:00Z",
            "properties": {
                "experiment": "experiment-1",
                "variant": expected(*row)[0][0],
                "attributes": {"country": "DE", "orders": row[2]},
            },
        }
    again = tmp_path / "again.jsonl"
    done(tmp_path / "units.csv", tmp_path / "out.csv", keys=["experiment-1"], exposures=again)
    assert again.read_text() == (tmp_path / "exposures.jsonl").read_text()


def test_assign_file__sticky_column__keeps_what_units_met(tmp_path: Path) -> None:
    source = written(tmp_path / "units.csv", [("a", "arm-1"), ("b", "")], ("id", "met"))
    layout = {"attributes": (), "sticky": {"experiment-2": "met"}}
    summary = done(source, tmp_path / "out.csv", layout=layout, keys=["experiment-2"])

    assert summary.counts["experiment-2", "arm-1", True, "STICKY"] == 1
    assert sum(rows for (*_, reason), rows in summary.counts.items() if reason == "SPLIT") == 1


@pytest.mark.parametrize(
    ("name", "content", "changes", "error", "said"),
    [
        ("units.csv", b"id,country,orders\na,DE,many\n", {}, ColumnUnusable, "Row 2, column 'orders'"),
        ("units.csv", b"id,countri,orders\na,DE,1\n", {}, TableUnreadable, "no column 'country'"),
        ("units.csv", b"id,id,country,orders\na,a,DE,1\n", {}, TableUnreadable, "2 columns 'id'"),
        ("units.csv", b"id,country,orders\na,DE\n", {}, TableUnreadable, "Expected 3 columns"),
        ("units.csv", b"id,country,orders\n\xff\xfe,DE,1\n", {}, TableUnreadable, "UTF8"),
        ("units.csv", b"", {}, TableUnreadable, "mpty"),
        ("units.csv.gz", b"no gzip", {}, TableUnreadable, "units.csv.gz"),
        ("units.parquet", b"no parquet", {}, TableUnreadable, "units.parquet"),
        ("units.xlsx", b"id", {}, TableUnreadable, "ends neither"),
        ("units.csv", None, {}, TableUnreadable, "no such file"),
        ("units.csv", b"id,country,orders\na,DE,1\n", {"keys": ["gone"]}, NothingToAssign, "not in the bundle"),
        (
            "units.csv",
            b"id,country,orders\na,DE,1\n",
            {"keys": ["experiment-3"]},
            NothingToAssign,
            "not randomise visitor",
        ),
        ("units.csv", b"id,country,orders\na,DE,1\n", {"layout": {"unit_kind": "item"}}, NothingToAssign, "item units"),
    ],
)
def test_assign_file__bad_input__is_told_and_changes_no_file(
    name: str, content: bytes | None, changes: dict[str, Any], error: type[Exception], said: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    output = tmp_path / "out.csv"
    output.write_text("as it was")

    with pytest.raises(error, match=said):
        done(tmp_path / name, output, **changes)
    assert output.read_text() == "as it was"
    assert {path.name for path in tmp_path.iterdir()} <= {name, "out.csv"}


def test_assign_file__parquet_with_numbers_as_ids__is_refused(tmp_path: Path) -> None:
    source = written(tmp_path / "units.parquet", [(1, "DE", 1), (2, "CN", 2)])
    with pytest.raises(ColumnUnusable, match="ids are texts"):
        done(source, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_assign_file__exposures_of_stores__are_refused(tmp_path: Path) -> None:
    source = written(tmp_path / "units.csv")
    with pytest.raises(ExposuresUnavailable):
        done(source, tmp_path / "out.csv", layout={"unit_kind": "store"}, exposures=tmp_path / "e.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["units.csv"]


def test_assign_file__output_that_cannot_be_written__is_told(tmp_path: Path) -> None:
    source = written(tmp_path / "units.csv")
    with pytest.raises(TableUnreadable, match="cannot be written"):
        done(source, tmp_path / "nowhere" / "out.csv")
    with pytest.raises(TableUnreadable, match="ends neither"):
        done(source, tmp_path / "out.txt")
