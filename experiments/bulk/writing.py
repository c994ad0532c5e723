"""Assigned tables, written a piece at a time; the file appears under its name when it is whole."""

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol, TextIO

import pyarrow as pa
from pyarrow import parquet

from experiments.bulk.reading import TableUnreadable

_FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With these a spreadsheet would begin to calculate."""


class TableWriter(Protocol):
    """Takes pieces of one table. `marked` counts the texts that were written with an apostrophe before them."""

    marked: int

    def write(self, piece: pa.Table) -> None:
        """Append the rows of a piece; all pieces have the same columns."""


@contextmanager
def table_writer(path: Path) -> Iterator[TableWriter]:
    """Give a writer for a .csv or .parquet file, which replaces the file at the end; after a fault nothing changes.

    Raises:
        TableUnreadable: the name ends otherwise, or the file cannot be written.
    """
    is_csv = path.name.lower().endswith(".csv")
    if not is_csv and not path.name.lower().endswith(".parquet"):
        raise TableUnreadable(f"{path.name}: its name ends neither in .csv nor in .parquet.")
    with written(path) as partial:
        if is_csv:
            with partial.open("w", encoding="utf-8", newline="") as stream:
                yield _CsvWriter(stream)
        else:
            writer = _ParquetWriter(partial)
            try:
                yield writer
            finally:
                writer.close()


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Give the path of a file that takes this name once the block has ended well. Raises TableUnreadable."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.touch(mode=0o600)
        yield partial
        partial.replace(path)
    except OSError as error:
        raise TableUnreadable(f"{path}: cannot be written: {error.strerror}.", hint="Check path and space.") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


class _CsvWriter:
    def __init__(self, stream: TextIO) -> None:
        self.marked = 0
        self._writer = csv.writer(stream, lineterminator="\n")
        self._is_begun = False

    def write(self, piece: pa.Table) -> None:
        if not self._is_begun:
            self._is_begun = True
            self._writer.writerow([self._safe(name) for name in piece.column_names])
        columns = [self._cells(column) for column in piece.columns]
        self._writer.writerows(zip(*columns, strict=True))

    def _cells(self, column: pa.ChunkedArray) -> list[Any]:
        values = column.to_pylist()
        if pa.types.is_boolean(column.type):
            return [None if value is None else str(value).lower() for value in values]
        return [self._safe(value) if isinstance(value, str) else value for value in values]

    def _safe(self, text: str) -> str:
        if text.startswith(_FORMULA_SIGNS) or text.lstrip().startswith(_FORMULA_SIGNS):
            self.marked += 1
            return f"'{text}"
        return text


class _ParquetWriter:
    def __init__(self, path: Path) -> None:
        self.marked = 0
        self._path = path
        self._writer: parquet.ParquetWriter | None = None

    def write(self, piece: pa.Table) -> None:
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._path, piece.schema)
        self._writer.write_table(piece)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
