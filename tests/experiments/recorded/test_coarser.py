"""Rows that pose as units: a column whose values keep to one variant gives away what was randomised."""

from pathlib import Path

import numpy as np
import pytest

from experiments.recorded.coarser import RowsNotRandomised
from tests.experiments.recorded.material import make_manifest, recording_of, write_csv

HEADER = "store,week,arm,converted"
BY_ROW = {"variant": "arm"}


def stores(number: int, *, weeks: int = 4, drawn_by_row: bool = False) -> list[str]:
    rng = np.random.default_rng(3)
    rows = []
    for store in range(number):
        arm = "ab"[rng.integers(2)]
        for week in range(weeks):
            arm = "ab"[rng.integers(2)] if drawn_by_row else arm
            rows.append(f"s{store},{week},{arm},{rng.integers(2)}")
    return rows


def imported(folder: Path, rows: list[str], **changes) -> dict[str, int]:
    path = write_csv(folder, *rows, header=HEADER)
    with recording_of(make_manifest(**{"columns": BY_ROW, **changes}), path) as recording:
        found, _ = recording.units(recording.parts[0])
    return found.units


def test_rows_as_units__stores_were_drawn__is_refused_and_names_the_column(tmp_path: Path):
    with pytest.raises(RowsNotRandomised, match=r"Each of 60 values of column 'store' .*240 in all") as refused:
        imported(tmp_path, stores(60))
    assert "columns.cluster: 'store'" in refused.value.hint
    assert "rows_are_units: true" in refused.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": {**BY_ROW, "cluster": "store"}},
        {"columns": {**BY_ROW, "unit": "store", "unit_kind": "store"}},
        {"rows_are_units": True},
    ],
)
def test_rows_as_units__manifest_says_what_was_drawn__is_imported(tmp_path: Path, changes):
    assert sum(imported(tmp_path, stores(60), **changes).values()) in (60, 240)


def test_rows_as_units__rows_were_drawn__is_imported(tmp_path: Path):
    assert sum(imported(tmp_path, stores(60, drawn_by_row=True)).values()) == 240


def test_rows_as_units__few_values__may_be_a_coincidence_and_are_imported(tmp_path: Path):
    assert sum(imported(tmp_path, stores(9)).values()) == 36


def test_rows_as_units__an_id_in_every_row__says_nothing(tmp_path: Path):
    assert sum(imported(tmp_path, stores(200, weeks=1)).values()) == 200
