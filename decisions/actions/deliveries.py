"""Delivering batches: fetched by the shop, or sent to its address again and again until it takes them."""

import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Coalesce

from decisions.actions.acknowledging import acknowledge
from decisions.actions.posting import SIGNATURE, Posted, post, signature, webhook_secret
from decisions.models import DecisionBatch
from decisions.queries.batch_documents import batch_document
from decisions.queries.batch_points import batch_point
from decisions.queries.batches import BatchFacts, batch_by_id
from decisions.vocabulary import BatchState
from foundation.actions.jobs import enqueue
from foundation.errors import DomainError
from foundation.queries import ProjectFacts, project_facts

DELIVER: Final = "deliver_batch"
"""The kind of the job that sends a batch to the shop's address."""
MOST_ATTEMPTS: Final = 8
FIRST_PAUSE: Final = timedelta(seconds=30)
FIRST_SIMULATED_PAUSE: Final = timedelta(seconds=1)
"""Wall time after the first attempt; each further pause is twice as long."""
LONGEST_FAULT: Final = 500
TOLD: Final = "Delivery: "
"""How that part of a batch's fault begins which its delivery has told."""
WEBHOOK_ACTOR: Final = "webhook"

Effect = Callable[[datetime], object]

logger = logging.getLogger(__name__)


def promise_delivery(*, batch_id: int, project_id: int, attempt: int, run_after: datetime | None = None) -> None:
    """Promise to send a batch to the address of its point, in the transaction that makes this necessary."""
    enqueue(
        kind=DELIVER,
        key=f"{DELIVER}:{batch_id}:{attempt}",
        project_id=project_id,
        payload={"batch_id": batch_id},
        run_after=run_after,
    )


def deliver_batch(*, batch_id: int, project_id: int, now: datetime) -> Effect:
    """Send a batch to its point's address and return what notes how that went; waits for the shop, in no transaction.

    A worker that ends in between sends it again: the shop tells what it has by `batch` of the document. Raises
    BatchUnknown.
    """
    batch = batch_by_id(batch_id, project_id=project_id)
    url = batch_point(batch.point_id).webhook
    if not url or batch.state is not BatchState.MADE:
        return _nothing
    facts = project_facts(project_id)
    document = batch_document(batch)
    signed = signature(webhook_secret(facts.signing_key), document, at=int(now.timestamp()))
    try:
        posted = post(url, document, headers={SIGNATURE: signed}, allowed_hosts=settings.FEED_HOSTS)
    except DomainError as error:
        return partial(_failed, batch, facts, f"{error.code}: {error.message}")
    return partial(_delivered, batch, _acknowledged(posted))


@transaction.atomic
def mark_delivered(*, batch_id: int, now: datetime) -> None:
    """Note that the shop has a batch; the first time counts. `now` is wall time."""
    DecisionBatch.objects.filter(pk=batch_id).update(
        state=BatchState.DELIVERED, delivered_at=Coalesce("delivered_at", now)
    )


def _delivered(batch: BatchFacts, items: Sequence[Any], at: datetime) -> None:
    fault = _without_delivery(batch.fault)
    DecisionBatch.objects.filter(pk=batch.id).update(attempts=batch.attempts + 1, fault=fault)
    mark_delivered(batch_id=batch.id, now=at)
    if items:
        acknowledge(batch_id=batch.id, project_id=batch.project_id, items=items, actor=WEBHOOK_ACTOR, now=at)


def _failed(batch: BatchFacts, facts: ProjectFacts, fault: str, at: datetime) -> None:
    """Note an attempt that failed, and promise the next one; after the last one nobody tries again."""
    attempts = batch.attempts + 1
    held = DecisionBatch.objects.filter(pk=batch.id, state=BatchState.MADE)
    fault = f"{_without_delivery(batch.fault)} {TOLD}{fault}".strip()[:LONGEST_FAULT]
    if attempts >= MOST_ATTEMPTS:
        held.update(attempts=attempts, fault=fault, state=BatchState.UNDELIVERABLE)
        return
    if held.update(attempts=attempts, fault=fault):
        first = FIRST_SIMULATED_PAUSE if facts.simulated else FIRST_PAUSE
        pause = first * 2 ** (attempts - 1)
        promise_delivery(batch_id=batch.id, project_id=facts.id, attempt=attempts + 1, run_after=at + pause)


def _without_delivery(fault: str) -> str:
    return fault.partition(TOLD)[0].strip()


def _acknowledged(posted: Posted) -> Sequence[Any]:
    """Return the acknowledgements that an answer carries; an answer without any says only that the batch was taken."""
    try:
        told = json.loads(posted.body) if posted.body.strip() else {}
    except (ValueError, RecursionError):
        return ()
    items = told.get("items") if isinstance(told, dict) else None
    return items if isinstance(items, list) else ()


def _nothing(_now: datetime) -> None:
    """Write nothing: the batch is with the shop, or has nowhere to go."""
