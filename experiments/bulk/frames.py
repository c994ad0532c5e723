"""Assignment of Arrow tables and DataFrames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from experiments.assignment.bulk import assign_table
from experiments.assignment.bulk_table import NO_SLOT, AssignmentColumn, Slots, UnitTable
from experiments.assignment.snapshot import Snapshot
from experiments.bulk.columns import Attribute, ColumnUnusable, parsed, texts_of, values_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which column of a table is what.

    `sticky` maps keys of experiments to the column with the variant that each unit met before; an empty cell says that
    it met none.
    """

    unit_kind: str
    id_column: str
    attributes: Sequence[Attribute] = ()
    sticky: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """All columns that are read, each once."""
        return list(dict.fromkeys([self.id_column, *(a.name for a in self.attributes), *self.sticky.values()]))


def assign_frame(
    frame: Any, layout: Layout, at: datetime, bundle: Snapshot, *, keys: Sequence[str] | None = None
) -> Any:
    """Return the frame with columns appended: for each experiment variant, enrolled, reason and how it was drawn.

    `frame` is a pyarrow Table, which gives a Table, or a pandas DataFrame, which gives a DataFrame with the same index.
    Any other object with `__arrow_c_stream__`, such as a Polars DataFrame, gives a pyarrow Table. pandas is not needed
    otherwise. `at` is an aware project time. Nobody is enrolled by this.

    Raises:
        ColumnUnusable: a column is missing, ids are no texts, or attributes neither texts, numbers nor booleans.
    """
    names = list(getattr(frame, "columns" if hasattr(frame, "assign") else "column_names", layout.columns))
    missing = [name for name in layout.columns if name not in names]
    if missing:
        raise ColumnUnusable(f"There is no column {missing[0]!r}.", hint=f"There are: {', '.join(map(str, names))}.")
    is_pandas = hasattr(frame, "assign")
    table = frame if isinstance(frame, pa.Table) else pa.table(frame[layout.columns] if is_pandas else frame)
    added: dict[str, pa.Array] = {}
    for column in assign_table(unit_table(table, layout), at, bundle, keys=keys):
        added |= answer_columns(column)
    if is_pandas:
        return frame.assign(**{name: values.to_pylist() for name, values in added.items()})
    for name, values in added.items():
        table = table.append_column(name, values)
    return table


def unit_table(table: pa.Table, layout: Layout, *, first_text_row: int | None = None) -> UnitTable:
    """Return the units of a table. In one of texts, as CSV gives, attributes are parsed; its rows count from there.

    Raises:
        ColumnUnusable: ids are no texts, or an attribute cannot be used.
    """
    return UnitTable(
        units={layout.unit_kind: texts_of(table[layout.id_column], layout.id_column)},
        attributes={
            attribute.name: (
                values_of(table[attribute.name], attribute.name)
                if first_text_row is None
                else parsed(table[attribute.name].to_pylist(), attribute, first_row=first_text_row)
            )
            for attribute in layout.attributes
        },
        sticky={key: [met or "" for met in texts_of(table[name], name)] for key, name in layout.sticky.items()},
    )


def answer_columns(column: AssignmentColumn) -> dict[str, pa.Array]:
    """Return what an experiment gives each row as columns, named `key.variant` and so on; null where there is none."""
    key, answers = column.experiment_key, column.answers
    codes = pa.array(column.codes)
    given = {
        "variant": pa.array([a.variant for a in answers], pa.string()),
        "enrolled": pa.array([a.enrolled for a in answers], pa.bool_()),
        "reason": pa.array([a.reason.value for a in answers], pa.string()),
        "epoch": pa.array([a.epoch for a in answers], pa.int32()),
        "probability": pa.array([a.probability for a in answers], pa.float64()),
    }
    columns = {f"{key}.{name}": values.take(codes) for name, values in given.items()}
    slots = {"layer": column.layer_slots, "coverage": column.coverage_slots, "variant": column.variant_slots}
    columns |= {f"{key}.{name}_slot": _nullable(values) for name, values in slots.items()}
    if column.period is not None:
        drew = column.variant_slots != NO_SLOT
        columns[f"{key}.period"] = pa.array(np.full(len(drew), column.period), pa.int64(), mask=~drew)
    return columns


def _nullable(slots: Slots) -> pa.Array:
    return pa.array(slots, pa.int32(), mask=slots == NO_SLOT)
