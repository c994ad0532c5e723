"""The JSON of decisions, and the token that goes with one that enrols."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from decisions.serving.answers import token_of
from decisions.serving.bundle import LiveBundle
from decisions.serving.decide import Decision
from decisions.serving.known import CUSTOMER
from decisions.serving.token import token_entry, token_head
from decisions.vocabulary import DecisionReason
from experiments.assignment.snapshot import Assignment, Slots


class ActionAnswer(msgspec.Struct, gc=False):
    """One action. `position` counts from 0; `score` is null where the baseline filled the slate up."""

    item: str
    position: int
    propensity: float
    score: float | None


class AssignmentAnswer(msgspec.Struct, gc=False):
    """What the experiment of the decision point gave the unit."""

    experiment: str
    variant: str | None
    enrolled: bool
    reason: str
    epoch: int
    probability: float
    slots: Slots


class ModelAnswer(msgspec.Struct, gc=False):
    """The model that the variant or the champion pins; `version` is its number within the model."""

    key: str
    version: int


class LearnerAnswer(msgspec.Struct, gc=False):
    """The learning policy that the variant, or the decision point, names; `state` is None where it did not decide."""

    key: str
    state: int | None


class DecisionAnswer(msgspec.Struct):
    """The response body of `POST /v1/decisions/{decision_point}`."""

    decision_point: str
    decision_id: str
    decision_token: str | None = None
    actions: list[ActionAnswer] = []
    policy: str | None = None
    reason: str = DecisionReason.ENGINE_ERROR.value
    assignment: AssignmentAnswer | None = None
    model: ModelAnswer | None = None
    learner: LearnerAnswer | None = None
    exposed: bool = False
    bundle_version: int | None = None
    source: str | None = None
    metadata: dict[str, str | int] = {}


_encode = msgspec.json.Encoder().encode


def render_decision(
    decision: Decision,
    stored: Mapping[str, str],
    bundle: LiveBundle,
    *,
    at: datetime,
    decision_id: str,
    exposed: bool,
    degraded: str | None,
) -> bytes:
    """Return the response body; `stored` are the stored ids of the request's units, `at` is project time."""
    answer = DecisionAnswer(
        decision_point=decision.point.key,
        decision_id=decision_id,
        decision_token=_token(decision, stored, bundle, at, decision_id),
        actions=[
            ActionAnswer(action.item, position, action.propensity, action.score)
            for position, action in enumerate(decision.actions)
        ],
        policy=decision.policy.value,
        reason=decision.reason.value,
        assignment=None if decision.assignment is None else _assignment(decision.assignment),
        model=None if decision.model is None else ModelAnswer(decision.model.model, decision.model.number),
        learner=None if decision.learner is None else LearnerAnswer(decision.learner.key, decision.state),
        exposed=exposed,
        bundle_version=bundle.version,
        source=bundle.source.value,
        metadata=_metadata(decision, degraded),
    )
    return _encode(answer)


def render_no_decision(key: str, *, decision_id: str, reason: DecisionReason) -> bytes:
    """Return the response body where nothing can be decided: the storefront shows what it shows without us."""
    answer = DecisionAnswer(
        decision_point=key, decision_id=decision_id, reason=reason.value, metadata={"degraded": reason.value}
    )
    return _encode(answer)


def _metadata(decision: Decision, degraded: str | None) -> dict[str, str | int]:
    """Return what else there is to say of a decision: what degraded it, and what of the request came to nothing."""
    metadata: dict[str, str | int] = {}
    if degraded is not None:
        metadata["degraded"] = degraded
    if decision.reason is DecisionReason.DATA_STALE and decision.scene is not None and decision.scene.age is not None:
        metadata["data_age_seconds"] = int(decision.scene.age)
    if decision.unscored is not None:
        metadata["unscored"] = decision.unscored.value
    if decision.unknown_items:
        metadata["unknown_items"] = decision.unknown_items
    if decision.preview is not None:
        metadata["preview"] = decision.preview.value
    return metadata


def _assignment(assignment: Assignment) -> AssignmentAnswer:
    return AssignmentAnswer(
        experiment=assignment.experiment_key,
        variant=assignment.variant,
        enrolled=assignment.enrolled,
        reason=assignment.reason.value,
        epoch=assignment.epoch,
        probability=assignment.probability,
        slots=assignment.slots,
    )


def _token(
    decision: Decision, stored: Mapping[str, str], bundle: LiveBundle, at: datetime, decision_id: str
) -> str | None:
    if decision.assignment is None:
        return None
    head = token_head(decision.assignment.answer)
    kind = decision.assignment.unit_kind or ""
    if head is None or kind not in stored:
        return None
    named = {kind: stored[kind]} if decision.visitor is None else {kind: stored[kind], CUSTOMER: stored[CUSTOMER]}
    version = None if decision.model is None else decision.model.version
    entry = token_entry(head, decision.assignment, version)
    return token_of([entry], named, bundle, at, decision_id)
