"""Deciding: a pure function of request, decision point, bundle, what is known, a moment and a way to ask predictors.

It never raises. The order: experiments of the point -> policy of the variant, else of the champion -> filters ->
policy -> filled up from the baseline. Whatever keeps the policy from deciding leaves the assignment as it is: a unit
counts for the variant it was given, and the reason says what it met instead.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np

from decisions.domain import PolicyKind
from decisions.domains.recommendation.candidates import most_candidates, preselect
from decisions.domains.recommendation.constraints import eligible
from decisions.moment import Catalogue
from decisions.policies.fixed import Fixed
from decisions.policies.ranked import Baseline, ModelRanked
from decisions.policy import Choices, Indices, Policy, Slate
from decisions.serving.assigning import Asked, Given, give
from decisions.serving.bundle import LiveBundle
from decisions.serving.decision_requests import DecisionRequest
from decisions.serving.equipment import Equipment, Fitted
from decisions.serving.feature_keys import LONGEST_HISTORY
from decisions.serving.known import Features, Known
from decisions.serving.points import BASELINE, ArmPolicy, DecisionPoint, ModelRecord
from decisions.serving.preview import Preview, read_preview
from decisions.serving.scoring import NotScored, Question, Score
from decisions.vocabulary import DecisionReason, FeatureState, PreviewState
from experiments.assignment.snapshot import Assignment
from experiments.vocabulary import Reason

_SERVED_UNENROLLED = (Reason.OVERRIDE, Reason.PREVIEW, Reason.BURN_IN)

logger = logging.getLogger(__name__)


class Action(msgspec.Struct, frozen=True, gc=False):
    """One chosen item. `score` is what its place follows from, None where the baseline filled the slate up."""

    item: str
    propensity: float
    score: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What was decided.

    `policy` chose the actions, `model` is the version that the variant (or the champion) pins, whether or not it came
    to decide. `assignment` is that of the experiment that decided, or of the first one where none did. `candidates`
    and `history` are counts of what the policy had; `unknown_items` of ids that the catalogue lacks. `visitor` is the
    stored id of the visitor that the assignment is about where a customer alone was named; `preview` what became of
    the request's preview token.
    """

    point: DecisionPoint
    assignment: Assignment | None
    policy: PolicyKind
    reason: DecisionReason
    model: ModelRecord | None
    actions: tuple[Action, ...]
    candidates: int
    history: int
    unknown_items: int
    visitor: str | None = None
    preview: PreviewState | None = None

    @property
    def enrolled(self) -> bool:
        """Whether the decision's experiment enrolled the unit."""
        return self.assignment is not None and self.assignment.enrolled


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """What the policies choose from, as places in the catalogue."""

    catalogue: Catalogue
    candidates: Indices
    history: tuple[str, ...]
    size: int
    unknown_items: int


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    policy: PolicyKind
    reason: DecisionReason
    slate: Slate


def decide(
    request: DecisionRequest,
    point: DecisionPoint,
    bundle: LiveBundle,
    known: Known,
    at: datetime,
    score: Score,
) -> Decision:
    """Return the decision. `at` is project time; `score` asks a model within the point's deadline."""
    preview = read_preview(request.preview, bundle, now=at)
    given = _given(request, point, bundle, known, at, preview)
    assignment, features = _chosen_assignment(given), known.features
    scene, policy, chosen = None, BASELINE, None
    reason = DecisionReason.CATALOGUE_MISSING
    try:
        policy = _policy(request, point, assignment)
        if bundle.equipment.catalogue is not None:
            scene = _scene(request, point, bundle.equipment.catalogue, features)
            chosen = _chosen(scene, _barrier(request, point, features), policy, bundle.equipment, score)
    except Exception:
        # The storefront gets an answer whatever happened; the log has what it was.
        logger.exception("decision point %s failed", point.key)
        reason = DecisionReason.ENGINE_ERROR
        chosen = None if scene is None else _by_baseline(scene, reason)
    return Decision(
        point=point,
        assignment=assignment,
        policy=chosen.policy if chosen else PolicyKind.BASELINE,
        reason=chosen.reason if chosen else reason,
        model=None if policy.version is None else bundle.points.models[policy.version],
        actions=() if chosen is None or scene is None else _actions(scene, chosen),
        candidates=0 if scene is None else len(scene.candidates),
        history=0 if scene is None else len(scene.history),
        unknown_items=0 if scene is None else scene.unknown_items,
        visitor=None if assignment is None else given.visitors.get(assignment.experiment_id or 0),
        preview=None if preview is None else preview.state,
    )


def _given(
    request: DecisionRequest,
    point: DecisionPoint,
    bundle: LiveBundle,
    known: Known,
    at: datetime,
    preview: Preview | None,
) -> Given:
    """Return what the experiments of the point give the units."""
    keys = tuple(point.arms)
    if not keys:
        return Given(())
    if point.is_personal and not request.personalised:
        # Whether or not the experiment says that it uses personal data: its decision point does.
        off = bundle.snapshot.experiments[keys[0]].refused[Reason.PERSONALISATION_OFF]
        return Given((Assignment(off),))
    return give(Asked(request.units, request.attributes, keys, request.personalised, preview), at, bundle, known)


def _chosen_assignment(given: Given) -> Assignment | None:
    """Return the previewed assignment, or the first one that gives a variant; else the first, which says why not."""
    found = given.assignments
    previewed = (answer for answer in found if answer.reason is Reason.PREVIEW)
    giving = (answer for answer in found if _gives_a_variant(answer))
    return next(previewed, None) or next(giving, None) or next(iter(found), None)


def _gives_a_variant(assignment: Assignment) -> bool:
    return assignment.enrolled or assignment.reason in _SERVED_UNENROLLED


def _policy(request: DecisionRequest, point: DecisionPoint, assignment: Assignment | None) -> ArmPolicy:
    if point.is_personal and not request.personalised:
        return BASELINE
    if assignment is not None and _gives_a_variant(assignment):
        return point.arms[assignment.experiment_key][assignment.variant or ""]
    return point.policy_outside(request.units, request.attributes)


def _barrier(request: DecisionRequest, point: DecisionPoint, features: Features) -> DecisionReason | None:
    """Return what gives every variant alike the baseline, None where each may decide for itself."""
    if point.is_personal and not request.personalised:
        return DecisionReason.PERSONALISATION_OFF
    if features.state is FeatureState.UNAVAILABLE:
        return DecisionReason.FEATURES_UNAVAILABLE
    return None


def _scene(request: DecisionRequest, point: DecisionPoint, catalogue: Catalogue, features: Features) -> _Scene:
    context = request.context
    recent, unseen = _places(context.recent_items, catalogue)
    excluded, unmeant = _places(context.exclude, catalogue)
    only, unheard = (None, 0) if request.candidates is None else _places(request.candidates, catalogue)
    bought, _ = _places(features.bought, catalogue)
    history: tuple[str, ...] = ()
    if request.personalised or not point.is_personal:
        told = [catalogue.items[place] for place in recent]
        history = tuple(dict.fromkeys((*told, *features.history)))[:LONGEST_HISTORY]
    return _Scene(
        catalogue=catalogue,
        candidates=eligible(catalogue.in_stock, bought=bought, excluded=excluded, only=only).candidates,
        history=history,
        size=request.size or point.slate_size,
        unknown_items=unseen + unmeant + unheard,
    )


def _places(items: list[str] | tuple[str, ...], catalogue: Catalogue) -> tuple[Indices, int]:
    """Return where the catalogue has items, and how many of them it lacks."""
    found = [place for place in map(catalogue.places.get, items) if place is not None]
    return np.array(found, dtype=np.int64), len(items) - len(found)


def _chosen(
    scene: _Scene, barrier: DecisionReason | None, policy: ArmPolicy, equipment: Equipment, score: Score
) -> _Chosen:
    if len(scene.candidates) == 0:
        return _by_baseline(scene, DecisionReason.CANDIDATES_EMPTY)
    if barrier is not None:
        return _by_baseline(scene, barrier)
    if policy.kind is PolicyKind.FIXED:
        actions, _ = _places(policy.actions, scene.catalogue)
        return _Chosen(PolicyKind.FIXED, DecisionReason.FIXED, _choose(Fixed(actions), scene))
    if policy.version is None:
        return _by_baseline(scene, DecisionReason.BASELINE)
    try:
        choices = _scored(scene, equipment.models.get(policy.version), score)
    except NotScored as fault:
        return _by_baseline(scene, fault.reason)
    return _Chosen(PolicyKind.MODEL_RANKED, DecisionReason.MODEL, _choose(ModelRanked(), scene, choices))


def _scored(scene: _Scene, model: Fitted | None, score: Score) -> Choices:
    """Return the candidates that a model knows, with its scores. Raises NotScored."""
    if model is None:
        raise NotScored(DecisionReason.MODEL_UNAVAILABLE)
    history = [place for place in map(model.places.get, scene.history) if place is not None]
    if not history:
        raise NotScored(DecisionReason.HISTORY_EMPTY)
    candidates = scene.candidates
    if not model.is_aligned:
        candidates = candidates[model.of_catalogue[candidates] >= 0]
        if len(candidates) == 0:
            raise NotScored(DecisionReason.MODEL_UNAVAILABLE)
    most = most_candidates(model.predictor.kind, len(candidates))
    is_costly = most < len(candidates)
    if is_costly:
        candidates = preselect(candidates, scene.catalogue.baseline[candidates], most=most)
    asked = candidates if model.is_aligned else model.of_catalogue[candidates]
    # Scores of all items come in one piece; picking most of them out beforehand would only copy arrays.
    at_once = not is_costly and 2 * len(asked) > len(model.predictor.items)
    question = Question(model.record.version, model.predictor, np.array(history, dtype=np.int64), asked, at_once)
    return Choices(candidates, scene.catalogue.baseline[candidates], score(question))


def _by_baseline(scene: _Scene, reason: DecisionReason) -> _Chosen:
    return _Chosen(PolicyKind.BASELINE, reason, _choose(Baseline(), scene))


def _choose(policy: Policy, scene: _Scene, choices: Choices | None = None) -> Slate:
    return policy.choose(choices or _all_choices(scene, scene.candidates), size=scene.size)


def _all_choices(scene: _Scene, candidates: Indices) -> Choices:
    return Choices(candidates, scene.catalogue.baseline[candidates])


def _actions(scene: _Scene, chosen: _Chosen) -> tuple[Action, ...]:
    """Return the slate as actions, filled up from the baseline where the policy had fewer than asked for."""
    slate = chosen.slate
    items = scene.catalogue.items
    actions = [
        Action(items[place], propensity, float(f"{score:.7g}"))
        for place, propensity, score in zip(
            slate.actions.tolist(), slate.propensities, slate.scores.tolist(), strict=True
        )
    ]
    if len(actions) < min(scene.size, len(scene.candidates)):
        rest = scene.candidates[~np.isin(scene.candidates, slate.actions)]
        more = Baseline().choose(_all_choices(scene, rest), size=scene.size - len(actions))
        actions += [Action(items[place], 1.0, None) for place in more.actions.tolist()]
    return tuple(actions)
