"""The forms that ask for trainings: a search, a rule, a schedule; and warnings on the launch checklist."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from models_registry.models import TrainingRun, TrainingSchedule
from tests.decisions.recipes import make_recipe_draft, make_schedule
from tests.fixtures import registry

pytestmark = pytest.mark.django_db


def url(action: str, model: object) -> str:
    return reverse(f"admin:models_registry_registeredmodel_{action}", args=[model])


def filled(**changes: object) -> dict[str, object]:
    """Return a filled-in dialog of either form."""
    return {
        "_form_submitted": "True",
        "key": "nightly",
        "recipe": "item_item",
        "days": 14,
        "every_hours": 12,
        "data_policy": "own_arm",
        "seed": 5,
        "margin": "0.01",
        "search": "",
        "rule": "",
        "drift": '{"psi": 0.3}',
        **changes,
    }


def test_train__with_a_search_and_a_rule__asks_for_both(owner: Client, project: int) -> None:
    model = registry.make_model(project)
    search, rule = {"neighbours": [20, 80]}, {"champion_margin": 0.01}
    response = owner.post(url("train", model), filled(search=json.dumps(search), rule=json.dumps(rule)))
    assert response.status_code == 302
    run = TrainingRun.objects.get()
    assert (run.search, run.rule, run.margin) == (search, {"margin": 0.01, "champion_margin": 0.01}, 0.01)


def test_plan__filled_in__creates_the_schedule_and_leads_to_it(owner: Client, project: int) -> None:
    model = registry.make_model(project)
    response = owner.post(url("plan", model), filled())
    schedule = TrainingSchedule.objects.get()
    assert response["Location"] == reverse("admin:models_registry_trainingschedule_change", args=[schedule.pk])
    assert (schedule.key, schedule.every_hours, schedule.window_days) == ("nightly", 12, 14)
    assert (schedule.data_policy, schedule.gate, schedule.drift) == ("own_arm", {"margin": 0.01}, {"psi": 0.3})
    assert "first training begins" in owner.get(response["Location"]).content.decode()


@pytest.mark.parametrize("action", ["train", "plan"])
@pytest.mark.parametrize(
    "change", [{"search": "{"}, {"search": "[1]"}, {"rule": '"strict"'}, {"days": 0}, {"margin": "-1"}]
)
def test_forms__what_cannot_be__ask_again_and_make_nothing(
    owner: Client, project: int, action: str, change: dict[str, object]
) -> None:
    model = registry.make_model(project)
    assert owner.post(url(action, model), filled(**change)).status_code == 200
    assert (TrainingRun.objects.count(), TrainingSchedule.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"search": '{"neighbours": [-1]}'},
        {"search": '{"test_share": [0.1]}'},
        {"rule": '{"luck": 1}'},
        {"drift": '{"psi": -1}'},
        {"data_policy": "weighted"},
    ],
)
def test_plan__what_the_actions_refuse__is_told_and_makes_nothing(
    owner: Client, project: int, change: dict[str, object]
) -> None:
    model = registry.make_model(project)
    owner.post(url("plan", model), filled(**change))
    told = owner.get(reverse("admin:models_registry_registeredmodel_change", args=[model])).content.decode()
    assert "_INVALID]" in told or "_UNSUPPORTED]" in told or "GATE_MALFORMED]" in told
    assert TrainingSchedule.objects.count() == 0


def test_checklist__variants_that_learn_from_each_other__warns_and_keeps_nobody_from_starting(
    owner: Client, project: int
) -> None:
    model = registry.make_model(project)
    arms = {key: make_schedule(model, key) for key in ("first", "second")}
    for schedule in arms.values():
        registry.make_version(model, schedule_id=schedule)
    draft = make_recipe_draft(project, registry.make_point(project, model), schedules=arms)
    shown = owner.get(reverse("admin:experiments_experiment_change", args=[draft])).content.decode()
    assert "Separate training data" in shown
    assert "first, second" in shown
    assert "Launch checklist" not in shown
