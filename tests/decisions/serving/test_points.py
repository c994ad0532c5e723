"""Decision points of a bundle: what is compiled, and what is refused by its path."""

from typing import Any

import pytest

from decisions.domain import PolicyKind
from decisions.serving.point_reading import compile_points
from decisions.serving.points import BASELINE, Points
from experiments.assignment.reading import BundleInvalid
from tests.decisions.published import (
    ab_point,
    catalogue_bytes,
    decision_content,
    file_record,
    model_record,
    point,
    policy,
    popularity_bytes,
)
from tests.experiments.assignment.builders import compiled, content, experiment

MODEL = model_record(12, popularity_bytes())
GERMANS = {"attribute": "country", "op": "eq", "value": "DE"}


def points_of(*points: Any, models: Any = (MODEL,), catalogue: Any = None) -> Points:
    bundle = decision_content(experiment(1), points=points, models=models, catalogue=catalogue)
    return compile_points(bundle, compiled(experiment(1)))


def test_compile_points__content_of_schema_1__has_none() -> None:
    found = compile_points(content(experiment(1)), compiled(experiment(1)))

    assert (dict(found.by_key), dict(found.models), found.catalogue, found.files) == ({}, {}, None, frozenset())


def test_compile_points__everything_set__comes_out_frozen() -> None:
    treatment = policy("model_ranked", version=12)
    champions = [{"version": 12, "audience": GERMANS, "unit_kind": "visitor"}]
    catalogue = file_record(catalogue_bytes())

    found = points_of(ab_point(treatment, champions=champions, deadline_ms=30), catalogue=catalogue)

    home = found.by_key["home"]
    assert (home.id, home.key, home.domain.key, home.is_personal) == (7, "home", "recommendation", True)
    assert (home.slate_size, home.largest_slate, home.deadline) == (5, 20, 0.03)
    arms = home.arms["experiment-1"]
    assert (arms["control"], arms["arm-1"].kind, arms["arm-1"].version) == (BASELINE, PolicyKind.MODEL_RANKED, 12)
    assert (found.models[12].model, found.models[12].number) == ("home-ranker", 3)
    assert found.files == {MODEL["sha256"], catalogue["sha256"]}


def test_policy_outside__champions__the_first_that_admits_serves() -> None:
    champions = [
        {"version": 13, "audience": None, "unit_kind": "customer"},
        {"version": 12, "audience": GERMANS, "unit_kind": None},
    ]
    home = points_of(point(champions=champions), models=(MODEL, model_record(13, popularity_bytes()))).by_key["home"]

    assert home.policy_outside({"visitor": "v", "customer": "c"}, {}).version == 13
    assert home.policy_outside({"visitor": "v"}, {"country": "DE"}).version == 12
    assert home.policy_outside({"visitor": "v", "customer": 5}, {"country": "DE"}).version == 12
    assert home.policy_outside({"visitor": "v"}, {"country": "FR"}) == BASELINE
    assert home.policy_outside({}, {}) == BASELINE


def test_compile_points__fixed_policy__keeps_its_items_once_and_in_order() -> None:
    home = points_of(ab_point(policy("fixed", actions=["b", "a", "b"]))).by_key["home"]

    assert home.arms["experiment-1"]["arm-1"].actions == ("b", "a")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"key": ""}, r"decision_points\[0\].key"),
        ({"domain": "astrology"}, r"decision_points\[0\].domain: There is no domain 'astrology'"),
        ({"personal": 1}, r"decision_points\[0\].personal"),
        ({"slate_size": 0}, r"decision_points\[0\]: slate_size"),
        ({"slate_size": 21}, r"decision_points\[0\].slate_size: must be a whole number from 0 to 20"),
        ({"largest_slate": 1_001}, r"decision_points\[0\].largest_slate"),
        ({"deadline_ms": 0}, r"decision_points\[0\]: slate_size and deadline_ms"),
        ({"deadline_ms": 1e9}, r"decision_points\[0\].deadline_ms"),
        ({"champions": {}}, r"decision_points\[0\].champions: must be a list"),
        ({"champions": [{"version": 99}]}, r"champions\[0\].version: there is no model version 99"),
        ({"champions": [{"version": 12, "unit_kind": "cat"}]}, r"champions\[0\].unit_kind"),
        ({"champions": [{"version": 12, "audience": {"op": "eq"}}]}, r"champions\[0\].audience"),
        ({"experiments": [{"id": 99, "variants": {}}]}, r"experiments\[0\].id: there is no experiment 99"),
        ({"experiments": [{"id": 1, "variants": {"control": policy()}}]}, r"experiments\[0\].variants: .* see arm-1"),
        (
            {"experiments": [{"id": 1, "variants": {"control": policy(), "arm-1": policy(), "x": policy()}}]},
            r"experiments\[0\].variants: .* see x",
        ),
    ],
)
def test_compile_points__point_at_fault__is_refused_by_path(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(BundleInvalid, match=fault):
        points_of(point(**changes))


@pytest.mark.parametrize(
    ("treatment", "fault"),
    [
        (policy("magic"), "policy: unknown policy 'magic'"),
        (policy("model_ranked", version=99), "there is no model version 99"),
        (policy("model_ranked"), "version: must be a whole number"),
        (policy("fixed"), "actions: must name items"),
        (policy("fixed") | {"actions": [5]}, "actions: must name items"),
    ],
)
def test_compile_points__policy_at_fault__is_refused_by_path(treatment: dict[str, Any], fault: str) -> None:
    with pytest.raises(BundleInvalid, match=rf"experiments\[0\].variants.arm-1.*{fault}"):
        points_of(ab_point(treatment))


def test_compile_points__the_same_twice__is_refused() -> None:
    twice = ab_point(policy())["experiments"] * 2

    with pytest.raises(BundleInvalid, match="decision point 'home' appears twice"):
        points_of(point(), point())
    with pytest.raises(BundleInvalid, match="version 12 appears twice"):
        points_of(models=(MODEL, MODEL))
    with pytest.raises(BundleInvalid, match="experiment 1 appears twice"):
        points_of(point(experiments=twice))


@pytest.mark.parametrize("changes", [{"sha256": "../../etc/passwd"}, {"seal": ""}, {"size": -1}, {"model": None}])
def test_compile_points__model_at_fault__is_refused_by_path(changes: dict[str, Any]) -> None:
    with pytest.raises(BundleInvalid, match=rf"bundle.models\[0\].{next(iter(changes))}"):
        points_of(models=[MODEL | changes])


def test_compile_points__catalogue_that_is_no_file__is_refused() -> None:
    with pytest.raises(BundleInvalid, match=r"bundle\.catalogue\.sha256"):
        points_of(catalogue={"sha256": "short", "size": 1})
