"""Runs and schedules in the admin: followed, cancelled and switched by people who may."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from foundation.models import JournalEntry
from models_registry.actions.schedules import note_drift
from models_registry.actions.training import begin_run, keep_trial, tell_progress
from models_registry.models import TrainingRun, TrainingSchedule
from tests.decisions.recipes import make_schedule
from tests.experiments.reports import stored
from tests.fixtures import registry
from tests.fixtures.records import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> Callable[..., Client]:
    """Return a function that logs in a person with these permissions; the first one may do everything."""

    def log_in(*permissions: str) -> Client:
        user = User.objects.create(username="-".join(permissions) or "manager", is_staff=True)
        user.is_superuser = not permissions
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        user.save()
        client = Client()
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def model() -> int:
    return registry.make_model(stored.shop())


def page(table: str, row: int) -> str:
    return reverse(f"admin:models_registry_{table}_change", args=[row])


def button(table: str, action: str, row: object) -> str:
    return reverse(f"admin:models_registry_{table}_{action}", args=[row])


def test_run__that_searches__shows_its_step_trials_and_warnings(person, model):
    trigger = {"warnings": ["ARMS_LEARN_FROM_EACH_OTHER"]}
    run = registry.make_run(model, search={"neighbours": [5, 50]}, trigger=trigger)
    begin_run(run_id=run, code_revision="r", now=NOW)
    tell_progress(run_id=run, step="search 2/2", share=0.41)
    keep_trial(run_id=run, number=0, trial={"number": 0, "tried": {"neighbours": 5}, "mean": 0.25})
    shown = person().get(page("trainingrun", run)).content.decode()
    for text in ("search 2/2", "41%", "&quot;mean&quot;: 0.25", "each learns from what the other showed"):
        assert text in shown, text


def test_run__cancelled_by_its_button__says_who_and_why(person, model):
    run = registry.make_run(model)
    client = person()
    assert button("trainingrun", "cancel", run) in client.get(page("trainingrun", run)).content.decode()
    client.post(button("trainingrun", "cancel", run), {"_form_submitted": "True", "reason": "the wrong window"})
    assert TrainingRun.objects.get().state == "CANCELLED"
    entry = JournalEntry.objects.get(action="training.cancel")
    assert (entry.actor, entry.reason) == ("manager", "the wrong window")


def test_run__that_has_ended_or_person_who_may_not__cannot_be_cancelled(person, model):
    ended, waiting = registry.make_failed_run(model), registry.make_run(model)
    filled = {"_form_submitted": "True", "reason": ""}
    assert person().post(button("trainingrun", "cancel", ended), filled).status_code == 403
    reader = person("view_trainingrun")
    assert button("trainingrun", "cancel", waiting) not in reader.get(page("trainingrun", waiting)).content.decode()
    assert reader.post(button("trainingrun", "cancel", waiting), filled).status_code == 403
    assert TrainingRun.objects.get(pk=waiting).state == "QUEUED"


@pytest.mark.parametrize("row", ["0", "9" * 30])
def test_run__that_cannot_be__is_refused(person, row):
    assert person().post(button("trainingrun", "cancel", row), {"_form_submitted": "True"}).status_code == 403


def test_schedule__switched_off_and_on__by_its_buttons(person, model):
    schedule, client = make_schedule(model), person()
    for action, enabled in (("disable", False), ("enable", True)):
        shown = client.get(page("trainingschedule", schedule)).content.decode()
        assert button("trainingschedule", action, schedule) in shown
        client.post(button("trainingschedule", action, schedule), {"_form_submitted": "True", "reason": "season"})
        assert TrainingSchedule.objects.get().is_enabled is enabled


def test_schedule__shows_its_bounds_and_what_the_newest_check_found(person, model):
    schedule = make_schedule(model, drift={"psi": 0.25})
    findings = {"psi": {"prices": {"psi": 0.31, "chance": 0.01}}}
    note_drift(schedule_id=schedule, findings=findings, exceeded=["psi:prices"], now=NOW, warnings=[])
    shown = person().get(page("trainingschedule", schedule)).content.decode()
    for text in ("&quot;psi&quot;: 0.25", "&quot;psi&quot;: 0.31", "&quot;psi:prices&quot;"):
        assert text in shown, text


def test_schedule__person_who_may_not__has_no_buttons_and_nobody_edits(person, model):
    schedule = make_schedule(model)
    reader = person("view_trainingschedule")
    assert (
        button("trainingschedule", "disable", schedule)
        not in reader.get(page("trainingschedule", schedule)).content.decode()
    )
    filled = {"_form_submitted": "True", "reason": ""}
    assert reader.post(button("trainingschedule", "disable", schedule), filled).status_code == 403
    assert person().post(page("trainingschedule", schedule), {"key": "other"}).status_code == 403
    row = TrainingSchedule.objects.get()
    assert (row.is_enabled, row.key) == (True, "nightly")
