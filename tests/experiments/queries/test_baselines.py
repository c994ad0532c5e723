"""Where planning begins: the design of the draft, and what past looks know of its decision metric."""

import math
from dataclasses import replace

import pytest
from django.test import RequestFactory

from experiments.admin.guidance import guide_of
from experiments.models import Experiment, Variant
from experiments.queries.baselines import planning_start
from experiments.reports.calculator.power_form import power_form
from experiments.reports.calculator.prefill import calculator_url
from experiments.vocabulary import MetricKind
from tests.experiments.reports import material, stored

pytestmark = pytest.mark.django_db


def typed(experiment_id: int) -> dict[str, str]:
    """Return what the calculator's form gets from the link."""
    return RequestFactory().get(calculator_url(experiment_id)).GET.dict()


def test_planning_start__without_past_looks__has_the_design_alone() -> None:
    draft = stored.draft(stored.shop())
    start = planning_start(draft)
    assert start is not None
    assert (start.kind, start.window_days, start.treatments) == (MetricKind.CONVERSION, 7, 1)
    assert (start.control_share, start.known) == (None, None)
    form = power_form(typed(draft))
    assert (form.kind, form.example) == ("conversion", False)


def test_planning_start__after_a_look_at_the_same_metric__knows_rate_and_traffic() -> None:
    project = stored.shop()
    past = stored.running(project, key="past")
    card = stored.keep(past, material.scorecard(material.comparisons()), material.CONTINUE)
    control = card.comparison("conversion", "treatment").control
    draft = stored.draft(project, key="next", definitions=(), roles=())
    metric = Experiment.objects.get(pk=past).metrics.get(metric__key="conversion").metric
    Experiment.objects.get(pk=draft).metrics.create(metric=metric, role="DECISION", position=0)
    start = planning_start(draft)
    assert start is not None
    assert start.known is not None
    assert start.known.mean == control.value
    assert start.known.sd == pytest.approx(math.sqrt(control.variance * control.n))
    units = sum(variant.units for variant in card.variants)
    assert start.known.per_day == pytest.approx(units / (card.days - 7))
    form = power_form(typed(draft))
    assert form.found is not None
    assert form.found.design.baseline.mean == pytest.approx(control.value, rel=1e-5)
    assert form.found.answer.days is not None


def test_planning_start__no_decision_metric__is_the_empty_calculator() -> None:
    draft = stored.draft(stored.shop())
    Experiment.objects.get(pk=draft).metrics.all().delete()
    assert planning_start(draft) is None
    assert planning_start(draft + 1000) is None
    assert calculator_url(draft) == "/calculator"


def test_planning_start__uneven_weights_and_several_treatments__reach_the_form() -> None:
    draft = stored.draft(stored.shop())
    Variant.objects.filter(experiment_id=draft, is_control=True).update(weight=400_000)
    Variant.objects.filter(experiment_id=draft, is_control=False).update(weight=600_000)
    assert typed(draft)["control_share"] == "40"


def test_planning_start__a_look_without_control_figures__leaves_the_baseline_empty() -> None:
    project = stored.shop()
    past = stored.running(project)
    card = material.scorecard(material.comparisons())
    first, *rest = card.comparisons
    bare = replace(first, control=replace(first.control, value=None, adjusted=None, variance=None))
    stored.keep(past, replace(card, comparisons=(bare, *rest)), material.CONTINUE)
    start = planning_start(past)
    assert start is not None
    assert start.known is None


def test_guide__of_a_draft__leads_to_the_calculator_and_of_a_running_one_does_not() -> None:
    project = stored.shop()
    running = stored.running(project, key="a")
    metric = Experiment.objects.get(pk=running).metrics.get(metric__key="conversion").metric
    draft = stored.draft(project, key="b", definitions=(), roles=())
    Experiment.objects.get(pk=draft).metrics.create(metric=metric, role="DECISION", position=0)
    assert guide_of(draft, now=material.NOW).calculator_url.startswith("/calculator?kind=conversion")
    assert guide_of(running, now=material.NOW).calculator_url == ""
