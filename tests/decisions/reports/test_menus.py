"""Explained menus in words and pictures: what was decided instead of what, what bound, and where that is drawn."""

import pytest

from decisions.queries.point_records import decision_record
from decisions.queries.points import point_by_id
from decisions.reports.decision import decision_page
from decisions.reports.menus import MenuCard
from tests.decisions.menus import decision_of, priced, stocked
from tests.fixtures.records import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> int:
    return make_project()


def card(batch, subject: str) -> MenuCard:
    record = decision_record(decision_of(batch, subject), point_by_id(batch.point_id))
    found = decision_page(record).menu
    assert found is not None
    return found


def test_card__price_of_a_model__says_what_is_expected_and_why_not_lower(project):
    found = card(priced(project), "cup")
    assert found.sentences == (
        (
            "18.00 instead of 20.00: demand is expected to go from 4.00 to 4.94 a day, profit from 60.00 USD to "
            "64.20 USD a day."
        ),
        "Not lower, though that would bring more: it is too large a step from the present price.",
        "A price that is 1% higher is expected to change demand by −2.00% (95% interval −2.49 to −1.51).",
    )
    assert found.legend == ("Below 18.00 and above 22.00: it is too large a step from the present price.",)
    assert [(line.text, line.mark) for line in found.choices if line.mark] == [
        ("18.00", "decided"),
        ("20.00", "present price"),
    ]


def test_card__constraint_that_bound__is_numbered_in_the_legend_and_the_pictures(project):
    found = card(priced(project, floor=19.0), "cup")
    assert found.sentences[1] == "Not lower, though that would bring more: it is below the floor."
    assert found.legend[0] == "5 prices from 18.00 to 18.80 are not to be had: it is below the floor."
    for picture in found.pictures:
        assert [band.label for band in picture.bands] == ["1", "2", "2"]
        chosen = next(dot for dot in picture.dots if dot.kind == "chosen")
        band = picture.bands[0]
        assert float(band.x) + float(band.width) < float(chosen.x)


def test_card__item_with_doubts__tells_them(project):
    found = card(priced(project), "jug")
    assert found.doubts == ("The item had no more than two prices.",)


def test_card__item_without_a_model__has_words_and_no_picture(project):
    found = card(priced(project), "pot")
    assert found.sentences == ("40.00, as before.",)
    assert (found.pictures, found.has_model) == ((), False)


def test_card__order__tells_how_long_the_stock_lasts(project):
    found = card(stocked(project), "north|tea")
    sentence = found.sentences[0]
    assert "pieces are ordered: the stock of 10 becomes" in sentence
    assert "the 4 days until the next order can be there with a probability of 9" in sentence
    fan, costs = found.pictures
    assert [level.kind for level in fan.levels] == ["present", "chosen", "until"]
    assert [area.kind for area in fan.areas] == ["wide", "narrow"]
    assert {dot.kind for dot in costs.dots} == {"present", "chosen"}


def test_card__order_that_cash_binds__says_not_more(project):
    found = card(stocked(project, cash=60.0), "north|tea")
    assert found.sentences[1] == "Not more, though that would cost less: it costs more than may be spent on one order."
    assert found.legend[-1].endswith("are not to be had: it costs more than may be spent on one order.")
