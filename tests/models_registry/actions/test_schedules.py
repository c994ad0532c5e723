"""Schedules: due by the project's clock, one training for each due time, never changed, at most one open run."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from foundation.models import Job, JournalEntry
from models_registry.actions.cancelling import cancel_run
from models_registry.actions.schedules import (
    ScheduleDraft,
    ScheduleExists,
    ScheduleInvalid,
    create_schedule,
    disable_schedule,
    enable_schedule,
    note_drift,
    start_due,
)
from models_registry.drift import DriftBoundsInvalid
from models_registry.gates import GateMalformed
from models_registry.models import TrainingRun, TrainingSchedule
from models_registry.queries.runs import run_by_id
from models_registry.queries.schedules import (
    ScheduleUnknown,
    due_schedules,
    enabled_schedules,
    newest_passed,
    schedule_by_id,
    schedules_of,
)
from models_registry.queries.versions import ModelUnknown
from models_registry.vocabulary import DataPolicy, RunCause
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import make_model, make_version

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def model_id() -> int:
    return make_model(make_project())


def scheduled(model_id: int, **changes) -> int:
    draft = ScheduleDraft(**{"key": "nightly", "recipe": "item_item", "window_days": 14, **changes})
    return create_schedule(model_id=model_id, draft=draft, acting_user=ACTOR, now=NOW)


def project_of(model_id: int) -> int:
    return schedules_of(model_id)[0].model.project_id


def test_create__is_due_at_once_and_journalled(model_id):
    schedule = schedule_by_id(scheduled(model_id, data_policy=DataPolicy.OWN_ARM, drift={"psi": 0.2}))
    assert (schedule.due_at, schedule.is_enabled, schedule.data_policy) == (NOW, True, DataPolicy.OWN_ARM)
    assert (schedule.window, schedule.every, dict(schedule.drift)) == (14 * DAY, DAY, {"psi": 0.2})
    assert JournalEntry.objects.latest("sequence").action == "training.schedule"
    assert enabled_schedules(schedule.model.project_id) == [schedule]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"window_days": 0}, ScheduleInvalid),
        ({"window_days": 401}, ScheduleInvalid),
        ({"every_hours": 0}, ScheduleInvalid),
        ({"every_hours": 10**9}, ScheduleInvalid),
        ({"drift": {"psi": -1}}, DriftBoundsInvalid),
        ({"gate": {"margin": -1}}, GateMalformed),
        ({"gate": {"luck": 1}}, GateMalformed),
    ],
)
def test_create__what_cannot_be__is_refused_and_makes_nothing(model_id, changes, error):
    with pytest.raises(error):
        scheduled(model_id, **changes)
    assert TrainingSchedule.objects.count() == 0


def test_create__key_that_is_taken_or_model_that_is_not_there__is_refused(model_id):
    scheduled(model_id)
    with pytest.raises(ScheduleExists):
        scheduled(model_id, window_days=7)
    with pytest.raises(ModelUnknown):
        scheduled(model_id + 999)
    assert TrainingSchedule.objects.get().window_days == 14


def test_start__when_due__promises_one_training_of_what_the_schedule_says(model_id):
    schedule_id = scheduled(model_id, parameters={"neighbours": 50}, gate={"margin": 0.01})
    assert due_schedules(project_of(model_id), at=NOW) == (schedule_id,)
    run = run_by_id(start_due(schedule_id=schedule_id, now=NOW, warnings=["ARMS_LEARN_FROM_EACH_OTHER"]))
    assert (run.cause, run.schedule_id, run.requested_by) == (RunCause.SCHEDULE, schedule_id, "tiltyard")
    assert (run.data_start, run.data_end) == (NOW - 14 * DAY, NOW)
    assert (dict(run.parameters), dict(run.rule), run.margin) == ({"neighbours": 50}, {"margin": 0.01}, 0.01)
    assert run.warnings == ("ARMS_LEARN_FROM_EACH_OTHER",)
    assert run.trigger["due_at"] == NOW.isoformat()
    assert Job.objects.get(kind="train").payload == {"run_id": run.id}


def test_start__before_it_is_due_or_while_it_trains__promises_nothing(model_id):
    schedule_id = scheduled(model_id)
    first = start_due(schedule_id=schedule_id, now=NOW)
    assert schedule_by_id(schedule_id).due_at == NOW + DAY
    assert start_due(schedule_id=schedule_id, now=NOW + DAY / 2) is None
    assert start_due(schedule_id=schedule_id, now=NOW + DAY) is None
    assert due_schedules(project_of(model_id), at=NOW + DAY) == ()
    cancel_run(run_id=first, acting_user=ACTOR, now=NOW + DAY)
    assert due_schedules(project_of(model_id), at=NOW + DAY) == (schedule_id,)
    assert start_due(schedule_id=schedule_id, now=NOW + DAY) is not None


def test_start__trainings_that_were_missed__are_not_made_up_for(model_id):
    schedule_id = scheduled(model_id)
    run_id = start_due(schedule_id=schedule_id, now=NOW + 3.5 * DAY)
    assert run_by_id(run_id).data_end == NOW + 3.5 * DAY
    assert schedule_by_id(schedule_id).due_at == NOW + 4 * DAY


def test_start__schedule_that_is_off_or_not_there__promises_nothing(model_id):
    schedule_id = scheduled(model_id)
    disable_schedule(schedule_id=schedule_id, acting_user=ACTOR, now=NOW, reason="season is over")
    assert (schedule_by_id(schedule_id).due_at, due_schedules(project_of(model_id), at=NOW)) == (None, ())
    assert start_due(schedule_id=schedule_id, now=NOW + DAY) is None
    assert start_due(schedule_id=schedule_id + 99, now=NOW) is None
    assert TrainingRun.objects.count() == 0


def test_switch__off_and_on__makes_it_due_and_tells_why_once(model_id):
    schedule_id = scheduled(model_id)
    for _ in range(2):
        disable_schedule(schedule_id=schedule_id, acting_user=ACTOR, now=NOW, reason="season is over")
    for _ in range(2):
        enable_schedule(schedule_id=schedule_id, acting_user=ACTOR, now=NOW + DAY)
    assert schedule_by_id(schedule_id).due_at == NOW + DAY
    entries = JournalEntry.objects.filter(action__startswith="training.schedule_").order_by("sequence")
    assert [entry.action for entry in entries] == ["training.schedule_disable", "training.schedule_enable"]
    assert entries[0].reason == "season is over"
    with pytest.raises(ScheduleUnknown):
        enable_schedule(schedule_id=schedule_id + 99, acting_user=ACTOR, now=NOW)


@pytest.mark.parametrize(
    "change", [{"recipe": "two_tower"}, {"window_days": 3}, {"drift": {}}, {"data_policy": "own_arm"}]
)
def test_schedule__what_it_trains__cannot_be_changed_in_the_database(model_id, change):
    schedule_id = scheduled(model_id, drift={"psi": 0.3})
    before = TrainingSchedule.objects.values().get(pk=schedule_id)
    with pytest.raises(DatabaseError), transaction.atomic():
        TrainingSchedule.objects.filter(pk=schedule_id).update(**change)
    assert TrainingSchedule.objects.values().get(pk=schedule_id) == before


def test_runs__two_open_ones_of_a_schedule__are_refused_by_the_database(model_id):
    schedule_id = scheduled(model_id)
    run = TrainingRun.objects.get(pk=start_due(schedule_id=schedule_id, now=NOW))
    run.pk = None
    with pytest.raises(IntegrityError, match="one_open_run_of_schedule"), transaction.atomic():
        run.save(force_insert=True)


def test_newest_passed__versions_of_a_schedule__is_the_last_one_and_none_of_other_runs(model_id):
    schedule_id = scheduled(model_id)
    make_version(model_id)
    assert newest_passed(schedule_id) is None
    made = [make_version(model_id, schedule_id=schedule_id, first=float(number)) for number in range(2)]
    make_version(model_id)
    newest = newest_passed(schedule_id)
    assert newest.id == made[-1]
    assert newest_passed(schedule_id, registered_before=newest.created_at).id == made[0]


def test_drift__beyond_a_bound__asks_for_one_training_and_keeps_what_was_found(model_id):
    schedule_id = scheduled(model_id, drift={"psi": 0.2})
    found = {"psi": {"prices": {"psi": 0.5, "chance": 0.01}}}
    arguments = {"schedule_id": schedule_id, "findings": found, "exceeded": ["psi:prices"], "now": NOW, "warnings": []}
    run = run_by_id(note_drift(**arguments))
    assert (run.cause, run.trigger["exceeded"], run.trigger["psi"]) == (RunCause.DRIFT, ["psi:prices"], found["psi"])
    assert note_drift(**arguments) is None
    assert TrainingRun.objects.count() == 1
    assert schedule_by_id(schedule_id).drift_check["at"] == NOW.isoformat()


def test_drift__within_its_bounds_or_of_a_schedule_that_is_off__asks_for_nothing(model_id):
    schedule_id = scheduled(model_id, drift={"psi": 0.2})
    arguments = {"schedule_id": schedule_id, "findings": {}, "now": NOW, "warnings": []}
    assert note_drift(exceeded=[], **arguments) is None
    disable_schedule(schedule_id=schedule_id, acting_user=ACTOR, now=NOW)
    assert note_drift(exceeded=["metric_drop"], **arguments) is None
    assert TrainingRun.objects.count() == 0
    assert schedule_by_id(schedule_id).drift_check["exceeded"] == ["metric_drop"]


@pytest.mark.django_db(transaction=True)
def test_start__by_four_beats_at_once__promises_one_training():
    schedule_id = scheduled(make_model(make_project()))
    gate, found = threading.Barrier(4), []

    def beat() -> None:
        try:
            gate.wait()
            found.append(start_due(schedule_id=schedule_id, now=NOW))
        finally:
            connection.close()

    beats = [threading.Thread(target=beat) for _ in range(4)]
    for each in beats:
        each.start()
    for each in beats:
        each.join()
    assert len(found) == 4
    assert [run for run in found if run is not None] == [TrainingRun.objects.get().pk]
    assert Job.objects.filter(kind="train").count() == 1
