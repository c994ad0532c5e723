"""The calendar of an experiment in its form."""

import pytest
from django.test import Client

from experiments.models import Experiment
from foundation.models import JournalEntry
from tests.experiments.admin.test_experiments import filled, page
from tests.fixtures.records import make_draft, make_project

pytestmark = pytest.mark.django_db

CALENDAR = {
    "unit_kind": "item",
    "period_minutes": "1440",
    "period_design": "BALANCED",
    "burn_in_minutes": "60",
    "budget": "1250.5",
}


def test_form__calendar_and_budget__are_stored_and_journalled(admin_client: Client):
    experiment_id = make_draft(make_project())
    assert admin_client.post(page(experiment_id), filled(experiment_id, **CALENDAR)).status_code == 302
    row = Experiment.objects.get()
    assert (row.period_minutes, row.period_design, row.burn_in_minutes) == (1440, "BALANCED", 60)
    assert row.budget == 1_250_500_000
    after = JournalEntry.objects.get(action="experiment.edit").after
    assert after["period_minutes"] == 1440
    assert after["budget"] == 1_250_500_000
    shown = admin_client.get(page(experiment_id)).content.decode()
    assert 'value="1250.5"' in shown


@pytest.mark.parametrize(
    "changes",
    [
        {"unit_kind": "visitor"},
        {"period_minutes": ""},
        {"period_minutes": "0"},
        {"period_design": ""},
        {"burn_in_minutes": "1440"},
        {"budget": "-1"},
    ],
)
def test_form__calendar_that_cannot_be__is_refused_and_nothing_changes(admin_client: Client, changes):
    experiment_id = make_draft(make_project())
    response = admin_client.post(page(experiment_id), filled(experiment_id, **CALENDAR | changes))
    assert response.status_code == 200
    row = Experiment.objects.get()
    assert (row.unit_kind, row.period_minutes, row.budget) == ("visitor", None, None)


def test_form__without_a_calendar__stays_as_it_was(admin_client: Client):
    experiment_id = make_draft(make_project())
    assert admin_client.post(page(experiment_id), filled(experiment_id, budget="0")).status_code == 302
    row = Experiment.objects.get()
    assert (row.period_minutes, row.period_design, row.burn_in_minutes, row.budget) == (None, "", 0, None)
