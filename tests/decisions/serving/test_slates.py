"""Slates of which no two actions belong to one group: for every policy, with exact propensities."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.policies.best_arm import BestArm
from decisions.serving.bundle import LiveBundle
from decisions.serving.equipment import FittedLearner
from decisions.vocabulary import DecisionReason
from tests.decisions.published import ITEMS, ab_point, learner_record, policy
from tests.decisions.serving.shops import RANKED, TREATED, bundle_of, decided, items

THREES = np.arange(30, dtype=np.int64) // 3
"""item-00 to item-02 are one group, and so on."""


def grouped(bundle: LiveBundle, groups: Any = THREES) -> LiveBundle:
    """Return the bundle with a catalogue whose actions are grouped."""
    shelf = replace(bundle.equipment.shelves["recommendation"], groups=np.array(groups, dtype=np.int64))
    return replace(bundle, equipment=replace(bundle.equipment, shelves={"recommendation": shelf}))


@pytest.mark.parametrize(
    ("treatment", "expected"),
    [
        (policy(), ["item-00", "item-04", "item-06", "item-09", "item-12"]),
        (RANKED, ["item-28", "item-26", "item-23", "item-20", "item-17"]),
        (
            policy("fixed", actions=["item-20", "item-19", "item-01"]),
            ["item-20", "item-01", "item-04", "item-06", "item-09"],
        ),
    ],
)
def test_decide__grouped_actions__each_policy_shows_one_of_each_group(
    treatment: dict[str, Any], expected: list[str]
) -> None:
    decision = decided(grouped(bundle_of(TREATED, at=ab_point(treatment))))

    assert items(decision) == expected
    assert {action.propensity for action in decision.actions} == {1.0}


def test_decide__more_asked_for_than_there_are_groups__shows_one_of_each() -> None:
    decision = decided(grouped(bundle_of(TREATED, at=ab_point(RANKED))), size=20)

    assert len(decision.actions) == 10


def test_decide__actions_of_no_group__do_not_keep_each_other_out() -> None:
    decision = decided(grouped(bundle_of(TREATED, at=ab_point(RANKED)), [-1] * 28 + [5, 5]), size=4)

    assert items(decision) == ["item-28", "item-27", "item-26", "item-25"]


def test_decide__learner_with_groups__has_the_frequency_of_every_slate_as_its_propensities_say() -> None:
    best = np.zeros(30)
    best[[0, 1, 4]] = 0.5, 0.3, 0.2
    bundle = bundle_of(TREATED, at=ab_point(policy("learned", learner=5)), learners=[learner_record(5, b"state")])
    used = BestArm(best, np.zeros(30, dtype=np.float32), 0.1)
    learners = {5: FittedLearner(bundle.points.learners[5], used)}
    bundle = grouped(replace(bundle, equipment=replace(bundle.equipment, learners=learners)))
    parts: dict[str, Any] = {"size": 2, "candidates": ["item-00", "item-01", "item-04"]}

    told: dict[tuple[str, ...], float] = {}
    counts: Counter[tuple[str, ...]] = Counter()
    for number in range(3_000):
        decision = decided(bundle, decision_id=f"d-{number}", **parts)
        assert decision.reason == DecisionReason.LEARNED
        slate = tuple(items(decision))
        told[slate] = float(np.prod([action.propensity for action in decision.actions]))
        counts[slate] += 1

    assert set(told) == {("item-00", "item-04"), ("item-01", "item-04"), ("item-04", "item-00"), ("item-04", "item-01")}
    assert sum(told.values()) == pytest.approx(1.0)
    for slate, probability in told.items():
        deviation = (counts[slate] / 3_000 - probability) / np.sqrt(probability * (1.0 - probability) / 3_000)
        assert abs(deviation) < 4.5, slate


@given(groups=st.lists(st.integers(-1, 4), min_size=len(ITEMS), max_size=len(ITEMS)), size=st.integers(1, 20))
def test_decide__any_groups__no_two_of_one_and_none_left_out_that_could_be_shown(groups: list[int], size: int) -> None:
    decision = decided(grouped(bundle_of(TREATED, at=ab_point(RANKED)), groups), size=size)

    places = [ITEMS.index(item) for item in items(decision)]
    named = [groups[place] for place in places if groups[place] >= 0]
    assert len(set(named)) == len(named)
    free = [place for place in range(30) if place not in (3, 29)]
    most = sum(groups[place] < 0 for place in free) + len({groups[place] for place in free if groups[place] >= 0})
    assert len(places) == len(set(places)) == min(size, most)
