"""Data files as they come: their format, their columns, and the DuckDB expression that reads them as text."""

import csv
import gzip
import hashlib
import io
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
from pyarrow import parquet

from experiments.recorded.faults import did_you_mean
from experiments.recorded.manifest_parts import FILE_NAME, CsvPart
from foundation.errors import DomainError

LONGEST_LINE = 2_000_000
_CHUNK = 1 << 20


class DataInvalid(DomainError):
    """The data cannot be read as the manifest says; the message names file, line and column."""

    code = "DATA_INVALID"
    hint = "Mend the data or the manifest and import again; nothing was changed."


class FileKind(StrEnum):
    """How a data file is stored."""

    CSV = "csv"
    CSV_GZIP = "csv.gz"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file that exists and can be opened, with its columns in order."""

    path: Path
    kind: FileKind
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the file without its folder."""
        return self.path.name


def examined(path: Path, *, how: CsvPart) -> DataFile:
    """Return the file with its format and columns. Raises DataInvalid."""
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError as error:
        raise DataInvalid(f"{path}: cannot be opened: {error.strerror}.", hint="Check the path.") from None
    if not start:
        raise DataInvalid(f"{path.name}: is empty.", hint="Export the data again.")
    if start == b"PAR1":
        return DataFile(path, FileKind.PARQUET, _parquet_columns(path))
    if start[:2] == b"\x1f\x8b":
        return DataFile(path, FileKind.CSV_GZIP, _csv_columns(path, FileKind.CSV_GZIP, how))
    if start[:2] == b"PK" or start == b"\x28\xb5\x2f\xfd":
        raise DataInvalid(f"{path.name}: is a zip or zstd archive.", hint="Unpack it, or pack it with gzip.")
    return DataFile(path, FileKind.CSV, _csv_columns(path, FileKind.CSV, how))


def digest(path: Path) -> str:
    """Return the hexadecimal SHA-256 of the file's bytes."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def refuse_damaged(file: DataFile) -> None:
    """Raise DataInvalid for a packed file that is cut off or has a wrong checksum, which DuckDB passes over."""
    if file.kind is not FileKind.CSV_GZIP:
        return
    try:
        with _opened(file.path, file.kind) as stream:
            while stream.read(_CHUNK):
                pass
    except (OSError, EOFError, zlib.error) as error:
        raise DataInvalid(f"{file.name}: is cut off or damaged: {error}.", hint="Copy or export it again.") from None


def count_lines(file: DataFile) -> int:
    """Return how many lines a CSV file has; a last line counts with and without its line break."""
    lines, last = 0, b"\n"
    with _opened(file.path, file.kind) as stream:
        while chunk := stream.read(_CHUNK):
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    return lines + (last != b"\n")


def positions(file: DataFile, needed: Iterable[str]) -> dict[str, int]:
    """Return the position of every needed column in the file. Raises DataInvalid for one that is absent or double."""
    found: dict[str, int] = {}
    counts = Counter(file.columns)
    for column in needed:
        if column == FILE_NAME:
            continue
        if not counts[column]:
            raise DataInvalid(
                f"{file.name}, line 1: there is no column {column!r}; there are: {', '.join(file.columns)}.",
                hint=_missing_hint(file, column),
            )
        if counts[column] > 1:
            raise DataInvalid(
                f"{file.name}, line 1: there are {counts[column]} columns {column!r}.", hint="Rename one of them."
            )
        found[column] = file.columns.index(column)
    return found


def text_source(file: DataFile, link: Path, needed: Sequence[str], *, how: CsvPart, rejects: str) -> str:
    """Return the FROM item that reads the needed columns of the file as texts n0, n1, ... in the order of its rows.

    link: a path to the file that holds no wild cards. rejects: table that DuckDB fills with lines it cannot split.
    """
    places = positions(file, needed)
    if file.kind is FileKind.PARQUET:
        chosen = [
            f"{literal(file.name)} AS n{index}" if name == FILE_NAME else f"CAST({quoted(name)} AS VARCHAR) AS n{index}"
            for index, name in enumerate(needed)
        ]
        return f"(SELECT {', '.join(chosen)} FROM read_parquet({literal(str(link))}))"
    chosen = [
        f"{literal(file.name)} AS n{index}" if name == FILE_NAME else f"c{places[name]} AS n{index}"
        for index, name in enumerate(needed)
    ]
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(file.columns)))
    compression = "gzip" if file.kind is FileKind.CSV_GZIP else "none"
    return (
        f"(SELECT {', '.join(chosen)} FROM (SELECT * FROM read_csv({literal(str(link))}, auto_detect = false,"
        f" header = true, delim = {literal(how.delimiter)}, quote = {literal(how.quote)},"
        f" escape = {literal(how.quote)}, encoding = '{how.encoding}', compression = '{compression}',"
        f" columns = {{{columns}}},"
        f" max_line_size = {LONGEST_LINE}, store_rejects = true, rejects_limit = 0,"
        f" rejects_table = '{rejects}', rejects_scan = '{rejects}_scan')))"
    )


def literal(text: str) -> str:
    """Return the text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return the name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _missing_hint(file: DataFile, column: str) -> str:
    if file.kind is not FileKind.PARQUET and len(file.columns) == 1:
        return "The line has one column only: if another character separates them, write it as csv.delimiter."
    return f"Correct the manifest: {did_you_mean(column, file.columns)}"


def _opened(path: Path, kind: FileKind) -> BinaryIO:
    if kind is FileKind.CSV_GZIP:
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")


def _csv_columns(path: Path, kind: FileKind, how: CsvPart) -> tuple[str, ...]:
    encoding = "utf-8-sig" if how.encoding == "utf-8" else how.encoding
    try:
        with _opened(path, kind) as stream:
            lines = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")
            start = io.StringIO(lines.read(LONGEST_LINE), newline="")
    except (OSError, EOFError, zlib.error) as error:
        raise DataInvalid(f"{path.name}: cannot be unpacked: {error}.", hint="Copy or export it again.") from None
    except UnicodeError:
        raise DataInvalid(
            f"{path.name}: its first lines are not {how.encoding}.", hint="Say csv.encoding, or export it as UTF-8."
        ) from None
    try:
        if how.quote:
            header = next(csv.reader(start, delimiter=how.delimiter, quotechar=how.quote), [])
        else:
            header = next(csv.reader(start, delimiter=how.delimiter, quoting=csv.QUOTE_NONE), [])
    except csv.Error as error:
        raise DataInvalid(f"{path.name}, line 1: {error}.", hint="Is this a CSV file with a header?") from None
    if not header:
        raise DataInvalid(f"{path.name}, line 1: is empty.", hint="The first line must name the columns.")
    return tuple(header)


def _parquet_columns(path: Path) -> tuple[str, ...]:
    try:
        schema = parquet.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise DataInvalid(f"{path.name}: is not a whole Parquet file: {error}.", hint="Export it again.") from None
    return tuple(field.name for field in schema if not pa.types.is_nested(field.type))
