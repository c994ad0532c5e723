"""Learning policies at a decision point: exact propensities, the holdback, and every reason for the baseline."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from decisions.domain import PolicyKind
from decisions.moment import Catalogue, Moment
from decisions.policies.best_arm import BestArm
from decisions.policy import Choices, Floats, Indices, Policy, Scores, Slate
from decisions.registry import domain_of
from decisions.serving import choosing
from decisions.serving.bundle import LiveBundle
from decisions.serving.equipment import FittedLearner
from decisions.serving.learners import is_held_back, seed_of
from decisions.serving.scoring import NotScored, Question
from decisions.vocabulary import DecisionReason
from models_registry.predictors.protocol import Predictor
from tests.decisions.published import ITEMS, ab_point, learner_record, point, policy
from tests.decisions.serving.shops import AWAY, BASIC, EMPTY, RANKED, TREATED, bundle_of, decided, items, popularity
from tests.experiments.assignment.builders import arms, experiment

LEARNED = policy("learned", learner=5)
LEARNER_POINT = ab_point(LEARNED)
UNIFORM = np.full(len(ITEMS), 1.0 / len(ITEMS))


class Noting:
    """A policy that notes what it may choose from and takes the first."""

    def __init__(self) -> None:
        self.choices: list[Choices] = []

    def choose(self, choices: Choices, *, size: int) -> Slate:
        self.choices.append(choices)
        chosen = choices.candidates[:size]
        rows = None if choices.features is None else choices.features[:size]
        return Slate(chosen, (0.5,) * len(chosen), np.zeros(len(chosen), dtype=np.float32), rows)


def learning(
    *experiments: Any,
    at: Any = LEARNER_POINT,
    drawn_by: Policy | None = None,
    hooks: Any = None,
    predictor: Predictor | None = None,
    **record: Any,
) -> LiveBundle:
    """Return a bundle whose point has the learning policy 5; `hooks` are those of the domain that are changed."""
    bundle = bundle_of(*experiments, at=at, predictor=predictor, learners=[learner_record(5, b"state", **record)])
    known = bundle.points.learners[5]
    used = BestArm(UNIFORM, np.zeros(len(ITEMS), dtype=np.float32), known.floor) if drawn_by is None else drawn_by
    if hooks:
        domain = domain_of("recommendation")
        home = replace(bundle.points.by_key["home"], domain=replace(domain, hooks=replace(domain.hooks, **hooks)))
        bundle = replace(bundle, points=replace(bundle.points, by_key={"home": home}))
    return replace(bundle, equipment=replace(bundle.equipment, learners={5: FittedLearner(known, used)}))


def test_decide__variant_with_a_learner__draws_with_its_propensities_and_names_its_state() -> None:
    decision = decided(learning(TREATED))

    assert (decision.policy, decision.reason) == (PolicyKind.LEARNED, DecisionReason.LEARNED)
    assert decision.learner is not None
    assert (decision.learner.key, decision.state, decision.enrolled) == ("home-learner", 3, True)
    assert len(set(items(decision))) == 5
    expected = [1.0 / (28 - place) for place in range(5)]
    assert [action.propensity for action in decision.actions] == pytest.approx(expected)


def test_decide__learner__draws_by_the_decision_s_id_alone() -> None:
    bundle = learning(TREATED)

    same = {tuple(items(decided(bundle, decision_id="one", units={"visitor": f"v-{n}"}))) for n in range(5)}
    other = {tuple(items(decided(bundle, decision_id=f"d-{n}"))) for n in range(5)}

    assert (len(same), len(other)) == (1, 5)


def test_decide__learner_s_propensity__is_the_frequency_over_decisions() -> None:
    best = np.zeros(len(ITEMS))
    best[[0, 1, 2]] = 0.6, 0.3, 0.1
    bundle = learning(TREATED, drawn_by=BestArm(best, np.zeros(len(ITEMS), dtype=np.float32), 0.1))
    parts: dict[str, Any] = {"size": 1, "candidates": ["item-00", "item-01", "item-02"]}

    first = [decided(bundle, decision_id=f"d-{n}", **parts).actions[0] for n in range(3_000)]

    told = {action.item: action.propensity for action in first}
    assert told == pytest.approx(
        {"item-00": 0.1 / 3 + 0.9 * 0.6, "item-01": 0.1 / 3 + 0.9 * 0.3, "item-02": 0.1 / 3 + 0.9 * 0.1}
    )
    counts = Counter(action.item for action in first)
    for item, propensity in told.items():
        deviation = (counts[item] / 3_000 - propensity) / np.sqrt(propensity * (1.0 - propensity) / 3_000)
        assert abs(deviation) < 4.5, item


@pytest.mark.parametrize("version", [None, 12])
def test_decide__more_candidates_than_are_judged__propensities_are_of_those_that_were_drawn_from(
    version: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "MOST_LEARNED", 3)
    best = np.zeros(len(ITEMS))
    best[[0, 1, 26, 27, 28]] = 0.2, 0.3, 0.1, 0.15, 0.25
    at = ab_point(policy("learned", learner=5, version=version))
    bundle = learning(TREATED, at=at, drawn_by=BestArm(best, np.zeros(len(ITEMS), dtype=np.float32), 0.1))

    slates = [decided(bundle, decision_id=f"d-{n}", size=2).actions for n in range(300)]
    told = {tuple(action.item for action in slate): [action.propensity for action in slate] for slate in slates}
    left = {item: float(best[place]) for place, item in enumerate(ITEMS)}
    drawn = set(BASIC[:3]) if version is None else {"item-26", "item-27", "item-28"}

    assert {item for slate in told for item in slate} == drawn
    assert sum(first * second for first, second in told.values()) == pytest.approx(1.0)
    for (first, _), (propensity, _) in told.items():
        total = sum(left[item] for item in drawn)
        share = left[first] / total
        assert propensity == pytest.approx(0.1 / 3 + 0.9 * share)


def test_decide__outside_experiments__the_point_s_learner_serves_in_place_of_the_champion() -> None:
    noting = Noting()
    bundle = learning(at=point(learner=5, champions=[{"version": 12}]), drawn_by=noting)

    decision = decided(bundle)

    assert (decision.reason, decision.assignment, decision.enrolled) == (DecisionReason.LEARNED, None, False)
    assert decision.model is not None
    assert decision.model.version == 12
    scores = noting.choices[0].scores
    assert scores is not None
    assert scores.tolist() == noting.choices[0].candidates.tolist(), "it may read the champion's scores"


@pytest.mark.parametrize("at", [LEARNER_POINT, point(learner=5)])
def test_decide__unit_of_the_holdback__always_gets_the_baseline_and_counts_for_its_variant(at: Any) -> None:
    bundle = learning(*([TREATED] if at is LEARNER_POINT else []), at=at, holdback=0.3)
    record = bundle.points.learners[5]

    for number in range(300):
        visitor = f"v-{number}"
        decision = decided(bundle, units={"visitor": visitor}, decision_id=f"d-{number}")
        held = is_held_back(record, visitor.encode())
        assert decision.is_held_back is held
        assert decision.reason == (DecisionReason.HOLDBACK if held else DecisionReason.LEARNED)
        assert (items(decision) == BASIC and decision.state is None) or not held
        assert decision.enrolled is (at is LEARNER_POINT)


def test_is_held_back__shares_and_salts__hold_back_as_many_and_others() -> None:
    bundle = learning(TREATED, holdback=0.2)
    record = bundle.points.learners[5]
    units = [f"v-{number}".encode() for number in range(10_000)]

    held = {unit for unit in units if is_held_back(record, unit)}
    more = {unit for unit in units if is_held_back(replace(record, holdback=0.4), unit)}
    other = {unit for unit in units if is_held_back(replace(record, salt="another"), unit)}

    assert len(held) / 10_000 == pytest.approx(0.2, abs=0.02)
    assert held < more
    assert len(held & other) / 10_000 == pytest.approx(0.04, abs=0.01)
    assert not is_held_back(replace(record, holdback=1.0), None)


def test_seed_of__decisions_and_salts__differ() -> None:
    record = learning(TREATED).points.learners[5]

    seeds = {seed_of(record, f"d-{number}") for number in range(1_000)}

    assert len(seeds) == 1_000
    assert seed_of(record, "d-1") != seed_of(replace(record, salt="another"), "d-1")


def test_decide__state_not_loaded__is_the_baseline_and_still_says_who_is_held_back() -> None:
    bundle = learning(TREATED, holdback=0.5)
    bare = replace(bundle, equipment=replace(bundle.equipment, learners={}))

    met = {decided(bare, units={"visitor": f"v-{n}"}).reason for n in range(40)}

    assert met == {DecisionReason.LEARNER_UNAVAILABLE, DecisionReason.HOLDBACK}
    assert items(decided(bare)) == BASIC


def test_decide__learner_that_cannot_choose__is_the_baseline() -> None:
    class Failing:
        def choose(self, choices: Choices, *, size: int) -> Slate:
            raise ValueError("no")

    decision = decided(learning(TREATED, drawn_by=Failing()))

    assert (decision.policy, decision.reason, decision.state) == (
        PolicyKind.BASELINE,
        DecisionReason.LEARNER_UNAVAILABLE,
        None,
    )
    assert (items(decision), decision.enrolled) == (BASIC, True)


def test_decide__features_unavailable__is_the_baseline_for_the_learner_as_for_the_others() -> None:
    decision = decided(learning(TREATED), features=AWAY)

    assert (decision.reason, items(decision)) == (DecisionReason.FEATURES_UNAVAILABLE, BASIC)


def marks(_moment: Moment, catalogue: Catalogue, candidates: Indices, scores: Scores | None) -> Floats:
    """Return the place of each candidate, and its score, -1 without."""
    told = np.full(len(candidates), -1.0) if scores is None else scores
    return np.column_stack([candidates, told]).astype(np.float64)


def test_decide__contextual_learner__reads_the_domain_s_features_and_keeps_those_of_what_it_chose() -> None:
    noting = Noting()
    at = ab_point(policy("learned", learner=5, version=12))
    bundle = learning(TREATED, at=at, drawn_by=noting, kind="linear", hooks={"action_features": marks})

    decision = decided(bundle, size=2)

    assert decision.features is not None
    assert decision.features.tolist() == [[0.0, 0.0], [1.0, 1.0]]
    assert decision.unscored is None


def test_decide__learner_without_its_model_s_scores__draws_all_the_same_and_says_why() -> None:
    noting = Noting()
    at = ab_point(policy("learned", learner=5, version=12))
    bundle = learning(TREATED, at=at, drawn_by=noting, kind="linear", hooks={"action_features": marks})

    def late(question: Question) -> Scores:
        raise NotScored(DecisionReason.DEADLINE)

    slow, unknown = decided(bundle, score=late), decided(bundle, features=EMPTY)

    assert (slow.reason, slow.unscored) == (DecisionReason.LEARNED, DecisionReason.DEADLINE)
    assert (unknown.reason, unknown.unscored) == (DecisionReason.LEARNED, DecisionReason.HISTORY_EMPTY)
    features = [choices.features for choices in noting.choices]
    assert all(rows is not None and set(rows[:, 1]) == {-1.0} for rows in features)


def test_decide__model_that_knows_few_candidates__leaves_the_others_its_least_score() -> None:
    noting = Noting()
    at = ab_point(policy("learned", learner=5, version=12))
    bundle = learning(TREATED, at=at, drawn_by=noting, predictor=popularity({"item-07": 4.0, "item-10": 3.0}))

    decided(bundle)

    scores = noting.choices[0].scores
    assert scores is not None
    told = dict(zip(noting.choices[0].candidates.tolist(), scores.tolist(), strict=True))
    assert (told.pop(7), set(told.values())) == (4.0, {3.0})


def test_decide__slate_shorter_than_asked__is_filled_up_without_features() -> None:
    class One(Noting):
        def choose(self, choices: Choices, *, size: int) -> Slate:
            return super().choose(choices, size=1)

    bundle = learning(TREATED, drawn_by=One(), kind="linear", hooks={"action_features": marks})

    decision = decided(bundle)

    assert [action.score is None for action in decision.actions] == [False, True, True, True, True]
    assert decision.features is not None
    assert len(decision.features) == 1


def test_decide__point_with_both__control_is_not_served_by_the_learner() -> None:
    tested = experiment(1, variants=arms(1_000_000, 0))
    at = ab_point(RANKED, learner=5)

    decision = decided(learning(tested, at=at))

    assert (decision.reason, decision.learner, items(decision)) == (DecisionReason.BASELINE, None, BASIC)
