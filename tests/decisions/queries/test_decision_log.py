"""The decision log in columns: complete decisions alone, in the order of time, with what came of each action."""

from datetime import timedelta

import numpy as np
import pytest

from decisions.models import Item
from decisions.queries.decision_log import decision_log
from decisions.registry import domain_of
from tests.fixtures.learning import log_click, make_ad_point
from tests.fixtures.messages import log, minutes
from tests.fixtures.records import NOW, make_project
from tests.fixtures.registry import log_decision, make_items, make_point

pytestmark = pytest.mark.django_db

CLICKED, ADDED, ORDERED = domain_of("recommendation").rewards
END = NOW + timedelta(days=1)


@pytest.fixture
def project_id():
    project_id = make_project()
    make_point(project_id)
    return project_id


def read(project_id, *, rewards=(CLICKED,), end=END, point="home"):
    return decision_log(project_id, point, start=NOW, end=end, rewards=rewards)


def decide(project_id, decision_id, *, at, items=("mug", "lamp"), **changes):
    said = {"displayed": True, "actions": [[item, 0.25, 1.0] for item in items], **changes}
    log_decision(project_id, decision_id=decision_id, at=at, **said)


def test_log__seen_decisions__are_rows_in_the_order_of_time_and_place(project_id):
    make_items(project_id, {"mug": "Blue mug", "lamp": "Lamp"})
    decide(
        project_id,
        "d2",
        at=NOW + minutes(9),
        visitor="v2",
        items=("lamp",),
        variant="treatment",
        version=7,
        experiment="button",
    )
    decide(project_id, "d1", at=NOW + minutes(5))
    log_click(project_id, "c1", at=NOW + minutes(6), item="lamp")
    found = read(project_id)
    assert [found.item_ids[item] for item in found.items] == ["mug", "lamp", "lamp"]
    assert found.positions.tolist() == [0, 1, 0]
    assert found.decisions.tolist() == [0, 0, 1]
    assert found.units.tolist() == [0, 0, 1]
    assert found.rewards["clicked"].tolist() == [False, True, False]
    assert [found.variant_keys[variant] for variant in found.variants] == ["", "", "button/treatment"]
    assert found.versions.tolist() == [0, 0, 7]
    assert found.propensities.tolist() == [0.25] * 3
    assert found.at.tolist() == sorted(found.at.tolist())
    assert found.fields["title"] == ("Blue mug", "Lamp")
    assert found.fields["price"].tolist() == [12.5, 12.5]


def test_log__decision_whose_rewards_may_still_come__is_not_in_it(project_id):
    decide(project_id, "d1", at=END - timedelta(hours=2) - minutes(1))
    decide(project_id, "d2", at=END - timedelta(hours=2))
    found = read(project_id)
    assert (len(set(found.decisions.tolist())), found.end) == (1, END - timedelta(hours=2))
    assert len(read(project_id, rewards=(CLICKED, ORDERED)).at) == 0
    assert len(read(project_id, rewards=(CLICKED, ORDERED), end=END + timedelta(days=8)).at) == 4


def test_log__decisions_that_nobody_saw_and_malformed_actions__are_left_out(project_id):
    decide(project_id, "d1", at=NOW + minutes(1), displayed=False)
    decide(project_id, "d2", at=NOW + minutes(2), actions="none")
    decide(project_id, "d3", at=NOW + minutes(3), actions=[["mug", 0.0, 1.0], ["lamp", 0.5, None], "scarf", [7, 1.0]])
    found = read(project_id)
    assert [found.item_ids[item] for item in found.items] == ["lamp"]


def test_log__attributes_and_context__are_texts_by_name_empty_where_unknown(project_id):
    decide(project_id, "d1", at=NOW + minutes(1), items=("mug",), attributes={"device": "phone", "member": True})
    decide(project_id, "d2", at=NOW + minutes(2), items=("mug",), context={"slot": "top", "count": 3, "tags": ["a"]})
    decide(project_id, "d3", at=NOW + minutes(3), items=("mug",))
    assert read(project_id).context == {
        "count": ("", "3", ""),
        "device": ("phone", "", ""),
        "member": ("true", "", ""),
        "slot": ("", "top", ""),
        "tags": ("", '["a"]', ""),
    }


def test_log__orders__give_values_and_an_unreadable_amount_is_zero(project_id):
    decide(project_id, "d1", at=NOW + minutes(1))
    lines = [{"product_id": "mug", "price": "4.50", "quantity": 2}, {"product_id": "lamp", "price": "dear"}]
    log(
        project_id,
        message_id="o1",
        event="Order Completed",
        at=NOW + timedelta(days=3),
        properties={"order_id": "o1", "products": lines},
    )
    found = read(project_id, rewards=(CLICKED, ADDED, ORDERED), end=END + timedelta(days=8))
    assert found.rewards["ordered"].tolist() == [True, True]
    assert found.rewards["clicked"].tolist() == [False, False]
    assert found.values.tolist() == [9.0, 0.0]


def test_log__empty__has_empty_columns_of_the_right_types(project_id):
    found = read(project_id)
    assert [len(column) for column in (found.at, found.items, found.values, found.rewards["clicked"])] == [0, 0, 0, 0]
    assert (found.items.dtype, found.rewards["clicked"].dtype, found.item_ids) == (np.int32, np.bool_, ())


def test_log__creatives__come_with_the_fields_that_their_domain_declares(project_id):
    make_ad_point(project_id)
    Item.objects.create(
        project_id=project_id,
        collection="creatives",
        item_id="spring",
        title="Spring sale",
        properties={"campaign": "spring", "bid": 0.4},
    )
    said = {"displayed": True, "actions": [["spring", 1.0, 0.2], ["gone", 0.5, 0.1]]}
    log_decision(project_id, "banner", decision_id="d1", at=NOW + minutes(1), **said)
    rewards = domain_of("ad_placement").rewards
    found = decision_log(project_id, "banner", start=NOW, end=NOW + timedelta(days=9), rewards=rewards)
    assert found.fields["campaign"] == ("spring", "")
    assert found.fields["bid"].tolist() == pytest.approx([0.4, np.nan], nan_ok=True)
