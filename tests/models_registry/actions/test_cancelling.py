"""Cancelled and abandoned runs: they end once, register nothing, and say what happened."""

import pytest

from foundation.models import Job, JournalEntry
from models_registry.actions.cancelling import ABANDONED, RunEnded, cancel_run, end_abandoned, end_cancelled
from models_registry.actions.training import begin_run, end_run, keep_trial, tell_progress
from models_registry.models import ModelVersion, TrainingRun
from models_registry.queries.runs import RunUnknown, run_by_id
from models_registry.vocabulary import RunState
from tests.fixtures import registry
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import REVISION, make_failed_run, make_model, make_run, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def run_id() -> int:
    return make_run(make_model(make_project()))


def cancel(run_id: int) -> None:
    cancel_run(run_id=run_id, acting_user=ACTOR, now=NOW, reason="the wrong window")


def test_cancel__run_that_waits__ends_it_at_once_with_the_reason_journalled(run_id):
    cancel(run_id)
    run = run_by_id(run_id)
    assert (run.state, run.finished_at) == (RunState.CANCELLED, NOW)
    entry = JournalEntry.objects.get(action="training.cancel")
    assert (entry.actor, entry.reason, entry.after["run"]) == (ACTOR, "the wrong window", run_id)
    assert not begin_run(run_id=run_id, code_revision=REVISION, now=NOW)


def test_cancel__run_that_trains__goes_on_until_the_worker_hears_of_it(run_id):
    begin_run(run_id=run_id, code_revision=REVISION, now=NOW)
    assert tell_progress(run_id=run_id, step="fit", share=0.5)
    cancel(run_id)
    assert run_by_id(run_id).state is RunState.RUNNING
    assert not tell_progress(run_id=run_id, step="fit", share=0.6)
    assert run_by_id(run_id).progress == 0.5
    assert not begin_run(run_id=run_id, code_revision=REVISION, now=NOW)
    assert end_cancelled(run_id=run_id, now=NOW)
    assert run_by_id(run_id).state is RunState.CANCELLED


def test_cancel__between_training_and_registering__registers_nothing(run_id):
    begin_run(run_id=run_id, code_revision=REVISION, now=NOW)
    cancel(run_id)
    candidate = registry._candidate(registry.popularity_artifact(), registry.ITEM_IDS, 1.0, passed=True)
    assert end_run(run_id=run_id, candidate=candidate, now=NOW) is None
    assert ModelVersion.objects.count() == 0


def test_cancel__run_whose_job_was_given_up__ends_it_at_once(run_id):
    begin_run(run_id=run_id, code_revision=REVISION, now=NOW)
    Job.objects.filter(kind="train").update(state="DEAD", finished_at=NOW)
    cancel(run_id)
    assert run_by_id(run_id).state is RunState.CANCELLED


def test_cancel__twice__changes_nothing_more(run_id):
    begin_run(run_id=run_id, code_revision=REVISION, now=NOW)
    cancel(run_id)
    cancel(run_id)
    assert JournalEntry.objects.filter(action="training.cancel").count() == 1


def test_cancel__run_that_has_ended__is_refused_and_keeps_what_it_registered():
    version_id = make_version(make_model(make_project()))
    run_id = TrainingRun.objects.get().pk
    with pytest.raises(RunEnded):
        cancel(run_id)
    run = run_by_id(run_id)
    assert (run.state, run.is_cancelled, run.version_id) == (RunState.SUCCEEDED, False, version_id)
    assert not end_cancelled(run_id=run_id, now=NOW)


def test_cancel__unknown_run__is_refused():
    with pytest.raises(RunUnknown):
        cancel(12345)


def test_abandoned__job_given_up__fails_the_run_and_no_other():
    model_id = make_model(make_project())
    lost, waiting, failed = make_run(model_id), make_run(model_id), make_failed_run(model_id)
    begin_run(run_id=lost, code_revision=REVISION, now=NOW)
    Job.objects.filter(key=f"train:{lost}").update(state="DEAD", finished_at=NOW)
    Job.objects.filter(key=f"train:{failed}").update(state="DONE", finished_at=NOW)
    assert end_abandoned(now=NOW) == 1
    assert end_abandoned(now=NOW) == 0
    assert (run_by_id(lost).state, run_by_id(lost).error_code) == (RunState.FAILED, ABANDONED)
    assert run_by_id(waiting).state is RunState.QUEUED
    assert run_by_id(failed).error_code == "TRAINING_DATA_INSUFFICIENT"


def test_trials__kept_in_order__replace_those_of_their_number(run_id):
    begin_run(run_id=run_id, code_revision=REVISION, now=NOW)
    for number, mean in ((1, 0.1), (0, 0.2), (1, 0.3)):
        keep_trial(run_id=run_id, number=number, trial={"number": number, "mean": mean})
    assert [(trial["number"], trial["mean"]) for trial in run_by_id(run_id).trials] == [(0, 0.2), (1, 0.3)]


def test_trials__of_a_run_that_has_ended__are_not_kept():
    run_id = make_failed_run(make_model(make_project()))
    keep_trial(run_id=run_id, number=0, trial={"number": 0})
    assert run_by_id(run_id).trials == []
