"""Decisions as the edge logged them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from foundation.errors import DomainError
from foundation.ids import sought

_COLUMNS = "project_id, message_id, received_at, occurred_at, visitor, customer, session, item, store, properties::text"
_RECENT = f"""
SELECT {_COLUMNS} FROM decisions_eventlog
WHERE project_id = %(project)s AND kind = 'decision' AND properties->>'decision_point' = %(point)s
    AND (%(version)s::text IS NULL OR properties->>'version' = %(version)s)
ORDER BY received_at DESC, message_id LIMIT %(limit)s
"""  # noqa: S608 - constants of this module
_ONE = f"""
SELECT {_COLUMNS} FROM decisions_eventlog WHERE kind = 'decision' AND message_id = %s AND project_id = ANY(%s) LIMIT 1
"""  # noqa: S608
_COUNTS = """
SELECT properties->>'policy', properties->>'reason', properties->>'version', properties->>'variant', count(*)
FROM decisions_eventlog
WHERE project_id = %s AND kind = 'decision' AND properties->>'decision_point' = %s AND received_at > %s
GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4
"""


class DecisionUnknown(DomainError):
    """There is no such decision in the log."""

    code = "DECISION_UNKNOWN"
    hint = "Decisions are logged within a second; older ones go with the retention of the event log."


@dataclass(frozen=True, slots=True)
class ChosenAction:
    """One action of a slate: the item, how probable it was, and the score it was ranked by."""

    item: str
    propensity: float
    score: float | None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What was kept of a decision's circumstances, None where its row is older than that.

    removed: how many actions each constraint took. history_items: what the unit dealt with, the most recent first, as
    far as it is kept. attributes, context: what the storefront said, as far as it may be kept. shown: how often the
    chosen actions had been shown to the unit. features: rows of the first actions, as a learning policy read them.
    subject: what it was decided for, "" where for whoever asked. facts: numbers that were known of that. settings: of
    the decision point, those that were not as usual.
    """

    removed: Mapping[str, int] | None = None
    history_items: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    shown: Mapping[str, int] = field(default_factory=dict)
    learner: int | None = None
    state: int | None = None
    holdback: bool = False
    features: tuple[tuple[float, ...], ...] | None = None
    subject: str = ""
    facts: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """One logged decision. `at` is project time; `unit` is the stored (hashed) id; `version` a model version's id."""

    id: str
    project_id: int
    received_at: datetime
    at: datetime | None
    unit_kind: str | None
    unit: str | None
    point: str
    policy: str
    reason: str
    experiment: str | None
    variant: str | None
    epoch: int | None
    enrolled: bool
    assignment_reason: str | None
    version: int | None
    actions: tuple[ChosenAction, ...]
    candidates: int
    history: int
    bundle_version: int | None
    personalised: bool
    exposed: bool
    degraded: str | None
    microseconds: int | None
    displayed: bool = False
    met: Circumstances = field(default_factory=Circumstances)


@dataclass(frozen=True, slots=True)
class DecisionCount:
    """How many decisions of a stretch of time were made in one way."""

    policy: str
    reason: str
    version: int | None
    variant: str | None
    decisions: int


def recent_decisions(
    project_id: int, point_key: str, *, limit: int = 50, version: int | None = None
) -> Sequence[DecisionFacts]:
    """Return the newest decisions of a decision point, newest first; of one model version where it is named."""
    values: dict[str, int | str | None] = {
        "project": project_id,
        "point": point_key,
        "version": None if version is None else str(version),
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECENT, values)
        return [_facts(row) for row in cursor.fetchall()]


def decision_by_id(decision_id: str, *, project_ids: Sequence[int]) -> DecisionFacts:
    """Return one decision of these projects. Raises DecisionUnknown."""
    with connection.cursor() as cursor:
        cursor.execute(_ONE, [sought(decision_id), list(project_ids)])
        row = cursor.fetchone()
    if row is None:
        raise DecisionUnknown(f"There is no decision {decision_id[:100]} in the log.")
    return _facts(row)


def decision_counts(project_id: int, point_key: str, *, now: datetime, within: timedelta) -> Sequence[DecisionCount]:
    """Return how decisions were made lately (by receipt), the most frequent way first."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [project_id, point_key, now - within])
        return [
            DecisionCount(str(policy), str(reason), None if version is None else int(version), variant, int(decisions))
            for policy, reason, version, variant, decisions in cursor.fetchall()
        ]


def _facts(row: Sequence[Any]) -> DecisionFacts:
    project_id, message_id, received_at, occurred_at, *units, said = row
    properties = json.loads(said)
    kind = properties.get("unit_kind")
    by_kind = dict(zip(("visitor", "customer", "session", "item", "store"), units, strict=True))
    return DecisionFacts(
        id=message_id,
        project_id=project_id,
        received_at=received_at,
        at=occurred_at,
        unit_kind=kind,
        unit=by_kind.get(kind) if kind else None,
        point=str(properties.get("decision_point")),
        policy=str(properties.get("policy")),
        reason=str(properties.get("reason")),
        experiment=properties.get("experiment"),
        variant=properties.get("variant"),
        epoch=properties.get("epoch"),
        enrolled=bool(properties.get("enrolled")),
        assignment_reason=properties.get("assignment_reason"),
        version=properties.get("version"),
        actions=tuple(ChosenAction(str(item), float(p), s) for item, p, s in properties.get("actions") or ()),
        candidates=int(properties.get("candidates") or 0),
        history=int(properties.get("history") or 0),
        bundle_version=properties.get("bundle_version"),
        personalised=properties.get("personalised") is not False,
        exposed=bool(properties.get("exposed")),
        degraded=properties.get("degraded"),
        microseconds=properties.get("microseconds"),
        displayed=bool(properties.get("displayed", properties.get("exposed"))),
        met=_circumstances(properties),
    )


def _circumstances(said: Mapping[str, Any]) -> Circumstances:
    features = said.get("features")
    return Circumstances(
        removed=said.get("removed"),
        history_items=tuple(map(str, said.get("history_items") or ())),
        attributes=said.get("attributes") or {},
        context=said.get("context") or {},
        shown=said.get("shown") or {},
        learner=said.get("learner"),
        state=said.get("state"),
        holdback=bool(said.get("holdback")),
        features=None if features is None else tuple(tuple(map(float, row)) for row in features),
        subject=str(said.get("subject") or ""),
        facts={name: float(value) for name, value in (said.get("facts") or {}).items()},
        settings=said.get("settings") or {},
    )
