"""A worker is killed while it trains: another begins again within a minute, and one version is registered."""

import pytest

from foundation.models import Job
from models_registry.models import ModelVersion, TrainingRun
from models_registry.queries.versions import verified_artifact, version_by_id
from tests.decisions.actions.test_training import ordered
from tests.decisions.actions.views import fill_log
from tests.fixtures.records import make_project
from tests.fixtures.registry import make_model
from tests.journeys.test_worker_killed import wait_until

pytestmark = pytest.mark.slow


def test_trainer_killed__in_the_middle_of_a_training__another_trains_and_registers_one_version(make_site):
    project_id = make_project()
    model_id = make_model(project_id)
    fill_log(project_id)
    site = make_site(roles=("worker", "trainer", "trainer-2", "beat"))
    site.stop_process("trainer-2")
    run_id = ordered(model_id, recipe="two_tower", parameters={"epochs": 12})
    wait_until(lambda: _run(run_id).progress > 0.1, 60, "the middle of the training")
    assert _run(run_id).state == "RUNNING"
    site.kill_process("trainer")
    assert ModelVersion.objects.count() == 0
    site.start_process("trainer-2")
    wait_until(lambda: _run(run_id).attempts == 2, 60, "another worker")
    wait_until(lambda: _run(run_id).state in ("SUCCEEDED", "REFUSED", "FAILED"), 120, "the end of the training")
    run = _run(run_id)
    assert (run.state, run.attempts) == ("SUCCEEDED", 2), (run.error, run.gate)
    job = Job.objects.get(kind="train")
    assert (job.state, job.attempts) == ("DONE", 2)
    version = ModelVersion.objects.get()
    assert verified_artifact(version_by_id(int(version.pk))).manifest.kind == "two_tower"


def _run(run_id: int) -> TrainingRun:
    return TrainingRun.objects.get(pk=run_id)
