"""Training data of arms: pooled, of the own arm, or weighted by it."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection

from decisions.actions.points import PointDraft, create_point
from decisions.actions.projection import project_events
from decisions.domain import SalesLog
from decisions.queries.training_data import ArmDataUnsupported, ArmUnknown, PointAmbiguous, training_data
from models_registry.queries.versions import ModelFacts, model_by_id
from models_registry.vocabulary import DataPolicy
from tests.decisions.recipes import launch, make_recipe_draft, make_schedule
from tests.fixtures.messages import log, log_exposure, minutes
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import ITEM_IDS, log_decision, make_model, make_point, make_version

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def arm() -> tuple[ModelFacts, int]:
    """Return a model and a schedule that has been the variant "first" for a day.

    Visitors a and b met it, c met the other one and d neither; all looked at items before and since.
    """
    project = make_project()
    model = make_model(project)
    schedule = make_schedule(model)
    make_version(model, schedule_id=schedule)
    experiment = make_recipe_draft(project, make_point(project, model), schedules={"first": schedule})
    launch(experiment)
    for visitor, variant in (("a", "first"), ("b", "first"), ("c", "second")):
        log_exposure(
            project, experiment, message_id=f"e-{visitor}", at=NOW + DAY / 24, visitor=visitor, variant=variant
        )
    for visitor, item in (("a", "mug"), ("b", "mug"), ("c", "lamp"), ("d", "lamp")):
        view(project, visitor, "scarf", at=NOW - DAY)
        view(project, visitor, item, at=NOW + DAY / 2)
    project_events(project_id=project)
    return model_by_id(model), schedule


def view(project: int, visitor: str, item: str, *, at) -> None:
    log(
        project,
        message_id=f"v-{visitor}-{item}",
        event="Product Viewed",
        at=at,
        visitor=visitor,
        properties={"product_id": item},
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE decisions_eventlog SET item = %s WHERE message_id = %s", [item, f"v-{visitor}-{item}"])


def data(arm: tuple[ModelFacts, int], policy: DataPolicy):
    return training_data(arm[0], start=NOW - 7 * DAY, end=NOW + 7 * DAY, policy=policy, schedule_id=arm[1])


def dealt_with(found) -> list[str]:
    return [found.log.item_ids[place] for place in found.log.items]


def test_pooled__everything__counts(arm):
    found = data(arm, DataPolicy.POOLED)
    assert sorted(dealt_with(found)) == ["lamp"] * 2 + ["mug"] * 2 + ["scarf"] * 4
    assert found.facts == {"data_policy": "pooled", "rows": 8}
    assert found.log.weights is None


def test_own_arm__while_its_experiment_runs__keeps_the_units_that_met_it(arm):
    found = data(arm, DataPolicy.OWN_ARM)
    assert sorted(dealt_with(found)) == ["mug"] * 2 + ["scarf"] * 4
    assert (found.facts["rows"], found.facts["rows_pooled"], found.facts["rows_of_arm"]) == (6, 8, 2)
    assert found.facts["arms"] == ["recipes/first"]


def test_weighted__rows_of_what_the_arm_shows__count_more_and_the_mean_is_one(arm):
    found = data(arm, DataPolicy.WEIGHTED)
    weights = dict(zip(dealt_with(found), found.log.weights, strict=True))
    assert len(found.log.at) == 8
    assert weights["mug"] > weights["lamp"] > 0.0
    assert found.log.weights.mean() == pytest.approx(1.0)
    assert len(found.facts["weights_sha256"]) == 64


@pytest.mark.parametrize("policy", [DataPolicy.OWN_ARM, DataPolicy.WEIGHTED])
def test_policies_of_arms__without_a_schedule__are_refused(arm, policy):
    with pytest.raises(ArmUnknown):
        data((arm[0], None), policy)


@pytest.mark.parametrize("policy", [DataPolicy.OWN_ARM, DataPolicy.WEIGHTED])
def test_policies_of_arms__before_the_first_experiment__learn_from_everything_alike(arm, policy):
    found = data((arm[0], make_schedule(arm[0].id, "fresh")), policy)
    assert (len(found.log.at), found.facts["arms"], found.facts["rows_of_arm"]) == (8, [], 0)
    assert found.log.weights is None or found.log.weights == pytest.approx(np.ones(8))


def test_decisions__model_that_no_single_point_names__is_refused():
    project = make_project()
    model = model_by_id(make_model(project, domain="ad_placement", key="ads"))
    with pytest.raises(PointAmbiguous):
        training_data(model, start=NOW - DAY, end=NOW, policy=DataPolicy.POOLED, schedule_id=None)


def test_own_arm__a_variant_of_another_experiment_with_the_same_key__is_not_its_own():
    project = make_project()
    model = make_model(project, domain="ad_placement", key="ads")
    draft = PointDraft(key="home", name="Ads", domain="ad_placement", model_id=model)
    point = create_point(project_id=project, draft=draft, acting_user=ACTOR, now=NOW)
    schedule = make_schedule(model, recipe="hashed_logistic")
    make_version(model, schedule_id=schedule)
    launch(make_recipe_draft(project, point, schedules={"first": schedule}, key="mine"))
    for number, said in enumerate(
        (
            {"experiment": "mine", "variant": "first"},
            {"experiment": "theirs", "variant": "first"},
            {"experiment": "mine", "variant": "second"},
            {},
        )
    ):
        log_decision(project, decision_id=f"d{number}", at=NOW + minutes(number + 1), displayed=True, **said)
    found = training_data(
        model_by_id(model), start=NOW - DAY, end=NOW + 9 * DAY, policy=DataPolicy.OWN_ARM, schedule_id=schedule
    )
    assert found.facts["rows_pooled"] == 4 * len(ITEM_IDS)
    assert (found.facts["rows_of_arm"], found.facts["rows"]) == (len(ITEM_IDS), len(ITEM_IDS))
    assert {found.log.variant_keys[place] for place in found.log.variants} == {"mine/first"}


def test_data__read_twice__are_the_same(arm):
    for policy in DataPolicy:
        one, other = data(arm, policy), data(arm, policy)
        assert one.facts == other.facts
        assert np.array_equal(one.log.items, other.log.items)


def sold(domain: str, policy: DataPolicy):
    project = make_project()
    log(
        project,
        message_id="o",
        event="Order Completed",
        at=NOW - 2 * DAY,
        properties={"products": [{"product_id": "mug", "price": 5}]},
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE decisions_eventlog SET store = 'north' WHERE message_id = 'o'")
    model = model_by_id(make_model(project, domain=domain, key="prices"))
    return training_data(model, start=NOW - 7 * DAY, end=NOW, policy=policy, schedule_id=None)


@pytest.mark.parametrize(("domain", "series"), [("pricing", ("mug",)), ("restock", ("north|mug",))])
def test_sales__of_a_domain__are_those_of_its_subjects(domain: str, series: tuple[str, ...]):
    found = sold(domain, DataPolicy.POOLED)
    assert isinstance(found.log, SalesLog)
    assert found.log.series_ids == series
    assert found.facts == {"data_policy": "pooled", "rows": 2}


@pytest.mark.parametrize("policy", [DataPolicy.OWN_ARM, DataPolicy.WEIGHTED])
def test_sales__of_an_arm__are_refused(policy: DataPolicy):
    with pytest.raises(ArmDataUnsupported, match="not divided by arms"):
        sold("pricing", policy)
