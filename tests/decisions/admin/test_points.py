"""Decision points: created and edited through the actions, and a champion let loose on everybody."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from decisions.models import DecisionPoint
from decisions.registry import domain_of
from experiments.models import Metric
from foundation.models import JournalEntry
from models_registry.actions.aliases import Scope
from models_registry.queries.aliases import holders_of
from models_registry.vocabulary import AliasName
from tests.experiments.reports import stored
from tests.fixtures import registry

pytestmark = pytest.mark.django_db

ADD = "/admin/decisions/decisionpoint/add/"
CN = {"attribute": "country", "op": "eq", "value": "CN"}


def page(point: int) -> str:
    """Return the address of a decision point's form."""
    return reverse("admin:decisions_decisionpoint_change", args=[point])


def fields(project: int, **changes: object) -> dict[str, object]:
    """Return a filled-in form."""
    return {
        "project": project,
        "key": "home",
        "name": "Home page",
        "domain": "recommendation",
        "model": "",
        "slate_size": 12,
        "deadline_ms": 25,
        **changes,
    }


def test_add__by_the_action__is_journalled_in_the_persons_name(owner: Client, project: int) -> None:
    model = registry.make_model(project)
    assert owner.post(ADD, fields(project, model=model)).status_code == 302
    point = DecisionPoint.objects.get()
    assert (point.key, point.model_id, point.slate_size, point.deadline_ms) == ("home", model, 12, 25)
    entry = JournalEntry.objects.latest("pk")
    assert (entry.action, entry.actor, entry.subject) == ("decision_point.create", "manager", "decision_point:home")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"slate_size": 101}, "[DECISION_POINT_INVALID]"),
        ({"domain": "weather"}, "Select a valid choice"),
        ({"key": "Home Page"}, "Use 1 to 64 lower-case letters"),
        ({"slate_size": "many"}, "Enter a whole number"),
    ],
)
def test_add__what_cannot_be__is_told_and_nothing_is_made(
    owner: Client, project: int, change: dict[str, object], told: str
) -> None:
    assert told in owner.post(ADD, fields(project, **change), follow=True).content.decode()
    assert not DecisionPoint.objects.exists()


def test_add__slate_and_deadline_left_empty__are_those_of_the_domain(owner: Client, project: int) -> None:
    form = owner.get(ADD).content.decode()
    assert form.count("Empty: as usual for the domain.") == 2
    assert owner.post(ADD, fields(project, domain="pricing", slate_size="", deadline_ms="")).status_code == 302
    point, domain = DecisionPoint.objects.get(), domain_of("pricing")
    assert (point.slate_size, point.deadline_ms) == (domain.slate_size, domain.deadline_ms)


def test_add__model_of_another_project__is_told_and_nothing_is_made(owner: Client, project: int) -> None:
    foreign = registry.make_model(stored.shop("pier"))
    shown = owner.post(ADD, fields(project, model=foreign), follow=True).content.decode()
    assert "[DECISION_POINT_INVALID]" in shown
    assert not DecisionPoint.objects.exists()


def test_edit__by_the_action__leaves_project_key_and_domain(owner: Client, project: int) -> None:
    point = registry.make_point(project)
    model = registry.make_model(project)
    changed = fields(stored.shop("pier"), key="other", name="Start page", model=model, deadline_ms=40)
    assert owner.post(page(point), changed).status_code == 302
    row = DecisionPoint.objects.get()
    assert (row.project_id, row.key, row.name, row.model_id, row.deadline_ms) == (
        project,
        "home",
        "Start page",
        model,
        40,
    )
    entry = JournalEntry.objects.latest("pk")
    assert (entry.action, entry.before["deadline_ms"], entry.after["deadline_ms"]) == ("decision_point.edit", 30, 40)


def test_form__offers_models_of_the_project_and_leads_to_the_page(owner: Client, project: int) -> None:
    registry.make_model(stored.shop("pier"), key="foreign", name="Foreign ranking")
    point = registry.make_point(project, registry.make_model(project))
    shown = owner.get(page(point)).content.decode()
    assert "/d/home?project=harbour" in shown
    assert "Home page ranking" in shown
    assert "Foreign ranking" not in shown


def test_widen__champion_of_an_audience__serves_everybody_for_a_reason(owner: Client, project: int) -> None:
    model = registry.make_model(project)
    point = registry.make_point(project, model)
    version = registry.make_version(model)
    button = reverse("admin:decisions_decisionpoint_widen", args=[point])
    assert button not in owner.get(page(point)).content.decode()
    registry.make_champion(version, scope=Scope(CN, "visitor"))
    assert button in owner.get(page(point)).content.decode()
    empty = owner.post(button, {"_form_submitted": "True", "reason": " "}).content.decode()
    assert "This field is required." in empty
    assert holders_of(model, AliasName.CHAMPION)[0].audience == CN
    shown = owner.post(button, {"_form_submitted": "True", "reason": "Same taste elsewhere"}, follow=True)
    assert "The champion serves everybody now." in shown.content.decode()
    assert holders_of(model, AliasName.CHAMPION)[0].audience is None
    assert owner.post(button, {"_form_submitted": "True", "reason": "Again"}).status_code == 403


def test_widen__person_who_may_not_promote__has_no_button(person: Callable[..., Client], project: int) -> None:
    model = registry.make_model(project)
    point = registry.make_point(project, model)
    registry.make_champion(registry.make_version(model), scope=Scope(CN, "visitor"))
    editor = person("view_decisionpoint", "change_decisionpoint")
    button = reverse("admin:decisions_decisionpoint_widen", args=[point])
    assert button not in editor.get(page(point)).content.decode()
    assert editor.post(button, {"_form_submitted": "True", "reason": "x"}).status_code == 403
    assert holders_of(model, AliasName.CHAMPION)[0].audience == CN


def test_form__person_who_may_only_view__changes_nothing(person: Callable[..., Client], project: int) -> None:
    point = registry.make_point(project)
    reader = person("view_decisionpoint")
    assert 'name="_save"' not in reader.get(page(point)).content.decode()
    assert reader.post(page(point), fields(project, name="Changed")).status_code == 403
    assert DecisionPoint.objects.get().name == "Home page"


def test_form__learning_policies_of_the_point__may_serve_everybody_and_data_have_an_age(
    owner: Client, project: int
) -> None:
    point, other = registry.make_point(project), registry.make_point(project, key="cart", name="Below the cart")
    learner = registry.make_learner(point)
    registry.make_learner(other, key="elsewhere", name="Elsewhere")
    shown = owner.get(page(point)).content.decode()
    assert "Learning policy for all traffic outside experiments" in shown
    assert "Elsewhere" not in shown
    assert f"/admin/decisions/learner/add/?point={point}" in shown
    changed = fields(project, learner=learner, most_age_minutes=90)
    assert owner.post(page(point), changed).status_code == 302
    row = DecisionPoint.objects.get(pk=point)
    assert (row.learner_id, row.most_age_minutes) == (learner, 90)
    assert owner.post(page(point), fields(project)).status_code == 302
    row = DecisionPoint.objects.get(pk=point)
    assert (row.learner_id, row.most_age_minutes) == (None, None)


def test_form__learning_policy_of_another_point__is_told_and_nothing_changes(owner: Client, project: int) -> None:
    point, other = registry.make_point(project), registry.make_point(project, key="cart", name="Below the cart")
    foreign = registry.make_learner(other)
    shown = owner.post(page(point), fields(project, learner=foreign)).content.decode()
    assert "Select a valid choice" in shown
    assert DecisionPoint.objects.get(pk=point).learner_id is None


def test_metrics__of_the_domain__are_added_once_and_named(owner: Client, project: int) -> None:
    point = registry.make_point(project)
    button = reverse("admin:decisions_decisionpoint_metrics", args=[point])
    assert button in owner.get(page(point)).content.decode()
    told = owner.post(button, {"_form_submitted": "True"}, follow=True).content.decode()
    assert "These metrics were added: Conversion, Revenue per visitor" in told
    count = Metric.objects.filter(project_id=project).count()
    assert count == len(domain_of("recommendation").metrics)
    told = owner.post(button, {"_form_submitted": "True"}, follow=True).content.decode()
    assert "The project has them all already; nothing was changed." in told
    assert Metric.objects.filter(project_id=project).count() == count


def test_metrics__person_who_may_not_add_any__has_no_button(person: Callable[..., Client], project: int) -> None:
    point = registry.make_point(project)
    button = reverse("admin:decisions_decisionpoint_metrics", args=[point])
    editor = person("view_decisionpoint", "change_decisionpoint")
    assert button not in editor.get(page(point)).content.decode()
    assert editor.post(button, {"_form_submitted": "True"}).status_code == 403
    assert not Metric.objects.exists()
