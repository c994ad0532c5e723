"""Decision points and the policies of variants: what does not fit is refused, and nothing is half-written."""

from dataclasses import replace

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction

from decisions.actions.feed_addresses import FeedAddressInvalid
from decisions.actions.points import (
    DesignFrozen,
    PointDraft,
    PointEdit,
    PointExists,
    PointInvalid,
    PolicyDraft,
    PolicyInvalid,
    bind_experiment,
    create_point,
    edit_point,
)
from decisions.domain import PolicyKind
from decisions.models import DecisionPoint, PointExperiment, VariantPolicy
from decisions.queries.points import PointUnknown, point_by_id, point_of_experiment, policies_of
from decisions.registry import DomainUnknown, domain_of
from decisions.settings import SettingInvalid, checked_settings
from foundation.models import JournalEntry, Project
from tests.fixtures.records import ACTOR, NOW, make_draft, make_project
from tests.fixtures.registry import (
    make_decision_experiment,
    make_learner,
    make_model,
    make_point,
    make_schedule,
    make_version,
)

pytestmark = pytest.mark.django_db
WHO = {"acting_user": ACTOR, "now": NOW}
BASELINE = PolicyDraft(PolicyKind.BASELINE)


def fixed(*texts: str) -> PolicyDraft:
    return PolicyDraft(PolicyKind.FIXED, actions=texts)


def create(project_id: int, **changes) -> int:
    draft = PointDraft(**{"key": "home", "name": "Home", "domain": "recommendation", **changes})
    return create_point(project_id=project_id, draft=draft, **WHO)


def test_create__with_defaults__takes_those_of_the_domain_and_moves_the_revision():
    project = make_project()
    revision = Project.objects.get().revision
    point = point_by_id(create(project))
    assert (point.slate_size, point.deadline_ms, point.model_id) == (20, 30, None)
    assert Project.objects.get().revision == revision + 1
    assert JournalEntry.objects.filter(action="decision_point.create").count() == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"domain": "astrology"}, DomainUnknown),
        ({"slate_size": 101}, PointInvalid),
        ({"key": "Not A Key"}, ValidationError),
    ],
)
def test_create__what_does_not_fit__is_refused_and_nothing_is_written(changes, error):
    project = make_project()
    entries = JournalEntry.objects.count()
    with pytest.raises(error):
        create(project, **changes)
    assert (DecisionPoint.objects.count(), JournalEntry.objects.count()) == (0, entries)


def test_create__key_taken_or_model_of_another_project__is_refused():
    project, other = make_project(), make_project(key="other")
    create(project)
    with pytest.raises(PointExists):
        create(project)
    with pytest.raises(PointInvalid):
        create(other, model_id=make_model(project))


def test_edit__new_bounds__are_journalled_and_a_repeat_changes_nothing():
    point = create(make_project())
    edit = PointEdit(name="Start", model_id=None, slate_size=5, deadline_ms=50, most_age_minutes=90)
    values = {"point_id": point, "edit": edit, **WHO}
    edit_point(**values)
    revision = Project.objects.get().revision
    edit_point(**values)
    assert (point_by_id(point).slate_size, point_by_id(point).most_age_minutes) == (5, 90)
    assert Project.objects.get().revision == revision
    with pytest.raises(PointUnknown):
        edit_point(**{**values, "point_id": point + 9})


def test_create__point_that_decides_in_batches__keeps_settings_cadence_and_address():
    told = {"settings": {"max_step": 0.05}, "every_minutes": 1440, "webhook": "https://shop.example/prices"}
    row = DecisionPoint.objects.get(pk=create(make_project(), domain="pricing", **told))
    assert {name: getattr(row, name) for name in told} == told
    assert JournalEntry.objects.get(action="decision_point.create").after["settings"] == {"max_step": 0.05}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"settings": {"max_step": 0.9}}, SettingInvalid),
        ({"settings": {"largest_step": 0.1}}, SettingInvalid),
        ({"every_minutes": 0}, PointInvalid),
        ({"every_minutes": 2000}, PointInvalid),
        ({"every_minutes": 367 * 1440}, PointInvalid),
        ({"webhook": "https://user:word@shop.example/"}, FeedAddressInvalid),
        ({"domain": "recommendation", "every_minutes": 60}, PointInvalid),
        ({"domain": "recommendation", "webhook": "https://shop.example/"}, PointInvalid),
        ({"domain": "recommendation", "settings": {"max_step": 0.1}}, SettingInvalid),
    ],
)
def test_create__batches_that_cannot_be__are_refused_and_nothing_is_written(changes, error):
    project = make_project()
    entries = JournalEntry.objects.count()
    with pytest.raises(error):
        create(project, **{"domain": "pricing", **changes})
    assert (DecisionPoint.objects.count(), JournalEntry.objects.count()) == (0, entries)


def test_edit__settings_that_cannot_be__leaves_those_before():
    point = create(make_project(), domain="restock", every_minutes=1440)
    edit = PointEdit(name="Orders", model_id=None, slate_size=1, deadline_ms=50, settings={"cash": 900.0})
    edit_point(point_id=point, edit=edit, **WHO)
    with pytest.raises(SettingInvalid):
        edit_point(point_id=point, edit=replace(edit, settings={"cash": -1}), **WHO)
    row = DecisionPoint.objects.get(pk=point)
    assert (row.settings, row.every_minutes) == ({"cash": 900.0}, None)


@pytest.mark.parametrize(("domain", "good", "bad"), [("pricing", "-5%", "cheaper"), ("restock", "days=14", "-5%")])
def test_bind__fixed_text_that_the_domain_cannot_read__is_refused_and_nothing_changes(domain, good, bad):
    project = make_project()
    point = create(project, domain=domain)
    draft = make_draft(project)
    told = {"experiment_id": draft, "point_id": point, **WHO}
    bind_experiment(policies={"control": BASELINE, "treatment": fixed(good)}, **told)
    with pytest.raises(PolicyInvalid):
        bind_experiment(policies={"control": BASELINE, "treatment": fixed(bad)}, **told)
    assert policies_of(draft)["treatment"].actions == (good,)


def test_bind__draft__says_what_each_variant_does_and_may_be_said_again():
    project = make_project()
    model = make_model(project)
    point, version = make_point(project, model), make_version(model)
    draft = make_draft(project)
    for treatment in (PolicyDraft(PolicyKind.FIXED, actions=("mug",)), PolicyDraft(PolicyKind.MODEL_RANKED, version)):
        policies = {"control": BASELINE, "treatment": treatment}
        bind_experiment(experiment_id=draft, point_id=point, policies=policies, **WHO)
    bound = policies_of(draft)
    assert (bound["control"].policy, bound["treatment"].version) == (PolicyKind.BASELINE, version)
    assert point_of_experiment(draft).id == point


@pytest.mark.parametrize(
    "policies",
    [
        {"control": BASELINE},
        {"control": BASELINE, "nobody": BASELINE},
        {"control": BASELINE, "treatment": PolicyDraft(PolicyKind.MODEL_RANKED)},
        {"control": BASELINE, "treatment": PolicyDraft(PolicyKind.FIXED)},
        {"control": PolicyDraft(PolicyKind.BASELINE, actions=("mug",)), "treatment": BASELINE},
    ],
)
def test_bind__policies_that_do_not_fit__change_nothing(policies):
    project = make_project()
    point, draft = make_point(project), make_draft(project)
    with pytest.raises(PolicyInvalid):
        bind_experiment(experiment_id=draft, point_id=point, policies=policies, **WHO)
    assert VariantPolicy.objects.count() == PointExperiment.objects.count() == 0


def test_bind__started_experiment__is_frozen_by_action_and_trigger():
    project = make_project()
    model = make_model(project)
    point, version = make_point(project, model), make_version(model)
    experiment = make_decision_experiment(project, point, version)
    before = policies_of(experiment)
    with pytest.raises(DesignFrozen):
        bind_experiment(
            experiment_id=experiment, point_id=point, policies={"control": BASELINE, "treatment": BASELINE}, **WHO
        )
    for change in (
        lambda: VariantPolicy.objects.update(policy="baseline", version=None),
        lambda: PointExperiment.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert policies_of(experiment) == before


def test_bind__recipe_or_learner_of_somewhere_else__is_refused_and_nothing_is_bound():
    project = make_project()
    model, other = make_model(project), make_model(project, key="other")
    point, elsewhere = make_point(project, model), create(project, key="elsewhere")
    experiment = make_draft(project, key="recipe")
    schedule = make_schedule(other)
    learner = make_learner(elsewhere)
    for treatment in (
        PolicyDraft(PolicyKind.RECIPE, schedule_id=schedule),
        PolicyDraft(PolicyKind.LEARNED, learner_id=learner),
    ):
        policies = {"control": BASELINE, "treatment": treatment}
        with pytest.raises(PolicyInvalid):
            bind_experiment(experiment_id=experiment, point_id=point, policies=policies, **WHO)
    assert not PointExperiment.objects.exists()
    edit = PointEdit(name="Home", model_id=model, slate_size=5, deadline_ms=50, learner_id=learner)
    with pytest.raises(PointInvalid):
        edit_point(point_id=point, edit=edit, **WHO)
    assert point_by_id(point).learner_id is None


def test_bind__recipe_and_learner_of_the_point__are_what_the_variants_do():
    project = make_project()
    model = make_model(project)
    point = make_point(project, model)
    experiment = make_draft(project, key="learning")
    schedule, learner = make_schedule(model), make_learner(point)
    policies = {
        "control": PolicyDraft(PolicyKind.RECIPE, schedule_id=schedule),
        "treatment": PolicyDraft(PolicyKind.LEARNED, learner_id=learner),
    }
    bind_experiment(experiment_id=experiment, point_id=point, policies=policies, **WHO)
    said = policies_of(experiment)
    assert (said["control"].schedule, said["treatment"].learner) == (schedule, learner)


@pytest.mark.parametrize("value", [10**400, -(10**400), float("nan"), float("inf")], ids=["huge", "tiny", "nan", "inf"])
def test_settings__number_beyond_all_bounds__is_refused(value):
    with pytest.raises(SettingInvalid):
        checked_settings(domain_of("pricing"), {"max_step": value})
