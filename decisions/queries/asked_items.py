"""What became of an item that somebody misses in a decision: what kept it out, or how far down it stands."""

from dataclasses import replace

import numpy as np

from decisions.domain import PolicyKind
from decisions.learning.state import BetaSnapshot
from decisions.moment import Catalogue
from decisions.policy import Floats, Indices
from decisions.queries.explained import AskedItem, Standing
from decisions.queries.learner_records import first_chances, snapshot_of
from decisions.queries.learners import learner_by_id, state_by_number
from decisions.queries.remembered import Remembered
from decisions.queries.shelves import one_of, predictor_for, shelf_of
from decisions.serving.preselection import preselect
from decisions.serving.scoring import NotScored, Question, score_at_once
from foundation.errors import DomainError
from models_registry.queries.versions import version_by_id


def asked_item(told: Remembered, item: str) -> AskedItem:
    """Return what became of an item, by the catalogue as it is now and by what is kept of the moment."""
    shown = [action.item for action in told.decision.actions]
    if item in shown:
        return AskedItem(item, Standing.SHOWN, place=shown.index(item) + 1)
    try:
        catalogue = shelf_of(told.decision.project_id, told.domain)
    except DomainError:
        return AskedItem(item, Standing.NOT_IN_CATALOGUE)
    if item not in catalogue.places:
        return AskedItem(item, Standing.NOT_IN_CATALOGUE)
    alone = told.domain.hooks.eligible(told.moment, one_of(catalogue, item))
    if not len(alone.candidates):
        return AskedItem(item, Standing.REMOVED, constraint=next(name for name, n in alone.removed.items() if n))
    may = tuple(name for name, count in (told.decision.met.removed or {}).items() if count)
    try:
        return replace(_ranked(told, catalogue, item), may=may)
    except (DomainError, NotScored):
        # The explanation of the actions says what is wrong; of this item it can only be said that it was possible.
        return AskedItem(item, Standing.ELIGIBLE, may=may)


def _ranked(told: Remembered, catalogue: Catalogue, item: str) -> AskedItem:
    candidates = told.domain.hooks.eligible(told.moment, catalogue).candidates
    match told.decision.policy:
        case PolicyKind.MODEL_RANKED | PolicyKind.RECIPE:
            return _by_model(told, catalogue, candidates, item)
        case PolicyKind.BASELINE:
            return _place(catalogue, candidates, _baseline(told, catalogue, candidates), item)
        case PolicyKind.LEARNED:
            return _by_learner(told, catalogue, item)
        case _:
            return AskedItem(item, Standing.ELIGIBLE)


def _by_model(told: Remembered, catalogue: Catalogue, candidates: Indices, item: str) -> AskedItem:
    """Return the item's place by the model's scores. Raises DomainError, NotScored."""
    hooks, version = told.domain.hooks, version_by_id(told.decision.version or 0)
    predictor = predictor_for(version, told.domain, catalogue)
    places = {known: place for place, known in enumerate(predictor.items)}
    candidates = np.array([at for at in candidates.tolist() if catalogue.items[at] in places], dtype=np.int64)
    most = hooks.most_candidates(predictor.kind, len(candidates))
    if most < len(candidates):
        candidates = preselect(candidates, catalogue.baseline[candidates], most=most)
    if catalogue.places[item] not in candidates:
        return AskedItem(item, Standing.NOT_SCORED, ranked=len(candidates))
    asked = np.array([places[catalogue.items[at]] for at in candidates.tolist()], dtype=np.int64)
    subject = hooks.subject(told.moment, places)
    scores = score_at_once(Question(version.id, predictor, subject, asked))
    worth = hooks.worth(told.moment, catalogue, candidates, scores)
    return _place(catalogue, candidates, worth.astype(np.float64), item)


def _baseline(told: Remembered, catalogue: Catalogue, candidates: Indices) -> Floats:
    own = told.domain.hooks.baseline
    found = catalogue.baseline[candidates] if own is None else own(told.moment, catalogue, candidates)
    return found.astype(np.float64)


def _by_learner(told: Remembered, catalogue: Catalogue, item: str) -> AskedItem:
    """Return how probable the item was for the first place, where the policy knows rates. Raises DomainError."""
    met = told.decision.met
    learner = learner_by_id(met.learner or 0)
    snapshot = snapshot_of(learner, state_by_number(learner.id, met.state or 0))
    if not isinstance(snapshot, BetaSnapshot):
        return AskedItem(item, Standing.ELIGIBLE)
    chances = first_chances(snapshot, catalogue)
    found = next((chance.probability for chance in chances if chance.item == item), None)
    return AskedItem(item, Standing.ELIGIBLE, probability=found)


def _place(catalogue: Catalogue, candidates: Indices, scores: Floats, item: str) -> AskedItem:
    """Return the item's place by scores that run parallel to the candidates; of equals the earlier stands first."""
    at = int(np.flatnonzero(candidates == catalogue.places[item])[0])
    before = int(np.count_nonzero(scores > scores[at])) + int(np.count_nonzero(scores[:at] == scores[at]))
    return AskedItem(item, Standing.RANKED, rank=before + 1, ranked=len(candidates))
