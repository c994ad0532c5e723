from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments.recorded.aggregates import RecordedAggregates
from experiments.recorded.figures import FigureInvalid, sums_of
from experiments.recorded.files import DataInvalid
from experiments.recorded.manifest_parts import OutcomeKind
from experiments.statistics.moments import PowerSums
from tests.experiments.recorded.material import PLAIN, make_manifest, recording_of, write_csv

TOTALS: dict[str, Any] = {"name": "conversion", "kind": "binary", "role": "DECISION", "units": "n", "successes": "s"}
LONG: dict[str, Any] = {"source": "aggregates", "columns": {"variant": "arm"}, "outcomes": [TOTALS]}
PAIRED: dict[str, Any] = {
    "source": "aggregates",
    "columns": {"variant": "arm", "metric": "m", "checkpoint": "t"},
    "variants": [
        {"key": "control", "control": True},
        {"key": "one", "recorded": [1]},
        {"key": "two", "recorded": [2]},
    ],
    "outcomes": [
        {
            **TOTALS,
            "recorded": "conv",
            "units": {"control": "nc", "treatment": "nt"},
            "successes": {"control": "sc", "treatment": "st"},
        }
    ],
}
WIDE = "arm,m,t,nc,nt,sc,st"


def read(tmp_path: Path, header: str, rows: Sequence[str], **changes: Any) -> RecordedAggregates:
    path = write_csv(tmp_path, *rows, header=header)
    with recording_of(make_manifest(**changes), path) as recording:
        found = recording.aggregates(recording.parts[0])
    assert found.counts.add_up
    return found


def cells(found: RecordedAggregates) -> dict[tuple[str, str, str], tuple[int, int]]:
    return {
        (total.variant, total.outcome, total.checkpoint): (total.sums.n, total.sums.sums[0]) for total in found.totals
    }


@pytest.mark.parametrize(
    ("kind", "figures", "unit", "expected"),
    [
        (OutcomeKind.BINARY, {"units": "10", "successes": "3"}, 1.0, PowerSums(10, ("y",), (3,), (3,), (3,))),
        (OutcomeKind.BINARY, {"units": "8", "mean": "0.375"}, 1.0, PowerSums(8, ("y",), (3,), (3,), (3,))),
        (
            OutcomeKind.BINARY,
            {"units": "188065", "mean": "0.10780847047563343"},
            1.0,
            PowerSums(188065, ("y",), (20275,), (20275,), (20275,)),
        ),
        (OutcomeKind.COUNT, {"units": "3", "sum": "6", "sum_of_squares": "14"}, 1.0, PowerSums(3, ("y",), (6,), (14,))),
        (OutcomeKind.COUNT, {"units": "3", "mean": "2", "variance": "1"}, 1.0, PowerSums(3, ("y",), (6,), (14,))),
        (
            OutcomeKind.MONEY,
            {"units": "3", "mean": "2", "variance": "1"},
            1.0,
            PowerSums(3, ("y",), (6_000_000,), (14 * 10**12,)),
        ),
        (
            OutcomeKind.MONEY,
            {"units": "3", "sum": "600", "sum_of_squares": "140000"},
            0.01,
            PowerSums(3, ("y",), (6_000_000,), (14 * 10**12,)),
        ),
        (OutcomeKind.MONEY, {"units": "0", "sum": "0", "sum_of_squares": "0"}, 1.0, PowerSums(0, ("y",), (0,), (0,))),
    ],
)
def test_sums_of__each_form__gives_the_exact_sums(kind, figures, unit, expected):
    assert sums_of(kind, figures, money_unit=unit) == expected


def test_sums_of__mean_and_variance_of_many_digits__give_back_the_variance():
    figures = {"units": "64817937", "mean": "3.0630101234567", "variance": "12.0959912345678"}
    found = sums_of(OutcomeKind.MONEY, figures, money_unit=1.0)
    n = found.n
    centred = (found.products[0] - found.sums[0] ** 2 / n) / (n - 1) / 10**12
    assert centred == pytest.approx(12.0959912345678, rel=1e-9)


@pytest.mark.parametrize(
    ("kind", "figures", "fault", "name"),
    [
        (OutcomeKind.BINARY, {"units": "10", "successes": "11"}, "INCONSISTENT_FIGURES", "successes"),
        (OutcomeKind.BINARY, {"units": "10", "mean": "1.2"}, "INCONSISTENT_FIGURES", "mean"),
        (OutcomeKind.BINARY, {"units": "ten", "successes": "1"}, "NOT_A_NUMBER", "units"),
        (OutcomeKind.BINARY, {"units": "1.5", "successes": "1"}, "NOT_WHOLE", "units"),
        (OutcomeKind.BINARY, {"units": "-1", "successes": "1"}, "NEGATIVE_COUNT", "units"),
        (OutcomeKind.MONEY, {"units": "3", "mean": "1", "variance": "-1"}, "INCONSISTENT_FIGURES", "variance"),
        (
            OutcomeKind.MONEY,
            {"units": "3", "sum": "6", "sum_of_squares": "1"},
            "INCONSISTENT_FIGURES",
            "sum_of_squares",
        ),
        (
            OutcomeKind.MONEY,
            {"units": "0", "sum": "6", "sum_of_squares": "40"},
            "INCONSISTENT_FIGURES",
            "sum_of_squares",
        ),
        (OutcomeKind.MONEY, {"units": "3", "mean": "1e99", "variance": "1"}, "MONEY_OVERFLOW", "mean"),
    ],
)
def test_sums_of__figures_that_cannot_be__are_refused(kind, figures, fault, name):
    with pytest.raises(FigureInvalid) as caught:
        sums_of(kind, figures, money_unit=1.0)
    assert (caught.value.fault, caught.value.name) == (fault, name)


def test_add_up__rows_of_days__are_added_and_empty_cells_do_not_count(tmp_path: Path):
    rows = ["a,10,1", "b,11,2", "a,20,3", "b,21,4", "a,30,", "b,31,"]
    found = read(tmp_path, "arm,n,s", rows, **LONG)
    assert cells(found) == {("control", "conversion", ""): (30, 4), ("treatment", "conversion", ""): (32, 6)}
    assert found.units == {"control": 30, "treatment": 32}
    assert (found.counts.rows_kept, found.counts.incomplete) == (6, 2)


def test_add_up__units_that_were_randomised__are_counted_apart(tmp_path: Path):
    changes = {**LONG, "columns": {"variant": "arm", "units": "views"}}
    found = read(tmp_path, "arm,views,n,s", ["a,100,10,1", "b,110,11,2", "a,90,,"], **changes)
    assert found.units == {"control": 190, "treatment": 110}


def test_add_up__pairs_by_checkpoint__the_last_one_is_analysed_and_the_control_counts_once(tmp_path: Path):
    rows = [
        *("1,conv,9,90,91,9,8", "2,conv,9,90,92,9,7", "1,conv,10.5,100,101,10,12", "2,conv,10.5,100,102,10,13"),
        "1,other,10.5,1,1,1,1",
    ]
    found = read(tmp_path, WIDE, rows, **PAIRED)
    assert found.checkpoint == "10.5"
    assert found.units == {"control": 100, "one": 101, "two": 102}
    assert cells(found) == {
        ("control", "conversion", "9"): (90, 9),
        ("one", "conversion", "9"): (91, 8),
        ("two", "conversion", "9"): (92, 7),
        ("control", "conversion", "10.5"): (100, 10),
        ("one", "conversion", "10.5"): (101, 12),
        ("two", "conversion", "10.5"): (102, 13),
    }
    assert (found.counts.rows_kept, found.counts.skipped) == (4, 1)


def test_add_up__controls_that_differ__are_refused(tmp_path: Path):
    with pytest.raises(DataInvalid, match="The control of conversion at checkpoint 1 differs between one and two"):
        read(tmp_path, WIDE, ["1,conv,1,90,91,9,8", "2,conv,1,91,92,9,7"], **PAIRED)


def test_add_up__dates_as_checkpoints__are_in_order_of_time(tmp_path: Path):
    changes = {**LONG, "columns": {"variant": "arm", "checkpoint": "day"}}
    rows = ["a,2024-03-02,20,2", "b,2024-03-02,21,3", "a,2024-03-01,10,1", "b,2024-03-01,11,1"]
    assert read(tmp_path, "arm,day,n,s", rows, **changes).checkpoint == "2024-03-02"


def test_add_up__checkpoints_without_order__are_refused(tmp_path: Path):
    changes = {**LONG, "columns": {"variant": "arm", "checkpoint": "day"}}
    with pytest.raises(DataInvalid, match="'Oct 11' is neither a number nor a date"):
        read(tmp_path, "arm,day,n,s", ["a,Oct 11,20,2", "b,Oct 11,21,3"], **changes)


def test_add_up__bad_figures__are_quarantined_with_line_and_column(tmp_path: Path):
    rows = ["a,10,1", "b,11,x", "c,1,1", "b,11,2"]
    found = read(tmp_path, "arm,n,s", rows, **LONG, tolerated_bad_share=0.5)
    assert found.counts.quarantined == {"NOT_A_NUMBER": 1, "UNKNOWN_VARIANT": 1}
    assert {(e.reason, e.line, e.column, e.value) for e in found.examples} == {
        ("NOT_A_NUMBER", 3, "s", "x"),
        ("UNKNOWN_VARIANT", 4, "arm", "c"),
    }


def test_add_up__many_experiments__each_needs_the_control_and_one_treatment_only(tmp_path: Path):
    changes = {
        **PAIRED,
        "columns": {**PAIRED["columns"], "experiment": "e"},
        "experiment": {**PLAIN["experiment"], "key": "{experiment}"},
    }
    path = write_csv(tmp_path, "x,1,conv,1,90,91,9,8", "y,2,conv,1,50,51,5,4", header=f"e,{WIDE}")
    with recording_of(make_manifest(**changes), path) as recording:
        found = [recording.aggregates(part).units for part in recording.parts]
    assert found == [{"control": 90, "one": 91, "two": 0}, {"control": 50, "one": 0, "two": 51}]
