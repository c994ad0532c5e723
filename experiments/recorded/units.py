"""From judged rows to the units of one experiment: mismatches, crossovers and repeated rows are dropped and counted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import duckdb

from experiments.recorded.counts import Counts
from experiments.recorded.files import literal
from experiments.recorded.loading import Loaded, of_experiment
from experiments.recorded.manifest import Manifest
from experiments.recorded.problems import fault_counts

BATCH_ROWS = 20_000

Hasher = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit that counts, ready to be stored.

    variant, shown: positions in the manifest. occurred_at: ISO 8601 in UTC. dimensions: JSON. totals, covariates:
    PostgreSQL array literals in the order of the layout.
    """

    unit: str
    variant: int
    shown: int | None
    occurred_at: str | None
    cluster: str | None
    dimensions: str | None
    totals: str
    covariates: str


@dataclass(frozen=True, slots=True)
class RecordedUnits:
    """The units of one experiment, in tables of the import's workspace.

    value: what stands in the experiment column, None without one. units: kept units (clusters where those
    were randomised) by variant key.
    """

    manifest: Manifest
    loaded: Loaded
    value: str | None
    counts: Counts
    units: dict[str, int]


def settle(manifest: Manifest, loaded: Loaded, *, value: str | None) -> RecordedUnits:
    """Decide for every row of an experiment whether it counts, and return the counts.

    Rows whose shown variant differs from the assigned one are dropped; of what is left, a unit in several variants
    is a crossover and dropped, and otherwise only its first row (by time, then by place in the files) is kept.
    A cluster in several variants is a crossover with all its units.
    """
    database = loaded.workspace.database
    database.execute(
        "CREATE OR REPLACE VIEW clean AS SELECT rowid AS place, * FROM judged"
        f" WHERE {of_experiment(value)} AND fault IS NULL AND (shown IS NULL OR shown = variant)"
    )
    database.execute("CREATE OR REPLACE TABLE dropped (place BIGINT, crossed BOOLEAN)")
    crossovers = 0
    if manifest.columns.cluster is not None:
        crossovers += _drop_crossed_clusters(database)
    if manifest.columns.unit is not None:
        crossovers += _drop_repeated_units(database)
    database.execute("CREATE OR REPLACE VIEW kept AS SELECT * FROM clean ANTI JOIN dropped USING (place)")
    counts = _counts(loaded, value, crossovers)
    return RecordedUnits(manifest, loaded, value, counts, _units(manifest, loaded))


def _drop_crossed_clusters(database: duckdb.DuckDBPyConnection) -> int:
    """Drop the rows of clusters in several variants and return how many clusters those are."""
    database.execute(
        "CREATE OR REPLACE TABLE crossed_cluster AS SELECT cluster FROM clean GROUP BY cluster"
        " HAVING min(variant) <> max(variant)"
    )
    database.execute("INSERT INTO dropped SELECT place, true FROM clean SEMI JOIN crossed_cluster USING (cluster)")
    return _number(database, "SELECT count(*) FROM crossed_cluster")


def _drop_repeated_units(database: duckdb.DuckDBPyConnection) -> int:
    """Drop crossovers and every row but a unit's first, and return how many units are crossovers."""
    database.execute("CREATE OR REPLACE VIEW candidate AS SELECT * FROM clean ANTI JOIN dropped USING (place)")
    database.execute(
        "CREATE OR REPLACE TABLE repeated AS SELECT unit, min(variant) <> max(variant) AS crossed FROM candidate"
        " GROUP BY unit HAVING count(*) > 1"
    )
    database.execute(
        "CREATE OR REPLACE TABLE surplus AS SELECT place, crossed FROM (SELECT place, crossed,"
        " row_number() OVER (PARTITION BY unit ORDER BY moment NULLS LAST, place) AS nth"
        " FROM candidate JOIN repeated USING (unit)) WHERE crossed OR nth > 1"
    )
    database.execute("INSERT INTO dropped FROM surplus")
    return _number(database, "SELECT count(*) FROM repeated WHERE crossed")


def unit_rows(recorded: RecordedUnits, *, hash_unit: Hasher, hash_cluster: Hasher) -> Iterator[UnitRow]:
    """Yield the kept units in the order of their stored ids, in which an index takes them fastest.

    The hashers turn an id as recorded into the id that is stored. Only one experiment of a workspace is settled at a
    time; read its rows before the next is settled.
    """
    manifest, layout = recorded.manifest, recorded.loaded.layout
    dimensions = ", ".join(f"{literal(name)}, d{index}" for index, name in enumerate(manifest.dimensions))
    cursor = recorded.loaded.workspace.database.cursor()
    if manifest.columns.unit is None:
        stored = "'row:' || (place + 1)"
    elif manifest.unit_is_personal:
        stored = _registered(cursor, hash_unit)
    else:
        stored = "unit"
    cursor.execute(
        f"SELECT stored, variant, shown, {_iso('moment')}, cluster,"
        f" {f'CAST(json_object({dimensions}) AS VARCHAR)' if dimensions else 'NULL'},"
        f" {_array('t', len(layout.totals))}, {_array('x', len(layout.covariates))}"
        f" FROM (SELECT *, {stored} AS stored FROM kept ORDER BY stored)"
    )
    while batch := cursor.fetchmany(BATCH_ROWS):
        for unit, variant, shown, moment, cluster, dims, totals, covariates in batch:
            hashed = None if cluster is None else hash_cluster(cluster)
            yield UnitRow(unit, variant, shown, moment, hashed, dims, totals, covariates)


def _registered(database: duckdb.DuckDBPyConnection, hasher: Hasher) -> str:
    """Make a hasher callable in SQL, under a name of its own, and return the expression that calls it."""
    before = "SELECT count(*) FROM duckdb_functions() WHERE function_name LIKE 'stored_unit_%'"
    name = f"stored_unit_{_number(database, before)}"
    database.create_function(name, hasher, ["VARCHAR"], "VARCHAR")
    return f"{name}(unit)"


def _array(prefix: str, size: int) -> str:
    entries = ", ".join(f"coalesce(CAST({prefix}{index} AS VARCHAR), 'NULL')" for index in range(size))
    return f"'{{' || concat_ws(',', {entries}) || '}}'" if size else "'{}'"


def _counts(loaded: Loaded, value: str | None, crossovers: int) -> Counts:
    database = loaded.workspace.database
    faults = fault_counts(loaded, value=value)
    good = f"SELECT count(*) FROM judged WHERE {of_experiment(value)} AND fault IS NULL"
    first_at, last_at = database.execute(
        f"SELECT {_iso('min(moment)')}, {_iso('max(moment)')} FROM kept"
    ).fetchone() or (None, None)
    return Counts(
        rows_read=_number(database, good) + faults.total(),
        rows_kept=_number(database, "SELECT count(*) FROM kept"),
        mismatched=_number(database, f"{good} AND shown <> variant"),
        duplicates=_number(database, "SELECT count(*) FROM dropped WHERE NOT crossed"),
        crossovers=crossovers,
        crossover_rows=_number(database, "SELECT count(*) FROM dropped WHERE crossed"),
        quarantined=dict(sorted(faults.items())),
        first_at=first_at,
        last_at=last_at,
    )


def _units(manifest: Manifest, loaded: Loaded) -> dict[str, int]:
    counted = "count(*)" if manifest.columns.cluster is None else "count(DISTINCT cluster)"
    found = dict(loaded.workspace.database.execute(f"SELECT variant, {counted} FROM kept GROUP BY variant").fetchall())
    return {variant.key: int(found.get(index, 0)) for index, variant in enumerate(manifest.variants)}


def _number(database: duckdb.DuckDBPyConnection, query: str) -> int:
    found = database.execute(query).fetchone()
    return int(found[0]) if found else 0


def _iso(moment: str) -> str:
    return f"strftime(make_timestamp({moment}), '%Y-%m-%dT%H:%M:%S.%f+00:00')"
