"""Explorations and filters in a real browser: asked for by a form without JavaScript, computed, shown, accessible."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connection, transaction

from decisions.actions.looks import explore_at
from experiments.actions.design import create_metric
from experiments.actions.exploration import ExplorationRequest
from experiments.models import Filter, Metric
from foundation.models import Job, Project
from tests.browser.conftest import OpenVisit, no_complaints
from tests.browser.test_readouts import serious
from tests.expert.population import arm, exposure, look, order, receive
from tests.fixtures.records import ACTOR, NOW, REVENUE, make_draft, make_project, make_running

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LANGUAGES = ("en-GB", "zh-CN")
UNITS = 600


def explored() -> None:
    """Store an experiment with a look and an exploration of two metrics by country."""
    project_id = make_project()
    Project.objects.filter(pk=project_id).update(attributes=["country", "device"])
    create_metric(project_id=project_id, definition=REVENUE, acting_user=ACTOR, now=NOW)
    experiment_id = make_running(project_id)
    make_draft(project_id, key="draft")
    messages = []
    for index in range(UNITS):
        at = NOW + timedelta(minutes=5 * index)
        messages.append(exposure(experiment_id, f"u{index}", arm(index), at))
        if (index * 7) % 10 < 3 + index % 2:
            messages.append(order(f"u{index}", at + timedelta(hours=index % 150), revenue=10.0 + index % 40))
    with transaction.atomic(), connection.cursor() as cursor:
        receive(project_id, messages)
        cursor.execute(
            "UPDATE experiments_firstexposure SET attributes ="
            " jsonb_build_object('country', (ARRAY['DE', 'SG'])[1 + substr(unit, 2)::integer / 2 % 2])"
        )
    look(experiment_id, days=10)
    request = ExplorationRequest(
        metric_ids=tuple(Metric.objects.values_list("pk", flat=True)),
        dimensions=("country",),
        window_hours=72,
        cap_micros=30_000_000,
    )
    explore_at(experiment_id=experiment_id, request=request, requested_by="manager", now=NOW + timedelta(days=12))


def test_exploration__in_both_languages_and_schemes__violates_nothing_and_is_accessible(
    visit: OpenVisit,
) -> None:
    explored()
    axe = Axe()
    for locale in LANGUAGES:
        for scheme in ("light", "dark"):
            tab = visit(locale=locale, color_scheme=scheme)
            with no_complaints(tab):
                tab.log_in()
                for path in ("/x/button/explore", "/x/button/explore?effect=absolute", "/x/draft/explore"):
                    page = tab.go(path)
                    assert serious(axe.run(page).response) == [], (path, locale, scheme)


def test_exploration__asked_for_without_javascript__is_promised(visit: OpenVisit) -> None:
    explored()
    tab = visit(java_script_enabled=False)
    tab.page.goto(f"{tab.url}/x/")
    tab.page.fill("#id_username", "manager")
    tab.page.fill("#id_password", "a long enough one")
    tab.page.click("button.primary, button[type=submit]")
    tab.page.goto(f"{tab.url}/x/button")
    tab.page.click("text=Explore other metrics")
    tab.page.click("text=Compute")
    assert tab.page.inner_text(".faults") == "Choose one metric or more."
    tab.page.check("label:has-text('Revenue per visitor (version 1)') input")
    tab.page.check("label:has-text('device') input")
    tab.page.fill("[name=window_days]", "14")
    tab.page.click("text=Compute")
    assert "is being computed" in tab.page.inner_text(".messages")
    assert Job.objects.get(kind="explore").payload["request"]["window_hours"] == 336


def test_filter__switched_on_in_its_form__is_a_version_of_its_own(visit: OpenVisit) -> None:
    explored()
    axe = Axe()
    for locale in LANGUAGES:
        tab = visit(locale=locale)
        tab.log_in()
        first = Filter.objects.filter(key="busy-robots").latest("version")
        page = tab.go(f"/admin/experiments/filter/{first.pk}/change/")
        assert page.is_visible("[name=events]")
        assert not page.is_visible("[name=attribute]")
        assert serious(axe.run(page).response) == [], locale
        page.check("[name=active]") if not first.active else page.uncheck("[name=active]")
        page.click("[name=_continue], [name=_save]")
        page.wait_for_load_state()
        second = Filter.objects.filter(key="busy-robots").latest("version")
        assert (second.version, second.active) == (first.version + 1, not first.active)
        assert tab.complaints == [], locale
