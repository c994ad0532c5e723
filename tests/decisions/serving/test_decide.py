"""Deciding as a pure function: who chooses, what is filtered, and every reason for the baseline."""

from typing import Any

import numpy as np
import pytest

from decisions.domain import PolicyKind
from decisions.policy import Indices, Scores
from decisions.serving.known import NOT_ASKED, Features
from decisions.vocabulary import DecisionReason, FeatureState
from experiments.assignment.engine import assign
from models_registry.predictors.popularity import Popularity
from models_registry.vocabulary import PredictorKind
from tests.decisions.published import (
    ITEMS,
    OUT_OF_STOCK,
    ab_point,
    catalogue_bytes,
    point,
    policy,
)
from tests.decisions.serving.shops import BASIC, EMPTY, RANKED, TREATED, bundle_of, decided, items, popularity
from tests.experiments.assignment.builders import AT, arms, experiment

BEST = ["item-28", "item-27", "item-26", "item-25", "item-24"]


def control_point() -> dict[str, Any]:
    return point(experiments=[{"id": 1, "variants": {"control": policy()}}])


class Listening(Popularity):
    """Notes the history it was asked about, by item id."""

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        heard.append([self.items[place] for place in history])
        return super().score(history, candidates)


heard: list[list[str]] = []


class Costly:
    """A predictor that is asked for few items only; it likes the later ones."""

    kind = PredictorKind.RANKING_NETWORK

    def __init__(self, items: tuple[str, ...]) -> None:
        self.items = items
        self.asked: list[int] = []

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        assert candidates is not None
        self.asked.append(len(candidates))
        return candidates.astype(np.float32)


def test_decide__enrolled_in_the_model_s_variant__is_ranked_by_its_scores() -> None:
    decision = decided(bundle_of(TREATED, at=ab_point(RANKED)))

    assert (decision.policy, decision.reason) == (PolicyKind.MODEL_RANKED, DecisionReason.MODEL)
    assert items(decision) == BEST
    assert [action.score for action in decision.actions] == [28.0, 27.0, 26.0, 25.0, 24.0]
    assert {action.propensity for action in decision.actions} == {1.0}
    assert decision.enrolled
    assert decision.assignment is not None
    assert (decision.assignment.variant, decision.assignment.probability) == ("arm-1", 1.0)
    assert decision.model is not None
    assert (decision.model.version, decision.candidates, decision.history) == (12, 28, 2)


def test_decide__control__is_the_baseline_and_enrolled_all_the_same() -> None:
    decision = decided(bundle_of(experiment(1, variants=arms(1_000_000)), at=control_point()))

    assert (decision.policy, decision.reason, decision.model) == (PolicyKind.BASELINE, DecisionReason.BASELINE, None)
    assert items(decision) == BASIC
    assert decision.enrolled


def test_decide__same_question__has_the_same_answer() -> None:
    bundle = bundle_of(experiment(1), at=ab_point(RANKED))

    for visitor in ("v-1", "v-2", "v-3", "v-4"):
        first, second = (decided(bundle, units={"visitor": visitor}) for _ in range(2))
        assert (first.actions, first.reason) == (second.actions, second.reason)


def test_decide__many_visitors__get_the_variant_that_the_engine_draws() -> None:
    bundle = bundle_of(experiment(1), at=ab_point(RANKED))
    shown = set()
    for number in range(200):
        units = {"visitor": f"v-{number}"}
        (drawn,) = assign(units, {}, AT, None, bundle.snapshot, keys=("experiment-1",))
        decision = decided(bundle, units=units)
        assert decision.assignment is not None
        assert (decision.assignment.variant, decision.assignment.slots) == (drawn.variant, drawn.slots)
        expected = DecisionReason.MODEL if drawn.variant == "arm-1" else DecisionReason.BASELINE
        assert decision.reason == expected
        shown.add(drawn.variant)
    assert shown == {"control", "arm-1"}


def test_decide__fixed_policy__shows_its_items_and_fills_up_from_the_baseline() -> None:
    fixed = policy("fixed", actions=["item-20", OUT_OF_STOCK, "unknown", "item-29", "item-01"])
    decision = decided(bundle_of(TREATED, at=ab_point(fixed)))

    assert (decision.policy, decision.reason) == (PolicyKind.FIXED, DecisionReason.FIXED)
    assert items(decision) == ["item-20", "item-01", "item-00", "item-02", "item-04"]
    assert [action.score for action in decision.actions] == [0.0, 0.0, None, None, None]


def test_decide__model_that_knows_few_items__is_filled_up_from_the_baseline() -> None:
    model = popularity({"item-07": 1.0, "gone": 9.0, "item-10": 3.0, "item-29": 5.0})
    decision = decided(bundle_of(TREATED, at=ab_point(RANKED), predictor=model))

    assert decision.reason == DecisionReason.MODEL
    assert items(decision) == ["item-10", "item-07", "item-00", "item-01", "item-02"]
    assert [action.score for action in decision.actions] == [3.0, 1.0, None, None, None]


@pytest.mark.parametrize(
    ("coverage", "audience", "reason"),
    [
        (0, None, "COVERAGE"),
        (1_000_000, {"attribute": "country", "op": "eq", "value": "FR"}, "AUDIENCE"),
    ],
)
def test_decide__outside_the_experiment__follows_the_champion(coverage: int, audience: Any, reason: str) -> None:
    champions = [
        {"version": 12, "audience": {"attribute": "country", "op": "eq", "value": "DE"}, "unit_kind": "visitor"}
    ]
    outside = experiment(1, coverage=coverage, audience=audience)
    bundle = bundle_of(outside, at=ab_point(policy(), champions=champions))

    served = decided(bundle, attributes={"country": "DE"})
    other = decided(bundle, attributes={"country": "IT"})

    assert (served.reason, items(served)) == (DecisionReason.MODEL, BEST)
    assert (other.reason, items(other), other.model) == (DecisionReason.BASELINE, BASIC, None)
    for decision in (served, other):
        assert not decision.enrolled
        assert decision.assignment is not None
        assert (decision.assignment.reason, decision.assignment.variant) == (reason, "control")


def test_decide__no_experiment__has_no_assignment() -> None:
    decision = decided(bundle_of(at=point()))

    assert (decision.assignment, decision.reason, items(decision)) == (None, DecisionReason.BASELINE, BASIC)


def test_decide__two_experiments__the_first_that_takes_the_unit_decides() -> None:
    first, second = experiment(1, coverage=0), experiment(2, variants=arms(0, 1_000_000))
    both = point(
        experiments=[
            {"id": 1, "variants": {"control": policy(), "arm-1": policy()}},
            {"id": 2, "variants": {"control": policy(), "arm-1": RANKED}},
        ]
    )
    decision = decided(bundle_of(first, second, at=both))

    assert decision.assignment is not None
    assert (decision.assignment.experiment_key, decision.reason) == ("experiment-2", DecisionReason.MODEL)


def test_decide__override__decides_and_enrols_nobody() -> None:
    tested = experiment(1, overrides={"v-1": "arm-1"}, coverage=0)
    decision = decided(bundle_of(tested, at=ab_point(RANKED)))

    assert (decision.reason, items(decision), decision.enrolled) == (DecisionReason.MODEL, BEST, False)


@pytest.mark.parametrize("overrides", [{}, {"v-1": "arm-1"}])
def test_decide__personalisation_off__is_the_baseline_and_enrols_nobody_whatever_the_experiment_says(
    overrides: dict[str, str],
) -> None:
    forgetful = experiment(1, variants=arms(0, 1_000_000), personalised=False, overrides=overrides)
    bundle = bundle_of(forgetful, at=ab_point(RANKED, champions=[{"version": 12}]))

    decision = decided(bundle, features=NOT_ASKED, personalised=False, context={"recent_items": ["item-01"]})

    assert (decision.policy, decision.reason) == (PolicyKind.BASELINE, DecisionReason.PERSONALISATION_OFF)
    assert (items(decision), decision.history, decision.model) == (BASIC, 0, None)
    assert decision.assignment is not None
    assert (decision.enrolled, decision.assignment.reason) == (False, "PERSONALISATION_OFF")


def test_decide__point_that_is_not_personal__does_not_mind_personalisation_off() -> None:
    fixed = policy("fixed", actions=["item-20"])
    bundle = bundle_of(TREATED, at=ab_point(fixed, personal=False))

    decision = decided(bundle, features=NOT_ASKED, personalised=False)

    assert (decision.reason, items(decision)[0], decision.enrolled) == (DecisionReason.FIXED, "item-20", True)


def test_decide__recent_items_of_the_storefront__come_first_and_once() -> None:
    liked = popularity()
    heard.clear()
    bundle = bundle_of(TREATED, at=ab_point(RANKED), predictor=Listening(liked.items, liked.popularity))

    decision = decided(bundle, context={"recent_items": ["item-11", "item-05", "item-05", "unknown"]})
    alone = decided(bundle, features=EMPTY, context={"recent_items": ["item-05"]})

    assert heard == [["item-11", "item-05", "item-10"], ["item-05"]]
    assert (decision.reason, decision.history, decision.unknown_items) == (DecisionReason.MODEL, 3, 1)
    assert (alone.reason, alone.history) == (DecisionReason.MODEL, 1)


def test_decide__point_that_is_not_personal__reads_what_the_storefront_says_of_the_moment() -> None:
    bundle = bundle_of(TREATED, at=ab_point(RANKED, personal=False))

    for personalised in (True, False):
        parts = {"context": {"recent_items": ["item-05"]}, "personalised": personalised}
        decision = decided(bundle, features=NOT_ASKED, **parts)
        assert (decision.reason, decision.history) == (DecisionReason.MODEL, 1)
    assert decided(bundle, features=NOT_ASKED).reason == DecisionReason.HISTORY_EMPTY


def test_decide__filters__leave_out_stock_bought_excluded_and_what_is_no_candidate() -> None:
    bundle = bundle_of(TREATED, at=ab_point(RANKED))
    bought = Features(FeatureState.AVAILABLE, ("item-10",), ("item-29", "gone"))

    decision = decided(
        bundle,
        features=bought,
        candidates=["item-29", "item-28", "item-27", OUT_OF_STOCK, "item-02", "nowhere"],
        context={"exclude": ["item-27", "elsewhere"]},
    )

    assert items(decision) == ["item-28", "item-02"]
    assert (decision.candidates, decision.unknown_items) == (2, 2)


@pytest.mark.parametrize(("size", "count"), [(1, 1), (20, 20), (None, 5)])
def test_decide__size__is_what_was_asked_or_the_point_s_own(size: int | None, count: int) -> None:
    bundle = bundle_of(TREATED, at=ab_point(RANKED))

    assert len(decided(bundle, size=size).actions) == count
    assert len(decided(bundle, size=size, candidates=list(ITEMS[:4])).actions) == min(count, 3)


def test_decide__costly_predictor__is_asked_for_what_the_baseline_thinks_best() -> None:
    many = tuple(f"m-{number:04d}" for number in range(3_000))
    predictor = Costly(many)
    bundle = bundle_of(TREATED, at=ab_point(RANKED), predictor=predictor, catalogue=catalogue_bytes(many))

    decision = decided(bundle, features=Features(FeatureState.AVAILABLE, ("m-0001",)))

    assert predictor.asked == [1_000]
    assert items(decision) == ["m-0999", "m-0998", "m-0997", "m-0996", "m-0995"]
