"""Domains are found by their folders: one more is there at once, and gone with its folder."""

import pytest

from decisions.domain import FieldKind
from decisions.registry import DomainUnknown, RecipeUnknown, all_domains, domain_of, fields_of, recipe_of
from tests.fixtures.added_domain import KEY, installed_domain


def test_all_domains__a_further_folder__is_a_domain_as_long_as_it_is_there():
    before = list(all_domains())
    with installed_domain():
        assert set(all_domains()) == {*before, KEY}
        assert domain_of(KEY).collection == "gift_wraps"
        assert {name: field.kind for name, field in fields_of("gift_wraps").items()} == {"colour": FieldKind.TEXT}
        assert recipe_of(KEY, "by_colour").parameters["prior"].least == 1.0
        with pytest.raises(RecipeUnknown, match="by_colour"):
            recipe_of(KEY, "by_smell")
    assert list(all_domains()) == before
    assert fields_of("gift_wraps") == {}
    with pytest.raises(DomainUnknown, match="recommendation"):
        domain_of(KEY)
