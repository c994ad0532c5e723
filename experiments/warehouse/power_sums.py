"""Aggregates that make power sums: which columns a query returns for a metric, and how they are read back.

Sums are exact: money is added up as decimals and leaves the query as text, so that neither the order of the rows nor
the engine changes a digit.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from typing import Any

from ibis import Value
from ibis.expr.types import NumericValue

from experiments.analysis.metrics import MetricSpec, Variable, variables
from experiments.statistics.moments import PowerSums
from experiments.vocabulary import Source

DECIMAL = "decimal(19,0)"
SMALL = 1
"""Divisor of variables whose squares fit 64 bits; money (1e-6) needs decimals."""


def sum_columns(*, prefix: str, names: Sequence[Variable], values: Mapping[str, NumericValue]) -> dict[str, Value]:
    """Return the aggregates of one metric, by column name: sums, products, non-zero counts and the cubes of y.

    Products of money skip zeros, which most units have: decimal arithmetic is what costs.
    """
    columns: dict[str, Value] = {}
    for variable in names:
        value = values[variable.name]
        columns[f"{prefix}_s_{variable.name}"] = value.sum().cast("string")
        columns[f"{prefix}_n_{variable.name}"] = (value != 0).sum().cast("string")
    for left, right in combinations_with_replacement(names, 2):
        a, b = values[left.name], values[right.name]
        small = left.divisor == right.divisor == SMALL
        product = (a * b).sum() if small else (a.cast(DECIMAL) * b.cast(DECIMAL)).sum(where=(a != 0) & (b != 0))
        columns[f"{prefix}_p_{left.name}_{right.name}"] = product.cast("string")
    y = values[names[0].name]
    cube = y.cast(DECIMAL)
    columns[f"{prefix}_c"] = (cube * cube * cube).sum(where=y != 0).cast("string")
    return columns


def read_sums(*, prefix: str, spec: MetricSpec, source: Source, n: int, row: Mapping[str, Any]) -> PowerSums:
    """Return the power sums that a row holds for a metric; what the query left null is a sum over nothing."""
    names = [variable.name for variable in variables(spec, source=source)]

    def whole(column: str) -> str:
        return _whole(row.get(column))

    return PowerSums.from_text(
        n=n,
        names=names,
        sums=[whole(f"{prefix}_s_{name}") for name in names],
        products=[whole(f"{prefix}_p_{left}_{right}") for left, right in combinations_with_replacement(names, 2)],
        nonzero=[whole(f"{prefix}_n_{name}") for name in names],
        cubes=whole(f"{prefix}_c"),
    )


def _whole(value: object) -> str:
    """Return the digits of an integer that an engine may have written with a zero fraction."""
    text = "0" if value is None else str(value)
    return text.partition(".")[0]
