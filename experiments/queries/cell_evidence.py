"""What each cell of unit x period brought, for the tests that need the cells themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from experiments.analysis.inputs import CellValues
from experiments.analysis.metrics import MetricSpec, variables
from experiments.warehouse import own, postgres, recorded
from experiments.warehouse.cells import read_total
from experiments.warehouse.question import Question

Row = Mapping[str, Any]


def own_cells(question: Question, decision: Sequence[str], names: Mapping[int, str]) -> tuple[CellValues, ...]:
    """Return the complete cells of an experiment of our own, for the metrics that decide. names: variants by id."""
    specs = tuple(spec for spec in question.metrics if spec.key in decision)
    rows = postgres.rows(own.cells(replace(question, metrics=specs)))
    return tuple(
        _values(spec, index, [row for row in _sorted(rows) if row[f"complete_{spec.settled_hours}"]], names)
        for index, spec in enumerate(specs)
    )


def recorded_cells(
    asked: recorded.Recorded, specs: Sequence[MetricSpec], names: Mapping[int, str]
) -> tuple[CellValues, ...]:
    """Return the cells that came in a report, for these metrics. names: variants by id."""
    rows = _sorted(postgres.rows(recorded.cells(asked, specs)))
    return tuple(_values(spec, index, rows, names) for index, spec in enumerate(specs))


def _sorted(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["plain_unit"], row["period"]))


def _values(spec: MetricSpec, index: int, rows: Sequence[Row], names: Mapping[int, str]) -> CellValues:
    numbers = {unit: number for number, unit in enumerate(sorted({row["plain_unit"] for row in rows}))}
    parts = [part.name for part in variables(spec) if part.name in ("y", "d")]
    return CellValues(
        metric=spec.key,
        units=tuple(numbers[row["plain_unit"]] for row in rows),
        periods=tuple(int(row["period"]) for row in rows),
        variants=tuple(names[row["variant_id"]] for row in rows),
        sums={part: tuple(read_total(row, index, part) for row in rows) for part in parts},
    )
