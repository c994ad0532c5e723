"""Published bundles in the admin: the configuration is shown, the private companion never."""

from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from decisions.actions.publishing import publish_bundle
from decisions.models import PublishedBundle
from decisions.serving.heartbeat import NAMES_KEY, REPORT_KEY, EdgeReport, EdgeRole, encode_report
from foundation.actions.jobs import claim, fail
from foundation.models import Job, Project
from tests.fixtures.records import make_project

pytestmark = pytest.mark.django_db


def test_bundle__is_read_without_its_companion() -> None:
    client = Client()
    client.force_login(User.objects.create(username="manager", is_staff=True, is_superuser=True))
    bundle = PublishedBundle.objects.create(
        project_id=make_project(),
        version=1,
        sha256="a" * 64,
        content='{"schema": 1, "experiments": []}',
        companion='{"pepper": "c2VjcmV0LXBlcHBlcg=="}',
    )
    page = reverse("admin:decisions_publishedbundle_change", args=[bundle.pk])
    shown = (
        client.get(page).content.decode()
        + client.get(reverse("admin:decisions_publishedbundle_changelist")).content.decode()
    )
    assert "&quot;experiments&quot;: []" in shown
    assert "c2VjcmV0" not in shown
    assert client.post(page, {"content": "{}"}).status_code == 403
    assert client.get(reverse("admin:decisions_publishedbundle_add")).status_code == 403


PAGE = "admin:decisions_publishedbundle_changelist"


def refuse(project_id: int, why: str) -> int:
    """Let the newest revision of a project be one whose bundle was refused; return the revision."""
    Job.objects.filter(project_id=project_id).delete()
    revision = Project.objects.get(pk=project_id).revision + 1
    Project.objects.filter(pk=project_id).update(revision=revision)
    job = Job.objects.create(
        kind="publish_bundle", key=f"publish_bundle:{project_id}:{revision}", project_id=project_id
    )
    claimed = claim(job_id=job.pk, owner="tester")
    assert claimed is not None
    fail(job=claimed, error=f"Traceback\nBundleInvalid: {why}")
    return revision


def told(client: redis.Redis, **changes: object) -> None:
    """Let an edge process tell of itself as its listener does."""
    values = {
        "host": "edge-1",
        "process": 4711,
        "started_at": 1.0,
        "versions": {"shop": 1},
        "stale": False,
        "faults": 0,
    }
    report = EdgeReport(**{**values, **changes})  # type: ignore[arg-type]
    client.set(REPORT_KEY + report.name, encode_report(report))
    client.zadd(NAMES_KEY, {report.name: 1_772_452_800.0})


@pytest.fixture
def kept(settings: Any) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


def test_bundles__refused_state__is_told_with_the_path_what_serves_and_what_to_do(
    owner: Client, kept: redis.Redis
) -> None:
    project_id = make_project()
    good = publish_bundle(project_id=project_id)
    revision = refuse(project_id, "bundle.experiments[0].coverage: must be a whole number from 0 to 1000000.")

    page = unescape(owner.get(reverse(PAGE)).content.decode())

    assert f"The state with the number {revision} is not served." in page
    assert f"The edge goes on serving version {good} of" in page
    assert "bundle.experiments[0].coverage: must be a whole number" in page
    assert "Mend the record that the message names" in page
    assert owner.get("/healthz/ready").json()["refused_bundles"] == ["shop"]


def test_bundles__everything_published__shows_no_complaint(owner: Client, kept: redis.Redis) -> None:
    publish_bundle(project_id=make_project())

    page = owner.get(reverse(PAGE)).content.decode()

    assert "Not published yet" not in page
    assert owner.get("/healthz/ready").json()["refused_bundles"] == []


def test_bundles__edge_processes__are_shown_with_what_they_serve(owner: Client, kept: redis.Redis) -> None:
    project_id = make_project()
    version = publish_bundle(project_id=project_id)
    told(kept, versions={"shop": version})
    told(kept, process=4712, versions={"shop": version - 1}, faults=2)
    told(kept, process=4714, role=EdgeRole.INTAKE)
    told(kept, process=4713)
    kept.delete(f"{REPORT_KEY}edge-1:4713")

    page = owner.get(reverse(PAGE)).content.decode()

    good, behind, silent, intake = (
        page[page.index(f"edge-1:{process}") :].split("</li>")[0] for process in (4711, 4712, 4713, 4714)
    )
    assert f"version {version}" in good
    assert "behind" not in good
    assert "behind" in behind
    assert "2 files cannot be used" in behind
    assert "What it serves is unknown." in silent
    assert "It takes the events." in intake
    assert not any("It takes the events." in other for other in (good, behind, silent))


def test_bundles__redis_away__nothing_is_known_and_the_page_comes_all_the_same(owner: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    page = owner.get(reverse(PAGE))

    assert page.status_code == 200
    assert "Redis does not answer" in page.content.decode()
