"""Was something coarser than the rows randomised? A column whose values keep to one variant each gives it away."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from experiments.recorded.files import DataFile, DataInvalid, quoted, text_source
from experiments.recorded.layout import variant_sql
from experiments.recorded.manifest import Manifest

ROWS_EXAMINED: Final = 200_000
COLUMNS_EXAMINED: Final = 60
_LOG_CHANCE: Final = -40.0
"""Natural logarithm of a chance (4e-18) that no number of columns and imports turns into a coincidence."""
_GROUPS_PER_VARIANT: Final = 5
_SHARE_REPEATED: Final = 0.1


class RowsNotRandomised(DataInvalid):
    """The rows were not randomised one by one: all rows of each value of a column are in one variant."""

    code = "ROWS_NOT_RANDOMISED"
    hint = "Name the column that was randomised as columns.cluster (or as columns.unit if its first row is enough)."


@dataclass(frozen=True, slots=True)
class Coarser:
    """A column that was randomised in place of the rows.

    values: that occur more than once; rows: theirs. log_chance: of keeping to one variant each if rows were randomised.
    """

    column: str
    values: int
    rows: int
    log_chance: float


def refuse_coarser(manifest: Manifest, file: DataFile, database: duckdb.DuckDBPyConnection, link: Path) -> None:
    """Raise RowsNotRandomised when the file's rows pose as units and a column shows that something coarser was drawn.

    link: a path to the file without wild cards. Only the first rows of the file are read.
    """
    columns = manifest.columns
    if manifest.rows_are_units or columns.unit is not None or columns.cluster is not None:
        return
    found = coarser_than_rows(manifest, file, database, link)
    if found is None:
        return
    raise RowsNotRandomised(
        f"{file.name}: rows are not what was randomised. Each of {found.values:,} values of column {found.column!r} has"
        f" several rows ({found.rows:,} in all), always in one variant; as units of their own they would make the"
        " result look far surer than it is.",
        hint=(
            f"Write columns.cluster: {found.column!r} (or columns.unit, if a unit's first row is enough)."
            " If rows really were drawn one by one, write rows_are_units: true."
        ),
    )


def coarser_than_rows(
    manifest: Manifest, file: DataFile, database: duckdb.DuckDBPyConnection, link: Path
) -> Coarser | None:
    """Return the column that was most surely randomised in place of the rows, or None.

    A value with m rows keeps to one variant by chance with probability sum p_v^m; values are independent of each
    other. Outcomes and the variant's own columns are left out, and values must be many more than variants.
    """
    names = _candidates(manifest, file)
    if not names:
        return None
    needed = (manifest.columns.variant, *names)
    source = text_source(file, link, needed, how=manifest.csv, rejects="coarser_rejected")
    variant = variant_sql("n0", [found.recorded_values for found in manifest.variants])
    database.execute("SET disabled_optimizers = 'unused_columns'")
    database.execute(
        f"CREATE TEMP TABLE coarser AS SELECT {variant} AS variant, * EXCLUDE (n0) FROM {source} LIMIT {ROWS_EXAMINED}"
    )
    database.execute("RESET disabled_optimizers")
    try:
        shares = _shares(database)
        found = [_judged(database, name, f"n{index}", shares) for index, name in enumerate(names, start=1)]
    finally:
        database.execute("DROP TABLE coarser; DROP TABLE IF EXISTS coarser_rejected")
        database.execute("DROP TABLE IF EXISTS coarser_rejected_scan")
    sure = [entry for entry in found if entry is not None]
    return min(sure, key=lambda entry: entry.log_chance, default=None)


def _candidates(manifest: Manifest, file: DataFile) -> list[str]:
    columns = manifest.columns
    own = {columns.variant, columns.shown, columns.time, columns.experiment}
    own |= {part.column for outcome in manifest.outcomes for part in outcome.parts}
    own |= {part.before.column for outcome in manifest.outcomes for part in outcome.parts if part.before is not None}
    if columns.variant not in file.columns or columns.experiment is not None:
        return []
    once = [name for name in file.columns if file.columns.count(name) == 1 and name not in own]
    return once[:COLUMNS_EXAMINED]


def _shares(database: duckdb.DuckDBPyConnection) -> list[float]:
    rows = database.execute(
        "SELECT count(*) FROM coarser WHERE variant IS NOT NULL GROUP BY variant ORDER BY variant"
    ).fetchall()
    total = sum(int(number) for (number,) in rows)
    return [int(number) / total for (number,) in rows]


def _judged(database: duckdb.DuckDBPyConnection, name: str, column: str, shares: list[float]) -> Coarser | None:
    """Return what a column shows; None unless nearly no chance is left that rows were drawn one by one."""
    if len(shares) < 2:
        return None
    kept = f"FROM coarser WHERE variant IS NOT NULL AND {quoted(column)} IS NOT NULL AND {quoted(column)} <> ''"
    chosen = "count(*) AS size, min(variant) = max(variant) AS pure, min(variant) AS variant"
    groups = f"SELECT {chosen} {kept} GROUP BY {column}"
    summary = database.execute(
        f"SELECT count(*), coalesce(sum(size), 0), coalesce(bool_and(pure), false), count(DISTINCT variant)"
        f" FROM ({groups}) WHERE size > 1"
    ).fetchone()
    total = database.execute(f"SELECT count(*) {kept}").fetchone()
    assert summary is not None
    assert total is not None
    values, rows, pure, variants = int(summary[0]), int(summary[1]), bool(summary[2]), int(summary[3])
    if not pure or variants < 2 or values < _GROUPS_PER_VARIANT * len(shares) or rows < _SHARE_REPEATED * total[0]:
        return None
    sizes = database.execute(f"SELECT size, count(*) FROM ({groups}) WHERE size > 1 GROUP BY size").fetchall()
    chance = sum(int(number) * _log_pure(int(size), shares) for size, number in sizes)
    return Coarser(name, values, rows, chance) if chance < _LOG_CHANCE else None


def _log_pure(size: int, shares: list[float]) -> float:
    """Return ln sum p^m, by the largest share so that nothing underflows."""
    largest = max(shares)
    return size * math.log(largest) + math.log(sum((share / largest) ** size for share in shares))
