"""Schedule out, report in: from the file that a shop gets to the verdict on the file that comes back."""

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from experiments.actions.reports import ReportImported, ReportRefused, TooManyBadRows, import_report
from experiments.actions.schedules import UnitsInvalid, hand_out
from experiments.actions.verification import verify_report
from experiments.analysis.scorecard import Estimator, FigureStatus
from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.engine import assign
from experiments.assignment.schedule import Cell
from experiments.models import Experiment, ExternalUnit, PeriodSchedule, Quarantine, RecordedImport, Scorecard
from experiments.queries.bundles import bundle_parts
from experiments.queries.looks import latest_look
from experiments.queries.readouts import readout
from experiments.queries.schedules import ScheduleImpossible
from experiments.reported.layout import ReportInvalid
from experiments.vocabulary import VerdictState
from foundation.models import JournalEntry
from tests.expert.population import look
from tests.fixtures.cells import live_through, make_by_period, planned
from tests.fixtures.records import ACTOR, HALVES, NOW, make_project, make_running

pytestmark = pytest.mark.django_db

ITEMS = ["=SUM(A1)", *(f"item-{number}" for number in range(11))]
Reported = Callable[[Cell], list[str] | None]


def row(cell: Cell) -> list[str]:
    """Return what a platform says of a cell: sales with the treatment are better by 5."""
    level = 20 * (len(cell.unit) % 7) + 5 * (cell.variant == "treatment") + (7 * cell.period + hash_of(cell.unit)) % 5
    return [cell.unit, str(cell.period), cell.variant, f"{level}.25"]


def hash_of(text: str) -> int:
    """Return a number that a text always has."""
    return sum(map(ord, text))


def write(path: Path, cells: tuple[Cell, ...], said: Reported = row, *, extra: tuple[list[str], ...] = ()) -> Path:
    """Write a report and return its path."""
    rows = [found for cell in cells if (found := said(cell)) is not None]
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([["unit", "period", "variant", "sales"], *rows, *extra])
    return path


def bring_in(experiment_id: int, path: Path, **changes: Any) -> ReportImported:
    """Import a report."""
    return import_report(experiment_id=experiment_id, path=path, acting_user=ACTOR, now=NOW, **changes)


def nothing_stored() -> bool:
    """Return whether no trace of a report is there."""
    left = (ExternalUnit, RecordedImport, Scorecard, Quarantine)
    return not any(model.objects.exists() for model in left) and Experiment.objects.get().status == "RUNNING"


def test_import_report__whole_schedule__is_judged_and_its_readout_tells(tmp_path):
    experiment_id = make_by_period(make_project())
    cells = planned(experiment_id, ITEMS, 14)
    bring_in(experiment_id, write(tmp_path / "r.csv", cells))
    found = latest_look(experiment_id)
    assert found is not None
    (comparison,) = found.scorecard.comparisons
    assert (comparison.status, comparison.estimator) == (FigureStatus.OK, Estimator.CLUSTERED)
    assert (comparison.control.n, comparison.treatment.n) == (84, 84)
    assert comparison.control.numerator == pytest.approx(
        float(sum(Decimal(row(cell)[3]) for cell in cells if cell.variant == "control"))
    )
    assert found.verdict.state is VerdictState.SHIP
    assert found.verdict.winner == "treatment"
    page = readout(key="button")
    assert page.status.value == "STOPPED"
    assert page.evidence is not None
    assert page.import_counts["planned_cells"] == 168
    assert verify_report(experiment_id).holds
    actions = list(JournalEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions[-3:] == ["experiment.schedule", "experiment.report", "experiment.stop"]


def test_import_report__again__changes_nothing_and_another_one_is_refused(tmp_path):
    experiment_id = make_by_period(make_project())
    cells = planned(experiment_id, ITEMS, 14)
    path = write(tmp_path / "r.csv", cells)
    bring_in(experiment_id, path)
    before = list(Scorecard.objects.values_list("sha256", flat=True))
    assert bring_in(experiment_id, path).already
    other = write(tmp_path / "o.csv", cells, lambda cell: [*row(cell)[:3], "1"])
    with pytest.raises(ReportRefused):
        bring_in(experiment_id, other)
    with pytest.raises(ScheduleImpossible):
        hand_out(experiment_id=experiment_id, units=["new"], days=7, acting_user=ACTOR, now=NOW)
    assert list(Scorecard.objects.values_list("sha256", flat=True)) == before
    assert RecordedImport.objects.count() == 1


def test_import_report__bad_rows_within_tolerance__are_quarantined_with_their_reasons(tmp_path):
    experiment_id = make_by_period(make_project())
    cells = planned(experiment_id, ITEMS, 14)
    broken = {
        ("item-0", 0): lambda cell: [*row(cell)[:3], ""],
        ("item-0", 1): lambda cell: [*row(cell)[:2], "treatment" if cell.variant == "control" else "control", "1"],
        ("item-0", 2): lambda cell: [*row(cell)[:3], "1,5"],
        ("item-0", 3): lambda cell: None,
    }
    strangers = (["nobody", "0", "control", "1"], ["item-1", "14", "control", "1"], ["item-1", "x", "control", "1"])
    twice = next(cell for cell in cells if (cell.unit, cell.period) == ("item-2", 4))

    def said(cell: Cell) -> list[str] | None:
        return broken.get((cell.unit, cell.period), row)(cell)

    path = write(tmp_path / "r.csv", cells, said, extra=(*strangers, row(twice), ["short"]))
    bring_in(experiment_id, path, tolerated=0.1)
    assert dict.fromkeys(Quarantine.objects.order_by("reason").values_list("reason", flat=True)) == dict.fromkeys(
        [
            "DUPLICATE_CELL",
            "MALFORMED_LINE",
            "MISSING_CELL",
            "MISSING_VALUE",
            "NOT_A_NUMBER",
            "UNKNOWN_PERIOD",
            "UNKNOWN_UNIT",
            "UNREADABLE_PERIOD",
            "WRONG_VARIANT",
        ]
    )
    counts = readout(key="button").import_counts
    assert counts["rows_read"] == 168 - 1 + 5
    assert counts["quarantined"] == {
        "DUPLICATE_CELL": 2,
        "MALFORMED_LINE": 1,
        "MISSING_VALUE": 1,
        "NOT_A_NUMBER": 1,
        "UNKNOWN_PERIOD": 1,
        "UNKNOWN_UNIT": 1,
        "UNREADABLE_PERIOD": 1,
        "WRONG_VARIANT": 1,
    }
    assert counts["rows_read"] == counts["rows_kept"] + sum(counts["quarantined"].values())
    assert counts["missing_cells"] == 2  # a row of another variant is about no cell of the schedule
    assert ExternalUnit.objects.count() == counts["rows_kept"] == 163


def test_import_report__more_is_bad_than_tolerated__changes_nothing(tmp_path):
    experiment_id = make_by_period(make_project())
    cells = planned(experiment_id, ITEMS, 14)
    few = write(tmp_path / "few.csv", cells, lambda cell: row(cell) if cell.period < 13 else None)
    with pytest.raises(TooManyBadRows, match="12 MISSING_CELL"):
        bring_in(experiment_id, few)
    swapped = {"control": "treatment", "treatment": "control"}
    wrong = write(tmp_path / "wrong.csv", cells, lambda cell: [cell.unit, str(cell.period), swapped[cell.variant], "1"])
    with pytest.raises(TooManyBadRows, match="168 WRONG_VARIANT"):
        bring_in(experiment_id, wrong, tolerated=0.99)
    assert nothing_stored()


def test_import_report__missing_means_zero__counts_cells_without_a_row(tmp_path):
    experiment_id = make_by_period(make_project())
    cells = planned(experiment_id, ITEMS, 14)
    path = write(tmp_path / "r.csv", cells, lambda cell: row(cell) if cell.period % 3 else None)
    bring_in(experiment_id, path, missing_is_zero=True)
    assert ExternalUnit.objects.count() == 168
    assert ExternalUnit.objects.filter(totals=[0]).count() == 12 * 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"period,sales\n0,1\n", "unit is missing"),
        (b"unit,sales\nitem-0,1\n", "period or date is missing"),
        (b"unit,period\nitem-0,0\n", "sales is missing"),
        (b"unit,period,sales,sales\nitem-0,0,1,1\n", "2 times"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_import_report__file_that_is_no_report__changes_nothing(content, message, tmp_path):
    experiment_id = make_by_period(make_project())
    planned(experiment_id, ITEMS, 14)
    path = tmp_path / "r.csv"
    path.write_bytes(content)
    with pytest.raises(ReportInvalid, match=message):
        bring_in(experiment_id, path)
    with pytest.raises(ReportInvalid, match="cannot be opened"):
        bring_in(experiment_id, tmp_path / "missing.csv")
    assert nothing_stored()


def test_import_report__nothing_handed_out_or_own_looks__is_refused(tmp_path):
    project_id = make_project()
    experiment_id = make_by_period(project_id)
    path = tmp_path / "r.csv"
    path.write_text("unit,period,sales\n")
    with pytest.raises(ReportRefused, match="No schedule"):
        bring_in(experiment_id, path)
    cells = planned(experiment_id, ITEMS, 14)
    live_through(project_id, experiment_id, cells, lambda cell: cell.period)
    look(experiment_id, days=16)
    with pytest.raises(ReportRefused, match="own events"):
        bring_in(experiment_id, write(path, cells))
    assert not ExternalUnit.objects.exists()


def test_import_report__dates_in_the_projects_zone__name_daily_periods(tmp_path):
    experiment_id = make_by_period(make_project())
    cells = planned(experiment_id, ITEMS, 14)
    path = tmp_path / "r.csv"
    lines = [f"'{c.unit},{c.start.date()},{row(c)[3]}" for c in cells]
    path.write_text("\n".join(["unit,date,sales", *lines]), encoding="utf-8-sig")
    bring_in(experiment_id, path)
    assert ExternalUnit.objects.count() == 168


def test_schedule__command__writes_what_the_engine_answers_and_tames_formulas(tmp_path):
    project_id = make_project()
    variants = (HALVES[0], type(HALVES[1])("treatment", "Treatment", 500_000, parameters={"price": "=1+1", "n": 2.5}))
    experiment_id = make_by_period(project_id, budget=1_000_000_001, variants=variants, payable="PRICE")
    (tmp_path / "units.csv").write_text("unit\n" + "\n".join(ITEMS) + "\n")
    out = tmp_path / "plan.csv"
    call_command("schedule", "button", units=tmp_path / "units.csv", days=14, out=out, stderr=io.StringIO())
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8-sig"))))
    bundle = {"schema": 3, "version": 1, "project": {"id": project_id, "key": "shop"}}
    snapshot = compile_snapshot(bundle | bundle_parts(project_id))
    begun = Experiment.objects.get().periods_from
    assert begun is not None
    for found in rows:
        unit = found["unit"].removeprefix("'")
        at = type(begun).fromisoformat(found["burn_in_until"])
        (given,) = assign({"item": unit}, {}, at, None, snapshot)
        assert (given.variant, given.period) == (found["variant"], int(found["period"]))
    assert len(rows) == 168
    assert rows[0]["unit"] == "'=SUM(A1)"
    assert {found["parameter.price"] for found in rows} == {"", "'=1+1"}
    assert sum(Decimal(found["budget"]) for found in rows) == Decimal("1000.000001")
    assert {found["variant_budget"] for found in rows} == {"500.000001", "500.00"}
    first = out.read_bytes()
    call_command("schedule", "button", units=tmp_path / "units.csv", days=14, out=out, stderr=io.StringIO())
    assert out.read_bytes() == first
    assert JournalEntry.objects.filter(action="experiment.schedule").count() == 1
    assert PeriodSchedule.objects.get(experiment_id=experiment_id).periods == 14


@pytest.mark.parametrize("units", [[], ["a", "b", "a"], ["a\0b"]])
def test_hand_out__list_that_cannot_be__changes_nothing(units):
    experiment_id = make_by_period(make_project())
    with pytest.raises(UnitsInvalid):
        hand_out(experiment_id=experiment_id, units=units, days=14, acting_user=ACTOR, now=NOW)
    assert not PeriodSchedule.objects.exists()


def test_hand_out__more_cells_than_can_be_written_out__changes_nothing():
    experiment_id = make_by_period(make_project())
    units = [str(number) for number in range(100_000)]
    with pytest.raises(ScheduleImpossible, match="more than 1000000 cells"):
        hand_out(experiment_id=experiment_id, units=units, days=14, acting_user=ACTOR, now=NOW)
    with pytest.raises(UnitsInvalid, match="'0' is in the list more than once"):
        hand_out(experiment_id=experiment_id, units=[*units, *units], days=1, acting_user=ACTOR, now=NOW)
    assert not PeriodSchedule.objects.exists()
    assert not JournalEntry.objects.filter(action="experiment.schedule").exists()


def test_hand_out__no_periods_or_not_launched__is_impossible():
    project_id = make_project()
    with pytest.raises(ScheduleImpossible, match="not randomised by period"):
        hand_out(experiment_id=make_running(project_id), units=["a"], days=7, acting_user=ACTOR, now=NOW)
    hourly = make_by_period(project_id, key="long", period_minutes=2880, horizon_days=28)
    with pytest.raises(ScheduleImpossible, match="shorter than a period"):
        hand_out(experiment_id=hourly, units=["a"], days=1, acting_user=ACTOR, now=NOW)


def test_commands__bad_input__end_with_the_code_and_its_fix(tmp_path):
    make_project()
    (tmp_path / "u.csv").write_text("a\n")
    with pytest.raises(CommandError, match="EXPERIMENT_UNKNOWN"):
        call_command("schedule", "nobody", units=tmp_path / "u.csv", days=7)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("schedule", "nobody", units=tmp_path / "missing.csv", days=7)
    with pytest.raises(CommandError, match="--days"):
        call_command("schedule", "nobody", units=tmp_path / "u.csv", days=0)
    with pytest.raises(CommandError, match="EXPERIMENT_UNKNOWN"):
        call_command("import_report", "nobody", tmp_path / "u.csv")


def test_import_report__command__announces_the_verdict(tmp_path):
    experiment_id = make_by_period(make_project())
    path = write(tmp_path / "r.csv", planned(experiment_id, ITEMS, 14))
    out = io.StringIO()
    call_command("import_report", "button", path, stdout=out)
    assert "168 rows read, 168 kept" in out.getvalue()
    assert "Verdict: " in out.getvalue()
    assert "/x/button" in out.getvalue()
    again = io.StringIO()
    call_command("import_report", "button", path, json=True, stdout=again)
    assert '"already_imported": true' in again.getvalue()
