"""Deciding as a pure function: who chooses, what is filtered, and every reason for the baseline."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from decisions.domain import PolicyKind
from decisions.policy import Indices, Scores
from decisions.serving.bundle import LiveBundle, open_bundle
from decisions.serving.decide import NOT_ASKED, Decision, Features, decide
from decisions.serving.decision_requests import DecisionRequest, read_decision_request
from decisions.serving.equipment import Equipment, fit, read_catalogue
from decisions.serving.scoring import NotScored, Score, score_at_once
from decisions.vocabulary import BundleSource, DecisionReason, FeatureState
from experiments.assignment.engine import assign
from models_registry.predictors.popularity import Popularity
from models_registry.predictors.protocol import Predictor
from models_registry.vocabulary import PredictorKind
from tests.decisions.published import (
    ITEMS,
    OUT_OF_STOCK,
    ab_point,
    catalogue_bytes,
    companion,
    decision_content,
    file_record,
    model_record,
    point,
    policy,
    popularity_bytes,
    published,
)
from tests.experiments.assignment.builders import AT, arms, experiment

RANKED = policy("model_ranked", version=12)
SEEN = Features(FeatureState.AVAILABLE, ("item-10", "item-11"), ("item-29",))
EMPTY = Features(FeatureState.EMPTY)
AWAY = Features(FeatureState.UNAVAILABLE)
TREATED = experiment(1, variants=arms(0, 1_000_000))
"""Everybody gets arm-1."""
BEST = ["item-28", "item-27", "item-26", "item-25", "item-24"]
"""What the model of the tests shows to somebody who bought item-29."""
BASIC = ["item-00", "item-01", "item-02", "item-04", "item-05"]
"""What the baseline shows."""


def popularity(scores: Mapping[str, float] | None = None) -> Popularity:
    liked = {item: float(place) for place, item in enumerate(ITEMS)} if scores is None else scores
    return Popularity(tuple(liked), np.array(list(liked.values()), dtype=np.float32))


def bundle_of(
    *experiments: Mapping[str, Any],
    at: Mapping[str, Any],
    predictor: Predictor | None = None,
    catalogue: bytes | None = None,
) -> LiveBundle:
    """Return a bundle with one decision point and one model version, both ready."""
    raw = catalogue_bytes() if catalogue is None else catalogue
    record = model_record(12, popularity_bytes())
    content = decision_content(*experiments, points=[at], models=[record], catalogue=file_record(raw))
    bundle = open_bundle(published(content, companion()), source=BundleSource.POSTGRES)
    loaded = read_catalogue(raw)
    used = popularity() if predictor is None else predictor
    fitted = fit(bundle.points.models[12], used, {item: n for n, item in enumerate(used.items)}, loaded)
    return replace(bundle, equipment=Equipment(loaded, {12: fitted}))


def asked(bundle: LiveBundle, **parts: Any) -> DecisionRequest:
    body = {"units": {"visitor": "v-1"}} | parts
    return read_decision_request(json.dumps(body).encode(), bundle.points.by_key["home"])


def decided(bundle: LiveBundle, *, features: Features = SEEN, score: Score = score_at_once, **parts: Any) -> Decision:
    return decide(asked(bundle, **parts), bundle.points.by_key["home"], bundle, features, AT, score)


def items(decision: Decision) -> list[str]:
    return [action.item for action in decision.actions]


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


def control_point() -> dict[str, Any]:
    return point(experiments=[{"id": 1, "variants": {"control": policy()}}])


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


@pytest.mark.parametrize("weights", [(1_000_000, 0), (0, 1_000_000)])
@pytest.mark.parametrize("treatment", [RANKED, policy("fixed", actions=["item-20"])])
def test_decide__features_unavailable__is_the_baseline_for_every_variant_alike(
    weights: tuple[int, int], treatment: dict[str, Any]
) -> None:
    bundle = bundle_of(experiment(1, variants=arms(*weights)), at=ab_point(treatment))

    decision = decided(bundle, features=AWAY, context={"recent_items": ["item-01"]})

    assert (decision.policy, decision.reason) == (PolicyKind.BASELINE, DecisionReason.FEATURES_UNAVAILABLE)
    assert (items(decision), decision.enrolled) == (BASIC, True)


@pytest.mark.parametrize(
    ("features", "context"),
    [(EMPTY, {}), (EMPTY, {"recent_items": ["unknown"]}), (Features(FeatureState.AVAILABLE, ("unknown",)), {})],
)
def test_decide__nothing_known_of_the_unit__is_the_baseline(features: Features, context: dict[str, Any]) -> None:
    decision = decided(bundle_of(TREATED, at=ab_point(RANKED)), features=features, context=context)

    assert (decision.reason, items(decision)) == (DecisionReason.HISTORY_EMPTY, BASIC)
    assert decision.enrolled
    assert decision.model is not None


class Listening(Popularity):
    """Notes the history it was asked about, by item id."""

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        heard.append([self.items[place] for place in history])
        return super().score(history, candidates)


heard: list[list[str]] = []


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


@pytest.mark.parametrize("weights", [(1_000_000, 0), (0, 1_000_000)])
@pytest.mark.parametrize("parts", [{"candidates": []}, {"candidates": ["unknown"]}, {"candidates": [OUT_OF_STOCK]}])
def test_decide__no_candidates__has_no_actions_and_says_so(parts: dict[str, Any], weights: tuple[int, int]) -> None:
    bundle = bundle_of(experiment(1, variants=arms(*weights)), at=ab_point(RANKED))

    decision = decided(bundle, **parts)

    assert (decision.reason, decision.actions, decision.enrolled) == (DecisionReason.CANDIDATES_EMPTY, (), True)


def test_decide__no_catalogue__has_no_actions_and_keeps_the_assignment() -> None:
    bundle = replace(bundle_of(TREATED, at=ab_point(RANKED)), equipment=Equipment())

    decision = decided(bundle)

    assert (decision.reason, decision.actions, decision.enrolled) == (DecisionReason.CATALOGUE_MISSING, (), True)


def test_decide__model_not_loaded__is_the_baseline_and_names_the_version() -> None:
    bundle = bundle_of(TREATED, at=ab_point(RANKED))
    bundle = replace(bundle, equipment=replace(bundle.equipment, models={}))

    decision = decided(bundle)

    assert (decision.policy, decision.reason) == (PolicyKind.BASELINE, DecisionReason.MODEL_UNAVAILABLE)
    assert (items(decision), decision.enrolled) == (BASIC, True)
    assert decision.model is not None


def test_decide__model_that_knows_no_candidate__is_the_baseline() -> None:
    bundle = bundle_of(TREATED, at=ab_point(RANKED), predictor=popularity({"item-10": 1.0, "x": 2.0}))

    decision = decided(bundle, candidates=["item-00", "item-01"])

    assert (decision.reason, items(decision)) == (DecisionReason.MODEL_UNAVAILABLE, ["item-00", "item-01"])


@pytest.mark.parametrize("reason", [DecisionReason.DEADLINE, DecisionReason.MODEL_ERROR])
def test_decide__predictor_without_an_answer__is_the_baseline(reason: DecisionReason) -> None:
    def no_score(predictor: Predictor, history: Indices, candidates: Indices | None) -> Scores:
        raise NotScored(reason)

    decision = decided(bundle_of(TREATED, at=ab_point(RANKED)), score=no_score)

    assert (decision.policy, decision.reason, items(decision)) == (PolicyKind.BASELINE, reason, BASIC)
    assert decision.enrolled


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [1.0] * 30,
        np.zeros(29, dtype=np.float32),
        np.zeros((30, 1), dtype=np.float32),
        np.zeros(30, dtype=np.int64),
        np.full(30, np.nan, dtype=np.float32),
        np.full(30, np.inf, dtype=np.float32),
    ],
    ids=["none", "list", "short", "column", "integers", "nan", "infinite"],
)
def test_decide__scores_that_make_no_sense__are_the_baseline(wrong: Any) -> None:
    decision = decided(bundle_of(TREATED, at=ab_point(RANKED)), score=lambda *_: wrong)

    assert (decision.policy, decision.reason) == (PolicyKind.BASELINE, DecisionReason.SCORES_INVALID)
    assert (items(decision), decision.enrolled) == (BASIC, True)


def test_decide__something_unforeseen__is_the_baseline_with_a_reason() -> None:
    def failing(predictor: Predictor, history: Indices, candidates: Indices | None) -> Scores:
        raise ZeroDivisionError

    decision = decided(bundle_of(TREATED, at=ab_point(RANKED)), score=failing)

    assert (decision.policy, decision.reason) == (PolicyKind.BASELINE, DecisionReason.ENGINE_ERROR)
    assert (items(decision), decision.enrolled) == (BASIC, True)


@pytest.mark.parametrize("units", [{}, {"visitor": 5}, {"visitor": ""}, {"visitor": None}, {"visitor": "\0"}])
def test_decide__no_valid_unit__gets_the_champion_unenrolled(units: dict[str, Any]) -> None:
    decision = decided(bundle_of(TREATED, at=ab_point(RANKED)), units=units, features=EMPTY)

    assert (decision.reason, items(decision), decision.enrolled) == (DecisionReason.BASELINE, BASIC, False)
    assert decision.assignment is not None
    assert decision.assignment.reason in ("UNIT_MISSING", "UNIT_INVALID")


@pytest.mark.parametrize(("size", "count"), [(1, 1), (20, 20), (None, 5)])
def test_decide__size__is_what_was_asked_or_the_point_s_own(size: int | None, count: int) -> None:
    bundle = bundle_of(TREATED, at=ab_point(RANKED))

    assert len(decided(bundle, size=size).actions) == count
    assert len(decided(bundle, size=size, candidates=list(ITEMS[:4])).actions) == min(count, 3)


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


def test_decide__costly_predictor__is_asked_for_what_the_baseline_thinks_best() -> None:
    many = tuple(f"m-{number:04d}" for number in range(3_000))
    predictor = Costly(many)
    bundle = bundle_of(TREATED, at=ab_point(RANKED), predictor=predictor, catalogue=catalogue_bytes(many))

    decision = decided(bundle, features=Features(FeatureState.AVAILABLE, ("m-0001",)))

    assert predictor.asked == [1_000]
    assert items(decision) == ["m-0999", "m-0998", "m-0997", "m-0996", "m-0995"]
