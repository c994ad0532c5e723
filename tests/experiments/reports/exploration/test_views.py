"""The page of explorations: who may see it, who may ask, what is told, and what is refused."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from experiments.actions.design import create_metric
from experiments.actions.exploration import ExplorationRequest, explore
from experiments.models import Experiment, ExploratoryScorecard, Metric
from foundation.actions.jobs import claim, fail
from foundation.models import Job, Project
from tests.expert.population import arm, exposure, look, order, receive
from tests.fixtures.records import ACTOR, NOW, REVENUE, make_draft, make_project, make_running

pytestmark = pytest.mark.django_db

UNITS = 240


@pytest.fixture
def shop() -> int:
    project_id = make_project()
    Project.objects.filter(pk=project_id).update(attributes=["country"])
    return project_id


@pytest.fixture
def revenue(shop: int) -> int:
    return create_metric(project_id=shop, definition=REVENUE, acting_user=ACTOR, now=NOW)


@pytest.fixture
def experiment(shop: int, revenue: int) -> int:
    """Return an experiment of which somebody has explored the revenue by country."""
    experiment_id = make_running(shop)
    messages = []
    for index in range(UNITS):
        at = NOW + timedelta(minutes=index)
        messages.append(exposure(experiment_id, f"u{index}", arm(index), at))
        if index % 6 < 2:
            messages.append(order(f"u{index}", at + timedelta(hours=1), revenue=10.0 + index % 9))
    receive(shop, messages)
    end = NOW + timedelta(days=9)
    explore(
        experiment_id=experiment_id,
        request=ExplorationRequest(metric_ids=(revenue,), dimensions=("country",), cap_micros=15_000_000),
        requested_by="analyst",
        window_end=end,
        received_before=end,
    )
    return experiment_id


@pytest.fixture
def person() -> Callable[..., Client]:
    def log_in(*permissions: str) -> Client:
        user = User.objects.create(username="colleague", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(user)
        return client

    return log_in


PAGE = reverse("explore", args=["button"])
ASK = reverse("explore-ask", args=["button"])


def test_page__of_an_exploration__says_that_no_verdict_follows_and_shows_how_it_was_computed(experiment, person):
    text = person("view_experiment").get(PAGE).content.decode()
    assert "Exploratory: never part of a verdict" in text
    assert "not corrected for looks" in text
    for part in ("Revenue per visitor", "cap 15 USD", "window 7 days", "for information", "analyst", "one comparison"):
        assert part in text
    assert '<form method="post" action="/x/button/explore/ask"' not in text, "may look and not ask"


def test_page__in_chinese__is_the_same_page(experiment, person):
    client = person("view_experiment")
    client.cookies["django_language"] = "zh-hans"
    assert client.get(PAGE).status_code == 200


@pytest.mark.parametrize("path", [PAGE, PAGE + "?effect=absolute", reverse("explore-json", args=["button"])])
def test_page__without_the_permission__is_refused(experiment, person, path):
    assert Client().get(path).status_code == 302
    assert person().get(path).status_code == 403


def test_json__is_the_stored_text_under_its_digest(experiment, person):
    answer = person("view_experiment").get(reverse("explore-json", args=["button"]))
    row = ExploratoryScorecard.objects.get()
    assert row.content in answer.content.decode()
    body = json.loads(answer.content)
    assert (body["exploratory"], body["number"], body["exploration_sha256"]) == (True, 1, row.sha256)
    assert {entry["role"] for entry in body["exploration"]["comparisons"]} == {"DIAGNOSTIC"}


@pytest.mark.parametrize(
    "query", ["?number=2", "?number=x", "?number=-1", "?number=99999999999", "?project=other", "?project=%00"]
)
def test_page__of_what_does_not_exist__is_404(experiment, person, query):
    assert person("view_experiment").get(PAGE + query).status_code == 404


def test_ask__by_somebody_who_may__promises_a_job_and_leads_back(experiment, revenue, person):
    client = person("view_experiment", "add_exploratoryscorecard")
    given = {"metrics": [revenue], "dimensions": ["country"], "window_days": "14", "cap": "49.5"}
    answer = client.post(ASK, given)
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    job = Job.objects.get(kind="explore")
    assert job.payload == {
        "experiment_id": experiment,
        "requested_by": "colleague",
        "request": {
            "metric_ids": [revenue],
            "dimensions": ["country"],
            "window_hours": 336,
            "cap_micros": 49_500_000,
        },
    }
    assert "1 exploration is being computed" in client.get(PAGE).content.decode()
    assert "The same was asked for today" in client.post(ASK, given, follow=True).content.decode()
    assert Job.objects.filter(kind="explore").count() == 1


def test_ask__by_somebody_who_may_only_look__is_refused(experiment, revenue, person):
    assert Client().post(ASK, {"metrics": [revenue]}).status_code == 302
    for permissions in (("view_experiment",), ("add_exploratoryscorecard",)):
        User.objects.filter(username="colleague").delete()
        assert person(*permissions).post(ASK, {"metrics": [revenue]}).status_code == 403
    assert not Job.objects.filter(kind="explore").exists()


def test_ask__by_get__changes_nothing(experiment, person):
    assert person("view_experiment", "add_exploratoryscorecard").get(ASK).status_code == 405


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"metrics": []}, "Choose one metric or more."),
        ({"metrics": ["999999"]}, "999999"),
        ({"window_days": "half"}, "whole number of days"),
        ({"window_days": "0"}, "1"),
        ({"cap": "much"}, "amount above 0"),
        ({"cap": "-1"}, "0.000001"),
        ({"cap": "1e30"}, ""),
        ({"dimensions": ["shoe size"]}, "shoe size"),
    ],
)
def test_ask__for_what_cannot_be_explored__says_what_to_correct_and_keeps_what_was_typed(
    experiment, revenue, person, changes, fault
):
    client = person("view_experiment", "add_exploratoryscorecard")
    answer = client.post(ASK, {"metrics": [revenue], "window_days": "14", "cap": "49.5", **changes})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert fault in text
    assert changes.get("window_days", "14") in text
    assert not Job.objects.filter(kind="explore").exists()


def test_page__before_anything_was_explored__offers_what_can_be_asked(shop, revenue, person):
    make_running(shop)
    client = person("view_experiment", "add_exploratoryscorecard")
    text = client.get(PAGE).content.decode()
    assert "What do you want to look at?" in text
    assert "Revenue per visitor (version 1)" in text
    assert "in the plan; window 7 days" in text
    assert client.get(reverse("explore-json", args=["button"])).status_code == 404


def test_page__of_a_draft__offers_nothing(shop, revenue, person):
    make_draft(shop)
    client = person("view_experiment", "add_exploratoryscorecard")
    assert "Nothing has been explored yet" in client.get(PAGE).content.decode()
    assert client.post(ASK, {"metrics": [revenue]}).status_code == 422
    assert not Job.objects.filter(kind="explore").exists()


def test_page__after_a_job_has_failed__says_why(experiment, revenue, person):
    client = person("view_experiment", "add_exploratoryscorecard")
    client.post(ASK, {"metrics": [revenue]})
    job = claim(job_id=Job.objects.get(kind="explore").pk, owner="w")
    assert job is not None
    fail(job=job, error="Traceback\nValueError: the disk is full")
    assert "the disk is full" in client.get(PAGE).content.decode()


def test_readout__of_our_own_experiment__leads_to_its_explorations(experiment, person):
    look(experiment, days=9)
    assert f'href="{PAGE}"' in person("view_experiment").get(reverse("readout", args=["button"])).content.decode()


def test_page__number__chooses_an_earlier_one(experiment, revenue, person):
    end = NOW + timedelta(days=9)
    explore(
        experiment_id=experiment,
        request=ExplorationRequest(metric_ids=(Metric.objects.get(key="conversion").pk, revenue), window_hours=48),
        requested_by="somebody else",
        window_end=end,
        received_before=end,
    )
    client = person("view_experiment")
    newest, first = client.get(PAGE).content.decode(), client.get(PAGE + "?number=1").content.decode()
    assert "window 2 days" in newest
    assert "corrected over 2 comparisons" in newest
    assert "window 2 days" not in first
    assert "cap 15 USD" in first
    assert Experiment.objects.get(pk=experiment).status == "RUNNING"
