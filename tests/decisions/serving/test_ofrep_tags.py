"""Tags of all flags, and properties of any bundle and context: all at once is one by one, in any order."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from decisions.serving.bundle import LiveBundle
from decisions.serving.known import NOTHING_KNOWN, Known, Linked
from decisions.serving.ofrep import (
    tag_of,
)
from decisions.serving.ofrep_requests import FlagContext
from decisions.serving.preview import read_preview, sign_preview
from tests.decisions.serving.evaluations import GERMANS, REASONS, bundle_of, context_of, every, occasion, one
from tests.experiments.assignment.builders import AT, holdout, layer
from tests.experiments.assignment.flag_builders import flag, setting


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
