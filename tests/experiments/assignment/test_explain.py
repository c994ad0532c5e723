"""Explanations: the last step comes to the engine's reason, whatever the bundle and the unit."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.engine import assign
from experiments.assignment.explain import Case, StepCode, explain
from experiments.vocabulary import Reason
from tests.experiments.assignment.builders import AT, arms, compiled, experiment, holdout, layer
from tests.experiments.assignment.test_engine_properties import ANY_UNIT, bundles
from tests.experiments.assignment.test_targeting import HELD


def case(*experiments: dict[str, Any], units: dict[str, Any] | None = None, **parts: Any) -> Case:
    shared = {name: parts.pop(name) for name in ("layers", "holdouts") if name in parts}
    key, audience = experiments[0]["key"], experiments[0]["audience"]
    values: dict[str, Any] = {"attributes": {}, "at": AT, "key": key, "audience": audience}
    bundle = compiled(*experiments, **shared)
    return Case(units={"visitor": "v-1"} if units is None else units, bundle=bundle, **(values | parts))


@settings(max_examples=300, deadline=None)
@given(
    bundle=bundles(),
    units=st.dictionaries(st.sampled_from(["visitor", "customer", "store"]), ANY_UNIT),
    attributes=st.dictionaries(st.sampled_from("xyz"), HELD),
    sticky=st.none() | st.dictionaries(st.integers(1, 5), st.sampled_from(["control", "arm-1", "", None]), max_size=3),
    linked=st.none() | st.dictionaries(st.integers(1, 5), st.sampled_from(["control", "arm-1", "gone"]), max_size=3),
    personalised=st.booleans(),
    is_sticky=st.booleans(),
)
def test_explain__any_bundle_and_unit__ends_with_the_reason_of_the_answer(
    bundle: dict[str, Any],
    units: dict[str, Any],
    attributes: dict[str, Any],
    sticky: dict[int, str | None] | None,
    linked: dict[int, str] | None,
    personalised: bool,
    is_sticky: bool,
) -> None:
    for entry in bundle["experiments"]:
        entry["sticky"] = is_sticky
    snapshot = compile_snapshot(bundle)
    for entry in bundle["experiments"]:
        found = explain(
            Case(
                units=units,
                attributes=attributes,
                at=AT,
                bundle=snapshot,
                key=entry["key"],
                audience=entry["audience"],
                sticky=sticky,
                linked=linked,
                personalised=personalised,
            )
        )
        (expected,) = assign(units, attributes, AT, sticky, snapshot, keys=[entry["key"]], personalised=personalised)
        assert found.steps[-1].reason is found.assignment.reason
        assert all(step.reason is None and step.text for step in found.steps[:-1])
        if units.get("visitor") or "customer" not in units:
            assert found.assignment == expected


def by_day(blackouts: list[list[int]]) -> dict[str, Any]:
    calendar = {"minutes": 1440, "design": "INDEPENDENT", "burn_in": 0, "anchor": "2026-01-01T00:00:00Z"}
    return {"unit_kind": "item", "period": calendar | {"blackouts": blackouts}}


@pytest.mark.parametrize(
    ("changes", "parts", "code", "reason"),
    [
        ({"status": "PAUSED"}, {}, StepCode.RUNNING, Reason.NOT_RUNNING),
        ({"overrides": {"v-1": "arm-1"}}, {}, StepCode.OVERRIDE, Reason.OVERRIDE),
        ({"epoch_opened_at": "2027-01-01T00:00:00Z"}, {}, StepCode.STARTED, Reason.NOT_STARTED),
        ({"personalised": True}, {"personalised": False}, StepCode.PERSONALISATION, Reason.PERSONALISATION_OFF),
        ({"holdout": 1}, {"holdouts": [holdout(1, share=999_999)]}, StepCode.HOLDOUT, Reason.HOLDOUT),
        ({"layer": 1}, {"layers": [layer(1)]}, StepCode.LAYER, Reason.LAYER_TAKEN),
        ({"coverage": 0}, {}, StepCode.COVERAGE, Reason.COVERAGE),
        (by_day([[0, 999]]), {"units": {"item": "i"}}, StepCode.BLACKOUT, Reason.BLACKOUT),
        (by_day([]), {"units": {"item": "i"}}, StepCode.VARIANT, Reason.SPLIT),
        ({"sticky": True}, {}, StepCode.STICKY, Reason.STICKY_UNAVAILABLE),
        ({"sticky": True}, {"sticky": {1: "arm-1"}}, StepCode.STICKY, Reason.STICKY),
        ({}, {}, StepCode.VARIANT, Reason.SPLIT),
        ({}, {"units": {}}, StepCode.UNIT, Reason.UNIT_MISSING),
        ({}, {"units": {"visitor": 5}}, StepCode.UNIT, Reason.UNIT_INVALID),
        ({}, {"units": {"customer": "c"}, "linked": {1: "arm-1"}}, StepCode.LINK, Reason.STICKY),
        ({}, {"units": {"customer": "c"}, "linked": {}}, StepCode.LINK, Reason.ALIAS_UNKNOWN),
        ({}, {"units": {"customer": "c"}}, StepCode.LINK, Reason.STICKY_UNAVAILABLE),
    ],
)
def test_explain__what_decides__is_the_last_step(
    changes: dict[str, Any], parts: dict[str, Any], code: StepCode, reason: Reason
) -> None:
    found = explain(case(experiment(1, **changes), **parts))

    assert (found.steps[-1].code, found.steps[-1].reason, found.assignment.reason) == (code, reason, reason)


def test_explain__audience__is_shown_condition_by_condition() -> None:
    wanted = {"attribute": "country", "op": "eq", "value": "DE"}
    many = {"attribute": "orders", "op": "gte", "value": 3}
    audience = {"all": [wanted, {"not": many}]}

    found = explain(case(experiment(1, audience=audience), attributes={"country": "DE", "orders": 5}))

    assert found.assignment.reason is Reason.AUDIENCE
    assert [(c.path, c.op, c.matches, c.held) for c in found.steps[-1].conditions] == [
        ("audience", "all", False, None),
        ("audience.all[0]", "eq", True, "DE"),
        ("audience.all[1]", "not", False, None),
        ("audience.all[1].not", "gte", True, 5),
    ]


def test_explain__layer_taken__names_the_owner() -> None:
    other = experiment(2, layer=1, layer_ranges=[[0, 1_000_000]])

    found = explain(case(experiment(1, layer=1, layer_ranges=[]), other, layers=[layer(1)]))

    assert found.steps[-1].facts["owner"] == "experiment-2"
    assert "experiment-2" in found.steps[-1].text


def test_explain__variant__names_slot_and_range() -> None:
    found = explain(case(experiment(1, variants=arms(250_000, 750_000))))

    owned: Any = found.steps[-1].facts["range"]
    assert owned[0] <= (found.assignment.variant_slot or 0) < owned[1]
    assert owned in [(0, 250_000), (250_000, 1_000_000)]


def test_explain__experiment_outside_the_bundle__says_so() -> None:
    found = explain(case(experiment(1), key="draft"))

    assert [step.reason for step in found.steps] == [Reason.UNKNOWN_EXPERIMENT]
