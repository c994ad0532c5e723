"""What a bundle says of decisions: catalogues by collection, recipes as their newest version, learners, the shadow."""

from datetime import timedelta
from typing import Any

import pytest

from decisions.actions.catalogue import publish_catalogue, put_actions, put_items
from decisions.actions.points import PointDraft, create_point
from decisions.domain import PolicyKind
from decisions.models import DecisionPoint, VariantPolicy
from decisions.queries.bundles import decision_parts
from models_registry.actions.aliases import Scope, move_alias
from models_registry.actions.schedules import ScheduleDraft, create_schedule
from models_registry.models import TrainingRun
from models_registry.vocabulary import AliasName
from tests.fixtures.learning import make_learner
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import make_champion, make_decision_draft, make_model, make_point, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> int:
    return make_project()


def parts(project: int, *experiments: int) -> dict[str, Any]:
    return decision_parts(project, experiment_ids=set(experiments))


def decide_by(experiment: int, **changes: Any) -> None:
    """Let the treatment of a draft do something else."""
    VariantPolicy.objects.filter(experiment_id=experiment, variant__key="treatment").update(
        version=None, actions=[], **changes
    )


def treatment_of(found: dict[str, Any]) -> dict[str, Any]:
    (point,) = found["decision_points"]
    return point["experiments"][0]["variants"]["treatment"]


def test_decision_parts__several_collections__the_items_stand_alone_where_old_edges_look(project):
    put_items(project_id=project, items=[{"item_id": "mug"}])
    creative = {"item_id": "red", "campaign": "spring", "bid": 1.5}
    put_actions(project_id=project, collection="creatives", items=[creative])
    publish_catalogue(project_id=project, now=NOW)
    publish_catalogue(project_id=project, now=NOW, collection="creatives")

    found = parts(project)

    assert set(found["catalogue"]) == {"sha256", "size"}
    assert [entry["collection"] for entry in found["catalogues"]] == ["creatives"]
    assert found["catalogues"][0]["sha256"] != found["catalogue"]["sha256"]


def test_decision_parts__point_of_its_own__says_learner_age_and_shadow(project):
    model = make_model(project)
    point = make_point(project, model)
    champion, shadow = make_version(model), make_version(model, first=2.0)
    make_champion(champion)
    move_alias(version_id=shadow, name=AliasName.SHADOW, scope=Scope(), acting_user=ACTOR, now=NOW, reason="To compare")
    learner = make_learner(point)
    DecisionPoint.objects.filter(pk=point).update(learner_id=learner.id, most_age_minutes=90)

    found = parts(project)

    (told,) = found["decision_points"]
    assert (told["learner"], told["most_age_minutes"], told["shadow"]) == (learner.id, 90, shadow)
    assert [entry["version"] for entry in found["models"]] == [champion, shadow]
    assert [(entry["id"], entry["number"]) for entry in found["learners"]] == [(learner.id, 0)]


def test_decision_parts__nothing_special__says_none(project):
    make_point(project)

    found = parts(project)

    (told,) = found["decision_points"]
    assert (told["learner"], told["most_age_minutes"], told["shadow"]) == (None, None, None)
    assert (found["models"], found["learners"], found["catalogue"], found["catalogues"]) == ([], [], None, [])


def test_decision_parts__recipe__is_its_schedule_s_newest_version_that_passed(project):
    model = make_model(project)
    point = make_point(project, model)
    pinned = make_version(model)
    experiment = make_decision_draft(project, point, pinned)
    draft = ScheduleDraft(key="daily", recipe="item_item")
    schedule = create_schedule(model_id=model, draft=draft, acting_user=ACTOR, now=NOW)
    decide_by(experiment, policy=PolicyKind.RECIPE, schedule_id=schedule)

    untrained = parts(project, experiment)
    assert (treatment_of(untrained)["policy"], treatment_of(untrained)["version"]) == ("recipe", None)
    assert untrained["models"] == []

    versions = [make_version(model, first=float(n), schedule_id=schedule, passed=n < 4) for n in (2, 3)]
    trained = parts(project, experiment)

    assert treatment_of(trained)["version"] == versions[-1]
    assert [entry["version"] for entry in trained["models"]] == [versions[-1]]
    assert TrainingRun.objects.filter(schedule_id=schedule).count() == 2


def test_decision_parts__learned_variant__names_the_learner_in_its_newest_state(project):
    point = make_point(project)
    version = make_version(make_model(project))
    experiment = make_decision_draft(project, point, version)
    learner = make_learner(point, now=NOW - timedelta(days=1))
    decide_by(experiment, policy=PolicyKind.LEARNED, learner_id=learner.id)

    found = parts(project, experiment)

    assert treatment_of(found) == {"policy": "learned", "version": None, "actions": [], "learner": learner.id}
    assert [entry["key"] for entry in found["learners"]] == ["bandit"]
    assert parts(project)["learners"] == [], "an experiment that the bundle does not have needs nothing"


def test_decision_parts__point_of_another_domain__is_there_with_its_bounds(project):
    create_point(
        project_id=project,
        draft=PointDraft(key="banner", name="Banner", domain="ad_placement"),
        acting_user=ACTOR,
        now=NOW,
    )

    (told,) = parts(project)["decision_points"]

    assert (told["domain"], told["slate_size"], told["largest_slate"], told["personal"]) == (
        "ad_placement",
        1,
        20,
        True,
    )
