"""Which clicks and orders are paid for: those that follow what a decision had shown, once each."""

from datetime import timedelta

import pytest

from decisions.queries.ad_responses import Responses, counted_clicks, counted_orders
from tests.decisions.ads import MORNING, POINT, click, make_ads, order, show
from tests.fixtures.messages import minutes
from tests.fixtures.records import NOW, make_project

pytestmark = pytest.mark.django_db
MIDNIGHT = MORNING - timedelta(hours=8)


def clicks(project_id: int) -> list[tuple[str, int]]:
    found = counted_clicks(project_id, points=[POINT], since=MIDNIGHT, until=NOW)
    return [(one.creative, one.count) for one in found]


def orders(project_id: int) -> list[tuple[str, int]]:
    found = counted_orders(project_id, points=[POINT], since=MIDNIGHT, until=NOW)
    return [(one.creative, one.count) for one in found]


def test_counted_clicks__on_what_was_shown_within_the_hour__count_once_for_each_showing():
    project = make_project()
    make_ads(project)
    show(project, "shoe-a", "tea-a", number=1, at=MORNING)
    click(project, "shoe-a", number=1, at=MORNING + minutes(1))
    click(project, "shoe-a", number=2, at=MORNING + minutes(2))
    assert clicks(project) == [("shoe-a", 1)]
    show(project, "shoe-a", number=2, at=MORNING + minutes(3))
    click(project, "shoe-a", number=3, at=MORNING + minutes(4))
    assert clicks(project) == [("shoe-a", 2)]


@pytest.mark.parametrize(
    ("creative", "after", "visitor"),
    [("shoe-b", 1, "v1"), ("shoe-a", 61, "v1"), ("shoe-a", 1, "v2"), ("shoe-a", -1, "v1"), ("ghost", 1, "v1")],
    ids=["not shown", "too late", "another unit", "before", "unknown"],
)
def test_counted_clicks__without_a_showing__cost_nothing(creative, after, visitor):
    project = make_project()
    make_ads(project)
    show(project, "shoe-a", number=1, at=MORNING)
    click(project, creative, number=1, at=MORNING + minutes(after), visitor=visitor)
    assert clicks(project) == []


def test_counted_clicks__of_other_points_and_projects__are_not_ours():
    project, other = make_project(), make_project(key="other")
    make_ads(project)
    show(project, "shoe-a", number=1, at=MORNING, decision_point="elsewhere")
    click(project, "shoe-a", number=1, at=MORNING + minutes(1))
    assert clicks(project) == []
    assert clicks(other) == []


def test_counted_clicks__of_a_variant__are_told_apart():
    project = make_project()
    make_ads(project)
    for number, variant in enumerate(("control", "treatment", "treatment")):
        visitor, at = f"v{number}", MORNING + minutes(number)
        show(project, "shoe-a", number=number, at=at, visitor=visitor, experiment="split", variant=variant)
        click(project, "shoe-a", number=number, at=at + minutes(1), visitor=visitor)
    assert counted_clicks(project, points=[POINT], since=MIDNIGHT, until=NOW) == (
        Responses("shoe-a", "split", "control", 1),
        Responses("shoe-a", "split", "treatment", 2),
    )


def test_counted_clicks__in_the_first_minutes_of_a_day__belong_to_it_though_shown_before():
    project = make_project()
    make_ads(project)
    show(project, "shoe-a", number=1, at=MIDNIGHT - minutes(10))
    click(project, "shoe-a", number=1, at=MIDNIGHT + minutes(10))
    click(project, "shoe-a", number=2, at=MIDNIGHT - minutes(5))
    assert clicks(project) == []
    show(project, "shoe-a", number=2, at=MIDNIGHT - minutes(2))
    click(project, "shoe-a", number=3, at=MIDNIGHT + minutes(12))
    assert clicks(project) == [("shoe-a", 1)]


def test_counted_orders__after_several_clicks__count_for_the_last_one_alone():
    project = make_project()
    make_ads(project)
    show(project, "shoe-a", "tea-a", number=1, at=MORNING - timedelta(days=3))
    click(project, "tea-a", number=1, at=MORNING - timedelta(days=3) + minutes(1))
    order(project, number=1, at=MORNING)
    assert orders(project) == [("tea-a", 1)]
    click(project, "shoe-a", number=2, at=MORNING - timedelta(days=3) + minutes(2))
    assert orders(project) == [("shoe-a", 1)]


def test_counted_orders__told_twice_or_without_a_click__count_once_or_not():
    project = make_project()
    make_ads(project)
    show(project, "tea-a", number=1, at=MORNING)
    click(project, "tea-a", number=1, at=MORNING + minutes(1))
    order(project, number=1, at=MORNING + minutes(5), order_id="o1")
    order(project, number=2, at=MORNING + minutes(6), order_id="o1")
    order(project, number=3, at=MORNING + minutes(7), visitor="v9")
    assert orders(project) == [("tea-a", 1)]


def test_counted_orders__told_again_after_midnight__count_for_the_day_that_heard_of_them_first():
    project = make_project()
    make_ads(project)
    show(project, "tea-a", number=1, at=MIDNIGHT - minutes(40))
    click(project, "tea-a", number=1, at=MIDNIGHT - minutes(30))
    order(project, number=1, at=MIDNIGHT - minutes(20), order_id="o1")
    order(project, number=2, at=MIDNIGHT + minutes(20), order_id="o1")
    assert orders(project) == []
    before = counted_orders(project, points=[POINT], since=MIDNIGHT - timedelta(days=1), until=MIDNIGHT)
    assert [(one.creative, one.count, one.amount) for one in before] == [("tea-a", 1, 40.0)]


def test_counted_orders__more_than_a_week_after_the_click__count_for_nothing():
    project = make_project()
    make_ads(project)
    before = MORNING - timedelta(days=7, minutes=2)
    show(project, "tea-a", number=1, at=before)
    click(project, "tea-a", number=1, at=before + minutes(1))
    order(project, number=1, at=MORNING)
    assert orders(project) == []
