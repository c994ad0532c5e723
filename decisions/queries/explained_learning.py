"""Why a learning policy drew what it drew: what it knew then, from the state that the decision names."""

import numpy as np

from decisions.learning.state import BetaSnapshot, DemandSnapshot, WeightsSnapshot
from decisions.queries.explained import ExplainedAction, Explanation, Method, Missing
from decisions.queries.learner_records import snapshot_of
from decisions.queries.learners import LearnerFacts, learner_by_id, state_by_number
from decisions.queries.remembered import Remembered
from decisions.serving.choosing import MOST_LEARNED
from decisions.serving.contributions import Contribution, Fact, FactKind

MOST_CONTRIBUTIONS = 5


def explain_learned(told: Remembered) -> Explanation:
    """Return an explanation of what a learning policy drew. Raises LearnerUnknown, LearnerStateRefused."""
    met = told.decision.met
    if met.learner is None or met.state is None:
        return Explanation(None, Missing.STATE_UNKNOWN)
    learner = learner_by_id(met.learner)
    if learner.project_id != told.decision.project_id:
        return Explanation(None, Missing.STATE_UNKNOWN)
    snapshot = snapshot_of(learner, state_by_number(learner.id, met.state))
    if isinstance(snapshot, BetaSnapshot):
        parts = _rates(told, snapshot)
        method = Method.RATES
    elif isinstance(snapshot, DemandSnapshot):
        # What there was to choose from is a menu, which has an explanation of its own.
        return Explanation(None, Missing.POLICY_UNKNOWN)
    else:
        parts = _weights(told, snapshot)
        method = Method.WEIGHTS
    actions = tuple(
        ExplainedAction(
            item=action.item,
            place=at + 1,
            probability=action.propensity,
            score=action.score,
            floor=None if action.score is None else _floor(told, learner, at),
            contributions=parts[at] if at < len(parts) and action.score is not None else (),
        )
        for at, action in enumerate(told.decision.actions)
    )
    return Explanation(method, actions=actions)


def _floor(told: Remembered, learner: LearnerFacts, taken: int) -> float | None:
    """Return the even part of a probability: f / K, K being how many were left to choose among at that place."""
    if told.domain.hooks.groups is not None:
        return None
    decision = told.decision
    left = min(decision.candidates, max(MOST_LEARNED, len(decision.actions))) - taken
    return learner.floor / left if left > 0 else None


def _rates(told: Remembered, snapshot: BetaSnapshot) -> list[tuple[Contribution, ...]]:
    known = {item: place for place, item in enumerate(snapshot.items)}
    found: list[tuple[Contribution, ...]] = []
    for action in told.decision.actions:
        place = known.get(action.item)
        rate, best, seen = snapshot.unseen_rate, snapshot.best_unseen, 0.0
        if place is not None:
            alpha, beta = snapshot.counts[place].tolist()
            rate, best, seen = alpha / (alpha + beta), float(snapshot.best[place]), alpha + beta
        found.append(
            (
                Contribution(Fact(FactKind.RATE, "expected_rate", f"{seen:.4g}"), rate),
                Contribution(Fact(FactKind.RATE, "best_of_all"), best),
            )
        )
    return found


def _weights(told: Remembered, snapshot: WeightsSnapshot) -> list[tuple[Contribution, ...]]:
    names, means = snapshot.features, snapshot.posterior.mean
    found: list[tuple[Contribution, ...]] = []
    for row in told.decision.met.features or ():
        if len(row) != len(names):
            found.append(())
            continue
        effects = np.array(row) * means[: len(names)]
        order = np.argsort(-np.abs(effects), kind="stable")[:MOST_CONTRIBUTIONS]
        found.append(
            tuple(
                Contribution(Fact(FactKind.FEATURE, names[at], f"{row[at]:.4g}"), float(effects[at]))
                for at in order.tolist()
                if effects[at]
            )
        )
    return found
