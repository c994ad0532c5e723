"""Audiences in words."""

import pytest
from django.utils import translation

from decisions.reports.audiences import audience_words, scope_words

CN = {"attribute": "country", "op": "in", "value": ["CN", "SG"]}
NEW = {"attribute": "orders", "op": "lt", "value": 1}


@pytest.mark.parametrize(
    ("audience", "words"),
    [
        (None, "everybody"),
        ({}, "everybody"),
        (CN, "country is one of CN, SG"),
        ({"all": [CN, NEW]}, "country is one of CN, SG and orders is below 1"),
        ({"any": [{"all": [CN, NEW]}, NEW]}, "(country is one of CN, SG and orders is below 1) or orders is below 1"),
        ({"not": CN}, "not: country is one of CN, SG"),
        ({"attribute": "member", "op": "eq", "value": True}, "member is true"),
        ({"attribute": "spent", "op": "gte", "value": 99.5}, "spent is at least 99.5"),
        ({"attribute": "id", "op": "in", "value": list("abcdefg")}, "id is one of a, b, c, d, e …"),
        ({"attribute": "id", "op": "unheard", "value": 1}, "id unheard 1"),
    ],
)
def test_audience_words__each_form__reads_as_a_sentence(audience: dict[str, object] | None, words: str) -> None:
    assert str(audience_words(audience)) == words


def test_scope_words__of_an_audience__name_what_was_randomised() -> None:
    assert str(scope_words(CN, "visitor")) == "country is one of CN, SG (tested by Visitor)"
    assert str(scope_words(CN, None)) == "country is one of CN, SG"
    assert str(scope_words(CN, "planet")) == "country is one of CN, SG (tested by planet)"
    assert str(scope_words(None, "visitor")) == "everybody"


def test_audience_words__in_chinese__are_chinese() -> None:
    with translation.override("zh-hans"):
        assert str(audience_words({"all": [CN, NEW]})) == "country 为 CN, SG 之一 且 orders 低于 1"
        assert str(audience_words(None)) == "所有人"
