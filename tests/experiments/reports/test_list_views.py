"""The list of readouts over HTTP."""

import re

import pytest
from django.test import Client

from tests.experiments.reports import stored
from tests.experiments.reports.visits import shipped

pytestmark = pytest.mark.django_db


def test_list__shows_status_verdict_effect_and_age_of_every_experiment(reader: Client, project: int) -> None:
    shipped(project)
    stored.draft(stored.shop("pier"), key="gift-wrap")
    page = reader.get("/x/").content.decode()
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", page, re.DOTALL)
    assert len(rows) == 2
    assert "gift-wrap" in rows[0]
    assert "No data yet" in rows[0]
    for text in ("Running", "Ship “Free from 39”", "Conversion", "+14.0%", "+8.0% to +20.0%", "40,000", "ago"):
        assert text in rows[1]
    assert 'href="/x/free-shipping"' in rows[1]


def test_list__search_and_status__narrow_it(reader: Client, project: int) -> None:
    shipped(project)
    stored.draft(stored.shop("pier"), key="gift-wrap", hypothesis="A ribbon 丝带 helps.")
    assert "gift-wrap" in reader.get("/x/", {"q": "丝带"}).content.decode()
    assert "free-shipping" not in reader.get("/x/", {"q": "丝带"}).content.decode()
    assert "gift-wrap" not in reader.get("/x/", {"status": "RUNNING"}).content.decode()
    assert "No experiment matches" in reader.get("/x/", {"q": "zebra"}).content.decode()


@pytest.mark.parametrize("query", ["?page=0", "?page=99", "?page=x", "?page=" + "9" * 30, "?status=MOON", "?q=%00"])
def test_list__odd_query__is_answered_all_the_same(reader: Client, project: int, query: str) -> None:
    shipped(project)
    response = reader.get("/x/" + query)
    assert response.status_code == 200
    assert b"free-shipping" in response.content


def test_list__same_key_in_two_projects__links_name_the_project(reader: Client, project: int) -> None:
    shipped(project)
    stored.draft(stored.shop("pier"))
    page = reader.get("/x/").content.decode()
    assert 'href="/x/free-shipping?project=harbour"' in page
    assert 'href="/x/free-shipping?project=pier"' in page


def test_list__reads_the_database_a_fixed_number_of_times(
    reader: Client, project: int, django_assert_max_num_queries: object
) -> None:
    shipped(project)
    for number in range(5):
        stored.draft(stored.shop(f"pier-{number}"))
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        reader.get("/x/")
