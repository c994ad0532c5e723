"""Hashed features of texts: words, parts of words, and pairs of ideographs."""

from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.domains.recommendation.text import (
    MOST_FEATURES,
    NO_FEATURE,
    TEXT_BUCKETS,
    features_of,
    item_numbers,
    text_numbers,
)
from decisions.moment import Catalogue


def shared(first: str, second: str) -> int:
    one, two = text_numbers((first, second), ("", ""))
    return len(set(one[one >= 0]) & set(two[two >= 0]))


def test_features__words__are_followed_by_parts_of_the_long_ones():
    assert list(features_of("Red mug, 24cm", "Kitchen")) == [
        "c:Kitchen",
        "w:red",
        "w:mug",
        "w:24cm",
        "p:<24",
        "p:24c",
        "p:4cm",
        "p:cm>",
    ]


def test_features__chinese__are_pairs_of_characters_between_words():
    assert list(features_of("红色连衣裙 XL")) == ["w:红色", "w:色连", "w:连衣", "w:衣裙", "w:xl"]
    assert list(features_of("茶")) == ["w:茶"]


@pytest.mark.parametrize(("one", "other"), [("ＭＵＧ", "mug"), ("Straße", "STRASSE"), ("café", "cafe\u0301")])
def test_features__another_way_to_write_it__is_the_same(one: str, other: str):
    assert list(features_of(one)) == list(features_of(other))


def test_features__no_letters__are_none_but_the_category():
    assert list(features_of("--- !!! ___")) == []
    assert list(features_of("", "Toys")) == ["c:Toys"]


def test_text_numbers__related_titles__share_features_and_others_do_not():
    assert shared("wooden lanterns", "wood lantern white") > 3
    assert shared("真皮女士手提包", "女士单肩手提包") > 1
    assert shared("teapot", "蓝牙耳机") == 0


def test_text_numbers__are_the_same_in_every_process():
    assert text_numbers(("mug",), ("Kitchen",))[0, :3].tolist() == [12183, 13162, NO_FEATURE]


def test_text_numbers__a_long_text__keeps_category_and_words_before_parts():
    words = " ".join(f"abc{number}" for number in range(MOST_FEATURES - 1))
    short = text_numbers((" ".join(words.split()),), ("Toys",))[0]
    assert (short >= 0).all()
    known = set(text_numbers(("",), ("Toys",))[0].tolist()) - {NO_FEATURE}
    assert known <= set(short.tolist())


@given(st.lists(st.tuples(st.text(max_size=600), st.text(max_size=20)), max_size=8))
def test_text_numbers__any_text__are_different_places_in_the_table(texts: list[tuple[str, str]]):
    found = text_numbers([text for text, _ in texts], [category for _, category in texts])
    assert found.shape == (len(texts), MOST_FEATURES)
    assert found.dtype == np.int64
    for row in found:
        told = row[row != NO_FEATURE]
        assert len(set(told.tolist())) == len(told)
        assert ((told >= 0) & (told < TEXT_BUCKETS)).all()
        assert (row[len(told) :] == NO_FEATURE).all(), "what is missing stands at the end"


def catalogue(**fields: tuple[str, ...] | np.ndarray) -> Catalogue:
    return Catalogue(
        items=("a", "b"),
        places=MappingProxyType({"a": 0, "b": 1}),
        in_stock=np.ones(2, dtype=np.bool_),
        baseline=np.zeros(2, dtype=np.float32),
        fields=MappingProxyType(fields),
    )


def test_item_numbers__title_description_and_category__are_read_where_there_are_any():
    found = item_numbers(catalogue(title=("red mug", ""), description=("", "tea"), category=("Kitchen", "")))
    assert found.tolist() == text_numbers(("red mug", "tea"), ("Kitchen", "")).tolist()
    assert (item_numbers(catalogue()) == NO_FEATURE).all()
    assert (item_numbers(catalogue(title=np.array([1.0, 2.0]))) == NO_FEATURE).all()
