"""What assignment promises whatever the bundle: checked on random bundles, paths and units."""

import random
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.assignment.engine import assign
from experiments.assignment.snapshot import Snapshot
from experiments.vocabulary import Reason
from tests.experiments.assignment.builders import (
    AT,
    SLOTS,
    arms,
    compiled,
    content,
    experiment,
    holdout,
    layer,
    variant,
)
from tests.experiments.assignment.test_targeting import AUDIENCES, HELD
from tests.golden import reference

UNITS = [f"unit-{number}" for number in range(200)]


def variants_of(snapshot: Snapshot, units: list[str], key: str = "experiment-1") -> dict[str, str | None]:
    """Return the variant of each unit that is enrolled."""
    found = {}
    for unit in units:
        (answer,) = assign({"visitor": unit}, {}, AT, None, snapshot, keys=[key])
        if answer.enrolled:
            found[unit] = answer.variant
    return found


@st.composite
def weights(draw: st.DrawFn) -> tuple[int, ...]:
    cuts = draw(st.lists(st.integers(0, SLOTS), min_size=1, max_size=4))
    points = [0, *sorted(cuts), SLOTS]
    return tuple(end - start for start, end in pairwise(points))


@given(weights(), st.lists(st.integers(0, SLOTS), min_size=2, max_size=6))
def test_ramp__any_path_of_coverage__adds_or_drops_units_and_moves_none(
    split: tuple[int, ...], path: list[int]
) -> None:
    before: dict[str, str | None] = {}
    smaller = -1
    for coverage in path:
        now = variants_of(compiled(experiment(1, coverage=coverage, variants=arms(*split))), UNITS)
        shared = before.keys() & now.keys()
        assert all(before[unit] == now[unit] for unit in shared)
        assert shared == (before.keys() if coverage >= smaller else now.keys())
        before, smaller = now, coverage


@given(weights(), st.data())
def test_ramp__arm_opened_or_closed__moves_no_unit_between_arms(split: tuple[int, ...], data: st.DataObject) -> None:
    states = [
        data.draw(st.lists(st.sampled_from(["OPEN", "CLOSED", "EMPTY"]), min_size=len(split), max_size=len(split)))
        for _ in range(2)
    ]
    first, second = (
        variants_of(
            compiled(experiment(1, variants=[a | {"state": s} for a, s in zip(arms(*split), path, strict=True)])), UNITS
        )
        for path in states
    )
    assert all(first[unit] == second[unit] for unit in first.keys() & second.keys())


@st.composite
def bundles(draw: st.DrawFn) -> dict[str, Any]:
    entries = []
    for identity in range(1, draw(st.integers(1, 5)) + 1):
        in_layer = draw(st.booleans())
        entries.append(
            experiment(
                identity,
                status=draw(st.sampled_from(["RUNNING", "RUNNING", "RUNNING", "PAUSED"])),
                unit_kind=draw(st.sampled_from(["visitor", "visitor", "customer", "store"])),
                layer=1 if in_layer else None,
                layer_ranges=[[(identity - 1) * 200_000, identity * 200_000]] if in_layer else [],
                holdout=draw(st.sampled_from([None, 1, 2])),
                audience=draw(st.none() | AUDIENCES),
                coverage=draw(st.sampled_from([0, 300_000, SLOTS])),
                personalised=draw(st.booleans()),
                variants=[
                    a | {"state": draw(st.sampled_from(["OPEN", "OPEN", "CLOSED", "EMPTY"]))}
                    for a in arms(*draw(weights()))
                ],
                overrides=draw(st.dictionaries(st.sampled_from(UNIT_IDS), st.just("control"), max_size=1)),
            )
        )
    shares = [holdout(1, share=300_000), holdout(2, share=300_000, unit_kind="customer")]
    return content(*entries, layers=[layer(1)], holdouts=shares)


UNIT_IDS = ["a", "b", "c", "用户", "caf\u00e9", "cafe\u0301", " ", "x" * 10_240]
ANY_UNIT = st.sampled_from([*UNIT_IDS, "", None, 5, "\ud800", "\0", "x" * 10_241])


@settings(max_examples=400)
@given(
    bundle=bundles(),
    units=st.dictionaries(st.sampled_from(["visitor", "customer", "store"]), ANY_UNIT),
    attributes=st.dictionaries(st.sampled_from("xyz"), HELD),
    sticky=st.dictionaries(st.integers(1, 5), st.sampled_from(["control", "arm-1", "gone"]), max_size=2),
    personalised=st.booleans(),
)
def test_assign__any_bundle_and_unit__agrees_with_the_naive_reference(
    bundle: dict[str, Any],
    units: dict[str, Any],
    attributes: dict[str, Any],
    sticky: dict[int, str],
    personalised: bool,
) -> None:
    snapshot = compiled(*bundle["experiments"], layers=bundle["layers"], holdouts=bundle["holdouts"])
    expected = {
        entry["key"]: reference.answer(
            bundle, entry, units, attributes, sticky=sticky.get(entry["id"]), personalised=personalised
        )
        for entry in bundle["experiments"]
    }

    named = assign(units, attributes, AT, sticky, snapshot, keys=list(expected), personalised=personalised)
    assert {a.experiment_key: (a.reason, a.variant) for a in named} == {
        key: (reason, variant) for key, (reason, variant, _) in expected.items()
    }
    for answer in named:
        if answer.enrolled or answer.reason in (Reason.COVERAGE, Reason.ARM_CLOSED):
            assert answer.slots == expected[answer.experiment_key][2]

    unnamed = assign(units, attributes, AT, sticky, snapshot, personalised=personalised)
    by_key = {answer.experiment_key: answer for answer in unnamed}
    assert len(by_key) == len(unnamed)
    for answer in named:
        if answer.experiment_key in by_key:
            other = by_key[answer.experiment_key]
            assert (other.reason, other.variant) == (answer.reason, answer.variant)
        else:
            assert not answer.enrolled
            assert answer.reason not in (Reason.SPLIT, Reason.STICKY, Reason.COVERAGE, Reason.OVERRIDE)


@given(st.permutations(["x", "y", "z", "country"]), AUDIENCES)
def test_assign__attributes_in_any_order__gives_the_same_answer(order: list[str], audience: dict[str, Any]) -> None:
    snapshot = compiled(experiment(1, audience=audience))
    values: dict[str, Any] = {"x": 1, "y": "DE", "z": 0.5, "country": "CN"}

    straight = assign({"visitor": "v"}, values, AT, None, snapshot, keys=["experiment-1"])
    shuffled = assign(
        {"visitor": "v"}, {name: values[name] for name in order}, AT, None, snapshot, keys=["experiment-1"]
    )

    assert straight[0].answer is shuffled[0].answer
    assert straight[0].slots == shuffled[0].slots


def test_layer__experiments_that_share_it__never_share_a_unit_and_leave_none_out() -> None:
    points = [0, 100_000, 350_000, 351_000, 900_000, SLOTS]
    parts = [experiment(n, layer=1, layer_ranges=[[start, end]]) for n, (start, end) in enumerate(pairwise(points), 1)]
    snapshot = compiled(*parts, layers=[layer(1)])

    met = set()
    for number in range(20_000):
        answers = assign({"visitor": f"unit-{number}"}, {}, AT, None, snapshot)
        assert len(answers) == 1
        met.add(answers[0].experiment_key)
        named = assign({"visitor": f"unit-{number}"}, {}, AT, None, snapshot, keys=list(snapshot.experiments))
        assert [a.experiment_key for a in named if a.enrolled] == [answers[0].experiment_key]
    assert met == set(snapshot.experiments)


def test_layers__two_of_them__split_independently() -> None:
    snapshot = compiled(
        experiment(1, layer=1, layer_ranges=[[0, 500_000]]),
        experiment(2, layer=1, layer_ranges=[[500_000, SLOTS]]),
        experiment(3, layer=2, layer_ranges=[[0, 500_000]]),
        experiment(4, layer=2, layer_ranges=[[500_000, SLOTS]]),
        layers=[layer(1), layer(2)],
    )
    table = np.zeros((2, 2))
    arm_table = np.zeros((2, 2))
    for number in range(50_000):
        first, second = assign({"visitor": f"unit-{number}"}, {}, AT, None, snapshot)
        table[first.experiment_key == "experiment-1", second.experiment_key == "experiment-3"] += 1
        arm_table[first.variant == "control", second.variant == "control"] += 1

    assert stats.chi2_contingency(table).pvalue > 1e-4
    assert stats.chi2_contingency(arm_table).pvalue > 1e-4


def test_coverage__a_fifth__takes_a_fifth_and_splits_it_as_planned() -> None:
    snapshot = compiled(experiment(1, coverage=200_000, variants=arms(700_000, 300_000)))

    enrolled = variants_of(snapshot, [f"unit-{number}" for number in range(100_000)])

    assert stats.binomtest(len(enrolled), 100_000, 0.2).pvalue > 1e-4
    treated = sum(arm == "arm-1" for arm in enrolled.values())
    assert stats.binomtest(treated, len(enrolled), 0.3).pvalue > 1e-4


def test_coverage__whatever_its_slot__leaves_the_arms_as_they_are() -> None:
    table = np.zeros((5, 2))
    snapshot = compiled(experiment(1, coverage=SLOTS - 1))
    for number in range(100_000):
        (answer,) = assign({"visitor": f"unit-{number}"}, {}, AT, None, snapshot)
        if answer.enrolled:
            assert answer.coverage_slot is not None
            table[answer.coverage_slot // 200_000, answer.variant == "control"] += 1

    assert stats.chi2_contingency(table).pvalue > 1e-4


@pytest.mark.parametrize("layered", [True, False])
def test_index__thousands_of_other_experiments__are_never_asked(layered: bool) -> None:
    asked = []
    place = {"layer": 1} if layered else {}
    entries = [
        experiment(
            n,
            audience={"attribute": "segment", "op": "in", "value": [f"s-{n}", "all"]},
            layer_ranges=[[n * 400, (n + 1) * 400]] if layered else [],
            **place,
        )
        for n in range(1, 2_001)
    ]
    snapshot = compiled(*entries, layers=[layer(1)])

    class Watched(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            asked.append(name)
            return super().get(name, default)

    answers = assign({"visitor": "v"}, Watched(segment="s-7"), AT, None, snapshot)

    assert len(asked) <= 2
    assert {answer.experiment_key for answer in answers} <= {"experiment-7"}


def test_sticky__weights_changed_under_known_units__moves_none_of_them() -> None:
    rng = random.Random(20260601)
    units = [f"unit-{number}" for number in range(2_000)]
    before = variants_of(compiled(experiment(1)), units)
    moved = [variant("control", [[0, 100_000]]), variant("arm-1", [[100_000, SLOTS]])]
    after = compiled(experiment(1, epoch=2, variants=moved))

    for unit in rng.sample(units, 500):
        (answer,) = assign({"visitor": unit}, {}, AT, {1: before[unit] or ""}, after)
        assert (answer.variant, answer.reason, answer.epoch) == (before[unit], Reason.STICKY, 2)
