"""From a decision to its row in the event log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Final

import msgspec

from decisions.ingest.exposure import Enrolment, unit_in_period
from decisions.ingest.rows import EventRow
from decisions.serving.decide import Decision
from decisions.serving.decision_requests import ITEM_LISTS
from decisions.vocabulary import DECISION_KIND, Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Under what circumstances a decision was made. `at` is project time, `microseconds` the time it took."""

    project_id: int
    bundle_version: int
    decision_id: str
    at: datetime
    units: Mapping[str, str]
    """The stored ids of the request's units by kind."""
    personalised: bool
    displayed: bool
    """Whether the storefront said that it shows the actions at once, in an experiment or not."""
    exposed: bool
    """Whether that enrolled the unit in an experiment."""
    degraded: str | None
    microseconds: int
    attributes: Mapping[str, object] = field(default_factory=dict)
    """What the project allows of the request's attributes; kept where the storefront shows the actions at once."""
    shadow: Mapping[str, object] | None = None
    """How the decision compares with what a shadow version would have shown, where it was drawn for that."""


MOST_HISTORY: Final = 20
"""Items of the history that are kept with the decision of a model."""

_encode = msgspec.json.Encoder().encode


def decision_row(decision: Decision, occasion: Occasion) -> EventRow:
    """Return the row that says what was decided, for whom and why; with an enrolment where it exposed the unit."""
    units = occasion.units
    enrolments = [_enrolment(decision, units)] if occasion.exposed else None
    return EventRow(
        project_id=occasion.project_id,
        day=occasion.at.astimezone(UTC).date(),
        message_id=occasion.decision_id,
        kind=DECISION_KIND,
        event=None,
        occurred_at=occasion.at,
        corrected_at=occasion.at,
        visitor=units.get("visitor"),
        customer=units.get("customer"),
        session=units.get("session"),
        item=units.get("item"),
        store=units.get("store"),
        properties=_encode(_properties(decision, occasion)).decode(),
        enrolments=None if enrolments is None else _encode(enrolments).decode(),
    )


def _properties(decision: Decision, occasion: Occasion) -> dict[str, object]:
    assignment = decision.assignment
    return {
        "decision_point": decision.point.key,
        "policy": decision.policy,
        "reason": decision.reason,
        "experiment": None if assignment is None else assignment.experiment_key,
        "variant": None if assignment is None else assignment.variant,
        "epoch": None if assignment is None else assignment.epoch,
        "enrolled": decision.enrolled,
        "assignment_reason": None if assignment is None else assignment.reason,
        "version": None if decision.model is None else decision.model.version,
        "actions": [(action.item, action.propensity, action.score) for action in decision.actions],
        "candidates": decision.candidates,
        "removed": {name: count for name, count in decision.removed.items() if count},
        "history": decision.history,
        "bundle_version": occasion.bundle_version,
        "personalised": occasion.personalised,
        "unit_kind": next(iter(occasion.units), None) if assignment is None else assignment.unit_kind,
        "displayed": occasion.displayed,
        "exposed": occasion.exposed,
        "degraded": occasion.degraded,
        "microseconds": occasion.microseconds,
        **_met(decision, occasion),
        **_of_subject(decision),
        **_learnt(decision),
        **({} if occasion.shadow is None else {"shadow": dict(occasion.shadow)}),
    }


def _met(decision: Decision, occasion: Occasion) -> dict[str, object]:
    """Return what was known of unit and moment, as far as it is kept."""
    kept: dict[str, object] = {}
    if occasion.displayed:
        kept["attributes"] = _storable(occasion.attributes)
    moment = decision.moment
    if moment is None:
        return kept
    context = {name: value for name, value in moment.context.items() if name not in ITEM_LISTS}
    if context:
        kept["context"] = _storable(context)
    if decision.model is not None and decision.point.is_personal:
        kept["history_items"] = moment.history[:MOST_HISTORY]
    if moment.shown:
        shown = ((action.item, moment.shown.get(action.item, 0)) for action in decision.actions)
        kept["shown"] = {item: times for item, times in shown if times}
    return kept


def _of_subject(decision: Decision) -> dict[str, object]:
    """Return for what it was decided, where a menu was chosen from, and the numbers that were known of that.

    settings: those of the decision point that were not as usual.
    """
    scene = decision.scene
    if scene is None or scene.menu is None:
        return {}
    usual = decision.point.domain.settings
    said = {name: value for name, value in scene.moment.settings.items() if value != usual[name].default}
    facts = {name: value for name, value in scene.menu.about.items() if not isinstance(value, str) and isfinite(value)}
    return {"subject": scene.moment.subject, "facts": facts, **({"settings": said} if said else {})}


def _learnt(decision: Decision) -> dict[str, object]:
    """Return what a learning policy is to learn from; its features are those of the first actions, in their order.

    `unscored` is there where it had no scores of the model that it reads, and says why.
    """
    if decision.learner is None:
        return {}
    learnt: dict[str, object] = {
        "learner": decision.learner.id,
        "state": decision.state,
        "holdback": decision.is_held_back,
    }
    if decision.unscored is not None:
        learnt["unscored"] = decision.unscored
    if decision.features is not None:
        learnt["features"] = decision.features.tolist()
    return learnt


def _storable(attributes: Mapping[str, object]) -> dict[str, object]:
    """Return the attributes without texts that no database takes: one of them must not cost the whole row."""
    return {name: value for name, value in attributes.items() if not _has_nul(value)}


def _has_nul(value: object) -> bool:
    if isinstance(value, list):
        return any(map(_has_nul, value))
    return isinstance(value, str) and "\0" in value


def _enrolment(decision: Decision, units: Mapping[str, str]) -> Enrolment:
    assignment = decision.assignment
    assert assignment is not None
    kind = assignment.unit_kind or ""
    return {
        "experiment": assignment.experiment_id,
        "variant": assignment.variant,
        "epoch": assignment.epoch,
        "probability": assignment.probability,
        "slots": assignment.slots,
        "unit": unit_in_period(units.get(kind), assignment.period),
        "unit_kind": kind,
        "verification": Verification.DECIDED,
        "reason": None,
    }
