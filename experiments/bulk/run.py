"""One file of units to one file of assignments."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from experiments.assignment.bulk import assign_table
from experiments.assignment.bulk_table import AssignmentColumn, UnitTable
from experiments.assignment.snapshot import Snapshot
from experiments.bulk.exposures import ExposureLines
from experiments.bulk.frames import Layout, answer_columns, unit_table
from experiments.bulk.reading import TableFile, table_file
from experiments.bulk.writing import TableWriter, table_writer, written
from foundation.errors import DomainError

MOST_CELLS = 1_000_000
"""Rows x experiments in memory at a time."""
MOST_ROWS = 65_536


class NothingToAssign(DomainError):
    """No experiment randomises units of this kind, or one that is named does not."""

    code = "NOTHING_TO_ASSIGN"
    hint = "Name experiments of the bundle that randomise this kind of unit; the admin shows both."


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What shall be assigned, at which project time, and where the results go."""

    source: Path
    layout: Layout
    at: datetime
    keys: Sequence[str] | None
    output: Path
    exposures: Path | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What was done: rows by (experiment, variant, enrolled, reason), and what a person should know of the file.

    `marked` cells of a CSV file begin with an apostrophe, lest a spreadsheet takes them for formulas.
    """

    rows: int
    repeated: int
    counts: Counter[tuple[str, str, bool, str]]
    marked: int
    messages: int


def assign_file(request: Request, bundle: Snapshot, *, progress: Callable[[int], None]) -> Summary:
    """Return what was done after the output has been written; `progress` is told the rows so far.

    Memory does not grow with the file but for eight bytes a row, by which repeated ids are found.

    Raises:
        NothingToAssign, TableUnreadable, ColumnUnusable, ExposuresUnavailable: and then no file has changed.
    """
    keys = _keys(request, bundle)
    source = table_file(request.source)
    rows, counts, seen = 0, Counter[tuple[str, str, bool, str]](), list[NDArray[np.uint64]]()
    with table_writer(request.output) as writer, _exposure_lines(request) as lines:
        for table, units in _pieces(source, request.layout, max(1, min(MOST_ROWS, MOST_CELLS // len(keys)))):
            columns = assign_table(units, request.at, bundle, keys=keys)
            _write(writer, table, request.layout, columns)
            if lines is not None:
                lines.write(units, columns)
            for column in columns:
                for answer, found in column.counts().items():
                    counts[column.experiment_key, str(answer.variant), answer.enrolled, answer.reason.value] += found
            rows += table.num_rows
            seen.append(_digests(units.units[request.layout.unit_kind]))
            progress(rows)
        if not rows:
            writer.write(_empty(request, bundle, keys))
    messages = 0 if lines is None else lines.messages
    return Summary(rows, _repeated(seen), counts, writer.marked, messages)


def _keys(request: Request, bundle: Snapshot) -> Sequence[str]:
    kind = request.layout.unit_kind
    fitting = [key for key, experiment in bundle.experiments.items() if experiment.unit_kind == kind]
    for key in (*(request.keys or ()), *request.layout.sticky):
        if key not in fitting:
            which = "is not in the bundle" if key not in bundle.experiments else f"does not randomise {kind} units"
            raise NothingToAssign(f"The experiment {key!r} {which}.")
    if not fitting:
        raise NothingToAssign(f"No experiment of the bundle randomises {kind} units.")
    return fitting if request.keys is None else list(dict.fromkeys(request.keys))


def _pieces(source: TableFile, layout: Layout, most: int) -> Iterator[tuple[pa.Table, UnitTable]]:
    first = 2 if source.is_csv else 1  # The heading is row 1 of a CSV file.
    for table in source.pieces(layout.columns, rows=most):
        yield table, unit_table(table, layout, first_text_row=first if source.is_csv else None)
        first += table.num_rows


def _write(writer: TableWriter, table: pa.Table, layout: Layout, columns: Sequence[AssignmentColumn]) -> None:
    added: dict[str, pa.Array | pa.ChunkedArray] = {layout.id_column: table[layout.id_column].cast(pa.string())}
    for column in columns:
        added |= answer_columns(column)
    writer.write(pa.table(added))


def _empty(request: Request, bundle: Snapshot, keys: Sequence[str]) -> pa.Table:
    """Return the columns of a table without rows."""
    names = [request.layout.id_column]
    for column in assign_table(UnitTable({request.layout.unit_kind: []}), request.at, bundle, keys=keys):
        names += answer_columns(column)
    return pa.table({name: pa.array([], pa.string()) for name in names})


def _digests(ids: Sequence[object]) -> NDArray[np.uint64]:
    encoded = [unit.encode() for unit in ids if isinstance(unit, str) and unit]
    return np.fromiter([xxh3_64_intdigest(unit) for unit in encoded], np.uint64, len(encoded))


def _repeated(seen: Sequence[NDArray[np.uint64]]) -> int:
    """Return how many rows repeat the id of an earlier one."""
    digests = np.concatenate(seen) if seen else np.zeros(0, dtype=np.uint64)
    return len(digests) - len(np.unique(digests))


@contextmanager
def _exposure_lines(request: Request) -> Iterator[ExposureLines | None]:
    if request.exposures is None:
        yield None
        return
    with written(request.exposures) as partial, partial.open("w", encoding="utf-8") as stream:
        lines = ExposureLines(stream, request.layout.unit_kind, request.at)
        yield lines
        lines.flush()
