"""Deciding: a pure function of request, decision point, bundle, what is known, a moment and the means it may use.

It never raises. The order: experiments of the point -> policy of the variant, else the one outside of experiments ->
what may be chosen -> policy -> filled up from the baseline. Whatever keeps the policy from deciding leaves the
assignment as it is: a unit counts for the variant it was given, and the reason says what it met instead.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from decisions.domain import PolicyKind
from decisions.moment import Moment
from decisions.policy import Floats
from decisions.serving.assigning import Asked, Given, give
from decisions.serving.bundle import LiveBundle
from decisions.serving.choosing import Chosen, Means, by_baseline, choose
from decisions.serving.decision_requests import DecisionRequest
from decisions.serving.known import Features, Known
from decisions.serving.learners import is_held_back
from decisions.serving.points import BASELINE, ArmPolicy, DecisionPoint, LearnerRecord, ModelRecord
from decisions.serving.preview import Preview, read_preview
from decisions.serving.scene import Scene, set_scene
from decisions.serving.slates import filled_up
from decisions.vocabulary import DecisionReason, FeatureState, PreviewState
from experiments.assignment.bucketing import encode_unit
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

    `policy` chose the actions; `model` and `learner` are what the variant, or the traffic outside experiments, pins,
    whether or not it came to decide; `state` is that of the learner that did. `assignment` is that of the experiment
    that decided, or of the first one where none did. `scene` is None where nothing could be chosen from.
    `is_held_back` tells that the unit is one that the learner never serves. `features` are rows of the first actions,
    as the learner read them. `unscored` is why the learner had no scores to read. `visitor` is the stored id of the
    visitor that the assignment is about where a customer alone was named; `preview` what became of the request's
    preview token.
    """

    point: DecisionPoint
    assignment: Assignment | None
    policy: PolicyKind
    reason: DecisionReason
    model: ModelRecord | None
    actions: tuple[Action, ...]
    scene: Scene | None
    learner: LearnerRecord | None = None
    state: int | None = None
    is_held_back: bool = False
    features: Floats | None = None
    unscored: DecisionReason | None = None
    visitor: str | None = None
    preview: PreviewState | None = None

    @property
    def enrolled(self) -> bool:
        """Whether the decision's experiment enrolled the unit."""
        return self.assignment is not None and self.assignment.enrolled

    @property
    def moment(self) -> Moment | None:
        """What was known when it was decided."""
        return None if self.scene is None else self.scene.moment

    @property
    def candidates(self) -> int:
        """How many actions the policy could choose from."""
        return 0 if self.scene is None else len(self.scene.candidates)

    @property
    def removed(self) -> Mapping[str, int]:
        """How many actions each constraint took."""
        return {} if self.scene is None else self.scene.eligible.removed

    @property
    def history(self) -> int:
        """How many items the unit was known to have dealt with."""
        return 0 if self.scene is None else len(self.scene.moment.history)

    @property
    def unknown_items(self) -> int:
        """How many ids of the request the catalogue lacks."""
        return 0 if self.scene is None else self.scene.unknown_items


def decide(
    request: DecisionRequest,
    point: DecisionPoint,
    bundle: LiveBundle,
    known: Known,
    at: datetime,
    means: Means,
) -> Decision:
    """Return the decision. `at` is project time."""
    preview = read_preview(request.preview, bundle, now=at)
    given = _given(request, point, bundle, known, at, preview)
    assignment = _chosen_assignment(given)
    is_given = assignment is not None and _gives_a_variant(assignment)
    scene, policy, chosen = None, BASELINE, None
    reason = DecisionReason.CATALOGUE_MISSING
    is_held_back = False
    try:
        policy = _policy(request, point, assignment)
        is_held_back = _is_held_back(request, point, bundle, policy, assignment)
        shelf = bundle.equipment.shelves.get(point.domain.key)
        if shelf is not None:
            given_by = assignment if is_given else None
            scene = set_scene(request, point, shelf, known.features, at, given_by, policy.actions)
            barrier = _barrier(request, point, scene, known.features)
            if barrier is None and is_held_back:
                barrier = DecisionReason.HOLDBACK
            chosen = choose(scene, policy, barrier, bundle.equipment, means)
    except Exception:
        # The storefront gets an answer whatever happened; the log has what it was.
        logger.exception("decision point %s failed", point.key)
        reason = DecisionReason.ENGINE_ERROR
        chosen = None if scene is None else by_baseline(scene, reason)
    return Decision(
        point=point,
        assignment=assignment,
        policy=chosen.policy if chosen else PolicyKind.BASELINE,
        reason=chosen.reason if chosen else reason,
        model=None if policy.version is None else bundle.points.models[policy.version],
        actions=() if chosen is None or scene is None else _actions(scene, chosen),
        scene=scene,
        learner=None if policy.learner is None else bundle.points.learners[policy.learner],
        state=None if chosen is None else chosen.state,
        is_held_back=is_held_back,
        features=None if chosen is None else chosen.slate.features,
        unscored=None if chosen is None else chosen.unscored,
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


def _barrier(request: DecisionRequest, point: DecisionPoint, scene: Scene, features: Features) -> DecisionReason | None:
    """Return what gives every variant alike the baseline, None where each may decide for itself."""
    if not scene.is_known:
        return DecisionReason.SUBJECT_UNKNOWN
    if point.is_personal and not request.personalised:
        return DecisionReason.PERSONALISATION_OFF
    if scene.is_stale(point):
        return DecisionReason.DATA_STALE
    if point.domain.hooks.barrier is not None:
        barrier = point.domain.hooks.barrier(scene.moment, scene.catalogue)
        if barrier is not None:
            return barrier
    if features.state is FeatureState.UNAVAILABLE:
        return DecisionReason.FEATURES_UNAVAILABLE
    return None


def _is_held_back(
    request: DecisionRequest,
    point: DecisionPoint,
    bundle: LiveBundle,
    policy: ArmPolicy,
    assignment: Assignment | None,
) -> bool:
    """Return whether the unit is one that the policy's learner never serves.

    The unit is the one that the experiment randomises; where that is not named or there is none, the first one named of
    the kinds that the domain allows.
    """
    if policy.learner is None:
        return False
    kinds = [kind.value for kind in point.domain.unit_kinds]
    if assignment is not None and assignment.unit_kind is not None:
        kinds.insert(0, assignment.unit_kind)
    units = (encode_unit(request.units.get(kind)) for kind in kinds)
    unit = next((unit for unit in units if unit is not None), None)
    return is_held_back(bundle.points.learners[policy.learner], unit)


def _actions(scene: Scene, chosen: Chosen) -> tuple[Action, ...]:
    """Return the slate as actions, filled up from the baseline where the policy had fewer than asked for."""
    slate, items = chosen.slate, scene.catalogue.items
    actions = [
        Action(items[place], propensity, float(f"{score:.7g}"))
        for place, propensity, score in zip(
            slate.actions.tolist(), slate.propensities, slate.scores.tolist(), strict=True
        )
    ]
    return (*actions, *(Action(items[place], 1.0, None) for place in filled_up(slate, scene).tolist()))
