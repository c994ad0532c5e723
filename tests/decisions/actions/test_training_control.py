"""Trainings that are searched, cancelled, short of memory, or whose worker is killed."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import override_settings

from config.local.places import PROJECT
from decisions.actions.training import order_training
from decisions.actions.watching import TrainingMemory, Watch, resident_mb
from decisions.queries.training_data import WeightsUnsupported
from foundation.models import Job
from models_registry.actions.cancelling import RunCancelled, cancel_run
from models_registry.actions.training import TrainingOrder, begin_run
from models_registry.models import ModelVersion, TrainingRun
from models_registry.queries.runs import run_by_id
from models_registry.queries.versions import version_by_id
from models_registry.search import SearchInvalid
from models_registry.vocabulary import DataPolicy, RunState
from tests.decisions.actions.views import fill_log
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import make_model
from workers import runner

pytestmark = pytest.mark.django_db(transaction=True)

SEARCH = {"neighbours": [2, 10, 40], "shrinkage": [0.0, 20.0]}
RUN_JOB = "import sys, django; django.setup(); from workers import runner; runner.run(job_id=int(sys.argv[1]))"


def ordered(model: int, **changes) -> int:
    values = {"recipe": "item_item", "data_start": NOW - timedelta(days=7), "data_end": NOW, "seed": 3, **changes}
    return order_training(model_id=model, order=TrainingOrder(**values), acting_user=ACTOR, now=NOW)


def job_of(run_id: int) -> int:
    return Job.objects.get(key=f"train:{run_id}").pk


def sha_of(run_id: int) -> str:
    return version_by_id(run_by_id(run_id).version_id).sha256


@pytest.fixture
def model() -> int:
    project = make_project()
    fill_log(project)
    return make_model(project)


def test_search__in_a_run__keeps_its_trials_and_trains_with_the_best(model):
    run_id = ordered(model, search=SEARCH)
    assert runner.run(job_id=job_of(run_id))
    run = run_by_id(run_id)
    assert run.state is RunState.SUCCEEDED, (run.gate, run.error)
    assert [trial["number"] for trial in run.trials] == list(range(6))
    best = max(run.trials, key=lambda trial: (trial["bound"], -trial["number"]))
    chosen = run.dataset["parameters"]
    assert {name: chosen[name] for name in best["tried"]} == best["tried"]
    assert run.dataset["chosen_data"] == {"data_policy": "pooled", "rows": 300 * 14}


def test_search__same_data_search_and_seed__gives_the_same_bytes(model):
    runs = [ordered(model, search=SEARCH) for _ in range(2)]
    for run_id in runs:
        assert runner.run(job_id=job_of(run_id))
    assert run_by_id(runs[0]).trials == run_by_id(runs[1]).trials
    assert sha_of(runs[0]) == sha_of(runs[1])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"search": {"neighbours": []}}, SearchInvalid),
        ({"search": {"test_share": [0.1, 0.2]}}, SearchInvalid),
        ({"data_policy": DataPolicy.WEIGHTED}, WeightsUnsupported),
    ],
)
def test_order__what_cannot_be_trained__is_refused_before_there_is_a_run(model, changes, error):
    with pytest.raises(error):
        ordered(model, **changes)
    assert TrainingRun.objects.count() == 0


@pytest.mark.slow
def test_train__worker_killed_in_the_search__goes_on_where_it_was_and_gives_the_same_bytes(model):
    whole, killed = ordered(model, search=SEARCH), ordered(model, search=SEARCH)
    assert runner.run(job_id=job_of(whole))
    worker = subprocess.Popen(
        [sys.executable, "-c", RUN_JOB, str(job_of(killed))], cwd=PROJECT, env={**os.environ, "DATABASE_URL": own_url()}
    )
    try:
        wait_for_trials(killed, worker)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    kept = run_by_id(killed).trials
    assert 1 <= len(kept) < 6
    assert run_by_id(killed).state is RunState.RUNNING
    TrainingRun.objects.filter(pk=killed).update(trials=[{**trial, "witness": 1} for trial in kept])
    Job.objects.filter(pk=job_of(killed)).update(lease_until=NOW - timedelta(days=1))
    assert runner.run(job_id=job_of(killed))
    run = run_by_id(killed)
    assert (run.state, run.attempts) == (RunState.SUCCEEDED, 2)
    kept_on = [trial["number"] for trial in run.trials if "witness" in trial]
    bare = [{name: value for name, value in trial.items() if name != "witness"} for trial in run.trials]
    assert kept_on == [trial["number"] for trial in kept]
    assert bare == list(run_by_id(whole).trials)
    assert sha_of(killed) == sha_of(whole)


def own_url() -> str:
    """Return the address of the database that this test uses."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def wait_for_trials(run_id: int, worker: subprocess.Popen) -> None:
    """Wait until a worker has kept a trial."""
    ends = time.monotonic() + 60.0
    while not run_by_id(run_id).trials:
        assert worker.poll() is None, "the worker ended before it kept a trial"
        assert time.monotonic() < ends, "no trial was kept in a minute"
        time.sleep(0.02)


def test_train__cancelled_before_a_worker_takes_it__is_not_trained(model):
    run_id = ordered(model)
    cancel_run(run_id=run_id, acting_user=ACTOR, now=NOW)
    assert runner.run(job_id=job_of(run_id))
    assert (run_by_id(run_id).state, run_by_id(run_id).attempts) == (RunState.CANCELLED, 0)
    assert ModelVersion.objects.count() == 0


def test_train__cancelled_after_its_worker_died__ends_with_the_next_one(model):
    run_id = ordered(model)
    begin_run(run_id=run_id, code_revision="r", now=NOW)
    cancel_run(run_id=run_id, acting_user=ACTOR, now=NOW)
    assert run_by_id(run_id).state is RunState.RUNNING
    assert runner.run(job_id=job_of(run_id))
    assert run_by_id(run_id).state is RunState.CANCELLED
    assert Job.objects.get(pk=job_of(run_id)).state == "DONE"


@pytest.mark.slow
def test_train__cancelled_while_it_trains__ends_without_a_version_and_is_not_tried_again(model):
    run_id = ordered(model, search={"neighbours": list(range(1, 33))})
    worker = subprocess.Popen(
        [sys.executable, "-c", RUN_JOB, str(job_of(run_id))], cwd=PROJECT, env={**os.environ, "DATABASE_URL": own_url()}
    )
    try:
        wait_for_trials(run_id, worker)
        cancel_run(run_id=run_id, acting_user=ACTOR, now=NOW)
        assert worker.wait(60.0) == 0
    finally:
        worker.kill()
    run = run_by_id(run_id)
    assert run.state is RunState.CANCELLED
    assert 1 <= len(run.trials) < 32
    assert ModelVersion.objects.count() == 0
    assert Job.objects.get(pk=job_of(run_id)).state == "DONE"


def test_watch__run_that_was_cancelled__is_told_at_the_next_step(model):
    run_id = ordered(model)
    begin_run(run_id=run_id, code_revision="r", now=NOW)
    watch = Watch(run_id, limit_mb=1_000_000)
    watch.tell("fit", 0.1)
    cancel_run(run_id=run_id, acting_user=ACTOR, now=NOW)
    watch.tell("fit", 0.2)
    with pytest.raises(RunCancelled):
        watch.tell("evaluate", 0.8)


def test_watch__part_of_a_run__tells_its_share_of_the_whole(model):
    run_id = ordered(model)
    begin_run(run_id=run_id, code_revision="r", now=NOW)
    Watch(run_id, limit_mb=1_000_000).part(0.8, 1.0)("fit", 0.5)
    assert run_by_id(run_id).step == "fit"
    assert run_by_id(run_id).progress == pytest.approx(0.9)


def test_watch__worker_that_holds_too_much__is_told_how_much(model):
    run_id = ordered(model)
    begin_run(run_id=run_id, code_revision="r", now=NOW)
    with pytest.raises(TrainingMemory, match=r"held \d+ MiB.*10 are allowed"):
        Watch(run_id, limit_mb=10).tell("fit", 0.1)


def test_resident__of_this_process__grows_with_what_it_holds():
    before = resident_mb()
    held = bytearray(os.urandom(1)) * (64 * 1024 * 1024)
    assert resident_mb() > before + 32.0, len(held)


def test_train__more_memory_than_allowed__fails_once_and_says_what_to_do(model):
    run_id = ordered(model)
    with override_settings(TRAINING_MEMORY_MB=10):
        assert runner.run(job_id=job_of(run_id))
    run = run_by_id(run_id)
    assert (run.state, run.error_code) == (RunState.FAILED, "TRAINING_MEMORY")
    assert "TILTYARD_TRAINING_MEMORY_MB" in run.error
    assert Job.objects.get(pk=job_of(run_id)).state == "DONE"
    assert ModelVersion.objects.count() == 0
