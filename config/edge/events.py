"""The edge's handlers of events: batches, and the single routes of the Segment HTTP API."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import msgspec

from config.edge.desk import Environ, Route, body_of, known_key
from decisions.ingest.bodies import BodyDamaged, BodyEncodingUnknown, BodyTooLarge
from decisions.ingest.envelopes import EnvelopeMalformed, TooManyMessages, open_batch, write_key_of
from decisions.ingest.exposure import Intake
from decisions.ingest.receive import MessageRejected, MessageResult, receive
from decisions.ingest.writer import LONGEST_SIMULATED_WRITE, LONGEST_WRITE, EventWriter, IngestUnavailable
from decisions.serving import http
from decisions.serving.http import Response
from decisions.serving.metrics import EdgeMetrics
from decisions.serving.runtime import BundleRuntime
from decisions.serving.settings import EdgeSettings
from decisions.vocabulary import MessageKind, MessageStatus
from foundation.clock import ClockKind
from foundation.errors import DomainError

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
        url = settings.database_url
        self._writer = (
            EventWriter(url, connections=settings.connections, connect_seconds=settings.connect_seconds)
            if url
            else None
        )
        self.routes: Mapping[str, Route] = {
            "/v1/batch": Route("POST", self._collector(None), "/v1/batch"),
            "/v1/track": Route("POST", self._collector(MessageKind.TRACK), "/v1/track"),
            "/v1/identify": Route("POST", self._collector(MessageKind.IDENTIFY), "/v1/identify"),
            "/v1/alias": Route("POST", self._collector(MessageKind.ALIAS), "/v1/alias"),
        }

    def start(self) -> None:
        """Need no work in the background: connections are opened by the first request."""

    def close(self) -> None:
        """Close the connections."""
        if self._writer is not None:
            self._writer.close()

    def _collector(self, kind: MessageKind | None) -> Callable[[Environ], Response]:
        return lambda environ: self.collect(environ, kind)

    def collect(self, environ: Environ, kind: MessageKind | None) -> Response:
        """Store the messages of a batch, or the only one of a single route, and say what became of each."""
        body = body_of(environ)
        sent_key = None if http.api_key_of(environ) else write_key_of(body)
        found = known_key(environ, self._runtime, sent_key)
        if found is None:
            raise IngestUnavailable("No bundle could be loaded yet, so no key can be checked.")
        bundle, key = found
        if kind is None:
            envelope = open_batch(body)
            raws, sent_at = envelope.messages, envelope.sent_at
        else:
            raws, sent_at = [body], None
        now = bundle.clock.at(datetime.now(UTC))
        received = receive(raws, sent_at, Intake(bundle, key.kind, now, self._settings.token_age), kind=kind)
        if self._writer is None:
            raise IngestUnavailable("DATABASE_URL is not set.")
        is_simulated = bundle.clock.kind is ClockKind.SIMULATION
        within = LONGEST_SIMULATED_WRITE if is_simulated else LONGEST_WRITE
        results = received.results(self._writer.write(received.rows, within=within))
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


def _collected(results: list[MessageResult], counts: Mapping[str, int]) -> bytes:
    return _encode({status.value: counts.get(status.value, 0) for status in MessageStatus} | {"results": results})
