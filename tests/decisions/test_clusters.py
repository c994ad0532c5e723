"""Derived clusters against shops whose clusters are known."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from decisions.clusters import Trade, derive_clusters, with_known_names
from tests.decisions.trades import adjusted_rand, simulated


@pytest.mark.parametrize("seed", range(3))
def test_derive__shop_with_known_clusters__finds_them(seed):
    truth, trade = simulated(clusters=20, size=3, days=180, categories=4, seed=seed)
    found = derive_clusters(trade, most=12)
    assert adjusted_rand(truth, np.array(found.clusters)) > 0.9
    assert found.priced == 60
    assert found.links > 30
    assert found.contained is not None
    assert found.contained > 0.95


def test_derive__without_any_substitution__links_next_to_nothing():
    truth, trade = simulated(clusters=60, size=1, days=180, categories=4, seed=1)
    found = derive_clusters(trade, most=12)
    assert found.links <= 5
    assert len(set(found.clusters)) >= 55
    assert len(truth) == 60


def test_derive__largest_cluster__is_never_exceeded():
    _, trade = simulated(clusters=4, size=8, days=180, categories=1, seed=2)
    assert max(Counter(derive_clusters(trade, most=5).clusters).values()) <= 5


def test_derive__of_two_thousand_items__finds_most_of_each_cluster():
    truth, trade = simulated(clusters=500, size=4, days=180, categories=50, seed=1)
    found = derive_clusters(trade, most=12)
    assert adjusted_rand(truth, np.array(found.clusters)) > 0.7
    assert found.contained is not None
    assert found.contained > 0.95


def test_derive__again__gives_the_same_and_order_of_baskets_does_not_matter():
    _, trade = simulated(clusters=8, size=3, days=120, categories=2, seed=3)
    rng = np.random.default_rng(1)
    trade = replace(trade, basket=rng.integers(0, 400, 900), basket_item=rng.integers(0, 24, 900))
    shuffled = rng.permutation(900)
    again = replace(trade, basket=trade.basket[shuffled], basket_item=trade.basket_item[shuffled])
    assert derive_clusters(trade, most=6) == derive_clusters(again, most=6)


def test_derive__items_that_are_bought_together__are_kept_apart():
    _, trade = simulated(clusters=12, size=2, days=90, categories=1, seed=5)
    plain = derive_clusters(trade, most=6)
    pairs = [group for group in members(plain.clusters) if len(group) == 2]
    together = pairs[0]
    baskets = np.arange(400).repeat(2)
    filler = np.arange(400, 800).repeat(2)
    others = np.random.default_rng(2).integers(0, 24, 800)
    held = replace(
        trade,
        basket=np.concatenate([baskets, filler]),
        basket_item=np.concatenate([np.tile(together, 400), others]),
    )
    assert together in members(plain.clusters)
    assert derive_clusters(held, most=6).links < plain.links


def members(clusters: tuple[str, ...]) -> list[list[int]]:
    return [[n for n, cluster in enumerate(clusters) if cluster == name] for name in sorted(set(clusters))]


def test_derive__prices_that_never_moved__go_by_category_in_even_parts():
    items = tuple(f"i{n}" for n in range(9))
    none = np.zeros(0, np.int64)
    kinds = ("a",) * 7 + ("", "")
    units = np.random.default_rng(1).poisson(5, (9, 60)).astype(float)
    found = derive_clusters(Trade(items, kinds, units, np.full((9, 60), 10.0), none, none), most=4)
    assert (found.priced, found.links, found.contained) == (0, 0, None)
    assert sorted(Counter(found.clusters).values()) == [1, 1, 3, 4]
    assert found.clusters[0] == "derived:i0"


def test_derive__of_nothing_and_of_one_item__is_no_cluster_and_one():
    none = np.zeros(0, np.int64)
    nothing = Trade((), (), np.zeros((0, 0)), np.zeros((0, 0)), none, none)
    assert derive_clusters(nothing, most=4).clusters == ()
    one = Trade(("x" * 200,), ("a",), np.full((1, 3), np.nan), np.full((1, 3), np.nan), none, none)
    (name,) = derive_clusters(one, most=4).clusters
    assert name.startswith("derived:")
    assert len(name) <= 200


def test_names__of_clusters_that_are_known__stay_with_most_of_their_items():
    items = ("a", "b", "c", "d", "e")
    known = {"b": "derived:b", "c": "derived:b", "d": "derived:d"}
    assert (
        with_known_names(items, ["derived:a"] * 3 + ["derived:d"] * 2, known) == ["derived:b"] * 3 + ["derived:d"] * 2
    )
    split = with_known_names(
        ("a", "b", "c"), ["derived:a", "derived:b", "derived:b"], dict.fromkeys("abc", "derived:a")
    )
    assert split == ["derived:a'", "derived:a", "derived:a"]
