"""Why a logged decision has the actions it has: computed again from the verified artifact or state, never guessed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from decisions.domain import PolicyKind
from decisions.moment import Catalogue, Moment
from decisions.policy import Floats
from decisions.queries.asked_items import asked_item
from decisions.queries.explained import ExplainedAction, Explanation, Method, Missing
from decisions.queries.explained_learning import explain_learned
from decisions.queries.explained_menus import explain_menu, menu_document
from decisions.queries.made import ChosenAction, DecisionFacts
from decisions.queries.remembered import Remembered, remembered
from decisions.queries.shelves import predictor_for, shelf_of
from decisions.registry import DomainUnknown, all_domains
from decisions.serving.contributions import (
    MOST_ACTIONS,
    Contribution,
    Fact,
    FactKind,
    leave_one_out,
    value_text,
)
from decisions.serving.scoring import NotScored
from foundation.errors import DomainError
from models_registry.predictors.hashed_logistic import HashedLogistic
from models_registry.predictors.log_odds import log_odds_of
from models_registry.predictors.protocol import Predictor
from models_registry.queries.versions import VersionFacts, version_by_id

MOST_CONTRIBUTIONS = 5
TOLERANCE = 1e-3
"""Of the larger of two scores: they are the same up to what is kept of their digits."""


def explain(decision: DecisionFacts, domain_key: str, *, item: str = "") -> Explanation:
    """Return why a decision has its actions, and what became of the item that is asked about, if any.

    Where there is no explanation it says why: errors of artifacts, states and catalogues become its `missing`.
    """
    domain = all_domains().get(domain_key)
    if domain is None:
        return Explanation(None, DomainUnknown.code)
    told = remembered(decision, domain)
    found = _explained(told)
    removed = decision.met.removed
    if removed is not None:
        found = replace(found, removed=tuple(sorted(removed.items(), key=lambda entry: (-entry[1], entry[0]))))
    return replace(found, asked=asked_item(told, item)) if item and domain.hooks.menu is None else found


def _explained(told: Remembered) -> Explanation:
    if not told.decision.actions:
        return Explanation(None, Missing.NOTHING_SHOWN)
    if told.domain.hooks.menu is not None:
        return explain_menu(told)
    explained = _BY_POLICY.get(told.decision.policy)
    if explained is None:
        return Explanation(None, Missing.POLICY_UNKNOWN)
    try:
        return explained(told)
    except DomainError as error:
        return Explanation(None, error.code, error.message, actions=_bare(told.decision))
    except NotScored as fault:
        return Explanation(None, fault.reason, actions=_bare(told.decision))


def _by_model(told: Remembered) -> Explanation:
    decision = told.decision
    if decision.version is None:
        return Explanation(None, Missing.VERSION_GONE, actions=_bare(decision))
    if told.is_too_old:
        return Explanation(None, Missing.ROW_TOO_OLD, actions=_bare(decision))
    version = version_by_id(decision.version)
    catalogue = shelf_of(decision.project_id, told.domain)
    predictor = predictor_for(version, told.domain, catalogue)
    places = {item: place for place, item in enumerate(predictor.items)}
    looked = [
        (at, places[action.item])
        for at, action in enumerate(decision.actions[:MOST_ACTIONS])
        if action.item in places and action.score is not None
    ]
    if not looked:
        return Explanation(None, Missing.ACTIONS_UNKNOWN, actions=_bare(decision))
    method, scores, rows = _contributions(told, version, predictor, places, [place for _at, place in looked])
    by_place = {at: (float(score), row) for (at, _place), score, row in zip(looked, scores, rows, strict=True)}
    actions = tuple(
        _action(action, at, *by_place[at]) if at in by_place else _action(action, at)
        for at, action in enumerate(decision.actions)
    )
    return Explanation(
        method,
        actions=actions,
        differs=_differs(told, catalogue, actions),
        left_out=max(0, decision.history - len(decision.met.history_items)) if told.reads_history else 0,
    )


def _contributions(
    told: Remembered, version: VersionFacts, predictor: Predictor, places: Mapping[str, int], candidates: list[int]
) -> tuple[Method, Floats, list[tuple[Contribution, ...]]]:
    """Return the method, the scores of the candidates, and what they owe to each fact."""
    chosen = np.array(candidates, dtype=np.int64)
    scores, found = leave_one_out(told.domain.hooks, predictor, places, told.moment, chosen)
    if not isinstance(predictor, HashedLogistic):
        return (
            Method.LEAVE_ONE_OUT,
            scores,
            _strongest([fact for fact, _ in found], [effect for _, effect in found], rows=len(candidates)),
        )
    parts = log_odds_of(predictor, told.domain.hooks.subject(told.moment, places), chosen)
    facts = [Fact(FactKind.ACTION, ""), *_named(version, told.moment, parts.facts.shape[1])]
    return Method.LOG_ODDS, scores, _strongest(facts, [parts.own, *parts.facts.T], rows=len(candidates))


def _named(version: VersionFacts, moment: Moment, count: int) -> list[Fact]:
    """Return the facts of the moment that a model's signature names, with what was said of each."""
    names = [str(name) for name in version.signature.get("inputs", ())][:count]
    said = {**moment.attributes, **moment.context}
    return [Fact(FactKind.MOMENT, name, value_text(said.get(name))) for name in names]


def _strongest(facts: Sequence[Fact], effects: Sequence[Floats], *, rows: int = 0) -> list[tuple[Contribution, ...]]:
    """Return for each action its strongest contributions; effects: one array over the actions for each fact."""
    count = len(effects[0]) if effects else rows
    found = []
    for at in range(count):
        pairs = [(fact, float(effect[at])) for fact, effect in zip(facts, effects, strict=False)]
        pairs = sorted((pair for pair in pairs if pair[1]), key=lambda pair: -abs(pair[1]))
        found.append(tuple(Contribution(fact, effect) for fact, effect in pairs[:MOST_CONTRIBUTIONS]))
    return found


def _by_baseline(told: Remembered) -> Explanation:
    """Return what the baseline went by: popularity, unless the domain has a baseline of its own."""
    is_popularity = told.domain.hooks.baseline is None
    method, kind = (Method.POPULARITY, FactKind.POPULARITY) if is_popularity else (Method.VALUE, FactKind.VALUE)
    actions = tuple(
        _action(action, at, None, (Contribution(Fact(kind, ""), action.score),))
        if action.score is not None
        else _action(action, at)
        for at, action in enumerate(told.decision.actions)
    )
    return Explanation(method, actions=actions)


def _fixed(told: Remembered) -> Explanation:
    return Explanation(Method.FIXED, actions=_bare(told.decision))


def _action(
    action: ChosenAction, at: int, computed: float | None = None, contributions: tuple[Contribution, ...] = ()
) -> ExplainedAction:
    return ExplainedAction(
        item=action.item,
        place=at + 1,
        probability=action.propensity,
        score=action.score,
        computed=computed,
        contributions=contributions,
    )


def _bare(decision: DecisionFacts) -> tuple[ExplainedAction, ...]:
    return tuple(_action(action, at) for at, action in enumerate(decision.actions))


def _differs(told: Remembered, catalogue: Catalogue, actions: Sequence[ExplainedAction]) -> bool:
    """Return whether what the domain makes of the scores now is not what was logged."""
    known = [action for action in actions if action.computed is not None and action.item in catalogue.places]
    if not known:
        return False
    places = np.array([catalogue.places[action.item] for action in known], dtype=np.int64)
    scores = np.array([action.computed for action in known], dtype=np.float32)
    now = told.domain.hooks.worth(told.moment, catalogue, places, scores).astype(np.float64)
    logged = np.array([action.score for action in known], dtype=np.float64)
    return bool((np.abs(now - logged) > TOLERANCE * np.maximum(np.abs(now), np.abs(logged)) + 1e-9).any())


_BY_POLICY: Mapping[str, Callable[[Remembered], Explanation]] = {
    PolicyKind.MODEL_RANKED: _by_model,
    PolicyKind.RECIPE: _by_model,
    PolicyKind.LEARNED: explain_learned,
    PolicyKind.BASELINE: _by_baseline,
    PolicyKind.FIXED: _fixed,
}


def as_document(found: Explanation) -> dict[str, Any]:
    """Return an explanation as plain values for JSON."""
    asked = found.asked
    return {
        "method": found.method,
        "missing": found.missing or None,
        "detail": found.detail or None,
        "differs_from_log": found.differs,
        "history_items_not_kept": found.left_out,
        "actions": [
            {
                "item": action.item,
                "place": action.place,
                "probability": action.probability,
                "score": action.score,
                "computed_score": action.computed,
                "floor": action.floor,
                "contributions": [
                    {
                        "kind": part.fact.kind,
                        "name": part.fact.name,
                        "value": part.fact.value,
                        "effect": part.effect,
                    }
                    for part in action.contributions
                ],
            }
            for action in found.actions
        ],
        "menu": None if found.menu is None else menu_document(found.menu),
        "removed": None
        if found.removed is None
        else [{"constraint": name, "actions": count} for name, count in found.removed],
        "item": None
        if asked is None
        else {
            "item": asked.item,
            "standing": asked.standing,
            "place": asked.place,
            "constraint": asked.constraint,
            "rank": asked.rank,
            "ranked": asked.ranked,
            "probability": asked.probability,
            "may_be_left_out_by": list(asked.may),
        },
    }
