"""From raw messages to rows of the event log and a result for each message."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec

from decisions.ingest.browsers import ATTRIBUTE, BrowserFamily
from decisions.ingest.envelopes import Message, read_message
from decisions.ingest.exposure import EXPOSURE_EVENT, PERSONAL_KINDS, Enrolment, Intake, enrolments_of
from decisions.ingest.notes import Notes
from decisions.ingest.properties import ATTRIBUTES
from decisions.ingest.rows import EventRow
from decisions.ingest.timestamps import Moments, moments_of, read_timestamp
from decisions.ingest.validation import ValidMessage, validate
from decisions.vocabulary import HISTORY_KIND, IntakeKind, KeyKind, MessageKind, MessageStatus, Rejection, Verification
from foundation.errors import DomainError
from foundation.ids import hash_unit

LATE_AFTER = timedelta(hours=1)
SKEWED_FROM = timedelta(minutes=1)


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
    notes: Notes

    @property
    def dropped_properties(self) -> int:
        """How many properties the allow-list left out."""
        return self.notes.counts.get((IntakeKind.DROPPED, ""), 0)

    def results(self, stored: set[tuple[date, str]]) -> list[MessageResult]:
        """Return the result of each message, given the keys of the rows that were not in the log before."""
        accepted, duplicate = MessageStatus.ACCEPTED, MessageStatus.DUPLICATE
        fresh = set(stored)
        results = []
        for row, place in zip(self.rows, self.places, strict=True):
            key = row.key
            if key in fresh:
                fresh.remove(key)
                results.append(MessageResult(place, row.message_id, accepted))
            else:
                results.append(MessageResult(place, row.message_id, duplicate))
        if self.refused:
            results += self.refused
            results.sort(key=lambda result: result.index)
        return results


_encode = msgspec.json.Encoder().encode


def receive(
    raws: Sequence[bytes], sent_at: object, intake: Intake, *, kind: str | None = None, backfill: bool = False
) -> Received:
    """Return what can be stored of the messages of a request and what cannot.

    `sent_at` is the envelope's, used for messages without one of their own; `kind` is given by the route of a
    single message; `backfill` says that all of them are history, which a message may also say of itself.
    """
    reception = _Reception(intake, read_timestamp(sent_at))
    attributes = intake.bundle.attributes
    for index, raw in enumerate(raws):
        message = read_message(raw)
        if isinstance(message, Rejection):
            reception.refuse(index, None, message)
            continue
        valid = validate(message, raw, attributes=attributes, kind=kind)
        is_history = backfill or (message.context is not None and _says_history(message))
        if is_history and not isinstance(valid, Rejection) and intake.key_kind is not KeyKind.SERVER:
            valid = Rejection.BACKFILL_FORBIDDEN
        if isinstance(valid, Rejection):
            reception.refuse(index, message.message_id, valid)
        else:
            reception.accept(index, message, valid, is_history=is_history)
    return Received(reception.rows, reception.places, reception.refused, reception.notes)


def _says_history(message: Message) -> bool:
    return isinstance(message.context, dict) and message.context.get("backfill") is True


class _Reception:
    """The messages of one request on their way; an id that occurs again is hashed once."""

    def __init__(self, intake: Intake, sent_at: datetime | None) -> None:
        self.rows: list[EventRow] = []
        self.places: list[int] = []
        self.refused: list[MessageResult] = []
        self.notes = Notes()
        self._intake = intake
        self._sent_at = sent_at
        self._hashed: dict[tuple[str, str], str] = {}

    def refuse(self, index: int, message_id: object, reason: Rejection) -> None:
        known = message_id if isinstance(message_id, str) else None
        self.refused.append(MessageResult(index, known, MessageStatus.REJECTED, reason))
        self.notes.add(IntakeKind.REJECTED, index, reason.value)

    def accept(self, index: int, message: Message, valid: ValidMessage, *, is_history: bool) -> None:
        now = self._intake.now
        sent = self._sent_at if message.sent_at is None else (read_timestamp(message.sent_at) or self._sent_at)
        moments = moments_of(message.timestamp, sent, received=now)
        is_history = is_history and valid.kind is MessageKind.TRACK
        units = self._stored(valid.units)
        enrolments = None
        if valid.event == EXPOSURE_EVENT and not is_history:
            found = enrolments_of(valid, units, moments.corrected_at or now, self._intake)
            enrolments = _encode(found).decode()
            if self._intake.browser is not None:
                _note_browser(valid, self._intake.browser)
            if any(_is_unverified(enrolment) for enrolment in found):
                self.notes.add(IntakeKind.UNVERIFIED, index)
        self.rows.append(
            EventRow(
                self._intake.bundle.project_id,
                moments.day,
                valid.message_id,
                HISTORY_KIND if is_history else valid.kind.value,
                valid.event,
                moments.occurred_at,
                moments.corrected_at,
                units.get("visitor"),
                units.get("customer"),
                units.get("session"),
                units.get("item"),
                units.get("store"),
                _encode(valid.properties).decode(),
                enrolments,
            )
        )
        self.places.append(index)
        if valid.dropped:
            self.notes.add(IntakeKind.DROPPED, index, count=valid.dropped)
        self._observe(index, moments, sent, is_history=is_history)

    def _observe(self, index: int, moments: Moments, sent: datetime | None, *, is_history: bool) -> None:
        now = self._intake.now
        if sent is not None and not -SKEWED_FROM <= now - sent <= SKEWED_FROM:
            self.notes.add(IntakeKind.SKEWED, index)
        if moments.corrected_at is not None and now - moments.corrected_at > LATE_AFTER and not is_history:
            self.notes.add(IntakeKind.LATE, index)

    def _stored(self, plain: dict[str, str]) -> dict[str, str]:
        """Return the ids under which units are stored: personal ones hashed, items and stores as they are."""
        stored = {}
        for kind, unit in plain.items():
            if kind not in PERSONAL_KINDS:
                stored[kind] = unit
                continue
            known = self._hashed.get((kind, unit))
            if known is None:
                known = self._hashed[kind, unit] = hash_unit(self._intake.bundle.pepper, kind, unit)
            stored[kind] = known
        return stored


def _note_browser(exposure: ValidMessage, family: BrowserFamily) -> None:
    """Add the browser to the attributes that are stored with an exposure, unless the shop says it itself."""
    attributes = exposure.properties.setdefault(ATTRIBUTES, {})
    if isinstance(attributes, dict):
        attributes.setdefault(ATTRIBUTE, family.value)


def _is_unverified(enrolment: Enrolment) -> bool:
    return enrolment["verification"] is Verification.UNVERIFIED and enrolment["reason"] is None
