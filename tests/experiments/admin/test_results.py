"""Scorecards and quarantine in the admin: read, never written."""

import pytest
from django.test import Client
from django.urls import reverse

from experiments.models import Quarantine, Scorecard
from tests.experiments.reports import material, stored

pytestmark = pytest.mark.django_db


def test_scorecard__is_read_with_its_verdict_and_a_way_to_the_readout(owner: Client, project: int) -> None:
    stored.keep(stored.running(project), material.scorecard(material.comparisons()), material.SHIP)
    page = reverse("admin:experiments_scorecard_change", args=[Scorecard.objects.get().pk])
    shown = owner.get(page).content.decode()
    for text in ("Ship “Free from 39”", "/x/free-shipping?project=harbour", "information_fraction"):
        assert text in shown
    assert 'name="_save"' not in shown
    assert owner.post(page, {"look": "9"}).status_code == 403
    assert owner.get(reverse("admin:experiments_scorecard_add")).status_code == 403


def test_quarantine__is_counted_by_reason_and_filtered(owner: Client, project: int) -> None:
    for number, reason in enumerate(("LATE", "LATE", "UNKNOWN_VARIANT")):
        Quarantine.objects.create(
            project_id=project, origin="EVENT", reference=f"message-{number}", reason=reason, payload={"n": number}
        )
    listing = reverse("admin:experiments_quarantine_changelist")
    assert "LATE (2)" in " ".join(owner.get(listing).content.decode().split())
    narrowed = owner.get(listing, {"reason": "UNKNOWN_VARIANT"}).content.decode()
    assert "message-2" in narrowed
    assert "message-0" not in narrowed
    page = reverse("admin:experiments_quarantine_change", args=[Quarantine.objects.first().pk])  # type: ignore[union-attr]
    assert owner.post(page, {"reason": "FINE"}).status_code == 403
