"""Only exposed units are analysed, an exposure counts once, and both arms are exposed by the same call."""

from datetime import timedelta

import pytest

from experiments.queries.evidence import evidence_facts
from tests.expert.population import arm, exposure, look, order, receive
from tests.fixtures.records import NOW, make_project, make_running

pytestmark = pytest.mark.django_db


def test_analysis__orders_of_units_that_were_never_exposed__do_not_count():
    project_id = make_project()
    experiment_id = make_running(project_id)
    everybody = [f"u{index}" for index in range(1000)]
    exposed = everybody[:300]
    receive(
        project_id,
        [exposure(experiment_id, unit, arm(index), NOW + timedelta(hours=1)) for index, unit in enumerate(exposed)]
        + [order(unit, NOW + timedelta(hours=2)) for unit in everybody[::3]],
    )
    scorecard, _ = look(experiment_id, days=9)
    found = scorecard.comparison("conversion", "treatment")
    assert (found.control.n, found.treatment.n) == (150, 150)
    assert found.control.numerator + found.treatment.numerator == 100


def test_analysis__exposures_replayed_five_times__changes_nothing():
    project_id = make_project()
    experiment_id = make_running(project_id)
    messages = [exposure(experiment_id, f"u{index}", arm(index), NOW + timedelta(hours=1)) for index in range(100)]
    receive(project_id, messages)
    before = evidence_facts(project_id)
    for _ in range(5):
        receive(project_id, messages)
    assert evidence_facts(project_id) == before
    assert before.exposures == 100
