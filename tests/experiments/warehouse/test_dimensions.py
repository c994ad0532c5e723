"""Levels of dimensions: what is told apart, and what is merged."""

from datetime import timedelta

import pytest

from experiments.warehouse import own, postgres
from experiments.warehouse.dimensions import MOST_LEVELS, OTHER, UNKNOWN
from tests.experiments.warehouse.shop import BRUSHING, CONVERSION, FILTERS, Shop
from tests.fixtures.records import NOW, make_project, make_running

pytestmark = pytest.mark.django_db

AT = NOW + timedelta(days=1)
ROW = tuple[int, str]


@pytest.fixture
def shop() -> Shop:
    project_id = make_project()
    return Shop(project_id, make_running(project_id))


def sizes(shop: Shop, *dimensions: str, **changes: object) -> dict[ROW, int]:
    """Return the units by (dimension, level), of all variants together."""
    found: dict[ROW, int] = {}
    question = shop.question(dimensions=dimensions, metrics=(CONVERSION,), **changes)
    for row in postgres.rows(own.segments(question)):
        place = (row["dimension"], row["level"])
        found[place] = found.get(place, 0) + int(row["units"])
    return found


def test_segments__attribute_missing_null_or_empty__is_unknown(shop: Shop) -> None:
    shop.expose("none", AT)
    shop.expose("other", AT, device="phone")
    shop.expose("empty", AT, country="")
    shop.expose("known", AT, country="CN")
    assert sizes(shop.store(), "country", "device") == {
        (0, UNKNOWN): 3,
        (0, "CN"): 1,
        (1, UNKNOWN): 3,
        (1, "phone"): 1,
    }


def test_segments__as_many_levels_as_are_kept__are_not_merged(shop: Shop) -> None:
    for index in range(MOST_LEVELS):
        shop.expose(f"u{index}", AT, country=f"L{index}")
    assert sizes(shop.store(), "country") == {(0, f"L{index}"): 1 for index in range(MOST_LEVELS)}


def test_segments__too_many_levels__merge_the_smallest_whatever_their_arm(shop: Shop) -> None:
    treatment = shop.arms[1]
    for index in range(MOST_LEVELS + 5):
        for again in range(2 if index < MOST_LEVELS - 1 else 1):
            shop.expose(f"u{index}-{again}", AT, treatment if again else None, country=f"L{index:02}", plain="x")
    found = sizes(shop.store(), "country", "plain")
    assert len([place for place in found if place[0] == 0]) == MOST_LEVELS + 1
    assert found[0, OTHER] == 5
    assert all(found[0, f"L{index:02}"] == 2 for index in range(MOST_LEVELS - 1))
    assert found[1, "x"] == 2 * (MOST_LEVELS - 1) + 6
    assert sizes(shop, "country", "plain") == found


def test_segments__level_that_is_called_other__joins_the_merged_ones(shop: Shop) -> None:
    for index in range(MOST_LEVELS + 1):
        for again in range(2):
            shop.expose(f"u{index}-{again}", AT, country=OTHER if index == 0 else f"L{index}")
    shop.expose("big", AT, country=OTHER)
    assert sizes(shop.store(), "country")[0, OTHER] == 3 + 2


def test_segments__crossed_and_filtered_units__count_nowhere(shop: Shop) -> None:
    shop.expose("kept", AT, country="CN")
    shop.expose("crossed", AT, country="CN")
    shop.expose("crossed", AT + timedelta(hours=1), shop.arms[1], country="CN")
    shop.expose("brushing", AT, country="CN")
    shop.act("brushing", "Order Completed", AT - timedelta(hours=1), times=3)
    shop.store()
    assert sizes(shop, "country", filters=(BRUSHING,)) == {(0, "CN"): 1}
    assert sizes(shop, "country") == {(0, "CN"): 2}


def test_moments__without_filters__ask_nothing_of_lists_and_attributes(shop: Shop) -> None:
    statement = postgres.sql(own.moments(shop.question()))
    assert "filteredunit" not in statement
    assert "attributes" not in statement
    assert "filtered" not in statement
    assert "filteredunit" in postgres.sql(own.moments(shop.question(filters=FILTERS)))
