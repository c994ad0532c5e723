import copy
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.reading import BundleInvalid
from experiments.vocabulary import Reason
from tests.experiments.assignment.builders import arms, compiled, content, experiment, holdout, layer, variant


def changed(**changes: Any) -> dict[str, Any]:
    return content(experiment(1, **changes), layers=[layer(1)], holdouts=[holdout(1, share=10)])


HALF = [[0, 500_000]]
REST = [[500_000, 1_000_000]]


@pytest.mark.parametrize(
    ("bundle", "fault"),
    [
        (None, "bundle: must be an object"),
        ([], "bundle: must be an object"),
        (content() | {"schema": 4}, r"bundle\.schema: 4 cannot be read"),
        (content() | {"schema": True}, r"bundle\.schema: "),
        (content() | {"version": -1}, r"bundle\.version: "),
        (content() | {"project": None}, r"bundle\.project: "),
        (content() | {"project": {"id": "1", "key": "a"}}, r"bundle\.project\.id: "),
        (content() | {"experiments": {}}, r"bundle\.experiments: must be a list"),
        (content(layers=[layer(1), layer(1)]), r"bundle\.layers\[1\]\.id: layer 1 appears twice"),
        (content(holdouts=[holdout(1, share=1)] * 2), r"bundle\.holdouts\[1\]\.id: holdout 1 appears twice"),
        (content(holdouts=[holdout(1, share=1_000_001)]), r"bundle\.holdouts\[0\]\.share: "),
        (content(holdouts=[holdout(1, share=1, unit_kind="planet")]), r"bundle\.holdouts\[0\]\.unit_kind: "),
        (content(experiment(1), experiment(2, key="experiment-1")), r"bundle\.experiments\[1\]: .* appears twice"),
        (content(experiment(1), experiment(1, key="other")), r"bundle\.experiments\[1\]: .* appears twice"),
        (changed(key=""), r"experiments\[0\]\.key: "),
        (changed(salt=None), r"experiments\[0\]\.salt: "),
        (changed(salt="\ud800"), r"experiments\[0\]\.salt: contains a lone surrogate"),
        (changed(status="LIVE"), r"experiments\[0\]\.status: unknown status 'LIVE'"),
        (changed(unit_kind="planet"), r"experiments\[0\]\.unit_kind: unknown kind 'planet'"),
        (changed(layer=9), r"experiments\[0\]\.layer: there is no layer 9"),
        (changed(holdout=9), r"experiments\[0\]\.holdout: there is no holdout 9"),
        (changed(layer=1, layer_ranges=[[0, 10], [9, 20]]), r"layer_ranges: two ranges share slot 9"),
        (changed(layer=1, layer_ranges=[[0, 1_000_001]]), r"layer_ranges\[0\]: "),
        (changed(layer=1, layer_ranges=[[5, 5]]), r"layer_ranges\[0\]: "),
        (changed(layer=1, layer_ranges=[[0, 1, 2]]), r"layer_ranges\[0\]: "),
        (changed(layer=1, layer_ranges=[[False, 5]]), r"layer_ranges\[0\]: "),
        (changed(layer=1, layer_ranges=None), r"layer_ranges: must be a list"),
        (changed(audience={"all": []}), r"experiments\[0\]\.audience\.all: "),
        (changed(coverage=1_000_001), r"experiments\[0\]\.coverage: "),
        (changed(coverage=0.5), r"experiments\[0\]\.coverage: "),
        (changed(epoch="1"), r"experiments\[0\]\.epoch: "),
        (changed(epoch_opened_at="soon"), r"epoch_opened_at: must be an ISO 8601 time"),
        (changed(epoch_opened_at="2026-01-01T00:00:00"), r"epoch_opened_at: must carry a time zone"),
        (changed(personalised=0), r"experiments\[0\]\.personalised: "),
        (changed(variants=[]), r"variants: must have exactly one control, not 0"),
        (changed(variants=[variant("a", [[0, 1_000_000]])]), r"exactly one control, not 0"),
        (changed(variants=[variant("control", HALF), variant("b", REST, control=True)]), r"exactly one control, not 2"),
        (changed(variants=[variant("control", HALF), variant("control", REST)]), r"variants\[1\]\.key: .* twice"),
        (changed(variants=arms(500_000, 400_000)), r"variants: weights sum to 900000, not to 1000000"),
        (changed(variants=[variant("control", HALF), variant("b", HALF)]), r"variants: two ranges share slot 0"),
        (
            changed(variants=[variant("control", HALF), variant("b", REST, weight=1)]),
            r"variants\[1\]\.ranges: do not add up",
        ),
        (
            changed(variants=[variant("control", HALF), variant("b", REST, state="HALF_OPEN")]),
            r"variants\[1\]\.state: ",
        ),
        (
            changed(variants=[variant("control", HALF), variant("b", REST, parameters=[])]),
            r"variants\[1\]\.parameters: ",
        ),
        (changed(overrides={"v": "nobody"}), r"overrides: 'nobody' is not a variant"),
        (changed(overrides={"v": ["control"]}), r"overrides: "),
        (changed(overrides=[]), r"overrides: must be an object"),
        (
            content(
                experiment(1, layer=1, layer_ranges=[[0, 10]]),
                experiment(2, layer=1, layer_ranges=[[9, 20]]),
                layers=[layer(1)],
            ),
            r"layers: 'experiment-1' and 'experiment-2' share slot 9 of layer 1",
        ),
    ],
)
def test_compile_snapshot__malformed__names_the_path(bundle: object, fault: str) -> None:
    with pytest.raises(BundleInvalid, match=fault):
        compile_snapshot(bundle)


def _paths(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        items: Any = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return found
    for key, item in items:
        found += _paths(item, (*path, key))
    return found


WHOLE = content(
    experiment(1, layer=1, layer_ranges=[[0, 10]], holdout=1, overrides={"qa": "arm-1"}),
    experiment(2, coverage=5),
    layers=[layer(1)],
    holdouts=[holdout(1, share=5)],
)
NEVER_REFUSED = {"parameters", "audience", "holdout", "layer", "layer_ranges", "overrides"}
PATHS = [path for path in _paths(WHOLE) if not NEVER_REFUSED & set(path)]


@given(st.sampled_from(PATHS), st.sampled_from([None, -1, 1.5, [], {"a": 1}, True]))
def test_compile_snapshot__any_value_of_a_wrong_type__is_refused_not_crashed_on(
    path: tuple[Any, ...], junk: object
) -> None:
    bundle = copy.deepcopy(WHOLE)
    target: Any = bundle
    for step in path[:-1]:
        target = target[step]
    assume(type(target[path[-1]]) is not type(junk))
    target[path[-1]] = junk

    with pytest.raises(BundleInvalid):
        compile_snapshot(bundle)


def test_compile_snapshot__empty_bundle__has_no_experiments() -> None:
    snapshot = compiled(version=7)

    assert (snapshot.project_id, snapshot.project_key, snapshot.version) == (1, "shop", 7)
    assert dict(snapshot.experiments) == {}
    assert snapshot.plans == ()


def test_compile_snapshot__parameters__cannot_be_changed_by_a_caller() -> None:
    control = variant("control", [[0, 1_000_000]], parameters={"colours": ["red", {"a": 1}]})
    snapshot = compiled(experiment(1, variants=[control]))

    parameters: Any = snapshot.experiments["experiment-1"].variants["control"].parameters
    assert parameters["colours"][0] == "red"
    with pytest.raises(TypeError):
        parameters["colours"] = []
    with pytest.raises(TypeError):
        parameters["colours"][1]["a"] = 2


def test_compile_snapshot__equal_audiences__are_one_predicate() -> None:
    audience = {"attribute": "country", "op": "eq", "value": "DE"}
    other = {"attribute": "country", "op": "eq", "value": "AT"}
    snapshot = compiled(
        experiment(1, audience=audience), experiment(2, audience=dict(audience)), experiment(3, audience=other)
    )

    first, second, third = snapshot.experiments.values()
    assert first.admits is second.admits
    assert first.admits is not third.admits


def test_compile_snapshot__one_and_true__are_different_audiences() -> None:
    snapshot = compiled(
        experiment(1, audience={"attribute": "x", "op": "eq", "value": 1}),
        experiment(2, audience={"attribute": "x", "op": "eq", "value": True}),
    )

    one, true = (entry.admits for entry in snapshot.experiments.values())
    assert one is not None
    assert true is not None
    assert (one({"x": 1}), one({"x": True}), true({"x": 1}), true({"x": True})) == (True, False, False, True)


def test_compile_snapshot__experiment_that_is_not_running__keeps_its_slots_of_the_layer() -> None:
    paused = experiment(1, layer=1, layer_ranges=[[0, 10]], status="PAUSED")
    running = experiment(2, layer=1, layer_ranges=[[5, 15]])

    with pytest.raises(BundleInvalid, match="share slot 5"):
        compiled(paused, running, layers=[layer(1)])


def test_compile_snapshot__json_of_the_publisher__reads_back() -> None:
    snapshot = compile_snapshot(json.loads(json.dumps(WHOLE)))

    assert snapshot.experiments["experiment-1"].refused[Reason.HOLDOUT].variant == "control"
