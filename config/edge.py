"""The edge process: assigns, decides and collects. A raw WSGI callable without Django, started by

    granian --interface wsgi config.edge:application

Assignments and decisions go on from the bundle in the process whatever happens to Postgres and Redis, and say so;
events are answered 202 once they are committed, and 503 with Retry-After while they cannot be.
"""

import logging
import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from multiprocessing.util import Finalize
from typing import Any

import msgspec

import config.arithmetic  # noqa: F401 - before anything imports NumPy
from config.edge_decisions import PREFIX, ROUTE, DecisionDesk
from decisions.ingest.bodies import BodyDamaged, BodyEncodingUnknown, BodyTooLarge, read_body
from decisions.ingest.envelopes import EnvelopeMalformed, TooManyMessages, open_batch, write_key_of
from decisions.ingest.exposure import Intake
from decisions.ingest.receive import MessageRejected, MessageResult, receive
from decisions.ingest.writer import LONGEST_SIMULATED_WRITE, LONGEST_WRITE, EventWriter, IngestUnavailable
from decisions.serving import answers, http
from decisions.serving.bundle import ApiKey, LiveBundle
from decisions.serving.decision_requests import DecisionMalformed, DecisionPointUnknown
from decisions.serving.http import Response
from decisions.serving.metrics import EdgeMetrics
from decisions.serving.runtime import BundleRuntime
from decisions.serving.settings import EdgeSettings, edge_settings
from decisions.vocabulary import MessageKind, MessageStatus
from experiments.assignment.engine import assign
from experiments.vocabulary import Reason
from foundation.clock import ClockKind
from foundation.errors import DomainError
from foundation.ids import digest_api_key, is_api_key

Environ = Mapping[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]

logger = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


_STATUS: Mapping[type[DomainError], int] = {
    http.KeyUnknown: 401,
    http.RouteUnknown: 404,
    DecisionPointUnknown: 404,
    http.MethodUnknown: 405,
    TooManyMessages: 413,
    BodyTooLarge: 413,
    BodyEncodingUnknown: 415,
    http.InternalFault: 500,
    IngestUnavailable: 503,
} | dict.fromkeys((answers.RequestMalformed, DecisionMalformed, MessageRejected, EnvelopeMalformed, BodyDamaged), 400)


class Edge:
    """One edge process: its bundles, its connections for events, its counters."""

    def __init__(self, settings: EdgeSettings) -> None:
        self.settings = settings
        self.runtime = BundleRuntime(settings)
        self.metrics = EdgeMetrics()
        self.decisions = DecisionDesk(settings, self.runtime, self.metrics)
        self._writer = (
            EventWriter(
                settings.database_url, connections=settings.connections, connect_seconds=settings.connect_seconds
            )
            if settings.database_url
            else None
        )
        self._routes: Mapping[str, tuple[str, Callable[[Environ], Response]]] = {
            "/v1/assignments": ("POST", self.assignments),
            "/v1/batch": ("POST", lambda environ: self.collect(environ, None)),
            "/v1/track": ("POST", lambda environ: self.collect(environ, MessageKind.TRACK)),
            "/v1/identify": ("POST", lambda environ: self.collect(environ, MessageKind.IDENTIFY)),
            "/v1/alias": ("POST", lambda environ: self.collect(environ, MessageKind.ALIAS)),
            "/healthz/live": ("GET", lambda _: Response(200, b"ok\n", (http.TEXT, http.NOT_STORED))),
            "/healthz/ready": ("GET", self.ready),
            "/metrics": ("GET", self.metrics_page),
        }
        self._decision_route = ("POST", self.decisions.answer)

    def start(self) -> None:
        """Load the bundles and begin the work in the background."""
        self.runtime.start()
        self.decisions.start()

    def close(self) -> None:
        """End background threads and connections; what was decided and not yet written is written, or kept on disk."""
        self.runtime.stop()
        self.decisions.close()
        if self._writer is not None:
            self._writer.close()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        started = time.perf_counter()
        path = str(environ.get("PATH_INFO", ""))
        response = self._respond(environ, path)
        headers = list(response.headers)
        if response.status != 204:
            headers.append(("Content-Length", str(len(response.body))))
        if path.startswith("/v1/"):
            headers.extend(http.CORS)
        start_response(response.status_line, headers)
        route = path if path in self._routes else ROUTE if path.startswith(PREFIX) else "other"
        self.metrics.count_request(route, response.status, time.perf_counter() - started)
        return [response.body]

    def _respond(self, environ: Environ, path: str) -> Response:
        try:
            method, handler = self._routes.get(path) or self._route(path)
            asked = environ.get("REQUEST_METHOD")
            if asked == method or not method:
                return handler(environ)
            if asked == "OPTIONS" and method == "POST":
                return Response(204, b"", http.PREFLIGHT)
            return http.problem(405, http.MethodUnknown(f"{path} answers {method}."), ("Allow", f"{method}, OPTIONS"))
        except DomainError as error:
            return self._problem(error)
        except Exception:
            reference = secrets.token_hex(8)
            logger.exception("unforeseen fault %s", reference)
            return self._problem(http.InternalFault(f"Reference {reference}."))

    def _route(self, path: str) -> tuple[str, Callable[[Environ], Response]]:
        """Return the route of an address that is none of the fixed ones."""
        is_decision = path.startswith(PREFIX) and len(path) > len(PREFIX)
        return self._decision_route if is_decision else ("", _unknown)

    def _problem(self, error: DomainError) -> Response:
        status = _STATUS.get(type(error), 500)
        more: tuple[tuple[str, str], ...] = ()
        if status == 401:
            more = (http.CHALLENGE,)
        elif status == 503:
            more = (("Retry-After", str(self.settings.retry_seconds)),)
        return http.problem(status, error, *more)

    def assignments(self, environ: Environ) -> Response:
        """Return what each experiment gives the units of the request; enrols nobody."""
        key = http.api_key_of(environ)
        live = self.runtime.live
        found = live.by_key.get(digest_api_key(key)) if key else None
        decision_id = secrets.token_urlsafe(12)
        if found is None:
            if key and is_api_key(key) and not live.by_project:
                return Response(200, answers.render_nothing(decision_id=decision_id, reason=Reason.BUNDLE_MISSING))
            raise http.KeyUnknown("No valid API key was sent.")
        request = answers.read_request(_body(environ))
        try:
            return Response(200, self._assigned(request, found[0], decision_id))
        except Exception:
            logger.exception("assignments failed, decision %s", decision_id)
            return Response(200, answers.render_nothing(decision_id=decision_id, reason=Reason.ENGINE_ERROR))

    def _assigned(self, request: answers.AssignmentRequest, bundle: LiveBundle, decision_id: str) -> bytes:
        at = bundle.clock.at(datetime.now(UTC))
        found = assign(
            request.units,
            request.attributes,
            at,
            None,
            bundle.snapshot,
            keys=request.experiments,
            personalised=request.personalised,
        )
        degraded = Reason.BUNDLE_STALE if self.runtime.is_stale() else None
        return answers.render_assignments(
            found, request.units, bundle, at=at, decision_id=decision_id, degraded=degraded
        )

    def collect(self, environ: Environ, kind: MessageKind | None) -> Response:
        """Store the messages of a batch, or the only one of a single route, and say what became of each."""
        body = _body(environ)
        bundle, key = self._authenticated(http.api_key_of(environ) or write_key_of(body))
        if kind is None:
            envelope = open_batch(body)
            raws, sent_at = envelope.messages, envelope.sent_at
        else:
            raws, sent_at = [body], None
        now = bundle.clock.at(datetime.now(UTC))
        received = receive(raws, sent_at, Intake(bundle, key.kind, now, self.settings.token_age), kind=kind)
        if self._writer is None:
            raise IngestUnavailable("DATABASE_URL is not set.")
        is_simulated = bundle.clock.kind is ClockKind.SIMULATION
        within = LONGEST_SIMULATED_WRITE if is_simulated else LONGEST_WRITE
        results = received.results(self._writer.write(received.rows, within=within))
        counts = Counter(result.status.value for result in results)
        self.metrics.count_events(
            bundle.snapshot.project_key,
            received=len(raws),
            by_status=counts,
            dropped=received.dropped_properties,
        )
        if kind is not None and counts[MessageStatus.REJECTED]:
            raise MessageRejected(str(results[0].reason))
        return Response(202, _collected(results, counts))

    def _authenticated(self, key: str | None) -> tuple[LiveBundle, ApiKey]:
        live = self.runtime.live
        found = live.by_key.get(digest_api_key(key)) if key else None
        if found is not None:
            return found
        if key and is_api_key(key) and not live.by_project:
            raise IngestUnavailable("No bundle could be loaded yet, so no key can be checked.")
        raise http.KeyUnknown("No valid API key was sent.")

    def ready(self, _environ: Environ) -> Response:
        """Return 200 when requests can be served: a bundle is live, or Postgres has answered.

        Files that cannot be used are named and do not count against it: their decision points serve the baseline.
        """
        status = self.runtime.status()
        is_ready = status.bundles > 0 or status.seconds_since_postgres is not None
        members = {
            "ready": is_ready,
            "bundles": status.bundles,
            "stale": status.is_stale,
            "seconds_since_postgres": status.seconds_since_postgres,
            "hints": status.hint_error is None,
            "faults": status.faults,
        }
        return Response(200 if is_ready else 503, _encode(members))

    def metrics_page(self, _environ: Environ) -> Response:
        """Return the counters of this process for Prometheus."""
        status = self.runtime.status()
        self.decisions.show_metrics()
        text = self.metrics.render(self.runtime.live.by_project.values(), status.seconds_since_postgres)
        return Response(200, text, (http.TEXT, http.NOT_STORED))


def _unknown(environ: Environ) -> Response:
    raise http.RouteUnknown(f"There is no {str(environ.get('PATH_INFO'))[:100]}.")


def _body(environ: Environ) -> bytes:
    return read_body(
        environ["wsgi.input"], length=environ.get("CONTENT_LENGTH"), encoding=environ.get("HTTP_CONTENT_ENCODING")
    )


def _collected(results: list[MessageResult], counts: Mapping[str, int]) -> bytes:
    return _encode({status.value: counts.get(status.value, 0) for status in MessageStatus} | {"results": results})


_edge: Edge | None = None
_starting = threading.Lock()


def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request; the first one of a process loads the bundles."""
    return (_edge or _start())(environ, start_response)


def _start() -> Edge:
    global _edge  # noqa: PLW0603 - the one object of the process, made on first use
    with _starting:
        if _edge is None:
            edge = Edge(edge_settings(os.environ))
            edge.start()
            # The server forks its workers, and those end without running what atexit knows: this they do run.
            Finalize(None, edge.close, exitpriority=10)
            _edge = edge
        return _edge
