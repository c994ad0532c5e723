"""Published bundles in the admin: the configuration is shown, the private companion never."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from decisions.models import PublishedBundle
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
