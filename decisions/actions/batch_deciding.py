"""Deciding for every subject of a point, through the one engine that requests go through."""

import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from typing import Final, NamedTuple

import msgspec
import numpy as np

from decisions.domain import FieldKind
from decisions.ingest.decision_rows import Occasion, decision_row
from decisions.ingest.exposure import unit_in_period
from decisions.ingest.rows import EventRow
from decisions.moment import Catalogue
from decisions.serving.bundle import LiveBundle
from decisions.serving.choosing import Means
from decisions.serving.decide import Decision, decide
from decisions.serving.decision_requests import DecisionRequest
from decisions.serving.known import NOTHING_KNOWN
from decisions.serving.points import DecisionPoint
from decisions.serving.scoring import score_at_once
from decisions.vocabulary import DecisionReason
from experiments.assignment.snapshot import Assignment
from experiments.vocabulary import Reason, UnitKind
from foundation.ids import keyed_digest
from foundation.money import MICROS, AmountInvalid, to_micros

UNIT_COLUMNS: Final = (UnitKind.ITEM.value, UnitKind.STORE.value, UnitKind.CLUSTER.value)
ATTRIBUTES: Final = ("category", "cluster", "store")
"""What audiences may ask of a subject."""
AS_MEANT: Final = frozenset(
    {
        DecisionReason.MODEL,
        DecisionReason.LEARNED,
        DecisionReason.FIXED,
        DecisionReason.BASELINE,
        DecisionReason.HOLDBACK,
    }
)
"""Reasons for which a decision is what its policy was to do; under all others the baseline stood in."""
ID_BYTES: Final = 12

Cell = tuple[int, str]
"""An experiment, and a unit in its period."""


class DecidedRow(NamedTuple):
    """A decision as the tables keep it: the columns of BatchDecision."""

    subject: str
    decision_id: str
    value: int | None
    before: int | None
    reason: str
    experiment_id: int | None
    variant: str
    cell: str
    is_enrolled: bool


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be decided. `at` is project time; `due_at` names the batch.

    enrolled: the cells that earlier batches have enrolled already.
    """

    point: DecisionPoint
    bundle: LiveBundle
    subjects: Catalogue
    at: datetime
    due_at: datetime
    enrolled: frozenset[Cell] = frozenset()


def decide_all(order: Order) -> Iterator[tuple[DecidedRow, EventRow]]:
    """Yield the decision for every subject, in their order, with its row of the event log.

    The first decision of a cell that none has enrolled yet carries the exposure of the cell: in the burn-in of a period
    too, as what counts is counted from its end on, and a batch decides for all of the period that is left.
    """
    units, before = _units(order), _before(order)
    attributes = _attributes(order.subjects)
    enrolled = set(order.enrolled)
    for place, subject in enumerate(order.subjects.items):
        started = time.perf_counter()
        decision_id = decision_id_of(order, subject)
        request = DecisionRequest(units=units[place], attributes=attributes[place])
        decision = decide(
            request, order.point, order.bundle, NOTHING_KNOWN, order.at, Means(score_at_once, decision_id)
        )
        decision = _settled(decision, order.bundle)
        row = _row(subject, decision_id, decision, request.units, before[place])
        cell = (row.experiment_id or 0, row.cell)
        is_first = row.is_enrolled and cell not in enrolled
        if is_first:
            enrolled.add(cell)
        occasion = Occasion(
            project_id=order.bundle.project_id,
            bundle_version=order.bundle.version,
            decision_id=decision_id,
            at=order.at,
            units=request.units,
            personalised=False,
            displayed=True,
            exposed=is_first,
            degraded=None,
            microseconds=round((time.perf_counter() - started) * 1e6),
        )
        yield row, decision_row(decision, occasion)


def decision_id_of(order: Order, subject: str) -> str:
    """Return 24 hexadecimal characters that name the decision for a subject in a batch, whenever it is made."""
    message = f"{order.point.id}|{order.due_at.timestamp()}|{subject}".encode()
    return keyed_digest(order.bundle.pepper, message)[:ID_BYTES].hex()


def is_degraded(reason: str) -> bool:
    """Return whether the baseline stood in for what was meant to decide."""
    return reason not in AS_MEANT


def _units(order: Order) -> list[dict[str, str]]:
    """Return the ids that each subject is, or belongs to, by kind; what is unknown is left out."""
    fields, ids = order.subjects.fields, order.subjects.items
    columns = [(kind, fields[kind]) for kind in UNIT_COLUMNS if kind in fields]
    found = [{kind: str(column[place]) for kind, column in columns if column[place]} for place in range(len(ids))]
    if order.point.domain.subject_kind is UnitKind.STORE_ITEM:
        for place, subject in enumerate(ids):
            found[place][UnitKind.STORE_ITEM.value] = subject
    return found


def _attributes(subjects: Catalogue) -> list[dict[str, object]]:
    columns = [(name, subjects.fields[name]) for name in ATTRIBUTES if name in subjects.fields]
    return [{name: column[place] for name, column in columns if column[place]} for place in range(len(subjects.items))]


def _before(order: Order) -> list[int | None]:
    """Return what holds until now for each subject, in millionths: its price; of orders, nothing."""
    if order.point.domain.actions_are is not FieldKind.MONEY:
        return [0] * len(order.subjects.items)
    prices = np.asarray(order.subjects.fields["price"], np.float64) * MICROS
    return [round(price) if isfinite(price) else None for price in prices.tolist()]


def _settled(decision: Decision, bundle: LiveBundle) -> Decision:
    """Return the decision with the assignment that its unit has once the burn-in of the period is over."""
    assignment = decision.assignment
    if assignment is None or assignment.reason is not Reason.BURN_IN or assignment.variant_slot is None:
        return decision
    experiment = bundle.snapshot.experiments[assignment.experiment_key]
    answer = experiment.draws[bisect_right(experiment.boundaries, assignment.variant_slot)]
    return replace(decision, assignment=msgspec.structs.replace(assignment, answer=answer))


def _row(
    subject: str, decision_id: str, decision: Decision, units: Mapping[str, str], before: int | None
) -> DecidedRow:
    given = decision.assignment if decision.enrolled else None
    return DecidedRow(
        subject=subject,
        decision_id=decision_id,
        value=_value(decision),
        before=before,
        reason=decision.reason.value,
        experiment_id=None if given is None else given.experiment_id,
        variant="" if given is None else given.variant or "",
        cell="" if given is None else _cell(given, units),
        is_enrolled=given is not None,
    )


def _cell(given: Assignment, units: Mapping[str, str]) -> str:
    return unit_in_period(units.get(given.unit_kind or ""), given.period) or ""


def _value(decision: Decision) -> int | None:
    """Return what was decided, in millionths; None where there was nothing to choose."""
    if not decision.actions:
        return None
    try:
        return to_micros(decision.actions[0].item)
    except AmountInvalid:
        return None
