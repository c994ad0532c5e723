"""Explanations of logged decisions: by hand where a model ranked, and honest where nothing can be said."""

import math
from datetime import timedelta

import pytest
from django.db import connection

from decisions.actions.catalogue import publish_catalogue
from decisions.actions.supply import put_supply
from decisions.queries.explained import Explanation, Method, Missing, Standing
from decisions.queries.explanations import MOST_CONTRIBUTIONS, as_document, explain
from decisions.queries.made import decision_by_id
from decisions.queries.remembered import remembered
from decisions.registry import all_domains
from decisions.serving.contributions import FactKind
from models_registry.actions.retention import drop_artifact, leaving_artifacts
from models_registry.models import ArtifactChunk
from tests.decisions.ads import make_split
from tests.decisions.explaining import Shop, make_ad_shop, make_shop, placed, ranked
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import log_decision, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return make_shop(make_project())


def explained(project: int, decision: str, *, domain: str = "recommendation", item: str = "") -> Explanation:
    return explain(decision_by_id(decision, project_ids=[project]), domain, item=item)


def test_model__history__contributes_by_how_much_the_score_would_be_lower_without_it(shop):
    found = explained(shop.project, ranked(shop))
    assert (found.method, found.missing, found.differs) == (Method.LEAVE_ONE_OUT, "", False)
    lamp, mug, scarf = found.actions
    # The kettle counts 2/3 and the mug 1/3; the one that is left alone would count 1.
    assert lamp.computed == pytest.approx(0.3 + 2 / 3 * 0.5 + 1 / 3)
    assert [(part.fact.kind, part.fact.name) for part in lamp.contributions] == [
        (FactKind.HISTORY, "kettle"),
        (FactKind.HISTORY, "mug"),
    ]
    assert [part.effect for part in lamp.contributions] == pytest.approx([2 / 3 - 1.0, 2 / 3 - 0.5])
    assert [part.effect for part in scarf.contributions] == pytest.approx([1 / 6, 1 / 6 - 0.25])
    assert (mug.computed, mug.contributions) == (0.5, ())
    assert found.removed == (("out_of_stock", 1),)
    assert found.left_out == 0


def test_model__scores_of_a_log_that_differ__are_told(shop):
    found = explained(shop.project, ranked(shop, actions=[["lamp", 1.0, 7.5]], history=9))
    assert found.differs
    assert found.left_out == 7


def test_model__what_filled_the_slate_up__has_no_contributions(shop):
    found = explained(shop.project, ranked(shop, actions=[["lamp", 1.0, 0.9666667], ["mug", 1.0, None]]))
    assert [(action.item, action.computed is None) for action in found.actions] == [("lamp", False), ("mug", True)]
    assert found.actions[1].contributions == ()


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"history_items": []}, Missing.ROW_TOO_OLD),
        ({"removed": None}, Missing.ROW_TOO_OLD),
        ({"version": None}, Missing.VERSION_GONE),
        ({"version": 987654}, "MODEL_VERSION_UNKNOWN"),
        ({"actions": []}, Missing.NOTHING_SHOWN),
        ({"actions": [["gone", 1.0, 0.5]]}, Missing.ACTIONS_UNKNOWN),
        ({"policy": "of-a-later-release"}, Missing.POLICY_UNKNOWN),
        ({"policy": "learned"}, Missing.STATE_UNKNOWN),
        ({"policy": "learned", "learner": 987654, "state": 0}, "LEARNER_UNKNOWN"),
    ],
)
def test_explanation__that_there_cannot_be__says_why_and_keeps_the_rest(shop, changes, missing):
    found = explained(shop.project, ranked(shop, **changes))
    assert (found.method, found.missing) == (None, missing)
    assert found.removed == (None if changes.get("removed", ()) is None else (("out_of_stock", 1),))


def test_model__artifact_dropped__says_so_though_it_was_read_before(shop):
    decision = ranked(shop)
    assert explained(shop.project, decision).method is Method.LEAVE_ONE_OUT
    make_version(shop.model, first=2.0)
    make_version(shop.model, first=3.0)
    may_go = leaving_artifacts(before=NOW + timedelta(days=9_999), kept=())
    leaving = next(artifact for artifact in may_go if shop.version in artifact.versions)
    assert drop_artifact(leaving, acting_user=ACTOR, now=NOW, reason="Old")
    found = explained(shop.project, decision)
    assert (found.method, found.missing) == (None, "ARTIFACT_DROPPED")
    assert [action.item for action in found.actions] == ["lamp", "mug", "scarf"]


def test_model__artifact_damaged__is_not_trusted(shop):
    content = bytes(ArtifactChunk.objects.get().content)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE models_registry_artifactchunk DISABLE TRIGGER USER")
        cursor.execute("UPDATE models_registry_artifactchunk SET content = %s", [content[:-1] + b"\x01"])
    found = explained(shop.project, ranked(shop))
    assert (found.method, found.missing) == (None, "ARTIFACT_DAMAGED")


def test_ads__logistic_model__adds_up_to_its_log_odds():
    shop = make_ad_shop(make_project())
    found = explained(shop.project, placed(shop), domain="ad_placement")
    assert found.method is Method.LOG_ODDS
    assert found.removed == (("frequency_cap", 2), ("budget_spent", 1))
    boot, house = found.actions
    assert boot.computed is not None
    assert 0.0 < boot.computed < 1.0
    assert len(boot.contributions) == len(house.contributions) == MOST_CONTRIBUTIONS
    assert {part.fact.kind for part in boot.contributions} == {FactKind.ACTION, FactKind.MOMENT}
    said = {part.fact.name: part.fact.value for part in (*boot.contributions, *house.contributions)}
    assert said.get("slot", "top") == "top"
    odds = math.log(boot.computed / (1.0 - boot.computed))
    assert abs(odds - sum(part.effect for part in boot.contributions)) < 2.0


def test_baseline_and_fixed__are_told_as_what_they_are(shop):
    found = explained(shop.project, log_decision(shop.project, decision_id="b"))
    assert found.method is Method.POPULARITY
    assert [part.effect for part in found.actions[0].contributions] == [5.0]
    fixed = log_decision(shop.project, decision_id="f", policy="fixed", reason="FIXED")
    assert explained(shop.project, fixed).method is Method.FIXED


def test_remembered__a_decision_of_a_budget_split__has_the_pace_of_its_arm():
    shop = make_ad_shop(make_project())
    experiment = make_split(shop.project, shop.point)
    domain = all_domains()["ad_placement"]
    for said, arm in (
        ({"experiment": "split", "variant": "treatment"}, f"{experiment}.treatment"),
        ({"experiment": "gone", "variant": "treatment"}, ""),
        ({}, ""),
    ):
        decision = decision_by_id(placed(shop, f"ad-{arm}-{len(said)}", **said), project_ids=[shop.project])
        assert remembered(decision, domain).moment.arm == arm


def test_domain_that_is_gone__has_no_explanation(shop):
    assert explained(shop.project, ranked(shop), domain="gone").missing == "DOMAIN_UNKNOWN"


@pytest.mark.parametrize(
    ("item", "standing", "more"),
    [
        ("lamp", Standing.SHOWN, {"place": 1}),
        ("never-heard-of", Standing.NOT_IN_CATALOGUE, {}),
        ("\0", Standing.NOT_IN_CATALOGUE, {}),
        ("basket", Standing.REMOVED, {"constraint": "out_of_stock"}),
        ("kettle", Standing.RANKED, {"rank": 3, "ranked": 4, "may": ("out_of_stock",)}),
    ],
)
def test_item_asked_about__is_told_what_became_of_it(shop, item, standing, more):
    asked = explained(shop.project, ranked(shop), item=item).asked
    assert asked is not None
    assert (asked.item, asked.standing) == (item, standing)
    assert {name: getattr(asked, name) for name in more} == more


def test_item_asked_about__of_the_baseline__has_its_place_by_popularity(shop):
    decision = log_decision(shop.project, decision_id="b", actions=[["mug", 1.0, 0.0]], removed={})
    asked = explained(shop.project, decision, item="scarf").asked
    assert asked is not None
    assert (asked.standing, asked.rank, asked.ranked) == (Standing.RANKED, 4, 4)


def test_item_asked_about__model_that_cannot_be_asked__could_have_been_chosen(shop):
    asked = explained(shop.project, ranked(shop, version=987654), item="kettle").asked
    assert asked is not None
    assert (asked.standing, asked.rank, asked.may) == (Standing.ELIGIBLE, None, ("out_of_stock",))


def test_item_asked_about__sold_out_since__is_told_by_the_catalogue_of_now(shop):
    decision = ranked(shop)
    put_supply(project_id=shop.project, name="stock", items=[{"item_id": "kettle", "stock": 0}])
    publish_catalogue(project_id=shop.project, now=NOW)
    asked = explained(shop.project, decision, item="kettle").asked
    assert asked is not None
    assert (asked.standing, asked.constraint) == (Standing.REMOVED, "out_of_stock")


def test_document__is_plain_and_has_what_there_is(shop):
    told = as_document(explained(shop.project, ranked(shop), item="kettle"))
    assert told["method"] == "leave_one_out"
    assert told["actions"][0]["contributions"][0]["name"] == "kettle"
    assert told["removed"] == [{"constraint": "out_of_stock", "actions": 1}]
    assert (told["item"]["standing"], told["item"]["rank"]) == ("RANKED", 3)
