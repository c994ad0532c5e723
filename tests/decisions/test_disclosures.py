"""What has to be told where a price is personalised."""

import pytest

from decisions.disclosures import EUROPEAN, EUROPEAN_ECONOMIC_AREA, NEW_YORK, NeverPersonalised, disclosure_for


@pytest.mark.parametrize("country", ["DE", "FR", "NO", " at "])
def test_disclosure__in_the_union__is_that_of_its_directive(country):
    assert disclosure_for([country]) == EUROPEAN


@pytest.mark.parametrize("place", ["US-NY", "US"])
def test_disclosure__where_new_york_is_meant__has_the_words_of_its_statute(place):
    assert disclosure_for([place]) == NEW_YORK == "THIS PRICE WAS SET BY AN ALGORITHM USING YOUR PERSONAL DATA"


def test_disclosure__several_places__has_each_text_once():
    assert disclosure_for(["US-NY", "DE", "FR"]) == f"{EUROPEAN}\n{NEW_YORK}"


@pytest.mark.parametrize("places", [[], ["CH"], ["US-CA"], ["GB", "JP"]])
def test_disclosure__where_no_law_asks_for_one__is_empty(places):
    assert disclosure_for(places) == ""


@pytest.mark.parametrize("places", [["CN"], ["DE", "cn"], ["CN-31"]])
def test_disclosure__china_among_them__is_refused(places):
    with pytest.raises(NeverPersonalised) as refused:
        disclosure_for(places)
    assert refused.value.code == "PAYABLE_NEVER_IN_CHINA"


def test_economic_area__has_the_union_of_27_and_three_more():
    assert len(EUROPEAN_ECONOMIC_AREA) == 30
    assert not EUROPEAN_ECONOMIC_AREA & {"GB", "CH", "US", "CN"}
