"""Collections as their domains declare them; what cannot be declared is refused with the domain's name."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from decisions.domain import Field, FieldKind, Reward
from decisions.domains.recommendation.domain import DOMAIN
from decisions.ingest import collections
from decisions.ingest.collections import CollectionUnknown, all_collections, collection_of
from decisions.registry import DomainMalformed

BID = Field(FieldKind.MONEY, "What it pays.", required=True)
COLOUR = Field(FieldKind.TEXT, "Its colour.")


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch):
    """Return a function that lets domains like recommendation be the only ones, by what is particular to each."""

    def declared(*changes: dict) -> None:
        domains = {f"d{n}": replace(DOMAIN, key=f"d{n}", **change) for n, change in enumerate(changes)}
        monkeypatch.setattr(collections, "all_domains", lambda: MappingProxyType(domains))

    return declared


def test_collections__of_the_shipped_domains__are_items_and_creatives():
    found = all_collections()
    assert next(iter(found)) == "items"
    assert found["items"].known[:6] == ("item_id", "title", "category", "price", "stock", "rating")
    assert {"cluster", "floor", "supplier", "pack_size"} <= set(found["items"].extra)
    assert {"campaign", "bid", "budget"} <= set(collection_of("creatives").extra)


def test_collection__that_no_domain_declares__is_refused_with_those_that_there_are():
    with pytest.raises(CollectionUnknown, match=r"'hats'; there are: items"):
        collection_of("hats")


def test_collection__of_two_domains__has_the_fields_and_rewards_of_both(declare):
    reward = Reward("seen", "Promotion Viewed", "promotion_id", 0.1, DOMAIN.rewards[0].within)
    optional = replace(BID, required=False)
    declare(
        {"collection": "hats", "fields": {"bid": optional, "price": optional}, "rewards": (reward,)},
        {"collection": "hats", "fields": {"bid": BID, "colour": COLOUR}, "rewards": (reward,)},
    )
    found = collection_of("hats")
    assert found.domains == ("d0", "d1")
    assert found.declared["bid"].required
    assert found.known == ("item_id", "title", "category", "price", "stock", "bid", "colour")
    assert list(found.published) == ["title", "category", "price", "bid", "colour"]
    assert found.rewards == (reward,)


def test_items__publish_only_what_a_domain_declares(declare):
    declare({"fields": {}}, {"fields": {"title": COLOUR, "colour": COLOUR}})
    assert list(collection_of("items").published) == ["title", "colour"]
    declare({"fields": {}})
    assert dict(collection_of("items").published) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"collection": "stock"},
        {"collection": "batch"},
        {"collection": "Hats"},
        {"collection": "a/b"},
        {"collection": ""},
        {"collection": "h" * 33},
        {"fields": {"price": Field(FieldKind.TEXT, "No text.")}},
        {"fields": {"item_id": COLOUR}},
        {"fields": {"The Colour": COLOUR}},
    ],
)
def test_collection__malformed__is_refused_with_the_domain(declare, change):
    declare(change)
    with pytest.raises(DomainMalformed, match="d0"):
        all_collections()


def test_collection__domains_that_contradict_each_other__are_refused(declare):
    declare({"fields": {"colour": COLOUR}}, {"fields": {"colour": BID}})
    with pytest.raises(DomainMalformed, match="d1"):
        all_collections()
