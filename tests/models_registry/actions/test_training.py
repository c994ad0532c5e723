"""Training runs: one version for each, states in order, nothing registered by what was refused or failed."""

import pytest
from django.db import IntegrityError, InternalError, transaction
from django.db.utils import DatabaseError

from foundation.models import Job, JournalEntry
from models_registry.actions.models import ModelExists
from models_registry.actions.training import TrainingOrder, WindowEmpty, begin_run, fail_run, request_training
from models_registry.models import ArtifactChunk, ModelVersion, TrainingRun
from models_registry.queries.runs import run_by_id
from models_registry.queries.versions import (
    ModelUnknown,
    artifact_bytes,
    verified_artifact,
    version_by_id,
    versions_of,
)
from models_registry.vocabulary import RunState
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import (
    DATA_END,
    DATA_START,
    REVISION,
    make_failed_run,
    make_model,
    make_refused_run,
    make_run,
    make_version,
    popularity_artifact,
)

pytestmark = pytest.mark.django_db

STATES = [state.value for state in RunState]
ALLOWED = {
    ("QUEUED", "RUNNING"),
    ("QUEUED", "FAILED"),
    ("RUNNING", "SUCCEEDED"),
    ("RUNNING", "REFUSED"),
    ("RUNNING", "FAILED"),
    ("QUEUED", "CANCELLED"),
    ("RUNNING", "CANCELLED"),
}


def test_request__of_a_model__promises_one_job_and_journals_it():
    model_id = make_model(make_project())
    run_id = make_run(model_id)
    assert Job.objects.get(kind="train").payload == {"run_id": run_id}
    assert run_by_id(run_id).state is RunState.QUEUED
    assert JournalEntry.objects.filter(action="training.request", subject="model:home-ranking").count() == 1


def test_request__empty_window_or_unknown_model__promises_nothing():
    model_id = make_model(make_project())
    with pytest.raises(WindowEmpty):
        make_run(model_id, data_start=DATA_END, data_end=DATA_END)
    order = TrainingOrder(recipe="item_item", data_start=DATA_START, data_end=DATA_END)
    with pytest.raises(ModelUnknown):
        request_training(model_id=model_id + 999, order=order, acting_user=ACTOR, now=NOW)
    assert (TrainingRun.objects.count(), Job.objects.filter(kind="train").count()) == (0, 0)


def test_end__accepted_candidate__registers_the_next_version_with_its_lineage():
    model_id = make_model(make_project())
    first, second = version_by_id(make_version(model_id)), version_by_id(make_version(model_id, first=2.0))
    assert (first.number, second.number) == (1, 2)
    run = run_by_id(second.run_id)
    assert (run.state, run.version_id, run.code_revision) == (RunState.SUCCEEDED, second.id, REVISION)
    assert (second.data_start, second.data_end, second.code_revision) == (DATA_START, DATA_END, REVISION)
    assert artifact_bytes(second.sha256) == popularity_artifact(first=2.0)
    assert verified_artifact(second).tensors["popularity"][0] == 2.0


def test_end__same_bytes_twice__stores_them_once():
    model_id = make_model(make_project())
    make_version(model_id)
    chunks = ArtifactChunk.objects.count()
    make_version(model_id)
    assert (ArtifactChunk.objects.count(), len(versions_of(model_id))) == (chunks, 2)


def test_end__refused_or_failed__registers_nothing_and_says_why():
    model_id = make_model(make_project())
    refused, failed = run_by_id(make_refused_run(model_id)), run_by_id(make_failed_run(model_id))
    assert (refused.state, failed.state) == (RunState.REFUSED, RunState.FAILED)
    assert refused.gate["passed"] is False
    assert failed.error_code == "TRAINING_DATA_INSUFFICIENT"
    assert ModelVersion.objects.count() == 0


def test_begin__ended_run__is_not_begun_again():
    model_id = make_model(make_project())
    run_id = make_failed_run(model_id)
    assert not begin_run(run_id=run_id, code_revision=REVISION, now=NOW)
    fail_run(run_id=run_id, code="OTHER", error="", now=NOW)
    assert run_by_id(run_id).error_code == "TRAINING_DATA_INSUFFICIENT"


def test_begin__after_a_worker_died__counts_another_attempt():
    run_id = make_run(make_model(make_project()))
    assert begin_run(run_id=run_id, code_revision=REVISION, now=NOW)
    assert begin_run(run_id=run_id, code_revision=REVISION, now=NOW)
    assert run_by_id(run_id).attempts == 2


@pytest.mark.parametrize("origin", STATES)
@pytest.mark.parametrize("target", STATES)
def test_states__of_every_pair__are_those_of_the_trigger(origin, target):
    run_id = make_run(make_model(make_project()))
    path = {"QUEUED": [], "RUNNING": ["RUNNING"]}.get(origin, ["RUNNING", origin])
    for state in path:
        TrainingRun.objects.filter(pk=run_id).update(state=state, finished_at=finished(state))
    update = TrainingRun.objects.filter(pk=run_id)
    if origin == target or (origin, target) in ALLOWED:
        assert update.update(state=target, finished_at=finished(target)) == 1
    else:
        with pytest.raises(DatabaseError), transaction.atomic():
            update.update(state=target, finished_at=finished(target))


def finished(state: str):
    return NOW if state in ("SUCCEEDED", "REFUSED", "FAILED", "CANCELLED") else None


def test_version__once_registered__cannot_be_changed_or_removed():
    version_id = make_version(make_model(make_project()))
    for change in (
        lambda: ModelVersion.objects.filter(pk=version_id).update(metrics={"ndcg_at_10": 1.0}),
        lambda: ModelVersion.objects.filter(pk=version_id).delete(),
        lambda: ArtifactChunk.objects.all().delete(),
    ):
        with pytest.raises((IntegrityError, InternalError, DatabaseError)), transaction.atomic():
            change()
    assert version_by_id(version_id).metrics["ndcg_at_10"] == 0.1843


def test_model__second_with_its_key__is_refused():
    project_id = make_project()
    make_model(project_id)
    with pytest.raises(ModelExists):
        make_model(project_id)
