"""The metrics of a domain, made in a project."""

import pytest

from decisions.actions.metrics import create_domain_metrics
from decisions.registry import DomainUnknown, all_domains
from experiments.actions.design import MetricDefinition, create_metric
from experiments.models import Metric
from experiments.vocabulary import MetricRole
from tests.fixtures.records import ACTOR, NOW, make_project

pytestmark = pytest.mark.django_db


def make(project_id: int, domain: str = "recommendation") -> dict[str, int]:
    return create_domain_metrics(project_id=project_id, domain_key=domain, acting_user=ACTOR, now=NOW)


@pytest.mark.parametrize("domain", sorted(all_domains()))
def test_domain_metrics__of_every_domain__can_be_created_and_have_a_role(domain):
    project_id = make_project()
    made = make(project_id, domain)
    templates = all_domains()[domain].metrics
    assert list(made) == [template.key for template in templates]
    assert Metric.objects.filter(project_id=project_id).count() == len(templates)
    assert {template.role for template in templates} <= {role.value for role in MetricRole}
    assert all(template.margin for template in templates if template.role == MetricRole.GUARDRAIL)


def test_domain_metrics__made_twice__are_the_same_and_one_that_was_there_is_left():
    project_id = make_project()
    own = create_metric(
        project_id=project_id,
        definition=MetricDefinition(
            key="conversion",
            name="Our own conversion",
            kind="CONVERSION",
            numerator_events=["Order Completed"],
            numerator_what="ANY",
            window_hours=72,
        ),
        acting_user=ACTOR,
        now=NOW,
    )
    first, second = make(project_id), make(project_id)
    assert first == second
    assert first["conversion"] == own
    assert Metric.objects.get(pk=own).window_hours == 72


def test_domain_metrics__of_an_unknown_domain__are_refused_and_nothing_is_made():
    project_id = make_project()
    with pytest.raises(DomainUnknown):
        make(project_id, "gardening")
    assert not Metric.objects.filter(project_id=project_id).exists()
