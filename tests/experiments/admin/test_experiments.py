"""The form of a design: what people write becomes what the actions take, and a launched design is only read."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from experiments.actions import lifecycle
from experiments.actions.design import create_layer
from experiments.models import Experiment, ExperimentMetric, LayerRange, Metric
from experiments.queries.plans import draft_plan
from foundation.models import JournalEntry, Project
from tests.experiments.reports import material, stored

pytestmark = pytest.mark.django_db

ADD = reverse("admin:experiments_experiment_add")


def page(experiment_id: int) -> str:
    """Return the address of an experiment's form."""
    return reverse("admin:experiments_experiment_change", args=[experiment_id])


def filled(experiment_id: int, **changes: str) -> dict[str, str]:
    """Return the form of a draft as the page shows it, with changes."""
    experiment = Experiment.objects.get(pk=experiment_id)
    variants, metrics = list(experiment.variants.all()), list(experiment.metrics.all())
    fields = {
        "name": experiment.name,
        "hypothesis": experiment.hypothesis,
        "unit_kind": "visitor",
        "coverage": "100",
        "audience": "null",
        "layer": "",
        "layer_slots": "",
        "holdout": "",
        "horizon_days": "28",
        "minimum_effect": "5",
        "overrides": "{}",
        "plan_overrides": "{}",
        "variants-TOTAL_FORMS": str(len(variants)),
        "variants-INITIAL_FORMS": str(len(variants)),
        "metrics-TOTAL_FORMS": str(len(metrics)),
        "metrics-INITIAL_FORMS": str(len(metrics)),
    }
    for number, variant in enumerate(variants):
        prefix = f"variants-{number}"
        fields |= {f"{prefix}-id": str(variant.pk), f"{prefix}-experiment": str(experiment_id)}
        fields |= {f"{prefix}-key": variant.key, f"{prefix}-name": variant.name, f"{prefix}-weight": "50"}
        fields |= {f"{prefix}-parameters": "{}"} | ({f"{prefix}-is_control": "on"} if variant.is_control else {})
    for number, use in enumerate(metrics):
        prefix = f"metrics-{number}"
        fields |= {f"{prefix}-id": str(use.pk), f"{prefix}-experiment": str(experiment_id)}
        fields |= {f"{prefix}-metric": str(use.metric_id), f"{prefix}-role": use.role}
        fields |= {f"{prefix}-margin": "" if use.margin is None else f"{use.margin * 100:g}"}
    return fields | changes


def test_add__creates_a_draft_by_the_action__with_two_halves_and_leads_to_its_form(owner: Client, project: int) -> None:
    fields = {"project": project, "key": "gift-wrap", "name": "Gift wrap", "unit_kind": "visitor", "hypothesis": ""}
    response = owner.post(ADD, fields)
    experiment = Experiment.objects.get()
    assert (response.status_code, response["Location"]) == (302, page(experiment.pk))
    assert [(v.key, v.weight, v.is_control) for v in experiment.variants.all()] == [
        ("control", 500_000, True),
        ("treatment", 500_000, False),
    ]
    entry = JournalEntry.objects.latest("pk")
    assert (entry.action, entry.actor, entry.subject) == ("experiment.create", "manager", "experiment:gift-wrap")


@pytest.mark.parametrize("key", ["Gift", "gift wrap", "-gift", "", "g" * 65])
def test_add__key_that_cannot_be_an_address__is_refused(owner: Client, project: int, key: str) -> None:
    fields = {"project": project, "key": key, "name": "Gift wrap", "unit_kind": "visitor", "hypothesis": ""}
    assert owner.post(ADD, fields).status_code == 200
    assert not Experiment.objects.exists()


def test_add__key_that_is_taken__is_refused_in_the_form(owner: Client, project: int) -> None:
    stored.draft(project, key="gift-wrap")
    fields = {"project": project, "key": "gift-wrap", "name": "Again", "unit_kind": "visitor", "hypothesis": ""}
    response = owner.post(ADD, fields)
    assert response.status_code == 200
    assert Experiment.objects.count() == 1


def test_edit__percentages__become_slots_and_fractions_and_the_journal_says_what_changed(
    owner: Client, project: int
) -> None:
    experiment_id = stored.draft(project)
    changes = {
        "coverage": "12.5",
        "minimum_effect": "2.5",
        "hypothesis": "更快下单",
        "variants-0-weight": "66.6667",
        "variants-1-weight": "33.3333",
        "metrics-1-margin": "1",
    }
    response = owner.post(page(experiment_id), filled(experiment_id, **changes))
    assert response.status_code == 302, response.context["errors"]
    experiment = Experiment.objects.get(pk=experiment_id)
    assert (experiment.coverage, experiment.minimum_effect, experiment.hypothesis) == (125_000, 0.025, "更快下单")
    assert [variant.weight for variant in experiment.variants.all()] == [666_667, 333_333]
    assert ExperimentMetric.objects.get(experiment=experiment, role="GUARDRAIL").margin == 0.01
    entry = JournalEntry.objects.latest("pk")
    assert (entry.action, entry.actor) == ("experiment.edit", "manager")
    assert set(entry.before) == set(entry.after) == {"coverage", "minimum_effect", "hypothesis", "variants", "metrics"}
    assert (entry.before["coverage"], entry.after["coverage"]) == (1_000_000, 125_000)


def test_edit__nothing_changed__writes_no_journal_entry(owner: Client, project: int) -> None:
    experiment_id = stored.draft(project)
    entries = JournalEntry.objects.count()
    response = owner.post(page(experiment_id), filled(experiment_id))
    assert response.status_code == 302, response.context["errors"]
    assert JournalEntry.objects.count() == entries


def test_edit__metric_and_variant_added__are_part_of_the_design(owner: Client, project: int) -> None:
    experiment_id = stored.draft(project, metrics=[])
    changes = {
        "variants-TOTAL_FORMS": "3",
        "variants-0-weight": "40",
        "variants-1-weight": "30",
        "variants-2-key": "free-for-all",
        "variants-2-name": "Free for all",
        "variants-2-weight": "30",
        "variants-2-parameters": '{"threshold": 0}',
        "metrics-TOTAL_FORMS": "1",
        "metrics-0-metric": str(Metric.objects.get(key="conversion").pk),
        "metrics-0-role": "DECISION",
        "metrics-0-margin": "",
    }
    response = owner.post(page(experiment_id), filled(experiment_id, **changes))
    assert response.status_code == 302, response.context["errors"]
    experiment = Experiment.objects.get(pk=experiment_id)
    assert [variant.parameters for variant in experiment.variants.all()][2] == {"threshold": 0}
    assert [use.metric.key for use in experiment.metrics.all()] == ["conversion"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"audience": '{"attribute": "country", "op": "like", "value": "D"}'}, "audience.op: unknown operator"),
        ({"audience": '{"attribute": "name", "op": "matches", "value": "(a"}'}, "audience.value: "),
        ({"audience": '["CN"]'}, "audience: must be an object."),
        ({"audience": "{CN}"}, "Enter a valid JSON."),
        ({"overrides": '["me"]'}, "Write {&quot;unit id&quot;: &quot;variant key&quot;}."),
        ({"overrides": '{"me": 1}'}, "Write {&quot;unit id&quot;: &quot;variant key&quot;}."),
        ({"plan_overrides": "[1]"}, "Write a JSON object"),
        ({"variants-0-parameters": '"blue"'}, "Write a JSON object"),
        ({"coverage": "101"}, "Ensure this value is less than or equal to 100."),
        ({"coverage": "33.33333"}, "Ensure that there are no more than 4 decimal places."),
        ({"variants-0-weight": "NaN"}, "Enter a number."),
        ({"metrics-1-margin": "150"}, "guardrail_has_a_margin"),
        ({"layer_slots": "60-40"}, "A range lies between 0 and 100 and ends above its start."),
        ({"layer_slots": "all"}, "Write ranges such as 0-50 or 0-25, 50-75."),
    ],
)
def test_edit__what_the_parsers_refuse__is_told_at_its_field_and_nothing_changes(
    owner: Client, project: int, changes: dict[str, str], complaint: str
) -> None:
    experiment_id = stored.draft(project)
    before = Experiment.objects.values().get(pk=experiment_id)
    response = owner.post(page(experiment_id), filled(experiment_id, **changes))
    assert response.status_code == 200
    assert complaint in response.content.decode()
    assert Experiment.objects.values().get(pk=experiment_id) == before


def test_edit__layer__holds_the_parts_written_as_percentages(owner: Client, project: int) -> None:
    layer_id = create_layer(
        project_id=project, key="checkout", name="Checkout", acting_user="manager", now=material.START
    )
    experiment_id = stored.draft(project)
    changes = {"layer": str(layer_id), "layer_slots": "0-25, 50-75.5"}
    response = owner.post(page(experiment_id), filled(experiment_id, **changes))
    assert response.status_code == 302, response.context["errors"]
    held = [(row.slots.lower, row.slots.upper) for row in LayerRange.objects.order_by("slots")]
    assert held == [(0, 250_000), (500_000, 755_000)]
    assert 'value="0-25, 50-75.5"' in owner.get(page(experiment_id)).content.decode()
    owner.post(page(experiment_id), filled(experiment_id, layer="", layer_slots=""))
    assert not LayerRange.objects.exists()


def test_edit__part_of_a_layer_that_is_taken__is_refused_by_the_action_and_nothing_changes(
    owner: Client, project: int
) -> None:
    layer_id = create_layer(
        project_id=project, key="checkout", name="Checkout", acting_user="manager", now=material.START
    )
    stored.draft(project, key="first", layer_id=layer_id, layer_ranges=[(0, 500_000)])
    second = stored.draft(project, key="second")
    changes = {"layer": str(layer_id), "layer_slots": "40-60", "hypothesis": "Changed"}
    response = owner.post(page(second), filled(second, **changes), follow=True)
    assert "[LAYER_TAKEN]" in response.content.decode()
    experiment = Experiment.objects.get(pk=second)
    assert (experiment.layer_id, experiment.hypothesis) == (None, "Blue is seen sooner.")


def test_form__layer_and_metrics__are_offered_from_the_experiments_own_project(owner: Client, project: int) -> None:
    pier = stored.shop("pier")
    create_layer(project_id=pier, key="theirs", name="Layer of the pier", acting_user="manager", now=material.START)
    theirs = replace(stored.DEFINITIONS[0], name="Metric of the pier")
    stored.draft(pier, key="theirs", definitions=[theirs], roles=[("DECISION", None)])
    shown = owner.get(page(stored.draft(project))).content.decode()
    assert "Conversion (v1)" in shown
    assert "of the pier" not in shown


def test_form__running__is_read_only_and_shows_shares_as_people_read_them(owner: Client, project: int) -> None:
    experiment_id = stored.running(project, coverage=125_000)
    shown = owner.get(page(experiment_id)).content.decode()
    assert 'name="name"' not in shown
    assert 'name="_save"' not in shown
    for text in ("12.5%", "5%", "50%", "It enrols units.", "/x/free-shipping?project=harbour"):
        assert text in shown
    assert "125000" not in shown
    assert "500000" not in shown


@pytest.mark.parametrize("step", ["submit", "launch"])
def test_form__after_submission__refuses_a_post_and_nothing_changes(owner: Client, project: int, step: str) -> None:
    experiment_id = stored.draft(project) if step == "submit" else stored.running(project)
    fields = filled(experiment_id, name="Changed")
    if step == "submit":
        lifecycle.submit(experiment_id=experiment_id, acting_user="manager", now=material.START)
    assert owner.post(page(experiment_id), fields).status_code == 403
    assert Experiment.objects.get(pk=experiment_id).name == "Free-Shipping"


def test_form__draft__lists_what_is_missing_and_how_to_mend_it(owner: Client, project: int) -> None:
    experiment_id = stored.draft(project, hypothesis="", metrics=[])
    shown = owner.get(page(experiment_id)).content.decode()
    assert "2 points are open before it can start." in shown
    assert "Write down what you expect and why" in shown


def test_form__complete_draft__says_that_it_may_be_submitted(owner: Client, project: int) -> None:
    assert "Everything is there. Submit it for review." in owner.get(page(stored.draft(project))).content.decode()


def test_form__person_who_may_only_view__cannot_change_a_draft(person: Callable[..., Client], project: int) -> None:
    experiment_id = stored.draft(project)
    reader = person("view_experiment")
    assert reader.get(page(experiment_id)).status_code == 200
    assert reader.post(page(experiment_id), filled(experiment_id, name="Changed")).status_code == 403
    assert reader.get(ADD).status_code == 403


def test_list__shows_status_verdict_days_and_variants(owner: Client, project: int) -> None:
    experiment_id = stored.running(project)
    stored.keep(experiment_id, material.scorecard(material.comparisons()), material.SHIP)
    lifecycle.stop(experiment_id=experiment_id, acting_user="manager", now=material.END, reason="Enough")
    shown = owner.get(reverse("admin:experiments_experiment_changelist")).content.decode()
    for text in ("Stopped", "Ship “Free from 39”", "12 / 28", "Fee as today · Free from 39"):
        assert text in shown


def test_delete__is_offered_nowhere(owner: Client, project: int) -> None:
    experiment_id = stored.draft(project)
    assert owner.post(reverse("admin:experiments_experiment_delete", args=[experiment_id])).status_code == 403
    assert Experiment.objects.filter(pk=experiment_id).exists()


def test_edit__dimensions__are_those_that_the_project_stores(owner: Client, project: int) -> None:
    Project.objects.filter(pk=project).update(attributes=["country", "device"])
    experiment_id = stored.draft(project)
    response = owner.post(page(experiment_id), {**filled(experiment_id), "dimensions": ["device", "country"]})
    assert response.status_code == 302, response.context["errors"]
    assert draft_plan(experiment_id).dimensions == ("device", "country")
    entry = JournalEntry.objects.latest("pk")
    assert (entry.before, entry.after) == ({"dimensions": []}, {"dimensions": ["device", "country"]})


def test_edit__dimension_that_the_project_does_not_store__is_refused(owner: Client, project: int) -> None:
    Project.objects.filter(pk=project).update(attributes=["country"])
    experiment_id = stored.draft(project)
    response = owner.post(page(experiment_id), {**filled(experiment_id), "dimensions": ["shoe size"]})
    assert response.status_code == 200
    assert Experiment.objects.get(pk=experiment_id).dimensions == []
