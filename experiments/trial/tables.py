"""A table file of whatever origin, made readable: its encoding and delimiter found, its text in DuckDB."""

import codecs
import csv
import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO, cast

import duckdb

from experiments.recorded.files import DataFile, DataInvalid, FileKind, examined, literal, refuse_damaged, text_source
from experiments.recorded.manifest_parts import CsvPart
from experiments.recorded.workspace import Workspace

_START: Final = 1 << 16
_DELIMITERS: Final = (",", ";", "\t", "|")
_SPACES: Final = re.compile(r"[ \t]+")
_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Table:
    """A file that DuckDB can read, the columns it has, and how it is written."""

    name: str
    file: DataFile
    how: CsvPart

    @property
    def columns(self) -> tuple[str, ...]:
        """The names in the first line."""
        return self.file.columns


def opened_table(path: Path, workspace: Workspace) -> Table:
    """Return the table in a CSV (plain or gzip; comma, semicolon, tab, bar or spaces; UTF-8, UTF-16, GB18030 or
    Latin-1) or Parquet file. What is not UTF-8 or has no delimiter is rewritten in the workspace.

    Raises DataInvalid for a file that is absent, empty, damaged or no table.
    """
    found = examined(path, how=CsvPart(delimiter="\x01"))
    if found.kind is FileKind.PARQUET:
        return Table(path.name, found, CsvPart())
    refuse_damaged(found)
    encoding = _encoding(_first_bytes(path, found.kind))
    with _opened_text(path, found.kind, encoding) as text:
        start = text.read(_START)
    header = start.partition("\n")[0]
    if "\0" in start:
        raise DataInvalid(f"{path.name}: is no text.", hint="Export the orders as CSV or Parquet.")
    delimiter = max(_DELIMITERS, key=header.count)
    if header.count(delimiter):
        how = CsvPart(delimiter=delimiter)
        if encoding == "utf-8-sig":
            return Table(path.name, examined(path, how=how), how)
        return Table(path.name, examined(_in_utf8(path, found.kind, encoding, workspace), how=how), how)
    if len(_SPACES.split(header.strip())) < 2:
        raise DataInvalid(
            f"{path.name}, line 1: there is one column only: {header.strip()[:80]!r}.",
            hint="Separate the columns by commas, semicolons, tabs or spaces, and name them in the first line.",
        )
    return Table(path.name, examined(_with_commas(path, found.kind, encoding, workspace), how=CsvPart()), CsvPart())


def load_texts(table: Table, workspace: Workspace, needed: Sequence[str], *, into: str) -> int:
    """Create the table `into` with the needed columns as trimmed texts n0, n1, ... (NULL where empty).

    Returns how many lines could not be split. Raises DataInvalid.
    """
    database = workspace.database
    link = workspace.directory / f"link-{into}"
    link.symlink_to(table.file.path.resolve())
    rejects = f"rejected_{into}"
    source = text_source(table.file, link, needed, how=table.how, rejects=rejects)
    texts = ", ".join(f"nullif(trim(n{index}), '') AS n{index}" for index in range(len(needed)))
    parquet = table.file.kind is FileKind.PARQUET
    try:
        database.execute(f"SET disabled_optimizers = '{'' if parquet else 'unused_columns'}'")
        database.execute(f"CREATE TABLE {into} AS SELECT {texts} FROM {source}")
        database.execute("RESET disabled_optimizers")
        if parquet:
            return 0
        counted = database.execute(f"SELECT count(DISTINCT line) FROM {rejects}").fetchone()
    except duckdb.Error as error:
        told = " ".join(str(error).partition("Stack Trace")[0].split())[:200]
        raise DataInvalid(f"{table.name}: cannot be read: {told}", hint="Copy or export the file again.") from None
    return int(counted[0]) if counted else 0


def moment_sql(text: str) -> str:
    """Return the SQL of microseconds since 1970 of a time that is written as ISO 8601, compactly or as an epoch."""
    digits = f"regexp_full_match({text}, '[0-9]+')"
    return (
        f"CASE WHEN {digits} AND length({text}) IN (8, 14) THEN"
        f" epoch_us(try_strptime({text}, ['%Y%m%d', '%Y%m%d%H%M%S']))"
        f" WHEN {digits} AND length({text}) = 10 THEN TRY_CAST({text} AS BIGINT) * 1000000"
        f" WHEN {digits} AND length({text}) = 13 THEN TRY_CAST({text} AS BIGINT) * 1000"
        f" ELSE coalesce(epoch_us(TRY_CAST({text} AS TIMESTAMP)), epoch_us(TRY_CAST({text} AS TIMESTAMPTZ))) END"
    )


def written_moment_sql(text: str, formats: Sequence[str]) -> str:
    """Return the SQL of microseconds since 1970 of a time in the first of the formats that fits."""
    return f"epoch_us(try_strptime({text}, [{', '.join(literal(each) for each in formats)}]))"


def amount_sql(text: str) -> str:
    """Return the SQL of a number: without currency signs and thousands separators, (12.50) and 12.50- negative."""
    bare = f"regexp_replace({text}, '[^0-9.,()+-]', '', 'g')"
    european = f"regexp_full_match({bare}, '[(+-]?[0-9]{{1,3}}(\\.[0-9]{{3}})*,[0-9]{{1,2}}[)-]?')"
    plain = f"CASE WHEN {european} THEN replace(replace({bare}, '.', ''), ',', '.') ELSE replace({bare}, ',', '') END"
    negative = f"(contains({bare}, '(') OR contains({bare}, '-'))"
    exponent = f"TRY_CAST({text} AS DOUBLE)"
    unsigned = f"TRY_CAST(regexp_replace({plain}, '[()+-]', '', 'g') AS DOUBLE)"
    return f"coalesce({exponent}, CASE WHEN {negative} THEN -1 ELSE 1 END * {unsigned})"


def _first_bytes(path: Path, kind: FileKind) -> bytes:
    with gzip.open(path, "rb") if kind is FileKind.CSV_GZIP else path.open("rb") as stream:
        return stream.read(_START)


def _encoding(start: bytes) -> str:
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    for encoding in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            text = decoder.decode(start)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8-sig" or _CHINESE.search(text):
            return encoding
    return "latin-1"


def _opened_text(path: Path, kind: FileKind, encoding: str) -> TextIO:
    if kind is FileKind.CSV_GZIP:
        return cast(TextIO, gzip.open(path, "rt", encoding=encoding, errors="replace", newline=""))
    return path.open(encoding=encoding, errors="replace", newline="")


def _in_utf8(path: Path, kind: FileKind, encoding: str, workspace: Workspace) -> Path:
    target = workspace.directory / f"utf8-{path.name.removesuffix('.gz')}"
    with _opened_text(path, kind, encoding) as text, target.open("w", encoding="utf-8", newline="") as out:
        while chunk := text.read(_START):
            out.write(chunk)
    return target


def _with_commas(path: Path, kind: FileKind, encoding: str, workspace: Workspace) -> Path:
    target = workspace.directory / f"commas-{path.name.removesuffix('.gz')}.csv"
    with _opened_text(path, kind, encoding) as text, target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for line in text:
            if stripped := line.strip():
                writer.writerow(_SPACES.split(stripped))
    return target
