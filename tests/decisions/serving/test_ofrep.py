"""Flags evaluated on a live bundle: values, reasons, metadata, tokens and tags."""

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisions.serving.bundle import LiveBundle, open_bundle
from decisions.serving.flag_texts import FlagBook
from decisions.serving.known import NOTHING_KNOWN, Known, Linked
from decisions.serving.ofrep import (
    Occasion,
    Stamp,
    all_failed,
    asked_keys,
    evaluate_all,
    evaluate_one,
    one_failed,
    tag_of,
)
from decisions.serving.ofrep_requests import FlagContext, read_context
from decisions.serving.preview import read_preview, sign_preview
from decisions.serving.token import DecisionToken, verify_token
from decisions.vocabulary import BundleSource
from foundation.ids import hash_unit
from tests.decisions.published import PEPPER, companion, published
from tests.experiments.assignment.builders import AT, content, holdout, layer, variant
from tests.experiments.assignment.flag_builders import flag, setting

GERMANS = {"attribute": "country", "op": "eq", "value": "DE"}
REASONS = {"STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED", "UNKNOWN"}


def bundle_of(*experiments: Any, flags: Any, version: int = 7, **parts: Any) -> LiveBundle:
    whole = content(*experiments, version=version, **parts) | {"flags": list(flags)}
    return open_bundle(published(whole, companion()), source=BundleSource.POSTGRES)


def context_of(**members: object) -> FlagContext:
    return read_context(json.dumps({"context": members}).encode())


STAMP = Stamp("d-1")
DOUBTED = Stamp("d-1", "BUNDLE_STALE")


def occasion(bundle: LiveBundle, context: FlagContext, **changes: Any) -> Occasion:
    preview = read_preview(context.preview, bundle, now=AT)
    return Occasion(bundle, FlagBook(bundle), **{"at": AT, "preview": preview, **changes})


def one(bundle: LiveBundle, key: str, context: FlagContext, stamp: Stamp = STAMP, **changes: Any) -> dict[str, Any]:
    circumstances = occasion(bundle, context, **changes)
    found = bundle.snapshot.flags[key]
    evaluation = evaluate_one(found, asked_keys(found, context, circumstances.preview), context, circumstances, stamp)
    body: dict[str, Any] = json.loads(evaluation.body)
    assert evaluation.is_success == ("errorCode" not in body)
    return body


def every(bundle: LiveBundle, context: FlagContext, stamp: Stamp = STAMP, **changes: Any) -> dict[str, dict[str, Any]]:
    body = json.loads(evaluate_all(context, occasion(bundle, context, **changes), stamp))
    keys = [found["key"] for found in body["flags"]]
    assert sorted(keys) == sorted(bundle.snapshot.flags), "every flag once"
    return {found["key"]: found for found in body["flags"]}


def token_of(found: dict[str, Any], bundle: LiveBundle) -> DecisionToken:
    return verify_token(
        found["metadata"]["decision_token"], project_id=1, keys=bundle.signing_keys, now=AT, age=timedelta(days=1)
    )


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


def tag(bundle: LiveBundle, context: FlagContext, **changes: Any) -> str:
    return tag_of(context, occasion(bundle, context, **changes))


def test_tag__time_that_decides_nothing__does_not_change_it() -> None:
    bundle, context = bundle_of(flags=[flag("a")]), context_of(targetingKey="v")
    first = tag(bundle, context)
    assert tag(bundle, context, at=AT + timedelta(days=9)) == first


def test_tag__whatever_decides_the_flags__changes_it() -> None:
    def design(**changes: Any) -> Any:
        return setting(1, {}, {"a": True}, **changes)

    context = context_of(targetingKey="v")
    bundle = bundle_of(design(), flags=[flag("a")])
    early = bundle_of(design(epoch_opened_at=(AT + timedelta(hours=1)).isoformat()), flags=[flag("a")])
    tags = [
        tag(bundle, context),
        tag(bundle, context_of(targetingKey="w")),
        tag(bundle, context_of(targetingKey="v", personalised=False)),
        tag(bundle, context_of(targetingKey="v", country="DE")),
        tag(bundle, context_of(targetingKey="v", country="FR")),
        tag(bundle, context_of(targetingKey="v", preview="nonsense")),
        tag(bundle_of(design(), flags=[flag("a")], version=8), context),
        tag(bundle_of(design(), flags=[flag("a", default=True)]), context),
        tag(bundle, context, known=Known(sticky={1: "arm-1"})),
        tag(bundle, context, known=Known(sticky={1: "control"})),
        tag(bundle, context, known=Known(linked={1: Linked("x", "arm-1")})),
        tag(early, context),
        tag(early, context, at=AT + timedelta(hours=2)),
    ]
    assert len(set(tags)) == len(tags)


def test_tag__expired_preview__is_another_one() -> None:
    bundle = bundle_of(setting(1, {}, {"a": True}), flags=[flag("a")])
    text = sign_preview(project_id=1, experiment="experiment-1", variant="arm-1", expires=AT, keys=bundle.signing_keys)
    context = context_of(targetingKey="v", preview=text)
    later = read_preview(text, bundle, now=AT + timedelta(seconds=1))
    assert tag(bundle, context) != tag(bundle, context, preview=later)


def test_tag__units_by_period__follow_the_clock() -> None:
    calendar = {"anchor": AT.isoformat(), "minutes": 60, "design": "INDEPENDENT", "burn_in": 10}
    design = setting(1, {}, {"a": True}, unit_kind="item", period=calendar)
    bundle, context = bundle_of(design, flags=[flag("a")]), context_of(item="i-1")
    moments = [0, 5, 10, 30, 59, 60, 65, 70]
    tags = [tag(bundle, context, at=AT + timedelta(minutes=minutes)) for minutes in moments]
    assert [later == earlier for earlier, later in pairwise(tags)] == [
        True,
        False,
        True,
        True,
        False,
        True,
        False,
    ]


@st.composite
def bundles(draw: st.DrawFn) -> LiveBundle:
    """Return a bundle of flags with and without a layer, set by experiments of several kinds and states."""
    count = draw(st.integers(1, 5))
    cuts = [0, *sorted(draw(st.lists(st.integers(1, 999_999), min_size=count, max_size=count, unique=True))), 1_000_000]
    parameters = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 9))
    states = st.sampled_from(["RUNNING", "RUNNING", "PAUSED"])

    def design(number: int, **changes: Any) -> dict[str, Any]:
        return setting(
            number,
            draw(parameters),
            draw(parameters),
            status=draw(states),
            coverage=draw(st.sampled_from([1_000_000, 500_000])),
            audience=draw(st.sampled_from([None, GERMANS])),
            holdout=draw(st.sampled_from([None, 1])),
            **{"overrides": draw(st.sampled_from([{}, {"v-1": "arm-1"}])), **changes},
        )

    kinds = st.sampled_from(["visitor", "visitor", "customer"])
    layered = [
        design(n + 1, layer=1, layer_ranges=[[cuts[n], cuts[n + 1]]], unit_kind=draw(kinds)) for n in range(count)
    ]
    alone = design(count + 1, unit_kind=draw(kinds))
    for arm in alone["variants"]:
        arm["parameters"] = {f"free-{key}": value for key, value in arm["parameters"].items()}
    flags = [flag(key, "INTEGER", -1, layer=1) for key in "abc"]
    flags += [flag(f"free-{key}", "INTEGER", -1) for key in "abc"]
    return bundle_of(
        *layered,
        alone,
        flags=flags,
        layers=[layer(1)],
        holdouts=[holdout(1, share=draw(st.sampled_from([0, 500_000])))],
    )


MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "targetingKey": st.sampled_from(["v-1", "v-2", "v-3", "访客", ""]),
        "userId": st.sampled_from(["c-1", "c-2", "x" * 11_000]),
        "country": st.sampled_from(["DE", "FR"]),
        "personalised": st.booleans(),
    },
)


def meaning(found: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without its token, which says when and beside which other flags it was given."""
    metadata = {name: value for name, value in found["metadata"].items() if name != "decision_token"}
    return {**found, "metadata": metadata, "is_enrolled": "decision_token" in found["metadata"]}


@settings(max_examples=150)
@given(bundles(), MEMBERS)
def test_evaluate__any_bundle_and_context__all_at_once_is_one_by_one(
    bundle: LiveBundle, members: dict[str, Any]
) -> None:
    context = context_of(**members)
    found = every(bundle, context, known=NOTHING_KNOWN)
    for key, answer in found.items():
        assert meaning(answer) == meaning(one(bundle, key, context))
        if "errorCode" not in answer:
            assert answer["reason"] in REASONS
            assert type(answer["value"]) is int
            assert answer["variant"]
            assert all(type(value) in (str, int, float, bool) for value in answer["metadata"].values())


@settings(max_examples=100)
@given(bundles(), MEMBERS, st.randoms(use_true_random=False))
def test_evaluate__members_in_another_order__are_the_same_answer_and_tag(
    bundle: LiveBundle, members: dict[str, Any], random: Any
) -> None:
    names = list(members)
    random.shuffle(names)
    first, second = context_of(**members), context_of(**{name: members[name] for name in names})
    assert tag(bundle, first) == tag(bundle, second)
    answers = [{key: meaning(found) for key, found in every(bundle, c).items()} for c in (first, second)]
    assert answers[0] == answers[1]


@settings(max_examples=100)
@given(bundles(), MEMBERS, MEMBERS)
def test_tag__changed_context__is_changed(bundle: LiveBundle, first: dict[str, Any], second: dict[str, Any]) -> None:
    assert (tag(bundle, context_of(**first)) == tag(bundle, context_of(**second))) == (first == second)


def test_variant__without_slots__is_still_a_value() -> None:
    design = setting(1, {}, {}) | {"variants": [variant("control", [[0, 1_000_000]]) | {"parameters": {"a": True}}]}
    bundle = bundle_of(design, flags=[flag("a")])
    assert one(bundle, "a", context_of(targetingKey="v"))["value"] is True
