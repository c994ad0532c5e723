"""Batches: promised when they are due, decided outside of any transaction, written with everything in one, once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Final

from django.db import IntegrityError, transaction

from decisions.actions.batch_deciding import Cell, DecidedRow, Order, decide_all, is_degraded
from decisions.actions.batch_rows import copy_decisions, ensure_day, stage_events, store_events, writing_time
from decisions.actions.deliveries import LONGEST_FAULT, promise_delivery
from decisions.actions.ledger_lock import lock_ledger
from decisions.actions.price_ledger import grace_of, write_offers
from decisions.domain import Domain
from decisions.ingest.rows import copy_line
from decisions.models import DecisionBatch
from decisions.queries.batch_documents import batch_document
from decisions.queries.batch_equipment import equipped
from decisions.queries.batch_points import BatchPoint, batch_point, batch_points, newest_due, skipped_between
from decisions.queries.batches import batch_by_id, enrolled_cells, newest_batch_due
from decisions.queries.live import newest_bundle
from decisions.queries.subjects import subjects_of
from decisions.serving.bundle import LiveBundle
from decisions.serving.points import DecisionPoint
from experiments.vocabulary import Payable, UnitKind
from foundation.actions.jobs import enqueue
from foundation.errors import DomainError
from foundation.queries import ProjectFacts, open_jobs, project_facts

DECIDE: Final = "decide_batch"
"""The kind of the job that makes a batch."""

Effect = Callable[[datetime], object]


class PointUnpublished(DomainError):
    """The newest bundle does not have the decision point yet."""

    code = "POINT_UNPUBLISHED"
    hint = "It is tried again; a new decision point is published within seconds."


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A batch that was decided and is not written yet. events: lines for COPY into the event log."""

    point: BatchPoint
    domain: Domain
    due_at: datetime
    made_at: datetime
    bundle_version: int
    rows: Sequence[DecidedRow]
    events: Sequence[str]
    fault: str


def promise_batches(*, facts: ProjectFacts, now: datetime) -> int:
    """Promise the newest batch of each decision point that is due by the project's clock, and return how many.

    While one waits or runs, no other of its point is promised: what came due meanwhile is made up for by one batch.
    """
    at = facts.clock.at(now)
    promised = 0
    for point in batch_points(facts.id):
        due_at = newest_due(point, at=at, zone=facts.time_zone)
        made = newest_batch_due(point.id)
        if due_at is None or (made is not None and made >= due_at) or open_jobs(key_prefix=f"{DECIDE}:{point.id}:"):
            continue
        promised += enqueue(
            kind=DECIDE,
            key=f"{DECIDE}:{point.id}:{due_at.isoformat()}",
            project_id=facts.id,
            payload={"point_id": point.id, "due_at": due_at.isoformat()},
        )
    return promised


def make_batch(*, point_id: int, due_at: datetime, now: datetime) -> Effect:
    """Decide for every subject of a point and return what writes the batch; may take a minute, in no transaction.

    Where a later batch has come due by now, that one is made in place of this one, and says how many were not. One that
    is there already is not made again. Raises PointUnknown, NothingPublished, PointUnpublished, BundleInvalid.
    """
    point = batch_point(point_id)
    facts = project_facts(point.project_id)
    at = facts.clock.at(now).astimezone(UTC)
    due_at = max(due_at, newest_due(point, at=at, zone=facts.time_zone) or due_at)
    newest = newest_batch_due(point.id)
    if newest is not None and newest >= due_at:
        return _nothing
    made = _decided(point, due_at, at)
    ensure_day(at)
    return partial(_write, made, facts)


def _decided(point: BatchPoint, due_at: datetime, at: datetime) -> Made:
    bundle = newest_bundle(point.project_id)
    found = bundle.points.by_key.get(point.key)
    if found is None:
        raise PointUnpublished(f"The bundle {bundle.version} does not have the decision point {point.key}.")
    subjects = subjects_of(point.project_id, found.domain, at=at)
    order = Order(
        point=found,
        bundle=equipped(bundle, found, subjects),
        subjects=subjects,
        at=at,
        due_at=due_at,
        enrolled=_enrolled(found, bundle, at),
    )
    rows, events = [], []
    for row, event in decide_all(order):
        rows.append(row)
        events.append(copy_line(event))
    return Made(
        point=point,
        domain=found.domain,
        due_at=due_at,
        made_at=at,
        bundle_version=bundle.version,
        rows=rows,
        events=events,
        fault=_fault(point, order, rows),
    )


def _enrolled(point: DecisionPoint, bundle: LiveBundle, at: datetime) -> frozenset[Cell]:
    """Return the cells of the point's experiments that batches have enrolled in the periods that go on."""
    found: set[Cell] = set()
    for key in point.arms:
        experiment = bundle.snapshot.experiments[key]
        since = experiment.epoch_opened_at
        if experiment.periods is not None:
            since = experiment.periods.start(experiment.periods.index(at))
        found |= {(experiment.id, cell) for cell in enrolled_cells(experiment.id, since=since)}
    return frozenset(found)


def _fault(point: BatchPoint, order: Order, rows: Sequence[DecidedRow]) -> str:
    """Return what is to be told of a batch besides its decisions, "" where there is nothing."""
    told = []
    previous = newest_batch_due(point.id)
    if previous is not None and point.every_minutes is not None:
        skipped = skipped_between(previous, order.due_at, point.every_minutes)
        if skipped:
            told.append(f"{skipped} batches that were due before it were not made: no worker made them in time.")
    if not rows:
        told.append(_nothing_to_decide(order.point.domain))
    if rows and all(row.value is None for row in rows):
        told.append("There was nothing to choose for any of them; the reasons are with the decisions.")
    told += [f"{name}: {fault}" for name, fault in order.bundle.equipment.faults.items()]
    return " ".join(told)[:LONGEST_FAULT]


def _nothing_to_decide(domain: Domain) -> str:
    if domain.subject_kind is UnitKind.STORE_ITEM:
        return "There is nothing to decide for: the shop has counted no item in any store (PUT /v1/stock)."
    return "There is nothing to decide for: the shop has no item with a price (PUT /v1/items)."


def _write(made: Made, facts: ProjectFacts, now: datetime) -> None:
    """Write a batch with its decisions, offers and events, unless it is there already; the transaction ends with it."""
    is_paid = made.domain.payable is Payable.PRICE
    stage_events(made.events)
    waited = lock_ledger(facts.id) if is_paid else timedelta()
    takes_effect_at = facts.clock.at(now + waited + grace_of(facts) + writing_time(len(made.rows)))
    batch_id = _insert(made, takes_effect_at)
    if batch_id is None:
        return
    copy_decisions(batch_id, made.rows)
    _sign(batch_id, made.point)
    if is_paid:
        offers = [(row.subject, row.value) for row in made.rows if row.value is not None]
        write_offers(batch_id=batch_id, offers=offers, takes_effect_at=takes_effect_at)
    if made.point.webhook and made.rows:
        promise_delivery(batch_id=batch_id, project_id=facts.id, attempt=1)
    store_events(len(made.events), is_simulated=facts.simulated)


def _insert(made: Made, takes_effect_at: datetime) -> int | None:
    """Insert the row of a batch and return its id; None where the point has one of that time."""
    row = DecisionBatch(
        point_id=made.point.id,
        due_at=made.due_at,
        made_at=made.made_at,
        takes_effect_at=takes_effect_at,
        bundle_version=made.bundle_version,
        decisions=len(made.rows),
        degraded=sum(is_degraded(decided.reason) for decided in made.rows),
        fault=made.fault,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if "decision_batch_due" in str(error):
            return None
        raise
    return int(row.pk)


def _sign(batch_id: int, point: BatchPoint) -> None:
    document = batch_document(batch_by_id(batch_id, project_id=point.project_id))
    DecisionBatch.objects.filter(pk=batch_id).update(sha256=sha256(document).hexdigest())


def _nothing(_now: datetime) -> None:
    """Write nothing: the batch is there."""
