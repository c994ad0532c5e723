"""Reading tables of recorded data by name of column."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np

from decisions.domain_reports import RecordedDataMissing


def read_columns(path: Path, columns: Mapping[str, str], *, where: str = "true") -> dict[str, np.ndarray]:
    """Return columns of a CSV or Parquet file, in the file's order: expressions of DuckDB by the name they get.

    Raises:
        RecordedDataMissing: the file is not there, has other columns, or no row.
    """
    read = "read_parquet(?)" if path.suffix == ".parquet" else "read_csv(?, header = true)"
    selected = ", ".join(f"{said} AS {name}" for name, said in columns.items())
    try:
        with duckdb.connect() as engine:
            engine.execute("SET threads = 1")
            found = engine.execute(f"SELECT {selected} FROM {read} WHERE {where}", [str(path)]).fetchnumpy()  # noqa: S608 - constants of the callers
    except duckdb.Error as error:
        raise RecordedDataMissing(f"{path.name} cannot be read, or does not have the columns it should.") from error
    if not len(next(iter(found.values()))):
        raise RecordedDataMissing(f"{path.name} has no row.")
    return {name: np.ma.getdata(column) for name, column in found.items()}


def codes(values: Sequence[str] | np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the different texts in their order, and the place of each value among them."""
    names, place = np.unique(np.asarray(values, dtype=np.str_), return_inverse=True)
    return tuple(names.tolist()), place.reshape(-1).astype(np.int64)
