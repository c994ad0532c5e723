"""Metrics in the admin: an edit is a new version, and a definition without a meaning is refused."""

import pytest
from django.test import Client
from django.urls import reverse

from experiments.models import Metric
from foundation.models import JournalEntry
from tests.experiments.reports import stored

pytestmark = pytest.mark.django_db

ADD = reverse("admin:experiments_metric_add")
REVENUE = {
    "name": "Revenue per visitor",
    "description": "",
    "kind": "SUM",
    "direction": "INCREASE",
    "numerator_events": "Order Completed\r\nOrder Refunded\r\n\r\nOrder Completed",
    "numerator_what": "SUM_VALUE",
    "denominator_events": "",
    "denominator_what": "",
    "window_hours": "168",
    "maturity_hours": "0",
    "cap_micros": "499.50",
    "covariate_days": "14",
}


def page(metric_id: int) -> str:
    """Return the address of a metric version's form."""
    return reverse("admin:experiments_metric_change", args=[metric_id])


def test_add__makes_version_one__with_events_by_line_and_the_cap_in_micro_units(owner: Client, project: int) -> None:
    response = owner.post(ADD, {**REVENUE, "project": project, "key": "revenue"})
    assert response.status_code == 302, response.context["errors"]
    metric = Metric.objects.get()
    assert (metric.version, metric.numerator_events, metric.cap_micros) == (
        1,
        ["Order Completed", "Order Refunded"],
        499_500_000,
    )
    entry = JournalEntry.objects.latest("pk")
    assert (entry.action, entry.actor, entry.subject) == ("metric.create", "manager", "metric:revenue:v1")


def test_edit__makes_the_next_version_and_leaves_the_old_one_alone(owner: Client, project: int) -> None:
    owner.post(ADD, {**REVENUE, "project": project, "key": "revenue"})
    first = Metric.objects.get()
    response = owner.post(page(first.pk), {**REVENUE, "window_hours": "336"})
    second = Metric.objects.get(version=2)
    assert (response.status_code, response["Location"]) == (302, page(second.pk))
    assert (second.key, second.window_hours, second.project_id) == ("revenue", 336, project)
    assert Metric.objects.get(pk=first.pk).window_hours == 168


def test_edit__version_that_was_replaced__is_only_read(owner: Client, project: int) -> None:
    owner.post(ADD, {**REVENUE, "project": project, "key": "revenue"})
    first = Metric.objects.get()
    owner.post(page(first.pk), {**REVENUE, "window_hours": "336"})
    assert 'name="_save"' not in owner.get(page(first.pk)).content.decode()
    assert owner.post(page(first.pk), {**REVENUE, "window_hours": "24"}).status_code == 403
    assert Metric.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"kind": "CONVERSION"}, "a CONVERSION metric cannot take SUM_VALUE"),
        ({"kind": "RATIO"}, "a RATIO needs one"),
        ({"denominator_events": "Product Viewed", "denominator_what": "COUNT"}, "no other kind has one"),
        ({"numerator_events": " \r\n "}, "Write at least one line."),
        ({"window_hours": "100"}, "multiple of 24"),
        ({"cap_micros": "-1"}, "Ensure this value is greater than or equal to 0."),
        ({"cap_micros": "0"}, "cap_micros: must be above 0"),
        ({"cap_micros": "1" + "0" * 14}, "does not fit"),
        ({"kind": "CONVERSION", "numerator_what": "ANY"}, "a value of 0 or 1 has no cap"),
    ],
)
def test_add__definition_without_a_meaning__is_refused_by_the_metrics_own_rules(
    owner: Client, project: int, changes: dict[str, str], complaint: str
) -> None:
    response = owner.post(ADD, {**REVENUE, **changes, "project": project, "key": "revenue"})
    assert response.status_code == 200
    assert complaint in response.content.decode()
    assert not Metric.objects.exists()


def test_add__ratio__takes_a_denominator(owner: Client, project: int) -> None:
    ratio = {
        "kind": "RATIO",
        "numerator_events": "Product Clicked",
        "numerator_what": "COUNT",
        "denominator_events": "Product Viewed",
        "denominator_what": "COUNT",
        "cap_micros": "",
    }
    response = owner.post(ADD, {**REVENUE, **ratio, "project": project, "key": "ctr"})
    assert response.status_code == 302, response.context["errors"]
    assert Metric.objects.get().denominator_events == ["Product Viewed"]


def test_form__shows_events_by_line_and_the_cap_as_an_amount(owner: Client, project: int) -> None:
    owner.post(ADD, {**REVENUE, "project": project, "key": "revenue"})
    shown = owner.get(page(Metric.objects.get().pk)).content.decode()
    assert "Order Completed\nOrder Refunded</textarea>" in shown
    assert 'value="499.5"' in shown


def test_list__names_the_latest_version(owner: Client, project: int) -> None:
    stored.draft(project)
    shown = owner.get(reverse("admin:experiments_metric_changelist")).content.decode()
    for text in ("Refunds per visitor", "7 days", "Lower is better"):
        assert text in shown
