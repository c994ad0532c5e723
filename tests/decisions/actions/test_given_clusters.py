"""Clusters that are sent with items: intervals that close and open; outcomes belong to the one of their time."""

from datetime import timedelta

import pytest

from decisions.actions.catalogue import put_actions, put_items
from decisions.actions.projection import project_events, rebuild
from decisions.models import ItemCluster, ProjectionState
from decisions.queries.supply import clusters_at
from experiments.models import Outcome
from experiments.queries.evidence import evidence_facts
from tests.fixtures.messages import log, minutes
from tests.fixtures.records import NOW, make_project

pytestmark = pytest.mark.django_db


def rows() -> list[tuple]:
    found = ItemCluster.objects.order_by("item_id", "valid_from")
    return [(row.item_id, row.cluster, row.origin, row.valid_until is None) for row in found]


def test_items__sent_with_a_cluster__are_in_it_until_they_are_sent_with_another_or_none():
    project = make_project()
    mug, lamp = {"item_id": "mug", "cluster": "cups"}, {"item_id": "lamp"}
    put_items(project_id=project, items=[mug, lamp])
    put_items(project_id=project, items=[mug | {"title": "Mug"}])
    assert rows() == [("mug", "cups", "GIVEN", True)]
    put_items(project_id=project, items=[mug | {"cluster": "gifts"}, lamp | {"cluster": "lights"}])
    assert rows() == [
        ("lamp", "lights", "GIVEN", True),
        ("mug", "cups", "GIVEN", False),
        ("mug", "gifts", "GIVEN", True),
    ]
    first, second = ItemCluster.objects.filter(item_id="mug").order_by("valid_from")
    assert first.valid_until == second.valid_from
    assert clusters_at(project, first.valid_from) == {"mug": "cups"}
    put_items(project_id=project, items=[lamp])
    assert rows()[0] == ("lamp", "lights", "GIVEN", False)


def test_items__whose_cluster_was_derived__keep_it_until_one_is_given():
    project = make_project()
    ItemCluster.objects.create(
        project_id=project, item_id="mug", cluster="derived:mug", origin="DERIVED", valid_from=NOW - timedelta(days=9)
    )
    put_items(project_id=project, items=[{"item_id": "mug"}])
    assert rows() == [("mug", "derived:mug", "DERIVED", True)]
    put_items(project_id=project, items=[{"item_id": "mug", "cluster": "derived:mug"}])
    assert rows() == [("mug", "derived:mug", "DERIVED", False), ("mug", "derived:mug", "GIVEN", True)]


def test_actions__of_another_collection__have_no_clusters():
    sent = [{"item_id": "ad", "campaign": "c", "bid": 1}]
    assert put_actions(project_id=make_project(), collection="creatives", items=sent).created == 1
    assert rows() == []


def test_project_events__of_items_in_clusters__belong_to_the_one_of_their_time_unless_they_say_another():
    project = make_project()
    for cluster, since, until in (("cups", -9, 5), ("gifts", 5, None)):
        ItemCluster.objects.create(
            project_id=project,
            item_id="mug",
            cluster=cluster,
            origin="GIVEN",
            valid_from=NOW + minutes(since),
            valid_until=None if until is None else NOW + minutes(until),
        )
    lines = [{"product_id": "mug", "price": 1}, {"product_id": "mug", "price": 1, "cluster_id": "own"}, {"price": 2}]
    for message_id, at in (("a", 4), ("b", 5)):
        properties = {"order_id": message_id, "revenue": 4, "products": lines}
        log(project, message_id=message_id, event="Order Completed", at=NOW + minutes(at), properties=properties)
    seen = {"product_id": "mug"}
    log(project, message_id="c", event="Product Viewed", at=NOW + minutes(9), received_at=NOW, properties=seen)
    project_events(project_id=project)
    found = Outcome.objects.order_by("message_id", "line").values_list("message_id", "line", "cluster")
    assert list(found) == [
        ("a", 0, None),
        ("a", 1, "cups"),
        ("a", 2, "own"),
        ("a", 3, None),
        ("b", 0, None),
        ("b", 1, "gifts"),
        ("b", 2, "own"),
        ("b", 3, None),
        ("c", 0, "cups"),
    ]
    before = evidence_facts(project)
    rebuild(project_id=project)
    assert evidence_facts(project) == before
    assert ProjectionState.objects.get().watermark > NOW
