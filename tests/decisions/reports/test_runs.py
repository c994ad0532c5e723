"""Training runs as people follow them: every state and step has words."""

import pytest

from decisions.queries.model_records import model_record
from decisions.reports.runs import run_lines
from decisions.reports.wording import RUN_ADVICE, RUNS
from models_registry.actions.cancelling import cancel_run
from models_registry.actions.training import begin_run, tell_progress
from models_registry.queries.versions import model_by_id
from models_registry.vocabulary import RunState
from tests.experiments.reports import stored
from tests.fixtures import registry
from tests.fixtures.records import ACTOR, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def model() -> int:
    """Return the id of a model."""
    return registry.make_model(stored.shop())


def lines(model: int):
    """Return the runs of the model as its page shows them."""
    return run_lines(model_record(model_by_id(model), now=NOW))


def test_words__of_states__are_there_for_each() -> None:
    assert set(RUNS) == set(RunState)
    assert set(RUN_ADVICE) == set(RunState) - {RunState.FAILED}


def test_run__that_searches__tells_which_trial_of_how_many(model: int) -> None:
    run = registry.make_run(model)
    begin_run(run_id=run, code_revision="r", now=NOW)
    tell_progress(run_id=run, step="search 3/8", share=0.25)
    assert lines(model)[0].step == "trying parameters 3/8, 25%"


def test_run__that_was_cancelled__says_so(model: int) -> None:
    cancel_run(run_id=registry.make_run(model), acting_user=ACTOR, now=NOW)
    (line,) = lines(model)
    assert (line.state.label, line.step) == ("Cancelled", "")
    assert line.advice
