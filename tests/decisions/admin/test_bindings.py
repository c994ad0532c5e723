"""Experiments at decision points: bound while drafts, each variant with a policy, then frozen."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from decisions.domain import PolicyKind
from decisions.learning import LearnerKind
from decisions.models import PointExperiment, VariantPolicy
from decisions.queries.points import policies_of
from experiments.actions import lifecycle
from experiments.actions.lifecycle import launch_problems
from foundation.models import JournalEntry
from models_registry.actions.schedules import disable_schedule, enable_schedule
from tests.experiments.reports import material, stored
from tests.fixtures import registry

pytestmark = pytest.mark.django_db

ADD = "/admin/decisions/pointexperiment/add/"


def page(experiment: int) -> str:
    """Return the address of a binding's form."""
    bound = PointExperiment.objects.get(experiment_id=experiment)
    return reverse("admin:decisions_pointexperiment_change", args=[bound.pk])


def said(experiment: int) -> dict[str, tuple[str, int | None, tuple[str, ...]]]:
    """Return what each variant does."""
    return {key: (fact.policy.value, fact.version, fact.actions) for key, fact in policies_of(experiment).items()}


def test_add__begins_with_what_serves_against_the_newest_version(owner: Client, project: int) -> None:
    model = registry.make_model(project)
    point = registry.make_point(project, model)
    first = registry.make_version(model)
    registry.make_champion(first)
    second = registry.make_version(model, first=2.0)
    registry.make_version(model, passed=False, first=3.0)
    draft = stored.draft(project, personalised=True)
    shown = owner.post(ADD, {"experiment": draft, "point": point}, follow=True).content.decode()
    assert "The experiment is bound. Check what each variant does." in shown
    assert said(draft) == {"control": ("model_ranked", first, ()), "treatment": ("model_ranked", second, ())}
    assert "Home page ranking v1, the champion" in shown
    assert "Home page ranking v3, which has not passed its gate" in shown
    assert launch_problems(draft) == ()
    assert JournalEntry.objects.latest("pk").action == "experiment.policies"


def test_add__without_a_model__begins_with_the_baseline(owner: Client, project: int) -> None:
    draft = stored.draft(project)
    owner.post(ADD, {"experiment": draft, "point": registry.make_point(project)})
    assert said(draft) == {"control": ("baseline", None, ()), "treatment": ("baseline", None, ())}


def test_add__offers_drafts_that_are_not_bound(owner: Client, project: int) -> None:
    model = registry.make_model(project)
    point = registry.make_point(project, model)
    version = registry.make_version(model)
    registry.make_decision_draft(project, point, version, key="bound-draft")
    stored.running(project, key="started-one")
    stored.draft(project, key="free-draft")
    shown = owner.get(ADD).content.decode()
    assert "Free-Draft" in shown
    assert "Bound-Draft" not in shown
    assert "Started-One" not in shown


def test_add__experiment_of_another_project__is_told_and_nothing_is_bound(owner: Client, project: int) -> None:
    draft = stored.draft(stored.shop("pier"))
    point = registry.make_point(project)
    shown = owner.post(ADD, {"experiment": draft, "point": point}, follow=True).content.decode()
    assert "[POLICY_INVALID]" in shown
    assert not PointExperiment.objects.exists()
    assert not VariantPolicy.objects.exists()


def test_edit__each_kind_of_policy__is_written_by_the_action(owner: Client, project: int) -> None:
    model = registry.make_model(project)
    point = registry.make_point(project, model)
    version = registry.make_version(model)
    draft = registry.make_decision_draft(project, point, version)
    fields = {
        "point": point,
        "policy_control": "baseline",
        "items_control": "",
        "policy_treatment": "fixed",
        "items_treatment": "mug\nlamp\n\n",
    }
    assert owner.post(page(draft), fields).status_code == 302
    assert said(draft) == {"control": ("baseline", None, ()), "treatment": ("fixed", None, ("mug", "lamp"))}
    assert PolicyKind.FIXED.value in owner.get(page(draft)).content.decode()
    owner.post(page(draft), {**fields, "policy_treatment": f"version:{version}", "items_treatment": ""})
    assert said(draft)["treatment"] == ("model_ranked", version, ())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"policy_treatment": "fixed"}, "Write the items that everybody shall see, one a line."),
        ({"items_treatment": "mug"}, "Only fixed actions have items; empty this."),
        ({"policy_treatment": "version:99999"}, "Select a valid choice"),
        ({"policy_treatment": ""}, "This field is required"),
    ],
)
def test_edit__what_cannot_be__is_told_in_the_form_and_nothing_changes(
    owner: Client, project: int, change: dict[str, str], told: str
) -> None:
    model = registry.make_model(project)
    point = registry.make_point(project, model)
    draft = registry.make_decision_draft(project, point, registry.make_version(model))
    before = said(draft)
    fields = {"point": point, "policy_control": "baseline", "policy_treatment": "baseline", **change}
    assert told in owner.post(page(draft), fields).content.decode()
    assert said(draft) == before


def test_launched__is_shown_and_cannot_be_changed(owner: Client, project: int) -> None:
    model = registry.make_model(project)
    point = registry.make_point(project, model)
    experiment = registry.make_decision_experiment(project, point, registry.make_version(model))
    shown = owner.get(page(experiment)).content.decode()
    assert "New ranking: Home page ranking v1" in shown
    assert "As today: Baseline" in shown
    assert 'name="policy_control"' not in shown
    fields = {"point": point, "policy_control": "baseline", "policy_treatment": "baseline"}
    assert owner.post(page(experiment), fields).status_code == 403
    assert said(experiment)["treatment"][0] == "model_ranked"


def test_form__person_who_may_only_view__changes_nothing(person: Callable[..., Client], project: int) -> None:
    model = registry.make_model(project)
    point = registry.make_point(project, model)
    draft = registry.make_decision_draft(project, point, registry.make_version(model))
    reader = person("view_pointexperiment")
    assert "New ranking: Home page ranking v1" in reader.get(page(draft)).content.decode()
    fields = {"point": point, "policy_control": "baseline", "policy_treatment": "baseline"}
    assert reader.post(page(draft), fields).status_code == 403
    assert said(draft)["treatment"][0] == "model_ranked"


@pytest.mark.parametrize(("language", "expected"), [("en", "Tick “uses personal data”"), ("zh-hans", "使用个人数据")])
def test_checklist__of_a_bound_draft__names_what_the_decision_point_needs(
    owner: Client, project: int, language: str, expected: str
) -> None:
    model = registry.make_model(project)
    point = registry.make_point(project, model)
    draft = registry.make_decision_draft(project, point, registry.make_version(model), personalised=False)
    lifecycle.submit(experiment_id=draft, acting_user="manager", now=material.START)
    url = reverse("admin:experiments_experiment_change", args=[draft])
    shown = owner.get(url, headers={"accept-language": language}).content.decode()
    assert expected in shown
    assert "/d/home?project=harbour" in shown


def test_edit__schedules_and_learning_policies__are_offered_and_written(owner: Client, project: int) -> None:
    model = registry.make_model(project)
    point = registry.make_point(project, model)
    version = registry.make_version(model)
    registry.make_champion(version)
    schedule, learner = registry.make_schedule(model), registry.make_learner(point)
    contextual = registry.make_learner(point, key="taste", name="Taste", kind=LearnerKind.LOGISTIC)
    elsewhere = registry.make_learner(registry.make_point(project, key="cart"), key="elsewhere", name="Elsewhere")
    draft = registry.make_decision_draft(project, point, version)
    shown = owner.get(page(draft)).content.decode()
    for label in (
        "Newest of the schedule nightly, which has no version yet",
        "Learning policy Explorer",
        "Learning policy Taste, reading scores of Home page ranking v1",
    ):
        assert label in shown, label
    assert "Elsewhere" not in shown
    fields = {"point": point, "policy_control": f"schedule:{schedule}", "policy_treatment": f"learner:{learner}"}
    assert owner.post(page(draft), fields).status_code == 302
    found = policies_of(draft)
    assert (found["control"].policy, found["control"].schedule) == (PolicyKind.RECIPE, schedule)
    assert (found["treatment"].policy, found["treatment"].learner) == (PolicyKind.LEARNED, learner)
    again = owner.get(page(draft)).content.decode()
    assert f'value="schedule:{schedule}" selected' in again
    assert f'value="learner:{learner}" selected' in again
    reading = f"learner:{contextual}:{version}"
    owner.post(page(draft), {**fields, "policy_treatment": reading})
    assert (policies_of(draft)["treatment"].learner, policies_of(draft)["treatment"].version) == (contextual, version)
    assert f'value="{reading}" selected' in owner.get(page(draft)).content.decode()
    refused = owner.post(page(draft), {**fields, "policy_treatment": f"learner:{elsewhere}"}).content.decode()
    assert "Select a valid choice" in refused
    assert policies_of(draft)["treatment"].learner == contextual


def test_edit__schedule_that_is_switched_off__stays_only_where_it_is_said(owner: Client, project: int) -> None:
    model = registry.make_model(project)
    point = registry.make_point(project, model)
    schedule = registry.make_schedule(model)
    draft = registry.make_decision_draft(project, point, registry.make_version(model))
    disable_schedule(schedule_id=schedule, acting_user="manager", now=material.START, reason="")
    assert "Newest of the schedule" not in owner.get(page(draft)).content.decode()
    owner_fields = {"point": point, "policy_control": "baseline", "policy_treatment": f"schedule:{schedule}"}
    assert "Select a valid choice" in owner.post(page(draft), owner_fields).content.decode()
    enable_schedule(schedule_id=schedule, acting_user="manager", now=material.START, reason="")
    owner.post(page(draft), owner_fields)
    disable_schedule(schedule_id=schedule, acting_user="manager", now=material.START, reason="")
    assert "which is switched off" in owner.get(page(draft)).content.decode()
    listed = owner.get("/admin/decisions/pointexperiment/").content.decode()
    assert "New ranking: Newest of the schedule nightly, which has no version yet" in listed
