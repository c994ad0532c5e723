"""What differs between two records: every value by its path, and figures with their change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.diff import Change, FigureChange, differences, figure_changes, importance_changes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.dictionaries(st.text(st.characters(exclude_characters="."), min_size=1, max_size=3), JSON, max_size=4)


def test_differences__nested_values__are_named_by_their_paths():
    found = differences({"a": {"b": 1, "c": [1]}, "d": "x"}, {"a": {"b": 2, "c": [1]}, "e": {}})
    assert [(one.path, one.before, one.after, one.change) for one in found] == [
        ("a.b", 1, 2, Change.CHANGED),
        ("a.c", [1], [1], Change.SAME),
        ("d", "x", None, Change.REMOVED),
        ("e", None, {}, Change.ADDED),
    ]


@given(OBJECT)
def test_differences__of_an_object_with_itself__are_none(record: dict):
    assert all(one.change is Change.SAME for one in differences(record, record))


@given(OBJECT, OBJECT)
def test_differences__the_other_way_round__swap_sides(one: dict, other: dict):
    swapped = {Change.ADDED: Change.REMOVED, Change.REMOVED: Change.ADDED}
    there, back = differences(one, other), differences(other, one)
    assert [(part.path, part.before, part.after) for part in there] == [(p.path, p.after, p.before) for p in back]
    assert [swapped.get(part.change, part.change) for part in there] == [part.change for part in back]


def test_figures__of_two_versions__have_their_change_where_both_are_numbers():
    found = figure_changes({"auc": 0.5, "old": 1, "flag": True, "importance_age": 1.0}, {"auc": 0.75, "new": 2})
    assert found == (
        FigureChange("auc", 0.5, 0.75, 0.25),
        FigureChange("flag", None, None, None),
        FigureChange("new", None, 2.0, None),
        FigureChange("old", 1.0, None, None),
    )


def test_importances__the_most_important_of_the_second_one__come_first():
    found = importance_changes(
        {"importance_age": 0.5, "auc": 1.0}, {"importance_price": -0.9, "importance_age": 0.2, "importance_stock": 0.1}
    )
    assert [figure.name for figure in found] == ["price", "age", "stock"]
    assert found[1].change == pytest.approx(-0.3)
