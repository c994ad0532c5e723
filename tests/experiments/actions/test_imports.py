import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from experiments.actions.design import MetricDefinition, create_metric
from experiments.actions.import_design import MetricTaken, slots_of
from experiments.actions.imports import Imported, RecordedDifferently
from experiments.models import (
    Experiment,
    ExternalAggregate,
    ExternalUnit,
    Metric,
    Quarantine,
    RecordedImport,
    Scorecard,
)
from experiments.queries.looks import latest_look
from experiments.queries.plans import plan_of
from experiments.recorded.files import DataInvalid
from experiments.vocabulary import Status, VerdictState
from foundation.actions.journal import first_broken_entry
from foundation.ids import hash_unit
from foundation.models import JournalEntry, Project
from foundation.queries import ProjectUnknown
from tests.experiments.recorded.material import PLAIN, ROWS, full_manifest, make_manifest, write_csv
from tests.fixtures.recorded import import_files, rows_of_every_table
from tests.fixtures.records import ACTOR, NOW, make_draft, make_project

pytestmark = pytest.mark.django_db

PEOPLE = [f"u{index},{'ab'[index % 2]},,,{int(index % 10 < 3 + 4 * (index % 2))},,,," for index in range(400)]
"""Half in each arm; half of the treated and a third of the others convert."""


def test_import_recorded__user_rows__become_records_of_a_stopped_experiment_with_its_verdict(tmp_path: Path):
    project_id = make_project()
    (imported,) = import_files(full_manifest(), write_csv(tmp_path, *ROWS))
    row = Experiment.objects.get(pk=imported.experiment_id)
    assert (row.project_id, row.key, row.source, row.status) == (project_id, "button", "EXTERNAL", Status.STOPPED)
    assert [(v.key, v.is_control, v.weight) for v in row.variants.all()] == [
        ("control", True, 500_000),
        ("treatment", False, 500_000),
    ]
    assert row.layer_id is None
    assert row.epochs.count() == 1
    unit = ExternalUnit.objects.get(unit=hash_unit(bytes(Project.objects.get().pepper), "visitor", "u2"))
    assert (unit.variant.key, unit.shown_variant.key) == ("treatment", "treatment")
    assert (unit.totals, unit.covariates) == ([1, 2, 19_990_000, 19_990_000, 2], [None])
    assert unit.dimensions == {"country": "UK"}
    assert unit.occurred_at.isoformat() == "2024-03-01T11:00:00+00:00"
    record = RecordedImport.objects.get(experiment=row)
    assert record.columns == {
        "totals": [
            {"metric": "conversion", "part": "y"},
            {"metric": "orders", "part": "y"},
            {"metric": "revenue", "part": "y"},
            {"metric": "order-value", "part": "y"},
            {"metric": "order-value", "part": "d"},
        ],
        "covariates": [{"metric": "revenue", "part": "x"}],
        "clustered": False,
    }
    assert (record.counts["rows_read"], record.counts["rows_kept"]) == (4, 4)
    look = latest_look(row.pk)
    assert look is not None
    assert [(found.variant, found.units) for found in look.scorecard.variants] == [("control", 2), ("treatment", 2)]


def test_import_recorded__every_step__is_in_the_journal_with_actor_and_reason(tmp_path: Path):
    project_id = make_project()
    import_files(make_manifest(), write_csv(tmp_path, *PEOPLE))
    entries = JournalEntry.objects.filter(subject="experiment:button").order_by("sequence")
    assert [(entry.action, entry.actor, entry.reason) for entry in entries] == [
        ("experiment.create", ACTOR, ""),
        ("experiment.import", ACTOR, "Recorded elsewhere: data.csv"),
        ("experiment.submit", ACTOR, "Recorded elsewhere: data.csv"),
        ("experiment.launch", ACTOR, "Freezes the plan of the manifest"),
        ("experiment.stop", ACTOR, "Was over when it was imported"),
    ]
    assert first_broken_entry(project_id) is None


def test_import_recorded__clear_difference__ships_and_equals_a_plain_count(tmp_path: Path):
    make_project()
    (imported,) = import_files(make_manifest(), write_csv(tmp_path, *PEOPLE))
    look = latest_look(imported.experiment_id)
    assert look is not None
    comparison = look.scorecard.comparison("conversion", "treatment")
    rows = [line.split(",") for line in PEOPLE]
    share = {arm: sum(int(row[4]) for row in rows if row[1] == arm) / 200 for arm in "ab"}
    assert comparison.absolute.value == pytest.approx(share["b"] - share["a"], abs=1e-12)
    assert (look.verdict.state, look.verdict.winner) == (VerdictState.SHIP, "treatment")


def test_import_recorded__same_manifest_and_data_again__changes_nothing(tmp_path: Path):
    make_project()
    (first,) = import_files(make_manifest(), write_csv(tmp_path, *PEOPLE))
    before = rows_of_every_table()
    (again,) = import_files(make_manifest(), write_csv(tmp_path, *PEOPLE, name="renamed.csv"))
    assert (first.already, again.already) == (False, True)
    assert again.experiment_id == first.experiment_id
    assert rows_of_every_table() == before


@pytest.mark.parametrize(
    ("changes", "rows"),
    [({}, PEOPLE[:-2]), ({"tolerated_bad_share": 0.5}, PEOPLE)],
    ids=["other data", "other manifest"],
)
def test_import_recorded__same_key_with_anything_else__is_refused(
    tmp_path: Path, changes: dict[str, Any], rows: list[str]
):
    make_project()
    import_files(make_manifest(), write_csv(tmp_path, *PEOPLE))
    before = rows_of_every_table()
    with pytest.raises(RecordedDifferently, match="was imported before, from other data or another manifest"):
        import_files(make_manifest(**changes), write_csv(tmp_path, *rows, name="other.csv"))
    assert rows_of_every_table() == before


@pytest.mark.django_db(transaction=True)
def test_import_recorded__twice_at_the_same_time__one_imports_and_the_other_finds_it(tmp_path: Path):
    make_project()
    paths = [write_csv(tmp_path, *PEOPLE, name=f"{name}.csv") for name in "ab"]

    def run(path: Path) -> tuple[Imported, ...]:
        try:
            return import_files(make_manifest(), path)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        results = [found for (found,) in pool.map(run, paths)]
    assert sorted(found.already for found in results) == [False, True]
    assert len({found.experiment_id for found in results}) == 1
    assert ExternalUnit.objects.count() == len(PEOPLE)


def test_import_recorded__key_of_an_experiment_of_our_own__is_refused(tmp_path: Path):
    make_draft(make_project(), key="button")
    before = rows_of_every_table()
    with pytest.raises(RecordedDifferently, match="already has an experiment button of its own"):
        import_files(make_manifest(), write_csv(tmp_path, *PEOPLE))
    assert rows_of_every_table() == before


def test_import_recorded__unknown_project__is_refused(tmp_path: Path):
    with pytest.raises(ProjectUnknown):
        import_files(make_manifest(), write_csv(tmp_path, *PEOPLE))


@pytest.mark.parametrize(
    "rows",
    [[], [*PEOPLE, *["x,c,,,0,,,,"] * 40], [row for row in PEOPLE if ",a," in row]],
    ids=["no rows", "too many bad rows", "an empty variant"],
)
def test_import_recorded__data_that_cannot_be_used__leave_every_table_as_it_was(tmp_path: Path, rows: list[str]):
    make_project()
    before = rows_of_every_table()
    with pytest.raises(DataInvalid):
        import_files(make_manifest(), write_csv(tmp_path, *rows))
    assert rows_of_every_table() == before


def test_import_recorded__one_bad_experiment_of_many__none_is_imported(tmp_path: Path):
    """The first experiment was written when the second turns out to be bad."""
    make_project()
    before = rows_of_every_table()
    rows = [f"{row}{'xy'[index // 200]}" for index, row in enumerate(PEOPLE)]
    with pytest.raises(DataInvalid, match="e-y: the variant treatment has no units"):
        import_files(many(), write_csv(tmp_path, *[row for row in rows if ",b," not in row or row[-1] == "x"]))
    assert rows_of_every_table() == before


def many(**changes: Any) -> Any:
    return make_manifest(
        columns={"unit": "id", "variant": "arm", "experiment": "country"},
        experiment={**PLAIN["experiment"], "key": "e-{experiment}"},
        **changes,
    )


def test_import_recorded__many_experiments__each_has_its_units_hash_and_verdict(tmp_path: Path):
    make_project()
    rows = [f"{row}{'xy'[index // 200]}" for index, row in enumerate(PEOPLE)]
    imported = import_files(many(), write_csv(tmp_path, *rows))
    assert [entry.key for entry in imported] == ["e-x", "e-y"]
    assert [ExternalUnit.objects.filter(experiment_id=entry.experiment_id).count() for entry in imported] == [200, 200]
    assert Metric.objects.filter(key="conversion").count() == 1
    assert not any(entry.already for entry in imported)
    again = import_files(many(), write_csv(tmp_path, *rows))
    assert [(entry.key, entry.already) for entry in again] == [("e-x", True), ("e-y", True)]


def test_import_recorded__bad_rows__are_all_counted_and_examples_kept_without_personal_ids(tmp_path: Path):
    make_project()
    bad = [f"secret-{index},a,,,maybe,,,," for index in range(150)]
    (imported,) = import_files(make_manifest(tolerated_bad_share=0.5), write_csv(tmp_path, *PEOPLE, *bad))
    record = RecordedImport.objects.get(experiment_id=imported.experiment_id)
    assert record.counts["quarantined"] == {"NOT_BINARY": 150}
    kept = Quarantine.objects.filter(experiment_id=imported.experiment_id).order_by("pk")
    assert (kept.count(), kept[0].origin, kept[0].reference) == (100, "IMPORT", "data.csv:row 401")
    assert kept[0].detail == "data.csv, line 402, column converted: the value is neither 0 nor 1."
    assert kept[0].payload["value"] == "maybe"
    look = latest_look(imported.experiment_id)
    assert look is not None
    assert look.scorecard.exclusions.quarantined == 150


def test_import_recorded__planned_split__is_what_the_sample_ratio_is_checked_against(tmp_path: Path):
    make_project()
    variants = [{**PLAIN["variants"][0], "weight": 9}, {**PLAIN["variants"][1], "weight": 1}]
    (imported,) = import_files(make_manifest(variants=variants), write_csv(tmp_path, *PEOPLE))
    look = latest_look(imported.experiment_id)
    assert look is not None
    assert look.verdict.state is VerdictState.INVALID
    assert [found.planned_share for found in look.scorecard.variants] == [0.9, 0.1]


def test_import_recorded__plan_of_the_manifest__is_frozen(tmp_path: Path):
    make_project()
    manifest = make_manifest(
        adjust="metrics_and_arms",
        objective={"kind": "non_inferiority_with_saving", "margin": 0.1, "saving": "half the mails"},
    )
    (imported,) = import_files(manifest, write_csv(tmp_path, *PEOPLE))
    plan = plan_of(imported.experiment_id)
    assert (plan.method, plan.family, plan.objective) == (
        "FIXED_HORIZON",
        "METRICS_AND_ARMS",
        "NON_INFERIORITY_WITH_SAVING",
    )
    assert (plan.objective_margin, plan.declared_saving) == (0.1, "half the mails")


def test_import_recorded__metric_of_our_own_with_that_key__is_refused(tmp_path: Path):
    definition = MetricDefinition(
        key="conversion", name="C", kind="CONVERSION", numerator_events=["Order Completed"], numerator_what="ANY"
    )
    create_metric(project_id=make_project(), definition=definition, acting_user=ACTOR, now=NOW)
    before = rows_of_every_table()
    with pytest.raises(MetricTaken):
        import_files(make_manifest(), write_csv(tmp_path, *PEOPLE))
    assert rows_of_every_table() == before


def test_import_recorded__outcome_defined_otherwise__makes_the_next_version(tmp_path: Path):
    make_project()
    import_files(make_manifest(), write_csv(tmp_path, *PEOPLE))
    outcomes = [{**PLAIN["outcomes"][0], "direction": "DECREASE"}]
    other = make_manifest(outcomes=outcomes, experiment={**PLAIN["experiment"], "key": "other"})
    (imported,) = import_files(other, write_csv(tmp_path, *PEOPLE))
    metric = Metric.objects.get(uses__experiment_id=imported.experiment_id)
    assert (metric.version, metric.direction, metric.numerator_events) == (2, "DECREASE", ["recorded:conversion"])


def test_import_recorded__cap__is_applied_and_the_uncapped_figure_shown_beside(tmp_path: Path):
    make_project()
    dice = random.Random(3)
    rows = [f"u{index},{'ab'[index % 2]},,,,,{dice.randrange(1, 9000) / 100},," for index in range(300)]
    outcomes = [{"name": "revenue", "kind": "money", "column": "revenue", "role": "DECISION", "cap": 50}]
    (imported,) = import_files(make_manifest(outcomes=outcomes), write_csv(tmp_path, *rows))
    look = latest_look(imported.experiment_id)
    assert look is not None
    comparison = look.scorecard.comparison("revenue", "treatment")
    values = [float(row.split(",")[6]) for row in rows]
    assert comparison.control.value == pytest.approx(sum(min(v, 50) for v in values[::2]) / 150, abs=1e-9)
    assert comparison.uncapped is not None


def test_import_recorded__aggregates__are_stored_at_every_checkpoint_and_judged_at_the_last(tmp_path: Path):
    make_project()
    totals = {"name": "conversion", "kind": "binary", "role": "DECISION", "units": "n", "successes": "s"}
    manifest = make_manifest(source="aggregates", columns={"variant": "arm", "checkpoint": "day"}, outcomes=[totals])
    rows = ["a,9,1000,100", "b,9,1000,90", "a,10,2000,200", "b,10,2010,400"]
    (imported,) = import_files(manifest, write_csv(tmp_path, *rows, header="arm,day,n,s"))
    stored = ExternalAggregate.objects.filter(experiment_id=imported.experiment_id)
    assert sorted(stored.values_list("variant__key", "checkpoint", "units")) == [
        ("control", "10", 2000),
        ("control", "9", 1000),
        ("treatment", "10", 2010),
        ("treatment", "9", 1000),
    ]
    look = latest_look(imported.experiment_id)
    assert look is not None
    assert Experiment.objects.get(pk=imported.experiment_id).source == "AGGREGATE"
    assert [(found.variant, found.units) for found in look.scorecard.variants] == [
        ("control", 2000),
        ("treatment", 2010),
    ]
    assert look.scorecard.comparison("conversion", "treatment").absolute.value == pytest.approx(400 / 2010 - 0.1)
    assert look.verdict.state is VerdictState.SHIP


def test_import_recorded__rows_in_another_order__give_the_same_bytes(tmp_path: Path):
    """Two projects, because a project keeps an experiment's key."""
    dice = random.Random(11)
    rows = []
    for index in range(800):
        shown, at = dice.choice(["old", "new"]), f"2024-03-01 10:{index // 60:02d}:{index % 60:02d}"
        money = dice.randrange(9000) / 100
        outcomes = f"{dice.randrange(2)},{dice.randrange(3)},{money},{dice.randrange(9)}"
        rows.append(f"u{dice.randrange(200)},{'ab'[dice.randrange(2)]},{shown},{at},{outcomes},US")
    contents = []
    for project in ("one", "two"):
        make_project(key=project)
        manifest = full_manifest(project=project, tolerated_bad_share=1)
        (imported,) = import_files(manifest, write_csv(tmp_path, *rows, name=f"{project}.csv"))
        contents.append(Scorecard.objects.get(experiment_id=imported.experiment_id).content)
        dice.shuffle(rows)
    assert contents[0] == contents[1]
    assert json.loads(contents[0])["exclusions"]["mismatched_rows"] > 100


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([1, 1], [500_000, 500_000]),
        ([1, 1, 1], [333_334, 333_333, 333_333]),
        ([96, 4], [960_000, 40_000]),
        ([0.1, 0.2, 0.7], [100_000, 200_000, 700_000]),
        ([1] * 7, [142_858, *[142_857] * 6]),
    ],
)
def test_slots_of__shares__fill_all_slots(weights: list[float], expected: list[int]):
    assert slots_of(weights) == expected
    assert sum(slots_of(weights)) == 1_000_000
