"""The blackout calendar in the admin: days are added and removed by the actions, never changed."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from experiments.models import Blackout
from foundation.models import JournalEntry
from tests.fixtures.cells import make_by_period

pytestmark = pytest.mark.django_db

ADD = "admin:experiments_blackout_add"


def days(project: int, **changes: str) -> dict[str, object]:
    return {"project": project, "name": "Singles' Day", "first_day": "2026-11-10", "last_day": "2026-11-12", **changes}


def test_blackout__is_added_by_the_action_and_then_only_read(owner: Client, project: int) -> None:
    assert owner.post(reverse(ADD), days(project)).status_code == 302
    row = Blackout.objects.get()
    assert (row.first_day.isoformat(), row.last_day.isoformat()) == ("2026-11-10", "2026-11-12")
    assert JournalEntry.objects.latest("pk").action == "blackout.create"
    page = reverse("admin:experiments_blackout_change", args=[row.pk])
    assert 'name="_save"' not in owner.get(page).content.decode()
    assert owner.post(page, {"name": "Changed"}).status_code == 403
    assert "Singles&#x27; Day" in owner.get(reverse("admin:experiments_blackout_changelist")).content.decode()


def test_blackout__within_a_fixed_schedule__is_refused_with_the_reason(owner: Client, project: int) -> None:
    make_by_period(project, horizon_days=None)
    response = owner.post(reverse(ADD), days(project), follow=True)
    assert "[BLACKOUT_TOO_LATE]" in response.content.decode()
    assert not Blackout.objects.exists()


@pytest.mark.parametrize("changes", [{"last_day": "2026-11-09"}, {"name": ""}, {"first_day": "soon"}])
def test_blackout__days_that_cannot_be__are_refused_in_the_form(owner: Client, project: int, changes) -> None:
    assert owner.post(reverse(ADD), days(project, **changes)).status_code == 200
    assert not Blackout.objects.exists()


def test_blackout__is_removed_by_the_action(owner: Client, project: int) -> None:
    owner.post(reverse(ADD), days(project))
    row = Blackout.objects.get()
    page = reverse("admin:experiments_blackout_delete", args=[row.pk])
    assert owner.post(page, {"post": "yes"}).status_code == 302
    assert not Blackout.objects.exists()
    assert JournalEntry.objects.latest("pk").action == "blackout.remove"


def test_blackout__several_at_once__are_removed_by_the_action(owner: Client, project: int) -> None:
    owner.post(reverse(ADD), days(project))
    owner.post(reverse(ADD), days(project, name="Spring"))
    chosen = {
        "action": "delete_selected",
        "_selected_action": [row.pk for row in Blackout.objects.all()],
        "post": "yes",
    }
    owner.post(reverse("admin:experiments_blackout_changelist"), chosen)
    assert not Blackout.objects.exists()
    assert JournalEntry.objects.filter(action="blackout.remove").count() == 2


def test_blackout__person_who_may_only_look__cannot_remove(
    owner: Client, person: Callable[..., Client], project: int
) -> None:
    owner.post(reverse(ADD), days(project))
    page = reverse("admin:experiments_blackout_delete", args=[Blackout.objects.get().pk])
    assert person("view_blackout").post(page, {"post": "yes"}).status_code == 403
    assert Blackout.objects.exists()
