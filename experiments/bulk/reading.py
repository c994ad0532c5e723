"""Files of units, read a piece at a time so that memory does not grow with the file."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, parquet

from foundation.errors import DomainError

CSV_SUFFIXES = (".csv", ".csv.gz")
PARQUET_SUFFIX = ".parquet"


class TableUnreadable(DomainError):
    """The file cannot be read as a table; the message says where it goes wrong."""

    code = "TABLE_UNREADABLE"
    hint = "Give a CSV file in UTF-8 with a heading (also .csv.gz), or a Parquet file."


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file of units; the cells of a CSV file are texts, whatever they look like."""

    path: Path
    is_csv: bool

    def pieces(self, columns: Sequence[str], *, rows: int) -> Iterator[pa.Table]:
        """Yield these columns, at most so many rows at a time.

        Raises:
            TableUnreadable: the file is not what its name says, or it lacks a column or has one twice.
        """
        with _told(self.path):
            batches = self._csv(columns) if self.is_csv else self._parquet(columns, rows)
            for batch in batches:
                for start in range(0, batch.num_rows, rows):
                    yield pa.Table.from_batches([batch.slice(start, rows)])

    def _parquet(self, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        with parquet.ParquetFile(self.path) as file:
            _refuse_absent(self.path, columns, file.schema_arrow.names)
            yield from file.iter_batches(batch_size=rows, columns=list(columns))

    def _csv(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with pa.input_stream(self.path, compression="detect") as first, csv.open_csv(first) as opened:
            _refuse_absent(self.path, columns, opened.schema.names)
        convert = csv.ConvertOptions(
            include_columns=list(columns),
            column_types={name: pa.string() for name in columns},
            strings_can_be_null=False,
        )
        parse = csv.ParseOptions(newlines_in_values=True)
        with (
            pa.input_stream(self.path, compression="detect") as stream,
            csv.open_csv(stream, convert_options=convert, parse_options=parse) as opened,
        ):
            yield from opened


def table_file(path: Path) -> TableFile:
    """Return the file by what its name says. Raises TableUnreadable."""
    name = path.name.lower()
    if not name.endswith((*CSV_SUFFIXES, PARQUET_SUFFIX)):
        raise TableUnreadable(f"{path.name}: its name ends neither in .csv, .csv.gz nor in .parquet.")
    if not path.is_file():
        raise TableUnreadable(f"{path}: there is no such file.", hint="Check the path.")
    return TableFile(path, is_csv=not name.endswith(PARQUET_SUFFIX))


def _refuse_absent(path: Path, columns: Sequence[str], present: Sequence[str]) -> None:
    counts = Counter(present)
    for name in columns:
        if not counts[name]:
            near = get_close_matches(name, present, n=1)
            raise TableUnreadable(
                f"{path.name}: there is no column {name!r}; there are: {', '.join(present)}.",
                hint=f"Did you mean {near[0]!r}?" if near else "Name a column of the file.",
            )
        if counts[name] > 1:
            raise TableUnreadable(
                f"{path.name}: there are {counts[name]} columns {name!r}.", hint="Rename one of them."
            )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, EOFError) as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise TableUnreadable(f"{path.name}: {first[0].rstrip('.')}.") from error
