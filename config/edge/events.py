"""The edge's handlers of events: batches, and the single routes of the Segment HTTP API."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

import msgspec

from config.edge.desk import Environ, Route, body_of, browser_of, known_key
from decisions.ingest.bodies import LARGEST_BODY, BodyDamaged, BodyEncodingUnknown, BodyTooLarge
from decisions.ingest.counting import PendingCounts
from decisions.ingest.envelopes import EnvelopeMalformed, TooManyMessages, open_batch, write_key_of
from decisions.ingest.exposure import Intake
from decisions.ingest.notes import NoteKey, Told, examples_of
from decisions.ingest.receive import MessageRejected, MessageResult, Received, receive
from decisions.ingest.writer import LONGEST_SIMULATED_WRITE, LONGEST_WRITE, EventWriter, IngestUnavailable
from decisions.serving import http
from decisions.serving.http import Response
from decisions.serving.limits import KeyLimit
from decisions.serving.metrics import EdgeMetrics
from decisions.serving.runtime import BundleRuntime
from decisions.serving.settings import EdgeSettings
from decisions.vocabulary import IntakeKind, MessageKind, MessageStatus
from foundation.clock import ClockKind
from foundation.errors import DomainError

WAITING = 2
"""How many requests with events may be under way beside those that have a connection to write with."""

_encode = msgspec.json.Encoder().encode


class EventDesk:
    """Collects events: what it answers with 202 is committed."""

    prefixes: Mapping[str, Route] = {}
    statuses: Mapping[type[DomainError], int] = {
        MessageRejected: 400,
        EnvelopeMalformed: 400,
        BodyDamaged: 400,
        TooManyMessages: 413,
        BodyTooLarge: 413,
        BodyEncodingUnknown: 415,
        IngestUnavailable: 503,
    }

    def __init__(self, settings: EdgeSettings, runtime: BundleRuntime, metrics: EdgeMetrics) -> None:
        self._settings = settings
        self._runtime = runtime
        self._metrics = metrics
        self._event_limit = KeyLimit(settings.events)
        self._byte_limit = KeyLimit(settings.ingest_bytes)
        self._places = threading.BoundedSemaphore(settings.connections + WAITING)
        url = settings.database_url
        self._writer = (
            EventWriter(url, connections=settings.connections, connect_seconds=settings.connect_seconds)
            if url
            else None
        )
        self._counts = None if self._writer is None else PendingCounts(self._writer)
        self._exemplified: dict[tuple[int, str, date], set[NoteKey]] = {}
        self.routes: Mapping[str, Route] = {
            "/v1/batch": Route("POST", self._collector(None), "/v1/batch"),
            "/v1/track": Route("POST", self._collector(MessageKind.TRACK), "/v1/track"),
            "/v1/identify": Route("POST", self._collector(MessageKind.IDENTIFY), "/v1/identify"),
            "/v1/alias": Route("POST", self._collector(MessageKind.ALIAS), "/v1/alias"),
        }

    def start(self) -> None:
        """Need no work in the background: connections are opened by the first request."""

    def close(self) -> None:
        """Write the counts that wait, and close the connections."""
        if self._counts is not None:
            self._counts.close()
        if self._writer is not None:
            self._writer.close()

    def _collector(self, kind: MessageKind | None) -> Callable[[Environ], Response]:
        return lambda environ: self.collect(environ, kind)

    def collect(self, environ: Environ, kind: MessageKind | None) -> Response:
        """Store the messages of a batch, or the only one of a single route, and say what became of each.

        At most as many requests at once as can write, and a few that wait: the threads that are left go on deciding.
        """
        if not self._places.acquire(blocking=False):
            # Read all the same: for a client that is still sending the connection would break instead.
            environ["wsgi.input"].read(LARGEST_BODY)
            raise IngestUnavailable("Too many requests with events are being answered.")
        try:
            return self._collect(environ, kind)
        finally:
            self._places.release()

    def _collect(self, environ: Environ, kind: MessageKind | None) -> Response:
        body = body_of(environ)
        sent_key = None if http.api_key_of(environ) else write_key_of(body)
        found = known_key(environ, self._runtime, sent_key)
        if found is None:
            raise IngestUnavailable("No bundle could be loaded yet, so no key can be checked.")
        bundle, key = found
        if kind is None:
            envelope = open_batch(body)
            raws, sent_at, backfill = envelope.messages, envelope.sent_at, envelope.backfill
        else:
            raws, sent_at, backfill = [body], None, False
        self._event_limit.take(key.id, len(raws), time.monotonic())
        self._byte_limit.take(key.id, len(body), time.monotonic())
        wall = datetime.now(UTC)
        browser = browser_of(environ, bundle, key)
        intake = Intake(bundle, key.kind, bundle.clock.at(wall), self._settings.token_age, browser)
        received = receive(raws, sent_at, intake, kind=kind, backfill=backfill)
        if self._writer is None or self._counts is None:
            raise IngestUnavailable("DATABASE_URL is not set.")
        told = self._told(received, raws, intake, wall.date())
        if received.rows:
            is_simulated = bundle.clock.kind is ClockKind.SIMULATION
            within = LONGEST_SIMULATED_WRITE if is_simulated else LONGEST_WRITE
            results = received.results(self._writer.write(received.rows, within=within, told=told))
        else:
            self._counts.add(told)
            results = received.refused
        counts = Counter(result.status.value for result in results)
        self._metrics.count_events(
            bundle.snapshot.project_key,
            received=len(raws),
            by_status=counts,
            dropped=received.dropped_properties,
        )
        if kind is not None and counts[MessageStatus.REJECTED]:
            raise MessageRejected(str(results[0].reason))
        return Response(202, _collected(results, counts))

    def _told(self, received: Received, raws: list[bytes], intake: Intake, day: date) -> Told:
        """Return what is counted of a request; each process gives one example a day of whatever it notes."""
        place = (intake.bundle.project_id, intake.key_kind.value, day)
        known = self._exemplified.get(place)
        if known is None:
            self._exemplified = {old: keys for old, keys in self._exemplified.items() if old[2] == day}
            known = self._exemplified.setdefault(place, set())
        counts = dict(received.notes.counts)
        if received.refused:
            counts[IntakeKind.RECEIVED, ""] = len(received.refused)
        return Told(*place[:2], counts, examples_of(received.notes, raws, known))


def _collected(results: list[MessageResult], counts: Mapping[str, int]) -> bytes:
    return _encode({status.value: counts.get(status.value, 0) for status in MessageStatus} | {"results": results})
