"""Data files into one DuckDB table of parsed rows, each with the fault that keeps it from counting, if any."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from experiments.recorded.amounts import register
from experiments.recorded.coarser import refuse_coarser
from experiments.recorded.files import DataFile, DataInvalid, FileKind, literal, text_source
from experiments.recorded.layout import Layout
from experiments.recorded.manifest import Manifest
from experiments.recorded.manifest_parts import SourceKind
from experiments.recorded.workspace import Workspace

LONGEST_SHOWN_VALUE = 100
"""Characters of a bad value that are kept."""
UNTRUSTWORTHY = ("UNQUOTED VALUE", "LINE SIZE OVER MAXIMUM")
"""Faults of a line after which DuckDB may have lost where the next one begins."""


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A file in the table `judged`: `rows` rows after the first `start`, and lines that could not be split."""

    file: DataFile
    start: int
    rows: int
    malformed: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """All files of an import, in `workspace`."""

    workspace: Workspace
    layout: Layout
    files: tuple[LoadedFile, ...]

    @property
    def malformed(self) -> int:
        """Lines that could not be split into columns."""
        return sum(file.malformed for file in self.files)


def load(manifest: Manifest, layout: Layout, files: Sequence[DataFile], workspace: Workspace) -> Loaded:
    """Read the files into the table `judged` and return where their rows are. Raises DataInvalid.

    Columns of `judged`: the layout's parsed values; `fault`: index of the judgement that holds, NULL for a good row;
    `bad_value`: the value to blame, cut. Rows are in the order of files and lines, so that DuckDB's `rowid` is the
    row's number, counted from 0.
    """
    database = workspace.database
    register(database, money_unit=manifest.money_unit)
    database.execute("CREATE TABLE malformed (file USMALLINT, line UBIGINT, message VARCHAR)")
    loaded: list[LoadedFile] = []
    start = 0
    for index, file in enumerate(files):
        link = workspace.directory / f"data-{index}"
        link.symlink_to(file.path.resolve())
        total = _read(manifest, layout, file, link, workspace, index)
        loaded.append(LoadedFile(file, start, total - start, _malformed(database, file, index)))
        if manifest.source is SourceKind.ROWS:
            refuse_coarser(manifest, file, database, link)
        start = total
    return Loaded(workspace, layout, tuple(loaded))


def of_experiment(value: str | None) -> str:
    """Return the SQL condition on `judged` for the rows of one experiment; without a value, of all."""
    return "true" if value is None else f"experiment = {literal(value)}"


def experiment_values(loaded: Loaded) -> list[str]:
    """Return what stands in the experiment column, sorted."""
    found = loaded.workspace.database.execute(
        "SELECT DISTINCT experiment FROM judged WHERE experiment IS NOT NULL ORDER BY experiment"
    ).fetchall()
    return [str(value) for (value,) in found]


def judged_sql(layout: Layout, source: str, *, null_tokens: Sequence[str]) -> str:
    """Return the query that parses and judges every row of a source of texts."""
    names = [f"n{index}" for index in range(len(layout.needed))]
    nulls = ", ".join(literal(token) for token in ("", *null_tokens))
    texts = ", ".join(f"CASE WHEN {name} IN ({nulls}) THEN NULL ELSE {name} END AS {name}" for name in names)
    parsed = ", ".join(f"{expression} AS {name}" for name, expression in layout.parsed.items())
    faults = " ".join(f"WHEN {case.condition} THEN {index}" for index, case in enumerate(layout.judgements))
    blamed = " ".join(
        f"WHEN {index} THEN n{layout.needed.index(case.column)}"
        for index, case in enumerate(layout.judgements)
        if not case.secret
    )
    kept = ", ".join(layout.parsed)
    return (
        f"SELECT {kept}, fault, CASE fault {blamed} END[:{LONGEST_SHOWN_VALUE}] AS bad_value FROM ("
        f"SELECT *, CAST(CASE {faults} END AS USMALLINT) AS fault FROM ("
        f"SELECT *, {parsed} FROM (SELECT {texts} FROM {source})))"
    )


def _read(manifest: Manifest, layout: Layout, file: DataFile, link: Path, workspace: Workspace, index: int) -> int:
    """Append one file to `judged` and return how many rows it holds now."""
    source = text_source(file, link, layout.needed, how=manifest.csv, rejects=_rejects(index))
    query = judged_sql(layout, source, null_tokens=manifest.null_tokens)
    # Without this, DuckDB 1.5 fails on a line it rejects for a column that is not read.
    workspace.database.execute(
        f"SET disabled_optimizers = '{'' if file.kind is FileKind.PARQUET else 'unused_columns'}'"
    )
    try:
        if index == 0:
            workspace.database.execute(f"CREATE TABLE judged AS {query}")
        else:
            workspace.database.execute(f"INSERT INTO judged {query}")
        workspace.database.execute("RESET disabled_optimizers")
        counted = workspace.database.execute("SELECT count(*) FROM judged").fetchone()
    except duckdb.Error as error:
        raise _unreadable(manifest, file, error) from None
    return int(counted[0]) if counted else 0


def _malformed(database: duckdb.DuckDBPyConnection, file: DataFile, index: int) -> int:
    """Keep the lines that could not be split, and return their number. Raises DataInvalid if rows may be lost."""
    if file.kind is FileKind.PARQUET:
        return 0
    table = _rejects(index)
    lost = database.execute(
        f"SELECT line, error_message FROM {table} WHERE error_type IN {UNTRUSTWORTHY}"
        " AND (contains(trim(csv_line, chr(10) || chr(13)), chr(10)) OR error_type = 'LINE SIZE OVER MAXIMUM')"
        " ORDER BY line LIMIT 1"
    ).fetchone()
    if lost is not None:
        raise DataInvalid(
            f"{file.name}, line {lost[0]}: a quote is opened here and the lines after it cannot be told apart.",
            hint="Close or double the quote, or write csv.quote in the manifest.",
        )
    database.execute(
        f"INSERT INTO malformed SELECT {index}, line, min(error_message) FROM {table} GROUP BY line ORDER BY line"
    )
    counted = database.execute("SELECT count(*) FROM malformed WHERE file = ?", [index]).fetchone()
    return int(counted[0]) if counted else 0


def _rejects(index: int) -> str:
    return f"rejected_{index}"


def _unreadable(manifest: Manifest, file: DataFile, error: duckdb.Error) -> DataInvalid:
    told = " ".join(str(error).partition("Stack Trace")[0].split())[:300]
    if "strptime" in told or "format specifier" in told:
        return DataInvalid(
            f"columns.time_format {manifest.columns.time_format!r} cannot be used: {told}",
            hint='Write it with strptime letters, such as "%d/%m/%Y %H:%M".',
        )
    return DataInvalid(f"{file.name}: cannot be read: {told}", hint="Copy or export the file again.")
