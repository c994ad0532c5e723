"""From raw messages to rows of the event log and a result for each message."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from decisions.ingest.envelopes import read_message
from decisions.ingest.exposure import EXPOSURE_EVENT, Intake, enrolments_of, stored_units
from decisions.ingest.rows import EventRow
from decisions.ingest.timestamps import Moments, moments_of, read_timestamp
from decisions.ingest.validation import ValidMessage, validate
from decisions.vocabulary import MessageStatus, Rejection
from foundation.errors import DomainError


class MessageRejected(DomainError):
    """The only message of the request cannot be stored; the message is the reason."""

    code = "MESSAGE_REJECTED"
    hint = "Correct the message: sending it again as it is will not help."


class MessageResult(msgspec.Struct, frozen=True, gc=False):
    """What became of one message of a request."""

    index: int
    message_id: str | None
    status: MessageStatus
    reason: Rejection | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """Messages after validation: rows to store (with their place in the request), and those refused."""

    rows: list[EventRow]
    places: list[int]
    refused: list[MessageResult]
    dropped_properties: int

    def results(self, stored: set[tuple[date, str]]) -> list[MessageResult]:
        """Return the result of each message, given the keys of the rows that were not in the log before."""
        results = list(self.refused)
        fresh = set(stored)
        for row, place in zip(self.rows, self.places, strict=True):
            status = MessageStatus.ACCEPTED if row.key in fresh else MessageStatus.DUPLICATE
            fresh.discard(row.key)
            results.append(MessageResult(place, row.message_id, status))
        results.sort(key=lambda result: result.index)
        return results


_encode = msgspec.json.Encoder().encode


def receive(raws: Sequence[bytes], sent_at: object, intake: Intake, *, kind: str | None = None) -> Received:
    """Return what can be stored of the messages of a request and what cannot.

    `sent_at` is the envelope's, used for messages without one of their own; `kind` is given by the route of a
    single message.
    """
    rows: list[EventRow] = []
    places: list[int] = []
    refused: list[MessageResult] = []
    dropped = 0
    batch_sent_at = read_timestamp(sent_at)
    for index, raw in enumerate(raws):
        message = read_message(raw)
        if isinstance(message, Rejection):
            refused.append(MessageResult(index, None, MessageStatus.REJECTED, message))
            continue
        valid = validate(message, raw, attributes=intake.bundle.attributes, kind=kind)
        if isinstance(valid, Rejection):
            message_id = message.message_id if isinstance(message.message_id, str) else None
            refused.append(MessageResult(index, message_id, MessageStatus.REJECTED, valid))
            continue
        sent = read_timestamp(message.sent_at) or batch_sent_at
        rows.append(_row(valid, moments_of(message.timestamp, sent, received=intake.now), intake))
        places.append(index)
        dropped += valid.dropped
    return Received(rows, places, refused, dropped)


def _row(message: ValidMessage, moments: Moments, intake: Intake) -> EventRow:
    units = stored_units(intake.bundle, message.units)
    enrolments = None
    if message.event == EXPOSURE_EVENT:
        at = moments.corrected_at or intake.now
        enrolments = _encode(enrolments_of(message, units, at, intake)).decode()
    return EventRow(
        project_id=intake.bundle.project_id,
        day=moments.day,
        message_id=message.message_id,
        kind=message.kind,
        event=message.event,
        occurred_at=moments.occurred_at,
        corrected_at=moments.corrected_at,
        visitor=units.get("visitor"),
        customer=units.get("customer"),
        session=units.get("session"),
        item=units.get("item"),
        store=units.get("store"),
        properties=_encode(message.properties).decode(),
        enrolments=enrolments,
    )
