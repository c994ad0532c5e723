"""Flags evaluated on a live bundle: values, reasons, metadata, tokens and tags."""

import json
from datetime import timedelta
from typing import Any

import pytest

from decisions.serving.known import Known, Linked
from decisions.serving.ofrep import (
    all_failed,
    evaluate_all,
    one_failed,
)
from decisions.serving.preview import sign_preview
from foundation.ids import hash_unit
from tests.decisions.published import PEPPER
from tests.decisions.serving.evaluations import (
    DOUBTED,
    GERMANS,
    STAMP,
    bundle_of,
    context_of,
    every,
    occasion,
    one,
    token_of,
)
from tests.experiments.assignment.builders import AT, holdout, layer, variant
from tests.experiments.assignment.flag_builders import flag, setting


def test_evaluate_one__enrolled__has_all_that_strict_clients_need() -> None:
    bundle = bundle_of(setting(1, {"price": 20}, {"price": 25}), flags=[flag("price", "FLOAT", 18)])
    found = one(bundle, "price", context_of(targetingKey="v-1"))
    metadata = found.pop("metadata")
    expected = {"control": 20.0, "arm-1": 25.0}[found["variant"]]
    assert found == {"key": "price", "value": expected, "variant": found["variant"], "reason": "SPLIT"}
    assert type(found["value"]) is float
    metadata.pop("decision_token")
    assert metadata == {
        "reason": "SPLIT",
        "experiment": "experiment-1",
        "epoch": 1,
        "probability": 0.5,
        "bundle_version": 7,
        "decision_id": "d-1",
    }


def test_evaluate_one__enrolled__token_proves_this_experiment_alone() -> None:
    flags = [flag("a"), flag("b")]
    bundle = bundle_of(setting(1, {}, {"a": True}), setting(2, {}, {"b": True}), flags=flags)
    found = one(bundle, "b", context_of(targetingKey="v-1"))
    token = token_of(found, bundle)
    assert token.units == {"visitor": hash_unit(PEPPER, "visitor", "v-1")}
    assert (token.decision_id, token.bundle_version) == ("d-1", 7)
    assert [(entry.experiment_key, entry.variant) for entry in token.entries] == [("experiment-2", found["variant"])]


@pytest.mark.parametrize(
    ("changes", "members", "reason", "true_reason"),
    [
        ({"status": "PAUSED"}, {}, "DISABLED", "NOT_RUNNING"),
        ({"epoch_opened_at": "2027-01-01T00:00:00Z"}, {}, "STATIC", "NOT_STARTED"),
        ({"audience": GERMANS}, {"country": "FR"}, "STATIC", "AUDIENCE"),
        ({"coverage": 0}, {}, "STATIC", "COVERAGE"),
        ({"personalised": True}, {"personalised": False}, "STATIC", "PERSONALISATION_OFF"),
        ({"holdout": 1}, {}, "STATIC", "HOLDOUT"),
        ({"unit_kind": "customer"}, {}, "STATIC", "UNIT_MISSING"),
        ({"unit_kind": "item"}, {"item": 5}, "STATIC", "UNIT_INVALID"),
    ],
)
def test_evaluate__experiment_that_does_not_decide__leaves_the_default_and_says_why(
    changes: dict[str, Any], members: dict[str, Any], reason: str, true_reason: str
) -> None:
    designs, holdouts = setting(1, {"a": True}, {"a": True}, **changes), [holdout(1, share=1_000_000)]
    bundle = bundle_of(designs, flags=[flag("a")], holdouts=holdouts)
    context = context_of(targetingKey="v-1", **members)
    for found in (one(bundle, "a", context), every(bundle, context)["a"]):
        assert (found["value"], found["variant"], found["reason"]) == (False, "default", reason)
        assert found["metadata"] == {
            "reason": true_reason,
            "experiment": "experiment-1",
            "bundle_version": 7,
            "decision_id": "d-1",
        }


def test_evaluate__no_experiment__is_static_with_the_default() -> None:
    context = context_of()
    bundle = bundle_of(flags=[flag("banner", "OBJECT", {"text": "hi"})])
    for found in (one(bundle, "banner", context), every(bundle, context)["banner"]):
        assert (found["value"], found["variant"], found["reason"]) == ({"text": "hi"}, "default", "STATIC")
        assert found["metadata"]["reason"] == "NO_EXPERIMENT"
        assert "experiment" not in found["metadata"]


def test_evaluate__slot_that_nobody_holds__names_no_experiment() -> None:
    design = setting(1, {}, {"a": True}, layer=1, layer_ranges=[[0, 1]])
    bundle = bundle_of(design, flags=[flag("a", layer=1)], layers=[layer(1)])
    context = context_of(targetingKey="v-1")
    for found in (one(bundle, "a", context), every(bundle, context)["a"]):
        assert (found["variant"], found["metadata"]["reason"]) == ("default", "LAYER_TAKEN")
        assert "experiment" not in found["metadata"]


def test_evaluate__visitor_missing__fails_the_flags_that_need_one_and_no_other() -> None:
    bundle = bundle_of(
        setting(1, {}, {"a": True}),
        setting(2, {}, {"b": True}, unit_kind="customer"),
        setting(3, {}, {"paused": True}, status="PAUSED"),
        flags=[flag("a"), flag("b"), flag("paused"), flag("free")],
    )
    context = context_of(session="s")
    found = every(bundle, context)
    assert found["a"]["errorCode"] == "TARGETING_KEY_MISSING"
    assert found["a"]["errorDetails"]
    assert "value" not in found["a"]
    assert {key: found[key]["metadata"]["reason"] for key in ("b", "paused", "free")} == {
        "b": "UNIT_MISSING",
        "paused": "NOT_RUNNING",
        "free": "NO_EXPERIMENT",
    }
    assert one(bundle, "a", context) == found["a"]


def test_evaluate__tester_and_preview__show_the_variant_and_enrol_nobody() -> None:
    design = setting(1, {"a": False}, {"a": True}, overrides={"v-tester": "arm-1"}, audience=GERMANS)
    bundle = bundle_of(design, flags=[flag("a")])
    token = sign_preview(
        project_id=1,
        experiment="experiment-1",
        variant="arm-1",
        expires=AT + timedelta(hours=1),
        keys=bundle.signing_keys,
    )
    shown = {"OVERRIDE": context_of(targetingKey="v-tester"), "PREVIEW": context_of(targetingKey="v-1", preview=token)}
    for reason, context in shown.items():
        for found in (one(bundle, "a", context), every(bundle, context)["a"]):
            assert (found["value"], found["variant"], found["reason"]) == (True, "arm-1", "TARGETING_MATCH")
            assert found["metadata"]["reason"] == reason
            assert found["metadata"]["probability"] == 0.0
            assert "decision_token" not in found["metadata"]
            assert found["metadata"].get("preview") == ("APPLIED" if reason == "PREVIEW" else None)


def test_evaluate__preview_of_an_experiment_that_does_not_hold_the_slot__is_shown() -> None:
    first = setting(1, {}, {"a": 1}, layer=1, layer_ranges=[[0, 1]])
    second = setting(2, {}, {"a": 2}, layer=1, layer_ranges=[[1, 1_000_000]])
    bundle = bundle_of(first, second, flags=[flag("a", "INTEGER", 0, layer=1)], layers=[layer(1)])
    token = sign_preview(project_id=1, experiment="experiment-1", variant="arm-1", expires=AT, keys=bundle.signing_keys)
    context = context_of(targetingKey="v-1", preview=token)
    assert one(bundle, "a", context)["value"] == every(bundle, context)["a"]["value"] == 1


def test_evaluate_all__several_experiments__share_one_token_of_those_that_set_flags() -> None:
    flags = [flag("a"), flag("b"), flag("c"), flag("free")]
    bundle = bundle_of(
        setting(1, {}, {"a": True, "b": True}),
        setting(2, {}, {"c": True}, unit_kind="customer"),
        setting(3, {}, {"not-a-flag": True}),
        flags=flags,
    )
    found = every(bundle, context_of(targetingKey="v-1", userId="c-1"))
    tokens = {found[key]["metadata"]["decision_token"] for key in ("a", "b", "c")}
    assert len(tokens) == 1
    assert "decision_token" not in found["free"]["metadata"]
    token = token_of(found["a"], bundle)
    assert [entry.experiment_key for entry in token.entries] == ["experiment-1", "experiment-2"]
    assert token.units == {
        "visitor": hash_unit(PEPPER, "visitor", "v-1"),
        "customer": hash_unit(PEPPER, "customer", "c-1"),
    }


def test_evaluate_all__response_metadata__names_bundle_decision_and_doubt() -> None:
    bundle = bundle_of(flags=[])
    body = json.loads(evaluate_all(context_of(), occasion(bundle, context_of()), DOUBTED))
    assert body == {
        "flags": [],
        "metadata": {"bundle_version": 7, "decision_id": "d-1", "degraded": "BUNDLE_STALE"},
    }


def test_evaluate__bundle_may_be_stale__every_flag_says_so() -> None:
    bundle = bundle_of(setting(1, {}, {"a": True}), flags=[flag("a"), flag("free")])
    found = every(bundle, context_of(targetingKey="v"), DOUBTED)
    assert {entry["metadata"]["degraded"] for entry in found.values()} == {"BUNDLE_STALE"}


def test_evaluate__customer_alone__gets_what_the_visitor_met_with_a_token_of_both() -> None:
    bundle = bundle_of(setting(1, {}, {"a": True}), flags=[flag("a")])
    stored = hash_unit(PEPPER, "visitor", "v-1")
    known = Known(linked={1: Linked(stored, "arm-1")})
    context = context_of(userId="c-1")
    for found in (one(bundle, "a", context, known=known), every(bundle, context, known=known)["a"]):
        assert (found["value"], found["reason"], found["metadata"]["reason"]) == (True, "SPLIT", "STICKY")
        assert token_of(found, bundle).units["visitor"] == stored
    nothing = one(bundle, "a", context, known=Known(linked={}))
    assert (nothing["value"], nothing["metadata"]["reason"]) == (False, "ALIAS_UNKNOWN")


def test_evaluate__variants_met_before_cannot_be_looked_up__leaves_the_default() -> None:
    bundle = bundle_of(setting(1, {}, {"a": True}, sticky=True), flags=[flag("a")])
    context = context_of(targetingKey="v-1")
    found = one(bundle, "a", context)
    assert (found["value"], found["metadata"]["reason"]) == (False, "STICKY_UNAVAILABLE")
    kept = one(bundle, "a", context, known=Known(sticky={1: "arm-1"}))
    assert (kept["value"], kept["metadata"]["reason"]) == (True, "STICKY")


def test_failed__flags__have_their_defaults_and_an_unknown_reason() -> None:
    bundle = bundle_of(setting(1, {}, {"a": True}), flags=[flag("a"), flag("n", "INTEGER", 3)])
    circumstances = occasion(bundle, context_of())
    found = json.loads(all_failed(circumstances, STAMP))["flags"]
    assert [(entry["key"], entry["value"], entry["variant"], entry["reason"]) for entry in found] == [
        ("a", False, "default", "UNKNOWN"),
        ("n", 3, "default", "UNKNOWN"),
    ]
    assert json.loads(one_failed(bundle.snapshot.flags["n"], circumstances, STAMP).body) == found[1]
    assert found[0]["metadata"]["reason"] == "ENGINE_ERROR"


def test_variant__without_slots__is_still_a_value() -> None:
    design = setting(1, {}, {}) | {"variants": [variant("control", [[0, 1_000_000]]) | {"parameters": {"a": True}}]}
    bundle = bundle_of(design, flags=[flag("a")])
    assert one(bundle, "a", context_of(targetingKey="v"))["value"] is True
