from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.assignment.targeting import AudienceInvalid, compile_audience, required_values
from tests.golden import reference


def condition(op: str, value: object, attribute: str = "x") -> dict[str, Any]:
    return {"attribute": attribute, "op": op, "value": value}


@pytest.mark.parametrize(
    ("op", "value", "matching", "others"),
    [
        ("eq", "DE", ["DE"], ["de", "", 1, ["DE"], {"DE": 1}]),
        ("eq", 1, [1, 1.0], [True, "1", 2]),
        ("eq", True, [True], [1, "true", False]),
        ("ne", "DE", ["CN", ""], ["DE", 1, True, ["CN"]]),
        ("ne", 1, [2, 1.5], [1, 1.0, True, False, "2"]),
        ("in", ["DE", 1], ["DE", 1, 1.0], ["CN", True, 2, ["DE"]]),
        ("not_in", ["DE", "AT"], ["CN"], ["DE", "AT", 1, True, [], {}]),
        ("gt", 5, [6, 5.1], [5, 4, "6", True]),
        ("gte", 5, [5, 6], [4.9, "5"]),
        ("lt", 5, [4, -1, 4.9], [5, "4", False]),
        ("lte", 5, [5], [5.1, "5"]),
        ("prefix", "sh", ["shanghai", "sh"], ["Sh", "s", 5, ["sh"]]),
        ("semver_gte", "4.2.0", ["4.2", "v4.10.1", "5"], ["4.2.0-rc.1", "4.1.9", 5, "x"]),
        ("semver_lt", "4.2.0", ["4.2.0-rc.1", "4.1"], ["4.2", "5", 1, ""]),
        ("matches", "^[A-Z]{2}$", ["DE"], ["DEU", "de", 12]),
    ],
)
def test_compile_audience__each_operator__matches_only_its_own_type(
    op: str, value: object, matching: list[object], others: list[object]
) -> None:
    admits = compile_audience(condition(op, value))

    assert [held for held in matching if not admits({"x": held})] == []
    assert [held for held in others if admits({"x": held})] == []
    assert not admits({})
    assert not admits({"x": None})


def test_compile_audience__nested__follows_all_any_not() -> None:
    admits = compile_audience(
        {
            "all": [
                {"any": [condition("eq", "DE", "country"), condition("eq", "AT", "country")]},
                {"not": condition("lt", 2, "orders")},
                condition("prefix", "a", "name"),
            ]
        }
    )

    assert admits({"country": "AT", "orders": 2, "name": "anna"})
    assert not admits({"country": "AT", "orders": 1, "name": "anna"})
    assert not admits({"country": "CH", "orders": 2, "name": "anna"})
    assert admits({"country": "DE", "name": "a"}), "not of a missing attribute matches"


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        (None, "audience: "),
        ([], "audience: "),
        ({}, "audience: "),
        ({"all": []}, r"audience\.all: "),
        ({"any": "x"}, r"audience\.any: "),
        ({"all": [], "any": []}, "audience: "),
        ({"not": []}, r"audience\.not: "),
        ({"all": [condition("eq", "a"), {"any": [condition("eq", None)]}]}, r"audience\.all\[1\]\.any\[0\]\.value: "),
        (condition("like", "a"), r"audience\.op: "),
        (condition(["eq"], "a"), r"audience\.op: "),  # type: ignore[arg-type]
        (condition("eq", "a", ""), r"audience\.attribute: "),
        (condition("eq", float("nan")), r"audience\.value: "),
        (condition("gt", float("inf")), r"audience\.value: "),
        (condition("gt", "5"), r"audience\.value: "),
        (condition("gt", True), r"audience\.value: "),
        (condition("in", []), r"audience\.value: "),
        (condition("in", "DE"), r"audience\.value: "),
        (condition("in", ["a", None]), r"audience\.value\[1\]: "),
        (condition("prefix", ""), r"audience\.value: "),
        (condition("semver_gte", "new"), r"audience\.value: "),
        (condition("matches", "("), r"audience\.value: "),
        (condition("eq", "a") | {"extra": 1}, "audience: "),
    ],
)
def test_compile_audience__malformed__names_the_path(expression: object, path: str) -> None:
    with pytest.raises(AudienceInvalid, match=f"^{path}"):
        compile_audience(expression)


def test_compile_audience__too_deep_or_too_many_conditions__is_refused() -> None:
    deep: dict[str, Any] = condition("eq", "a")
    for _ in range(16):
        deep = {"not": deep}

    with pytest.raises(AudienceInvalid, match="deep"):
        compile_audience(deep)
    with pytest.raises(AudienceInvalid, match="500"):
        compile_audience({"any": [condition("eq", "a")] * 501})


SCALARS = st.one_of(
    st.sampled_from(["DE", "D", "", "CN"]), st.integers(-2, 2), st.sampled_from([0.5, 1.0]), st.booleans()
)
CONDITIONS = st.one_of(
    st.builds(condition, st.sampled_from(["eq", "ne"]), SCALARS, st.sampled_from("xyz")),
    st.builds(
        condition, st.sampled_from(["in", "not_in"]), st.lists(SCALARS, min_size=1, max_size=4), st.sampled_from("xyz")
    ),
    st.builds(condition, st.sampled_from(["gt", "gte", "lt", "lte"]), st.integers(-2, 2), st.sampled_from("xyz")),
    st.builds(condition, st.just("prefix"), st.sampled_from(["D", "DE"]), st.sampled_from("xyz")),
)
AUDIENCES = st.recursive(
    CONDITIONS,
    lambda parts: st.one_of(
        st.fixed_dictionaries({"all": st.lists(parts, min_size=1, max_size=4)}),
        st.fixed_dictionaries({"any": st.lists(parts, min_size=1, max_size=4)}),
        st.fixed_dictionaries({"not": parts}),
    ),
    max_leaves=8,
)
HELD: st.SearchStrategy[object] = st.one_of(SCALARS, st.none(), st.just([]), st.just({}))


@given(AUDIENCES, st.dictionaries(st.sampled_from("xyz"), HELD))
def test_compile_audience__any_expression__agrees_with_the_naive_reading(
    audience: dict[str, Any], held: dict[str, Any]
) -> None:
    assert compile_audience(audience)(held) is reference.admits(audience, held)


@given(AUDIENCES, st.dictionaries(st.sampled_from("xyz"), HELD))
def test_required_values__where_it_insists__nothing_else_is_admitted(
    audience: dict[str, Any], held: dict[str, Any]
) -> None:
    required = required_values(audience)

    if required is not None and reference.admits(audience, held):
        attribute, texts = required
        assert held[attribute] in texts


def test_required_values__first_insistence_of_a_conjunction__is_found() -> None:
    assert required_values({"all": [condition("gt", 1), condition("in", ["a", "b", "a"])]}) == ("x", ("a", "b"))
    assert required_values({"any": [condition("eq", "a")]}) is None
    assert required_values(condition("in", ["a", 1])) is None
