"""Cells of unit x period as they are stored: each once, with what it brought, for the checks of a look."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from experiments.actions.reports import import_report
from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import AnalysisInputs, History
from experiments.analysis.scorecard import Outcome
from experiments.assignment.schedule import Cell
from experiments.queries.analysis_inputs import own_inputs, recorded_inputs
from experiments.queries.designs import run_facts
from experiments.queries.plans import plan_of
from tests.fixtures.cells import live_through, make_by_period, planned
from tests.fixtures.records import ACTOR, NOW, make_project

pytestmark = pytest.mark.django_db

MICROS = 1_000_000
ITEMS = [f"item|{number:02d}" for number in range(12)]


def amount(cell: Cell) -> int:
    """Return what a cell sells for: nothing in every fifth period."""
    number = int(cell.unit.rpartition("|")[2])
    return 0 if cell.period % 5 == 4 else 20 + number + 5 * (cell.variant == "treatment") + (cell.period * number) % 7


def own(experiment_id: int, *, days: float) -> AnalysisInputs:
    return own_inputs(
        run=run_facts(experiment_id),
        plan=plan_of(experiment_id),
        window_end=NOW + timedelta(days=days),
        received_before=NOW + timedelta(days=30),
        history=History(),
    )


def expected(cells: Iterable[Cell]) -> list[tuple[int, int, str, int]]:
    return [(ITEMS.index(cell.unit), cell.period, cell.variant, MICROS * amount(cell)) for cell in cells]


def rows(inputs: AnalysisInputs) -> list[tuple[int, int, str, int]]:
    (found,) = inputs.cell_values
    return list(zip(found.units, found.periods, found.variants, found.sums["y"], strict=True))


def test_own_cells__lived_through__are_those_of_the_schedule_with_what_they_brought():
    project_id = make_project()
    experiment_id = make_by_period(project_id)
    cells = planned(experiment_id, ITEMS, 14)
    live_through(project_id, experiment_id, cells, amount)
    inputs = own(experiment_id, days=16)
    assert rows(inputs) == expected(cells)
    card = build_scorecard(plan_of(experiment_id), inputs)
    test, left = card.check("RANDOMISATION_TEST"), card.check("CARRY_OVER_SEEN")
    assert test.outcome is Outcome.PASSED
    assert test.figures["p_clusters"] == card.comparisons[0].p_value
    assert left.outcome in (Outcome.PASSED, Outcome.FAILED)
    assert 0.0 < left.figures["p"] <= 1.0


def test_own_cells__period_that_is_not_over__is_left_out():
    project_id = make_project()
    experiment_id = make_by_period(project_id)
    cells = planned(experiment_id, ITEMS, 14)
    live_through(project_id, experiment_id, [cell for cell in cells if cell.period < 5], amount)
    assert rows(own(experiment_id, days=5)) == expected(cell for cell in cells if cell.period < 4)


def test_recorded_cells__report_of_a_platform__are_its_rows(tmp_path):
    experiment_id = make_by_period(make_project())
    cells = planned(experiment_id, ITEMS, 14)
    path = tmp_path / "report.csv"
    lines = [f"{cell.unit},{cell.period},{cell.variant},{amount(cell)}" for cell in cells]
    path.write_text("\n".join(["unit,period,variant,sales", *lines]), encoding="utf-8")
    import_report(experiment_id=experiment_id, path=path, acting_user=ACTOR, now=NOW)
    inputs = recorded_inputs(run=run_facts(experiment_id), plan=plan_of(experiment_id))
    assert rows(inputs) == expected(cells)
