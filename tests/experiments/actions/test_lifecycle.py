from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from experiments.actions import lifecycle
from experiments.actions.design import MetricDraft, VariantDraft
from experiments.launch_checks import LaunchRefused
from experiments.lifecycle import TRANSITIONS, IllegalTransition
from experiments.models import AnalysisPlan, Experiment, Variant
from experiments.queries.plans import draft_plan, plan_of
from experiments.vocabulary import Status
from foundation.models import Job, JournalEntry, Project
from tests.fixtures.records import ACTOR, HALVES, NOW, make_draft, make_project, make_running

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=3)


def status_of(experiment_id: int) -> str:
    return Experiment.objects.get(pk=experiment_id).status


def force(experiment_id: int, status: Status) -> None:
    """Put an experiment into a status on a legal path, by raw SQL."""
    paths = {
        Status.DRAFT: [],
        Status.IN_REVIEW: ["IN_REVIEW"],
        Status.RUNNING: ["IN_REVIEW", "RUNNING"],
        Status.PAUSED: ["IN_REVIEW", "RUNNING", "PAUSED"],
        Status.STOPPED: ["IN_REVIEW", "RUNNING", "STOPPED"],
        Status.CONCLUDED: ["IN_REVIEW", "RUNNING", "STOPPED", "CONCLUDED"],
    }
    for step in paths[status]:
        set_status(experiment_id, step)


def set_status(experiment_id: int, status: str) -> None:
    started = "now()" if status == "RUNNING" else "started_at"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE experiments_experiment SET status = %s, started_at = coalesce(started_at, {started}),"
            " concluded_at = CASE WHEN %s = 'CONCLUDED' THEN now() END,"
            " conclusion = CASE WHEN %s = 'CONCLUDED' THEN 'FLAT' ELSE '' END WHERE id = %s",
            [status, status, status, experiment_id],
        )


@pytest.mark.parametrize("target", list(Status))
@pytest.mark.parametrize("origin", list(Status))
def test_database__any_pair_of_statuses_by_raw_sql__agrees_with_the_transition_table(origin, target):
    experiment_id = make_draft(make_project())
    force(experiment_id, origin)
    legal = {(start, end) for (start, _), end in TRANSITIONS.items()}
    if (origin, target) in legal or origin is target:
        set_status(experiment_id, target.value)
        assert status_of(experiment_id) == target
    else:
        with pytest.raises(DatabaseError), transaction.atomic():
            set_status(experiment_id, target.value)
        assert status_of(experiment_id) == origin


def test_database__insert_in_another_status_than_draft__is_refused():
    project = Project.objects.get(pk=make_project())
    with pytest.raises(IntegrityError), transaction.atomic():
        Experiment.objects.create(project=project, key="x", name="x", status="RUNNING", started_at=NOW)
    assert not Experiment.objects.exists()


def test_launch__complete_design__freezes_the_plan_and_opens_the_first_epoch():
    experiment_id = make_running(make_project())
    experiment = Experiment.objects.get(pk=experiment_id)
    assert experiment.status == Status.RUNNING
    assert experiment.started_at == NOW
    assert plan_of(experiment_id) == draft_plan(experiment_id)
    epoch = experiment.epochs.get()
    assert (epoch.number, epoch.coverage, epoch.opened_at) == (1, 1_000_000, NOW)
    assert [(held.variant.key, held.ranges) for held in epoch.allocations.order_by("variant__position")] == [
        ("control", [[0, 500_000]]),
        ("treatment", [[500_000, 1_000_000]]),
    ]


def test_launch__each_step__is_journalled_and_moves_the_bundle():
    project_id = make_project()
    make_running(project_id)
    actions = JournalEntry.objects.filter(subject="experiment:button").order_by("sequence")
    assert list(actions.values_list("action", flat=True)) == [
        "experiment.create",
        "experiment.submit",
        "experiment.launch",
    ]
    revision = Project.objects.get(pk=project_id).revision
    assert Job.objects.filter(key=f"publish_bundle:{project_id}:{revision}", state="READY").exists()


def test_launch__incomplete_design__is_refused_with_everything_that_is_missing():
    project_id = make_project()
    experiment_id = make_draft(
        project_id,
        definitions=(),
        roles=(),
        hypothesis=" ",
        variants=[VariantDraft("control", "Control", 400_000, control=True), VariantDraft("b", "B", 500_000)],
        audience={"attribute": "country", "op": "resembles", "value": "CN"},
        overrides={"me": "nowhere"},
    )
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    with pytest.raises(LaunchRefused) as refusal:
        lifecycle.launch(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    codes = {problem.code for problem in refusal.value.problems}
    assert codes == {"WEIGHTS", "NO_DECISION_METRIC", "NO_HYPOTHESIS", "AUDIENCE", "OVERRIDE", "PLAN"}
    assert all(problem.fix for problem in refusal.value.problems)
    assert status_of(experiment_id) == Status.IN_REVIEW
    assert not AnalysisPlan.objects.exists()


def test_launch__parameters_that_no_bundle_could_carry__is_refused_before_they_block_the_others():
    variants = [
        VariantDraft("control", "Control", 500_000, control=True),
        VariantDraft("b", "B", 500_000, parameters={"columns": [1, 10**30]}),
    ]
    experiment_id = make_draft(make_project(), variants=variants)
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    with pytest.raises(LaunchRefused) as refusal:
        lifecycle.launch(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    (problem,) = refusal.value.problems
    assert problem.code == "PARAMETERS"
    assert "parameters.columns[1] of variant b" in problem.message
    assert status_of(experiment_id) == Status.IN_REVIEW


def test_launch__from_draft__is_refused_and_changes_nothing():
    experiment_id = make_draft(make_project())
    before = JournalEntry.objects.count()
    with pytest.raises(IllegalTransition):
        lifecycle.launch(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    assert status_of(experiment_id) == Status.DRAFT
    assert JournalEntry.objects.count() == before


def test_stop__without_a_reason__is_refused():
    experiment_id = make_running(make_project())
    with pytest.raises(lifecycle.ReasonMissing):
        lifecycle.stop(experiment_id=experiment_id, acting_user=ACTOR, now=LATER, reason="  ")
    assert status_of(experiment_id) == Status.RUNNING


def test_stop__twice__is_refused_the_second_time():
    experiment_id = make_running(make_project())
    lifecycle.stop(experiment_id=experiment_id, acting_user=ACTOR, now=LATER, reason="done")
    with pytest.raises(IllegalTransition, match="possible: conclude"):
        lifecycle.stop(experiment_id=experiment_id, acting_user=ACTOR, now=LATER, reason="again")
    assert Experiment.objects.get(pk=experiment_id).stopped_at == LATER


def test_conclude__stopped_experiment__keeps_the_conclusion_and_frees_its_layer():
    from experiments.actions.design import create_layer

    project_id = make_project()
    layer_id = create_layer(project_id=project_id, key="checkout", name="Checkout", acting_user=ACTOR, now=NOW)
    experiment_id = make_running(project_id, layer_id=layer_id, layer_ranges=[(0, 250_000)])
    lifecycle.stop(experiment_id=experiment_id, acting_user=ACTOR, now=LATER, reason="done")
    lifecycle.conclude(experiment_id=experiment_id, acting_user=ACTOR, now=LATER, conclusion="WON", note="Blue wins.")
    experiment = Experiment.objects.get(pk=experiment_id)
    assert (experiment.conclusion, experiment.conclusion_note) == ("WON", "Blue wins.")
    assert not experiment.layer_ranges.exists()


def test_conclude__unknown_conclusion__is_refused():
    experiment_id = make_running(make_project())
    lifecycle.stop(experiment_id=experiment_id, acting_user=ACTOR, now=LATER, reason="done")
    with pytest.raises(lifecycle.ConclusionUnknown):
        lifecycle.conclude(experiment_id=experiment_id, acting_user=ACTOR, now=LATER, conclusion="MAYBE", note="")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE experiments_experiment SET salt = 'another' WHERE id = %s",
        "UPDATE experiments_experiment SET unit_kind = 'customer' WHERE id = %s",
        "UPDATE experiments_experiment SET coverage = 10 WHERE id = %s",
        "UPDATE experiments_experiment SET horizon_days = 3 WHERE id = %s",
        "UPDATE experiments_experimentmetric SET role = 'SECONDARY' WHERE experiment_id = %s",
        "DELETE FROM experiments_experimentmetric WHERE experiment_id = %s",
        "UPDATE experiments_variant SET weight = 1 WHERE experiment_id = %s",
        (
            "INSERT INTO experiments_variant (experiment_id, key, name, is_control, weight, parameters, position)"
            " VALUES (%s, 'c', 'C', false, 0, '{}', 9)"
        ),
        "UPDATE experiments_analysisplan SET content = '{}' WHERE experiment_id = %s",
        "DELETE FROM experiments_analysisplan WHERE experiment_id = %s",
        "UPDATE experiments_allocationepoch SET coverage = 5 WHERE experiment_id = %s",
    ],
)
def test_database__design_changed_after_launch_by_raw_sql__is_refused(change):
    experiment_id = make_running(make_project())
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change, [experiment_id])


def test_database__second_control__is_refused():
    experiment_id = make_draft(make_project())
    with pytest.raises(IntegrityError), transaction.atomic():
        Variant.objects.filter(experiment_id=experiment_id, key="treatment").update(is_control=True)


def test_launch_problems__metric_window_longer_than_the_plan__says_so():
    from experiments.actions.design import MetricDefinition

    long = MetricDefinition(
        key="slow", name="Slow", kind="CONVERSION", numerator_events=["X"], numerator_what="ANY", window_hours=24 * 40
    )
    experiment_id = make_draft(make_project(), definitions=(long,))
    assert [problem.code for problem in lifecycle.launch_problems(experiment_id)] == ["WINDOW_TOO_LONG"]


def test_metric_draft__foreign_project__is_a_launch_problem():
    from experiments.actions.design import create_metric
    from tests.fixtures.records import CONVERSION

    other = make_project(key="other")
    foreign = create_metric(project_id=other, definition=CONVERSION, acting_user=ACTOR, now=NOW)
    experiment_id = make_draft(
        make_project(), definitions=(), roles=(), metrics=[MetricDraft(foreign, "DECISION")], variants=HALVES
    )
    assert [problem.code for problem in lifecycle.launch_problems(experiment_id)] == ["FOREIGN_METRIC"]
