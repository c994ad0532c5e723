"""Rules of trainings: the decision points of the model limit how long it may take."""

import pytest

from decisions.models import DecisionPoint
from decisions.queries.gate_rules import gate_rule
from models_registry.gates import GateMalformed, GateRule
from models_registry.queries.versions import model_by_id
from tests.fixtures.records import make_project
from tests.fixtures.registry import make_model, make_point

pytestmark = pytest.mark.django_db


def test_rule__of_a_model_that_nothing_asks__has_no_limit():
    model = model_by_id(make_model(make_project()))
    assert gate_rule(model, said={}, margin=0.02) == GateRule(margin=0.02)


def test_rule__of_a_model_that_points_ask__is_half_of_the_shortest_deadline():
    project_id = make_project()
    model = model_by_id(make_model(project_id))
    for key, deadline in (("home", 40), ("cart", 10)):
        DecisionPoint.objects.filter(pk=make_point(project_id, model.id, key=key)).update(deadline_ms=deadline)
    DecisionPoint.objects.filter(pk=make_point(project_id, key="other")).update(deadline_ms=1)
    assert gate_rule(model, said={}, margin=0.0).latency_ms == 5.0
    assert gate_rule(model, said={"latency_ms": 8}, margin=0.0).latency_ms == 8.0
    assert gate_rule(model, said={"latency_ms": None}, margin=0.0).latency_ms is None


def test_rule__what_is_said__goes_before_the_margin_of_the_training():
    model = model_by_id(make_model(make_project()))
    assert gate_rule(model, said={"margin": 0.5, "least_users": 3}, margin=0.1) == GateRule(margin=0.5, least_users=3)
    with pytest.raises(GateMalformed):
        gate_rule(model, said={"margins": 0.5}, margin=0.1)


def test_rule__of_another_metric_than_the_recipe_is_judged_by__is_refused():
    model = model_by_id(make_model(make_project()))
    assert gate_rule(model, said={"metric": "auc"}, margin=0.1, metric="auc").metric == "auc"
    for judged_by in ("log_likelihood", None):
        with pytest.raises(GateMalformed, match="is judged by"):
            gate_rule(model, said={"metric": "auc"}, margin=0.1, metric=judged_by)
