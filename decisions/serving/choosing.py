"""Choosing: the policy that applies, the predictor or the learner it asks, and the baseline wherever these fail."""

import logging
from dataclasses import dataclass
from typing import Final

import numpy as np

from decisions.domain import PolicyKind
from decisions.learning import LearnerKind
from decisions.policies.fixed import Fixed
from decisions.policies.ranked import Baseline, ModelRanked
from decisions.policy import Choices, Floats, Indices, Scores, Slate
from decisions.serving.equipment import Equipment, Fitted, FittedLearner
from decisions.serving.learners import seed_of
from decisions.serving.points import ArmPolicy
from decisions.serving.preselection import best_places, preselect
from decisions.serving.scene import Scene
from decisions.serving.scoring import NotScored, Question, Score
from decisions.serving.slates import choose_slate
from decisions.vocabulary import DecisionReason

MOST_LEARNED: Final = 500
"""Candidates that a learning policy chooses among: the best by its model's scores, else by the baseline."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What a decision may use of the world: a way to ask models in time, and the id that seeds its draws."""

    score: Score
    decision_id: str


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """A slate, which policy chose it and why that one.

    `state` is the number of the learner's state that it was drawn with, `unscored` why the learner had no scores of the
    model version that it reads.
    """

    policy: PolicyKind
    reason: DecisionReason
    slate: Slate
    state: int | None = None
    unscored: DecisionReason | None = None


def choose(
    scene: Scene, policy: ArmPolicy, barrier: DecisionReason | None, equipment: Equipment, means: Means
) -> Chosen:
    """Return what the policy chooses, or the baseline: for the barrier's reason where there is one."""
    if len(scene.candidates) == 0 and scene.is_known and (barrier is None or scene.menu is None):
        barrier = DecisionReason.CANDIDATES_EMPTY
    if barrier is not None:
        return by_baseline(scene, barrier)
    match policy.kind:
        case PolicyKind.BASELINE:
            return by_baseline(scene, DecisionReason.BASELINE)
        case PolicyKind.FIXED:
            return _fixed(scene, policy)
        case PolicyKind.LEARNED:
            return _by_learner(scene, policy, equipment, means)
        case PolicyKind.MODEL_RANKED | PolicyKind.RECIPE:
            return _by_model(scene, policy, equipment, means)


def by_baseline(scene: Scene, reason: DecisionReason) -> Chosen:
    """Return what the baseline chooses, for a reason."""
    return Chosen(PolicyKind.BASELINE, reason, choose_slate(Baseline(), _all(scene), scene, size=scene.size))


def _fixed(scene: Scene, policy: ArmPolicy) -> Chosen:
    hooks = scene.domain.hooks
    if hooks.fixed is None:
        found = map(scene.catalogue.places.get, policy.actions)
        wanted = np.array([place for place in found if place is not None], dtype=np.int64)
    else:
        wanted = hooks.fixed(scene.moment, scene.catalogue, policy.actions)
        if not np.isin(wanted, scene.candidates).any():
            return by_baseline(scene, DecisionReason.OUTSIDE_ENVELOPE)
    fixed = Fixed(wanted)
    return Chosen(PolicyKind.FIXED, DecisionReason.FIXED, choose_slate(fixed, _all(scene), scene, size=scene.size))


def _by_model(scene: Scene, policy: ArmPolicy, equipment: Equipment, means: Means) -> Chosen:
    try:
        choices = _scored(scene, policy, equipment, means)
    except NotScored as fault:
        return by_baseline(scene, fault.reason)
    return Chosen(policy.kind, DecisionReason.MODEL, choose_slate(ModelRanked(), choices, scene, size=scene.size))


def _all(scene: Scene) -> Choices:
    return Choices(scene.candidates, scene.baseline_of(scene.candidates))


def _scored(scene: Scene, policy: ArmPolicy, equipment: Equipment, means: Means) -> Choices:
    """Return the candidates that the policy's model knows, with what its scores are worth. Raises NotScored."""
    model = None if policy.version is None else equipment.models.get(policy.version)
    if model is None:
        raise NotScored(DecisionReason.MODEL_UNAVAILABLE)
    hooks = scene.domain.hooks
    if hooks.asked is not None:
        return _scored_menu(scene, model, hooks.asked(scene.moment, scene.catalogue, model.places), means)
    subject = hooks.subject(scene.moment, model.places)
    if not len(subject):
        raise NotScored(DecisionReason.HISTORY_EMPTY)
    candidates = scene.candidates
    if not model.is_aligned:
        candidates = candidates[model.of_catalogue[candidates] >= 0]
        if len(candidates) == 0:
            raise NotScored(DecisionReason.MODEL_UNAVAILABLE)
    most = hooks.most_candidates(model.predictor.kind, len(candidates))
    is_costly = most < len(candidates)
    if is_costly:
        candidates = preselect(candidates, scene.baseline_of(candidates), most=most)
    asked = candidates if model.is_aligned else model.of_catalogue[candidates]
    # Scores of all items come in one piece; picking most of them out beforehand would only copy arrays.
    at_once = not is_costly and 2 * len(asked) > len(model.predictor.items)
    scores = means.score(Question(model.record.version, model.predictor, subject, asked, at_once))
    return _worth(scene, candidates, scores)


def _scored_menu(scene: Scene, model: Fitted, asked: Indices, means: Means) -> Choices:
    """Return the actions of a menu that may be chosen, with what the scores of the subject's model are worth.

    asked: by the hook of that name. Raises NotScored, also where the model does not know the subject.
    """
    if not len(asked):
        raise NotScored(DecisionReason.SUBJECT_UNKNOWN)
    scores = means.score(Question(model.record.version, model.predictor, asked, scene.candidates, False))
    return _worth(scene, scene.candidates, scores)


def _worth(scene: Scene, candidates: Indices, scores: Scores) -> Choices:
    worth = scene.domain.hooks.worth(scene.moment, scene.catalogue, candidates, scores)
    if worth is not scores and (worth.shape != candidates.shape or not np.isfinite(worth).all()):
        raise NotScored(DecisionReason.SCORES_INVALID)
    return Choices(candidates, scene.baseline_of(candidates), worth)


def _by_learner(scene: Scene, policy: ArmPolicy, equipment: Equipment, means: Means) -> Chosen:
    """Return what a learner draws; the baseline where it is not there or cannot."""
    learner = None if policy.learner is None else equipment.learners.get(policy.learner)
    if learner is None:
        return by_baseline(scene, DecisionReason.LEARNER_UNAVAILABLE)
    scores, unscored = None, None
    if policy.version is not None:
        try:
            scores = _over_all(scene, _scored(scene, policy, equipment, means))
        except NotScored as fault:
            unscored = fault.reason
    try:
        slate = _drawn(scene, learner, scores, means)
    except Exception:
        # A state that cannot be chosen with must not cost the shopper an answer; the log says what was wrong with it.
        logger.exception("the learner %s cannot choose", learner.record.key)
        return by_baseline(scene, DecisionReason.LEARNER_UNAVAILABLE)
    return Chosen(PolicyKind.LEARNED, DecisionReason.LEARNED, slate, learner.record.number, unscored)


def _drawn(scene: Scene, learner: FittedLearner, scores: Scores | None, means: Means) -> Slate:
    judged = scene.baseline_of(scene.candidates) if scores is None else scores
    places = best_places(judged, max(MOST_LEARNED, scene.size))
    candidates = scene.candidates[places]
    scores = None if scores is None else scores[places]
    choices = Choices(
        candidates=candidates,
        baseline=scene.baseline_of(candidates),
        scores=scores,
        features=_features(scene, learner, candidates, scores),
        seed=seed_of(learner.record, means.decision_id),
        subject=scene.moment.subject,
    )
    return choose_slate(learner.policy, choices, scene, size=scene.size)


def _features(scene: Scene, learner: FittedLearner, candidates: Indices, scores: Scores | None) -> Floats | None:
    features = scene.domain.hooks.action_features
    if features is None or learner.record.kind is LearnerKind.BETA:
        return None
    return features(scene.moment, scene.catalogue, candidates, scores)


def _over_all(scene: Scene, choices: Choices) -> Scores | None:
    """Return a score for every candidate of the scene: the least one for those that the model does not know."""
    known = choices.scores
    if known is None or len(known) == len(scene.candidates):
        return known
    scores = np.full(len(scene.candidates), known.min(), dtype=np.float32)
    scores[np.searchsorted(scene.candidates, choices.candidates)] = known
    return scores
