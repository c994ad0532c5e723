"""Learning policies in the admin: made with a reward of their domain, then fixed but for their name."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from decisions.models import Learner
from foundation.models import JournalEntry
from tests.decisions.ads import make_ads
from tests.fixtures import registry

pytestmark = pytest.mark.django_db

ADD = "/admin/decisions/learner/add/"


def page(learner: int) -> str:
    """Return the address of a learning policy's form."""
    return reverse("admin:decisions_learner_change", args=[learner])


def fields(point: int, **changes: object) -> dict[str, object]:
    """Return a filled-in form."""
    return {
        "point": point,
        "name": "Explorer",
        "key": "explorer",
        "kind": "beta",
        "reward": "recommendation:clicked",
        "floor": "10",
        "holdback": "2.5",
        "update_minutes": "60",
        "settings": '{"prior_misses": 19}',
        **changes,
    }


def test_add__by_the_action__begins_with_its_prior(owner: Client, project: int) -> None:
    point = registry.make_point(project)
    shown = owner.post(ADD, fields(point), follow=True).content.decode()
    assert "The learning policy is there." in shown
    learner = Learner.objects.get()
    assert (learner.kind, learner.reward, learner.floor, learner.holdback) == ("beta", "clicked", 0.1, 0.025)
    assert (learner.update_minutes, learner.settings) == (60, {"prior_misses": 19})
    assert learner.states.count() == 1
    entry = JournalEntry.objects.latest("pk")
    assert (entry.action, entry.actor) == ("learner.create", "manager")


def test_add__empty_settings__are_as_usual(owner: Client, project: int) -> None:
    assert owner.post(ADD, fields(registry.make_point(project), settings="")).status_code == 302
    assert Learner.objects.get().settings == {}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"reward": "ad_placement:clicked"},
            "The decision point is of Recommendation; this is a reward of Ad placement.",
        ),
        ({"reward": "recommendation:none"}, "Select a valid choice"),
        ({"kind": "guess"}, "Select a valid choice"),
        ({"floor": "0"}, "Without a floor nothing new is ever tried: write more than 0."),
        ({"floor": "101"}, "less than or equal to 100"),
        ({"holdback": "0.5"}, "Hold back from 1 to 90 per cent of the shoppers."),
        ({"update_minutes": "0"}, "greater than or equal to 1"),
        ({"settings": "[1]"}, "Write a JSON object, such as {}."),
        ({"settings": '{"magic": 1}'}, "[LEARNER_SETTINGS_INVALID]"),
        ({"key": "Not a key"}, "Use 1 to 64 lower-case letters"),
    ],
)
def test_add__what_cannot_be__is_told_and_nothing_is_made(
    owner: Client, project: int, change: dict[str, object], told: str
) -> None:
    shown = owner.post(ADD, fields(registry.make_point(project), **change), follow=True).content.decode()
    assert told in shown
    assert not Learner.objects.exists()


def test_add__from_a_decision_point__offers_its_rewards_alone(owner: Client, project: int) -> None:
    point, ads = registry.make_point(project), make_ads(project)
    everything = owner.get(ADD).content.decode()
    assert "recommendation:added" in everything
    assert "ad_placement:clicked" in everything
    shown = owner.get(f"{ADD}?point={point}").content.decode()
    assert "added: “Product Added” within 1 day" in shown
    assert "ad_placement:clicked" not in shown
    assert "recommendation:added" not in owner.get(f"{ADD}?point={ads}").content.decode()
    assert "recommendation:added" in owner.get(f"{ADD}?point=x").content.decode()


def test_add__the_same_key_again__is_told_in_the_form(owner: Client, project: int) -> None:
    point = registry.make_point(project)
    registry.make_learner(point)
    assert "already exists" in owner.post(ADD, fields(point)).content.decode()
    assert Learner.objects.count() == 1


def test_edit__name_alone__changes(owner: Client, project: int) -> None:
    point = registry.make_point(project)
    learner = registry.make_learner(point)
    shown = owner.get(page(learner)).content.decode()
    assert 'name="name"' in shown
    for name in ("kind", "reward", "floor", "holdback", "update_minutes", "settings", "point", "is_learning"):
        assert f'name="{name}"' not in shown, name
    assert "/d/home/learners/explorer?project=harbour" in shown
    assert owner.post(page(learner), fields(point, name="Scout", floor="50", kind="linear")).status_code == 302
    row = Learner.objects.get()
    assert (row.name, row.floor, row.kind) == ("Scout", 0.05, "beta")
    entry = JournalEntry.objects.latest("pk")
    assert (entry.action, entry.before, entry.after) == ("learner.rename", {"name": "Explorer"}, {"name": "Scout"})


def test_buttons__stop_and_start__are_there_in_turn(owner: Client, project: int) -> None:
    learner = registry.make_learner(registry.make_point(project))
    stop, start = (reverse(f"admin:decisions_learner_{name}", args=[learner]) for name in ("stop", "start"))
    shown = owner.get(page(learner)).content.decode()
    assert stop in shown
    assert start not in shown
    told = owner.post(stop, {"_form_submitted": "True", "reason": "A sale"}, follow=True).content.decode()
    assert "It learns no more." in told
    assert not Learner.objects.get().is_learning
    assert JournalEntry.objects.latest("pk").reason == "A sale"
    assert owner.post(stop, {"_form_submitted": "True", "reason": ""}).status_code == 403
    assert "It learns again." in owner.post(start, {"_form_submitted": "True"}, follow=True).content.decode()
    assert Learner.objects.get().is_learning


def test_form__person_who_may_only_view__changes_nothing(person: Callable[..., Client], project: int) -> None:
    point = registry.make_point(project)
    learner = registry.make_learner(point)
    reader = person("view_learner")
    shown = reader.get(page(learner)).content.decode()
    stop = reverse("admin:decisions_learner_stop", args=[learner])
    assert stop not in shown
    assert reader.post(page(learner), fields(point, name="Scout")).status_code == 403
    assert reader.post(stop, {"_form_submitted": "True"}).status_code == 403
    assert reader.get(ADD).status_code == 403
    row = Learner.objects.get()
    assert (row.name, row.is_learning) == ("Explorer", True)
