"""Training from the shop's own log: a version with its lineage, or a failure that leaves the champion alone."""

from datetime import timedelta

import numpy as np
import pytest

from decisions.actions.training import order_training, train
from decisions.registry import RecipeUnknown
from foundation.models import Job
from models_registry.actions.training import TrainingOrder
from models_registry.models import ModelVersion, TrainingRun
from models_registry.predictors.loading import predictor_of
from models_registry.queries.aliases import holder_of
from models_registry.queries.runs import run_by_id
from models_registry.queries.versions import verified_artifact, version_by_id
from models_registry.vocabulary import AliasName, RunState
from tests.decisions.actions.views import fill_log
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import make_champion, make_model, make_version
from workers import runner

pytestmark = pytest.mark.django_db(transaction=True)


def ordered(model: int, **changes) -> int:
    values = {"recipe": "item_item", "data_start": NOW - timedelta(days=7), "data_end": NOW, "seed": 3, **changes}
    return order_training(model_id=model, order=TrainingOrder(**values), acting_user=ACTOR, now=NOW)


def run_job() -> bool:
    return runner.run(job_id=Job.objects.get(kind="train", state="READY").pk)


def test_train__from_the_log__registers_a_version_that_predicts_and_knows_where_it_comes_from():
    project = make_project()
    model = make_model(project)
    fill_log(project)
    run_id = ordered(model)
    assert run_job()
    run = run_by_id(run_id)
    assert run.state is RunState.SUCCEEDED, (run.gate, run.error)
    version = version_by_id(run.version_id)
    assert version.gate_passed
    assert version.metrics["ndcg_at_10"] > version.metrics["popularity_ndcg_at_10"]
    assert run.dataset["rows"] == 300 * 14
    assert run.code_revision == version.code_revision != ""
    predictor = predictor_of(verified_artifact(version))
    liked = predictor.items.index("item-2-3")
    best = np.argsort(-predictor.score(np.array([liked])))[:8]
    assert {predictor.items[place].split("-")[1] for place in best} == {"2"}


def test_train__job_run_twice__registers_one_version():
    project = make_project()
    model = make_model(project)
    fill_log(project)
    ordered(model)
    job = Job.objects.get(kind="train")
    assert run_job()
    Job.objects.filter(pk=job.pk).update(state="READY", run_after=NOW)
    assert run_job()
    assert (ModelVersion.objects.count(), TrainingRun.objects.get().state) == (1, "SUCCEEDED")


@pytest.mark.parametrize(
    ("parameters", "code"),
    [({"neighbours": -1}, "PARAMETERS_INVALID"), ({"unheard_of": 1}, "PARAMETERS_INVALID")],
)
def test_train__parameters_that_cannot_be__fail_the_run_once_and_leave_the_champion(parameters, code):
    project = make_project()
    model = make_model(project)
    champion = make_version(model)
    make_champion(champion)
    Job.objects.filter(kind="train").update(state="DONE", finished_at=NOW)
    fill_log(project)
    run_id = ordered(model, parameters=parameters)
    assert run_job()
    run = run_by_id(run_id)
    assert (run.state, run.error_code) == (RunState.FAILED, code)
    assert holder_of(model, AliasName.CHAMPION) == champion
    assert ModelVersion.objects.count() == 1


def test_train__empty_log__fails_with_what_to_do():
    model = make_model(make_project())
    run_id = ordered(model)
    assert run_job()
    run = run_by_id(run_id)
    assert (run.state, run.error_code) == (RunState.FAILED, "TRAINING_DATA_INSUFFICIENT")
    assert "window" in run.error


def test_order__recipe_that_the_domain_does_not_know__is_refused():
    model = make_model(make_project())
    with pytest.raises(RecipeUnknown):
        ordered(model, recipe="crystal_ball")
    assert TrainingRun.objects.count() == 0


def test_train__unknown_run__is_an_error_of_the_job():
    from models_registry.queries.runs import RunUnknown

    with pytest.raises(RunUnknown):
        train(run_id=12345, now=NOW)
