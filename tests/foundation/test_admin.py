"""Projects, keys, jobs and the journal in the admin."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from foundation.actions.jobs import enqueue
from foundation.ids import digest_api_key, is_api_key
from foundation.models import ApiKey, Job, JournalEntry, Project
from tests.fixtures.records import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Client:
    """Return a logged-in person who may do everything."""
    client = Client()
    client.force_login(User.objects.create(username="manager", is_staff=True, is_superuser=True))
    return client


def test_project__is_made_by_the_action_with_its_first_bundle_promised(owner: Client) -> None:
    fields = {
        "key": "harbour",
        "name": "Harbour",
        "currency": "CNY",
        "time_zone": "Asia/Shanghai",
        "attributes": "country\r\ndevice",
        "clock_kind": "REAL",
        "clock_speed": "1.0",
    }
    response = owner.post(reverse("admin:foundation_project_add"), fields)
    assert response.status_code == 302, response.context["errors"]
    project = Project.objects.get()
    assert (project.currency, project.attributes, len(project.pepper)) == ("CNY", ["country", "device"], 32)
    assert Job.objects.filter(kind="publish_bundle", project=project).exists()
    assert [entry.action for entry in JournalEntry.objects.order_by("pk")] == ["project.create", "project.edit"]


def test_project__edit__changes_name_and_attributes_moves_the_revision_and_nothing_else(owner: Client) -> None:
    project_id = make_project()
    before = Project.objects.get(pk=project_id)
    page = reverse("admin:foundation_project_change", args=[project_id])
    fields = {"name": "Harbour", "attributes": "country", "currency": "EUR", "key": "other", "time_zone": "UTC"}
    assert owner.post(page, fields).status_code == 302
    after = Project.objects.get(pk=project_id)
    assert (after.name, after.attributes) == ("Harbour", ["country"])
    assert (after.currency, after.key, after.pepper) == (before.currency, before.key, before.pepper)
    assert after.revision == before.revision + 1
    entry = JournalEntry.objects.latest("pk")
    assert (entry.action, entry.before["attributes"], entry.after["attributes"]) == ("project.edit", [], ["country"])


def test_project__secrets__are_on_no_page(owner: Client) -> None:
    project = Project.objects.get(pk=make_project())
    shown = owner.get(reverse("admin:foundation_project_change", args=[project.pk])).content
    for secret in (project.pepper, project.signing_key):
        assert bytes(secret).hex().encode() not in shown
        assert repr(bytes(secret)).encode() not in shown
    assert b"pepper" not in shown


def test_key__issued__is_shown_once_in_the_answer_and_kept_nowhere(owner: Client) -> None:
    fields = {"project": make_project(), "name": "Web shop", "kind": "client"}
    response = owner.post(reverse("admin:foundation_apikey_add"), fields)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    shown = response.content.decode()
    secret = shown.split('<code class="ty-secret">')[1].split("</code>")[0]
    assert is_api_key(secret)
    key = ApiKey.objects.get()
    assert key.digest == digest_api_key(secret)
    assert secret not in str(ApiKey.objects.values()) + str(JournalEntry.objects.values())
    assert not any(secret in morsel.value for morsel in response.cookies.values())
    page = owner.get(reverse("admin:foundation_apikey_change", args=[key.pk])).content.decode()
    assert secret not in page
    assert key.digest not in page
    assert secret not in owner.get(reverse("admin:foundation_apikey_changelist")).content.decode()


def test_key__revoked__needs_a_reason_and_stays_revoked(owner: Client) -> None:
    owner.post(
        reverse("admin:foundation_apikey_add"), {"project": make_project(), "name": "Web shop", "kind": "server"}
    )
    key = ApiKey.objects.get()
    revoke = reverse("admin:foundation_apikey_revoke", args=[key.pk])
    assert revoke in owner.get(reverse("admin:foundation_apikey_change", args=[key.pk])).content.decode()
    owner.get(revoke)
    owner.post(revoke, {"_form_submitted": "True", "reason": " "})
    assert ApiKey.objects.get().revoked_at is None
    assert owner.post(revoke, {"_form_submitted": "True", "reason": "Leaked"}).status_code == 302
    assert ApiKey.objects.get().revoked_at is not None
    entry = JournalEntry.objects.latest("pk")
    assert (entry.action, entry.actor, entry.reason) == ("api_key.revoke", "manager", "Leaked")
    assert owner.post(revoke, {"_form_submitted": "True", "reason": "Again"}).status_code == 403


def test_key__edit__changes_nothing(owner: Client) -> None:
    owner.post(
        reverse("admin:foundation_apikey_add"), {"project": make_project(), "name": "Web shop", "kind": "client"}
    )
    before = ApiKey.objects.values().get()
    owner.post(reverse("admin:foundation_apikey_change", args=[before["id"]]), {"name": "Other", "kind": "server"})
    assert ApiKey.objects.values().get() == before


def dead_job(key: str = "analyse:7") -> Job:
    """Return a job that used up its attempts."""
    enqueue(kind="analyse", key=key, project_id=make_project(key=key.replace(":", "-")), payload={})
    Job.objects.filter(key=key).update(state="DEAD", attempts=5, last_error="Traceback\nValueError: no rows")
    return Job.objects.get(key=key)


def test_job__dead__is_tried_again_from_its_page(owner: Client) -> None:
    job = dead_job()
    retry = reverse("admin:foundation_job_retry_one", args=[job.pk])
    assert retry in owner.get(reverse("admin:foundation_job_change", args=[job.pk])).content.decode()
    owner.get(retry)
    assert Job.objects.get(pk=job.pk).state == "DEAD"
    assert owner.post(retry, {"_form_submitted": "True"}).status_code == 302
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("READY", 0)
    assert owner.post(retry, {"_form_submitted": "True"}).status_code == 403


def test_jobs__chosen_in_the_list__are_tried_again_where_dead(owner: Client) -> None:
    dead = [dead_job(f"analyse:{number}") for number in range(2)]
    done = dead_job("analyse:9")
    Job.objects.filter(pk=done.pk).update(state="DONE")
    listing = reverse("admin:foundation_job_changelist")
    chosen = [job.pk for job in (*dead, done)]
    response = owner.post(listing, {"action": "retry_dead", "_selected_action": chosen}, follow=True)
    assert "2 jobs will be tried again." in response.content.decode()
    assert set(Job.objects.filter(pk__in=chosen).values_list("state", flat=True)) == {"READY", "DONE"}
    assert "ValueError: no rows" in owner.get(listing).content.decode()


def test_job__person_who_may_only_view__cannot_retry() -> None:
    job = dead_job()
    user = User.objects.create(username="colleague", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_job"))
    reader = Client()
    reader.force_login(user)
    retry = reverse("admin:foundation_job_retry_one", args=[job.pk])
    assert retry not in reader.get(reverse("admin:foundation_job_change", args=[job.pk])).content.decode()
    assert reader.post(retry, {"_form_submitted": "True"}).status_code == 403
    fields = {"action": "retry_dead", "_selected_action": [job.pk]}
    reader.post(reverse("admin:foundation_job_changelist"), fields)
    assert Job.objects.get(pk=job.pk).state == "DEAD"


@pytest.mark.parametrize("model", ["job", "journalentry"])
def test_records_of_actions__can_be_neither_added_nor_changed_nor_deleted(owner: Client, model: str) -> None:
    make_project()
    rows = {"job": Job.objects, "journalentry": JournalEntry.objects}[model].values()
    row = rows.first()
    assert row is not None
    assert owner.get(reverse(f"admin:foundation_{model}_add")).status_code == 403
    for page in ("change", "delete"):
        address = reverse(f"admin:foundation_{model}_{page}", args=[row["id"]])
        assert owner.post(address, {"reason": "x", "post": "yes"}).status_code == 403
    assert rows.get(pk=row["id"]) == row
