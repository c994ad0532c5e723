"""The metrics of the domain, from the storefront's messages to figures of units."""

from datetime import timedelta

import pytest
from django.db import transaction

from decisions.actions.metrics import create_domain_metrics
from decisions.domains.ad_placement.domain import DOMAIN
from decisions.domains.ad_placement.metrics import METRICS
from decisions.domains.recommendation.domain import DOMAIN as RECOMMENDATION
from decisions.ingest.properties import keep_allowed
from experiments.actions import lifecycle
from experiments.actions.design import ExperimentDraft, MetricDraft, create_experiment
from tests.expert.population import Message, arm, exposure, look, order, receive
from tests.fixtures.records import ACTOR, HALVES, NOW, make_project

UNITS = 200


def test_templates__that_both_domains_bring__mean_the_same():
    theirs = {template.key: template for template in RECOMMENDATION.metrics}
    shared = [template for template in METRICS if template.key in theirs]
    assert len(shared) >= 4
    for template in shared:
        other = theirs[template.key]
        assert (template.kind, template.events, template.what) == (other.kind, other.events, other.what)
        assert (template.denominator_events, template.direction) == (other.denominator_events, other.direction)


def test_properties__of_promotions__are_kept():
    sent = {"promotion_id": "shoe-a", "creative": "Shoes", "position": "top", "value": 0.5, "name": "x"}
    kept, dropped = keep_allowed(sent, frozenset())
    assert kept == {"promotion_id": "shoe-a", "creative": "Shoes", "position": "top", "value": 0.5}
    assert dropped == 1


@pytest.mark.django_db
def test_metrics__of_views_clicks_orders_and_complaints__are_counted_by_unit():
    project = make_project()
    ids = create_domain_metrics(project_id=project, domain_key=DOMAIN.key, acting_user=ACTOR, now=NOW)
    metrics = [MetricDraft(ids[template.key], template.role, template.margin) for template in METRICS]
    draft = ExperimentDraft(key="ads", name="Ads", variants=HALVES, metrics=metrics, hypothesis="Better ads sell more.")
    experiment = create_experiment(project_id=project, draft=draft, acting_user=ACTOR, now=NOW)
    lifecycle.submit(experiment_id=experiment, acting_user=ACTOR, now=NOW)
    lifecycle.launch(experiment_id=experiment, acting_user=ACTOR, now=NOW)
    messages = []
    for index in range(UNITS):
        unit, at = f"u{index}", NOW + timedelta(hours=1 + index / 50)
        messages.append(exposure(experiment, unit, arm(index), at))
        for number in range(2):
            shown = {"promotion_id": "shoe-a", "position": "top"}
            messages.append(Message(f"view-{number}-{unit}", unit, at, "Promotion Viewed", shown))
        if index % 4 == 1:
            clicked = {"promotion_id": "shoe-a", "value": 0.5}
            messages.append(Message(f"click-{unit}", unit, at + timedelta(minutes=1), "Promotion Clicked", clicked))
            messages.append(order(unit, at + timedelta(hours=1), revenue=20.0))
        messages.append(Message(f"page-{unit}", unit, at, "Page Timed", {"value": 120}))
        if index % 50 == 0:
            messages.append(Message(f"complaint-{unit}", unit, at + timedelta(hours=2), "Complaint Filed", {}))
    with transaction.atomic():
        receive(project, messages)
    card, _ = look(experiment, days=9)
    treated = {entry.metric: entry.treatment for entry in card.comparisons}
    assert treated["ad-click-through"].numerator == UNITS / 4
    assert treated["ad-click-through"].denominator == UNITS
    assert treated["ad-value"].numerator == pytest.approx(UNITS / 4 * 0.5)
    assert treated["revenue"].numerator == pytest.approx(UNITS / 4 * 20.0)
    assert treated["conversion"].numerator == UNITS / 4
    assert treated["page-time"].numerator == pytest.approx(UNITS / 2 * 120)
    controls = {entry.metric: entry.control for entry in card.comparisons}
    assert controls["complaints"].numerator == UNITS / 50
