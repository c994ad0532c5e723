"""Who is left out, at the edges of each rule."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from experiments.analysis.filters import FilterKind, FilterRule, UnitFilter
from experiments.models import FilteredUnit
from experiments.vocabulary import UnitKind
from experiments.warehouse import postgres
from experiments.warehouse.question import Question
from experiments.warehouse.units import units
from tests.experiments.warehouse.shop import BRUSHING, FILTERS, RECEIVED, ROBOTS, STAFF, VIEWS, Shop, random_shop
from tests.fixtures.records import NOW, make_project, make_running

pytestmark = pytest.mark.django_db

AT = NOW + timedelta(days=3)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def shop() -> Shop:
    project_id = make_project()
    return Shop(project_id, make_running(project_id))


def left_out(question: Question) -> set[str]:
    return {row["unit"] for row in postgres.rows(units(question)) if row["filtered"]}


def test_event_rate__exactly_at_the_limit__is_kept(shop: Shop) -> None:
    for unit, times in (("at", 2), ("above", 3)):
        shop.expose(unit, AT)
        shop.act(unit, "Order Completed", AT - SECOND, times=times)
    assert left_out(shop.store().question(filters=(BRUSHING,))) == {"above"}


@pytest.mark.parametrize(
    ("before", "counts"),
    [
        (-MICROSECOND, False),
        (timedelta(0), False),
        (MICROSECOND, True),
        (timedelta(hours=24), True),
        (timedelta(hours=24) + MICROSECOND, False),
    ],
)
def test_event_rate__event_at_an_edge_of_its_hours__counts_only_strictly_before_the_exposure(
    shop: Shop, before: timedelta, counts: bool
) -> None:
    shop.expose("u", AT)
    shop.act("u", "Order Completed", AT - SECOND, times=2)
    shop.act("u", "Order Completed", AT - before)
    assert left_out(shop.store().question(filters=(BRUSHING,))) == ({"u"} if counts else set())


def test_event_rate__lines_of_orders_other_events_and_late_messages__do_not_count(shop: Shop) -> None:
    shop.expose("u", AT)
    shop.act("u", "Order Completed", AT - SECOND, times=2)
    shop.act("u", "Cart Viewed", AT - SECOND, times=9)
    early = AT - SECOND
    shop.outcomes += [("u", "Order Completed", early, early, 1, 1), ("u", "Order Completed", early, RECEIVED, 1, 0)]
    assert left_out(shop.store().question(filters=(BRUSHING,))) == set()


def test_event_rate__rules_of_different_lengths__each_read_their_own_hours(shop: Shop) -> None:
    for unit, hours in (("recent", 23), ("older", 47)):
        shop.expose(unit, AT)
        shop.act(unit, "Order Completed", AT - timedelta(hours=hours), times=3)
    long = replace(BRUSHING, key="long", hours=48, limit=0)
    rows = postgres.rows(units(shop.store().question(filters=(BRUSHING, long))))
    assert {row["unit"]: (row["f0"], row["f1"], row["filtered"]) for row in rows} == {
        "recent": (True, True, True),
        "older": (False, True, True),
    }


def test_event_rate__hours_before_the_start_of_the_experiment__are_read(shop: Shop) -> None:
    shop.expose("u", NOW)
    shop.act("u", "Product Viewed", NOW - timedelta(hours=47), times=4)
    assert left_out(shop.store().question(filters=(VIEWS,))) == {"u"}


def test_attribute__missing_or_of_a_later_exposure__is_kept(shop: Shop) -> None:
    shop.expose("robot", AT, agent="bot")
    shop.expose("truthful", AT, agent="true")
    shop.expose("browser", AT, agent="browser")
    shop.expose("silent", AT)
    shop.expose("other", AT, country="bot")
    shop.exposures.append(("later", shop.arms[0], 1, AT, AT + SECOND, {"agent": "browser"}))
    shop.exposures.append(("later", shop.arms[0], 1, AT + SECOND, AT, {"agent": "bot"}))
    assert left_out(shop.store().question(filters=(ROBOTS,))) == {"robot", "truthful"}


def test_attribute__values_with_quotes__are_data_and_not_code(shop: Shop) -> None:
    evil = "'); DROP TABLE x; --%s"
    shop.expose("u", AT, **{evil: evil})
    rule = UnitFilter("evil", 1, FilterKind.BOT, FilterRule.ATTRIBUTE, attribute=evil, values=(evil,))
    question = shop.store().question(filters=(rule,), dimensions=(evil,))
    (row,) = postgres.rows(units(question))
    assert (row["filtered"], row["d0"]) == (True, evil)


def test_unit_list__listed_at_or_after_the_exposure_or_elsewhere__is_kept(shop: Shop) -> None:
    for unit, at in (("before", AT - MICROSECOND), ("at", AT), ("after", AT + SECOND)):
        shop.expose(unit, AT)
        shop.listed[unit] = at
    shop.expose("never", AT)
    shop.store()
    elsewhere = make_project(key="other")
    FilteredUnit.objects.create(project_id=elsewhere, filter_key=STAFF.key, unit="never", received_at=NOW)
    FilteredUnit.objects.create(project_id=shop.project_id, filter_key="another", unit="never", received_at=NOW)
    assert left_out(shop.question(filters=(STAFF,))) == {"before"}


def test_event_rate__items__are_counted_by_the_lines_of_orders(shop: Shop) -> None:
    shop.expose("product", AT)
    shop.outcomes = [("product", "Order Completed", AT - SECOND, AT, 1, 1)] * 3
    shop.store()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE experiments_outcome SET item = visitor, visitor = NULL")
    assert left_out(shop.question(filters=(BRUSHING,), unit_kind=UnitKind.ITEM)) == {"product"}


@pytest.mark.parametrize("seed", range(2))
def test_marked__random_evidence__equals_a_plain_recount(seed: int) -> None:
    project_id = make_project()
    shop = random_shop(project_id, make_running(project_id), seed)
    rows = postgres.rows(units(shop.question(filters=FILTERS)))
    found = {row["unit"]: {rule.key for index, rule in enumerate(FILTERS) if row[f"f{index}"]} for row in rows}
    expected = {unit: shop.left_out(unit, first) for unit, first in shop.first().items()}
    assert found == expected
    assert {row["unit"] for row in rows if row["filtered"]} == {unit for unit, keys in expected.items() if keys}
    assert set().union(*expected.values()) == {rule.key for rule in FILTERS}


def test_marked__arms_permuted__leaves_out_the_same_units() -> None:
    project_id = make_project()
    shop = random_shop(project_id, make_running(project_id), seed=7)
    question = shop.question(filters=FILTERS)
    before = left_out(question)
    dice = random.Random(1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT unit FROM experiments_firstexposure ORDER BY unit")
        for (unit,) in cursor.fetchall():
            if dice.random() < 0.5:
                cursor.execute(
                    "UPDATE experiments_firstexposure SET variant_id = %s + %s - variant_id WHERE unit = %s",
                    [*shop.arms, unit],
                )
    assert left_out(question) == before
    assert before
