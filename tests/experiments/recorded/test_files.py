import gzip
import random
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from experiments.recorded.files import (
    DataFile,
    DataInvalid,
    FileKind,
    count_lines,
    digest,
    examined,
    positions,
    refuse_damaged,
)
from experiments.recorded.manifest_parts import CsvPart, Encoding


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\n1,2\n", ("a", "b")),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n", ("a", "b")),
        (b'"a","b ""c"""\n1,2\n', ("a", 'b "c"')),
        (b"a,B,b,a b\n", ("a", "B", "b", "a b")),
        (b"a", ("a",)),
    ],
)
def test_examined__csv__reads_the_header(tmp_path: Path, content: bytes, expected: tuple[str, ...]):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    file = examined(path, how=CsvPart())
    assert (file.kind, file.columns, file.name) == (FileKind.CSV, expected, "x.csv")


def test_examined__gzip_under_another_name__is_recognised(tmp_path: Path):
    path = tmp_path / "x.data"
    path.write_bytes(gzip.compress(b"a;b\n1;2\n"))
    file = examined(path, how=CsvPart(delimiter=";"))
    assert (file.kind, file.columns) == (FileKind.CSV_GZIP, ("a", "b"))


def test_examined__latin_1__reads_names_beyond_ascii(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_bytes("größe,b\n1,2\n".encode("latin-1"))
    assert examined(path, how=CsvPart(encoding=Encoding.LATIN1)).columns == ("größe", "b")


def test_examined__parquet__reads_the_columns_that_hold_single_values(tmp_path: Path):
    path = tmp_path / "x.parquet"
    parquet.write_table(pa.table({"id": [1, 2], "tags": [["a"], ["b"]], "x": [0.5, None]}), path)
    file = examined(path, how=CsvPart())
    assert (file.kind, file.columns) == (FileKind.PARQUET, ("id", "x"))


@pytest.mark.parametrize(
    ("content", "message", "fix"),
    [
        (b"", "is empty", "Export the data again"),
        (b"PK\x03\x04zip", "is a zip or zstd archive", "Unpack it"),
        (b"\n1,2\n", "line 1: is empty", "The first line must name the columns"),
        (b"\x1f\x8bnot really gzip", "cannot be unpacked", "Copy or export it again"),
        (b"PAR1 cut", "is not a whole Parquet file", "Export it again"),
    ],
)
def test_examined__unusable_file__says_what_to_do(tmp_path: Path, content: bytes, message: str, fix: str):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(DataInvalid, match=message) as caught:
        examined(path, how=CsvPart())
    assert caught.value.hint.startswith(fix)


@pytest.mark.parametrize("damage", ["cut", "changed", "whole"])
def test_refuse_damaged__packed_file__is_read_to_its_checksum(tmp_path: Path, damage: str):
    """DuckDB takes what it can read of such a file, which would be a smaller experiment."""
    dice = random.Random(1)
    packed = bytearray(gzip.compress(b"a,b\n" + b"".join(b"%d,1\n" % dice.randrange(10**9) for _ in range(99_999))))
    if damage == "changed":
        packed[len(packed) // 2] ^= 1
    path = tmp_path / "x.csv.gz"
    path.write_bytes(packed[: len(packed) // 2] if damage == "cut" else packed)
    file = DataFile(path, FileKind.CSV_GZIP, ("a", "b"))
    if damage == "whole":
        refuse_damaged(file)
        return
    with pytest.raises(DataInvalid, match=r"x\.csv\.gz: is cut off or damaged"):
        refuse_damaged(file)


def test_examined__missing_file__is_named(tmp_path: Path):
    with pytest.raises(DataInvalid, match=r"none\.csv: cannot be opened: No such file"):
        examined(tmp_path / "none.csv", how=CsvPart())


def test_positions__absent_column__lists_the_columns_and_offers_the_nearest(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_text("user_id,Group\n1,a\n")
    with pytest.raises(DataInvalid, match="line 1: there is no column 'group'; there are: user_id, Group") as caught:
        positions(examined(path, how=CsvPart()), ["user_id", "group"])
    assert caught.value.hint == "Correct the manifest: did you mean Group?"


def test_positions__wrong_delimiter__points_to_it(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_text("user_id;group\n1;a\n")
    with pytest.raises(DataInvalid) as caught:
        positions(examined(path, how=CsvPart()), ["group"])
    assert "csv.delimiter" in caught.value.hint


def test_positions__needed_column_twice__is_refused_and_unneeded_is_not(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_text("a,b,b\n1,2,3\n")
    file = examined(path, how=CsvPart())
    assert positions(file, ["a"]) == {"a": 0}
    with pytest.raises(DataInvalid, match="there are 2 columns 'b'"):
        positions(file, ["b"])


@pytest.mark.parametrize(("content", "lines"), [("a\n1\n2\n", 3), ("a\n1\n2", 3), ("a", 1)])
def test_count_lines__with_and_without_last_break__counts_the_last_line(tmp_path: Path, content: str, lines: int):
    path = tmp_path / "x.csv"
    path.write_text(content)
    assert count_lines(examined(path, how=CsvPart())) == lines


def test_digest__of_a_file__is_its_sha256(tmp_path: Path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert digest(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
