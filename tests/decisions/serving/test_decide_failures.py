"""A decision when something is missing or fails: the baseline answers, with the reason."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from decisions.domain import PolicyKind
from decisions.policy import Indices, Scores
from decisions.serving.equipment import Equipment
from decisions.serving.known import Features
from decisions.serving.scoring import NotScored, Question
from decisions.vocabulary import DecisionReason, FeatureState
from models_registry.predictors.popularity import Popularity
from tests.decisions.published import (
    OUT_OF_STOCK,
    ab_point,
    policy,
)
from tests.decisions.serving.shops import AWAY, BASIC, EMPTY, RANKED, TREATED, bundle_of, decided, items, popularity
from tests.experiments.assignment.builders import arms, experiment


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


@pytest.mark.parametrize("reason", [DecisionReason.DEADLINE, DecisionReason.CIRCUIT_OPEN])
def test_decide__predictor_without_an_answer__is_the_baseline(reason: DecisionReason) -> None:
    def no_score(question: Question) -> Scores:
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
    class Broken(Popularity):
        def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
            scores: Scores = wrong
            return scores

    known = popularity()
    bundle = bundle_of(TREATED, at=ab_point(RANKED), predictor=Broken(known.items, known.popularity))
    decision = decided(bundle)

    assert (decision.policy, decision.reason) == (PolicyKind.BASELINE, DecisionReason.SCORES_INVALID)
    assert (items(decision), decision.enrolled) == (BASIC, True)


def test_decide__something_unforeseen__is_the_baseline_with_a_reason() -> None:
    def failing(question: Question) -> Scores:
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
