"""Why an action: on a decision's page, in words; what was left out; an item that somebody misses."""

import json

import pytest
from django.test import Client
from django.utils.translation import override

from tests.decisions.explaining import Shop, make_ad_shop, make_shop, placed, ranked
from tests.decisions.reports.pages import read, text_of
from tests.experiments.reports import stored
from tests.fixtures.learning import log_choice, make_learner
from tests.fixtures.records import NOW
from tests.fixtures.registry import log_decision

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db: None) -> Shop:
    return make_shop(stored.shop())


def test_page__of_a_model__tells_what_spoke_for_each_item_and_what_was_left_out(reader: Client, shop: Shop) -> None:
    told = text_of(read(reader, f"/d/home/{ranked(shop)}"))
    for text in (
        "What was shown, and why",
        "by how much the model's score would be lower without the fact.",
        "−0.333 dealt with: Kettle",
        "+0.167 dealt with: Mug",
        "nothing that is known of the shopper: the same for everybody",
        "1 item was left out because it is sold out.",
    ):
        assert text in told.replace("&#x27;", "'"), text
    assert "There is no explanation" not in told


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"removed": None}, "the decision was logged before what models read was kept with it."),
        ({"version": None}, "the log does not say which version ranked."),
        ({"actions": []}, "There is nothing to explain: the slate was empty."),
        ({"policy": "thompson-of-later"}, "this release does not know the policy."),
        ({"history": 5}, "The model read 3 items more, which are not kept with the decision."),
        ({"actions": [["lamp", 1.0, 9.0]]}, "Scores that are computed now are not those that were logged"),
        ({"removed": {"a_new_rule": 1_200}}, "1,200 actions were left out by the rule “a_new_rule”."),
        ({"removed": {}}, "Nothing: everything in the catalogue could be chosen."),
    ],
)
def test_page__of_what_is_not_as_usual__says_so(reader: Client, shop: Shop, changes: dict, text: str) -> None:
    assert text in text_of(read(reader, f"/d/home/{ranked(shop, **changes)}"))


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ("lamp", "It was shown, at place 1."),
        ("basket", "It would be left out now because it is sold out or paused."),
        ("kettle", "If nothing kept it out it would stand at place 3 of 4."),
        ("nothing", "The catalogue does not have it now."),
    ],
)
def test_page__item_asked_about__is_answered(reader: Client, shop: Shop, item: str, text: str) -> None:
    page = read(reader, f"/d/home/{ranked(shop)}?project=harbour&item={item}")
    assert text in text_of(page)
    assert f'value="{item}"' in page
    told = json.loads(reader.get(f"/d/home/decision-1.json?item={item}").content)["explanation"]["item"]
    assert told["item"] == item


@pytest.mark.parametrize("item", ["%00", "%3Cscript%3E", "x" * 500, ""])
def test_page__odd_items_asked_about__are_a_page_all_the_same(reader: Client, shop: Shop, item: str) -> None:
    assert "<script>" not in read(reader, f"/d/home/{ranked(shop)}?item={item}")


def test_page__of_advertising__names_the_facts_of_the_moment(reader: Client) -> None:
    told = text_of(read(reader, f"/d/ads-top/{placed(make_ad_shop(stored.shop()))}"))
    for text in (
        "what each fact adds to the log-odds of a click",
        "2 creatives were left out because the shopper has seen them as often as the cap allows.",
        "1 creative was left out because its campaign has spent the budget of the day.",
        "Boots",
        "The order is that of bid times probability, divided by the pace of the campaign",
    ):
        assert text in told, text


def test_page__of_advertising_without_a_model__speaks_of_bids_and_not_of_popularity(reader: Client) -> None:
    shop = make_ad_shop(stored.shop())
    log_decision(shop.project, "ads-top", decision_id="plain", actions=[["shoe-b", 1.0, 0.25]])
    told = text_of(read(reader, "/d/ads-top/plain"))
    assert "0.250 value of showing it" in told
    assert "the bid of each creative times how often" in told
    assert "dealt with most" not in told


def test_page__of_a_learning_policy__tells_rates_and_the_even_part(reader: Client, shop: Shop) -> None:
    learner = make_learner(shop.point, floor=0.2)
    log_choice(learner, "drawn", at=NOW, items=("mug", "lamp"), candidates=4)
    told = text_of(read(reader, "/d/home/drawn"))
    for text in (
        "Outside experiments, where the learning policy Bandit serves.",
        "50.00% reward expected of it",
        "5.00% of its probability, spread evenly over all actions",
        "State of the learning policy 0",
    ):
        assert text in told, text


def test_page__of_the_baseline_and_of_fixed_actions__says_which(reader: Client, shop: Shop) -> None:
    log_decision(shop.project, decision_id="plain")
    log_decision(shop.project, decision_id="same", policy="fixed", reason="FIXED")
    assert "5.00 popularity" in text_of(read(reader, "/d/home/plain"))
    assert "The variant shows everybody the same" in text_of(read(reader, "/d/home/same"))


def test_page__in_chinese__is_a_page(reader: Client, shop: Shop) -> None:
    with override("zh-hans"):
        page = read(reader, f"/d/home/{ranked(shop)}", headers={"accept-language": "zh-hans"})
    assert 'lang="zh-hans"' in page
