"""One edge process: its desks, and the way from a WSGI request to the desk that answers it."""

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from multiprocessing.util import Finalize
from typing import Any

import msgspec

import config.arithmetic  # noqa: F401 - before anything imports NumPy
from config.edge.assignments import AssignmentDesk
from config.edge.bundles import BundleDesk
from config.edge.decisions import DecisionDesk
from config.edge.desk import CALLER, Caller, Desk, Route
from config.edge.events import EventDesk
from config.edge.explain import ExplainDesk
from config.edge.flags import FlagDesk
from config.edge.probes import ProbeDesk
from config.edge.quotes import QuoteDesk
from config.edge.visitors import VisitorDesk
from decisions.ingest.bodies import LARGEST_BODY
from decisions.serving import http
from decisions.serving.cookies import cors_with_cookies
from decisions.serving.http import Response
from decisions.serving.limits import KeyLimit, RateLimited
from decisions.serving.metrics import EdgeMetrics
from decisions.serving.runtime import BundleRuntime
from decisions.serving.settings import EdgeSettings, edge_settings
from decisions.serving.unit_store import UnitStore
from decisions.vocabulary import KeyKind
from foundation.errors import DomainError
from foundation.ids import digest_api_key

StartResponse = Callable[[str, list[tuple[str, str]]], object]

DEBUG = "HTTP_X_TILTYARD_DEBUG"
"""The header X-Tiltyard-Debug, with which any key gets what server keys get always: Server-Timing."""
SHARED = ("/v1/", "/ofrep/")
"""How addresses begin that storefronts call, with an API key and from any origin."""
OTHER = "other"
"""The name under which requests to no route are counted."""

logger = logging.getLogger(__name__)


class Edge:
    """One edge process: its bundles, its desks, its counters."""

    def __init__(self, settings: EdgeSettings) -> None:
        self.settings = settings
        self.runtime = BundleRuntime(settings)
        self.metrics = EdgeMetrics(process=str(os.getpid()) if settings.workers > 1 else None)
        self._limit = KeyLimit(settings.requests)
        self.store = UnitStore(settings.redis_url, within=settings.feature_seconds)
        self.decisions = DecisionDesk(settings, self.runtime, self.metrics, self.store)
        self.desks: tuple[Desk, ...] = (
            BundleDesk(self.runtime),
            AssignmentDesk(self.runtime, self.store),
            ExplainDesk(self.runtime, self.store),
            FlagDesk(settings, self.runtime, self.store),
            self.decisions,
            EventDesk(settings, self.runtime, self.metrics),
            VisitorDesk(settings, self.runtime),
            QuoteDesk(self.runtime),
            ProbeDesk(self.runtime, self.metrics, self.decisions.show_metrics),
        )
        self.statuses: Mapping[type[DomainError], int] = {
            http.KeyUnknown: 401,
            http.RouteUnknown: 404,
            http.MethodUnknown: 405,
            RateLimited: 429,
            http.InternalFault: 500,
        } | {kind: status for desk in self.desks for kind, status in desk.statuses.items()}
        self._routes = {path: route for desk in self.desks for path, route in desk.routes.items()}
        self._prefixes = [(path, route) for desk in self.desks for path, route in desk.prefixes.items()]

    @property
    def routes(self) -> Mapping[str, str]:
        """The method of every address, those that end with a key by their pattern."""
        return {route.name: route.method for route in (*self._routes.values(), *(r for _, r in self._prefixes))}

    def start(self) -> None:
        """Load the bundles and begin the work in the background."""
        self.runtime.start()
        for desk in self.desks:
            desk.start()

    def close(self) -> None:
        """End background threads and connections; what was decided and not yet written is written, or kept on disk."""
        self.runtime.stop()
        for desk in self.desks:
            desk.close()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        started = time.perf_counter()
        path = str(environ.get("PATH_INFO", ""))
        route = self._routes.get(path) or self._by_prefix(path)
        response = self._respond(environ, path, route)
        headers = list(response.headers)
        if response.status not in (204, 304):
            headers.append(("Content-Length", str(len(response.body))))
        if path.startswith(SHARED):
            takes_cookies = route is not None and route.takes_cookies
            headers.extend(cors_with_cookies(environ, self.settings.cookies) if takes_cookies else http.CORS)
            caller: Caller | None = environ.get(CALLER)
            if caller is not None and (caller[1].kind is KeyKind.SERVER or DEBUG in environ):
                headers.extend(_timing(caller, time.perf_counter() - started))
        start_response(response.status_line, headers)
        name = OTHER if route is None else route.name
        self.metrics.count_request(name, response.status, time.perf_counter() - started)
        return [response.body]

    def _by_prefix(self, path: str) -> Route | None:
        for prefix, route in self._prefixes:
            if path.startswith(prefix) and len(path) > len(prefix):
                return route
        return None

    def _admit(self, environ: dict[str, Any]) -> None:
        """Leave the caller of a request for its desk. Raises RateLimited where the key has asked too often."""
        sent = http.api_key_of(environ)
        found = self.runtime.live.by_key.get(digest_api_key(sent)) if sent else None
        if found is not None:
            environ[CALLER] = found
            try:
                self._limit.take(found[1].id, 1, time.monotonic())
            except RateLimited:
                # Read all the same: for a client that is still sending the connection would break instead.
                environ["wsgi.input"].read(LARGEST_BODY)
                raise

    def _respond(self, environ: dict[str, Any], path: str, route: Route | None) -> Response:
        if route is None:
            return self._problem(http.RouteUnknown(f"There is no {path[:100]}."))
        try:
            asked = environ.get("REQUEST_METHOD")
            if asked == route.method:
                if path.startswith(SHARED):
                    self._admit(environ)
                return route.answer(environ)
            if asked == "OPTIONS" and route.method == "POST":
                return Response(204, b"", http.PREFLIGHT)
            allowed = ("Allow", f"{route.method}, OPTIONS")
            return http.problem(405, http.MethodUnknown(f"{path} answers {route.method}."), allowed)
        except DomainError as error:
            return self._problem(error, path)
        except Exception:
            reference = secrets.token_hex(8)
            logger.exception("unforeseen fault %s", reference)
            return self._problem(http.InternalFault(f"Reference {reference}."))

    def _problem(self, error: DomainError, path: str = "") -> Response:
        if isinstance(error, RateLimited):
            return _refused_for_now(path, error)
        status = self.statuses.get(type(error), 500)
        more: tuple[tuple[str, str], ...] = ()
        if status == 401:
            more = (http.CHALLENGE,)
        elif status == 503:
            more = (("Retry-After", str(self.settings.retry_seconds)),)
        return http.problem(status, error, *more)


def _refused_for_now(path: str, error: RateLimited) -> Response:
    """Return 429 in the form of the path: flag clients read no problem documents."""
    if not path.startswith("/ofrep/"):
        return http.problem(429, error, *error.headers)
    body = msgspec.json.encode({"errorCode": "GENERAL", "errorDetails": f"{error.message} {error.hint}"})
    return Response(429, body, (http.JSON, http.NOT_STORED, *error.headers))


def _timing(caller: Caller, seconds: float) -> tuple[tuple[str, str], ...]:
    """Return what those learn who ask for it: how long it took, from which configuration, by which process."""
    timing = f'eval;dur={seconds * 1_000:.3f}, cfg;desc="v{caller[0].version}", proc;desc="{os.getpid()}"'
    return (("Server-Timing", timing), ("Timing-Allow-Origin", "*"))


_edge: Edge | None = None
_starting = threading.Lock()


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
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
