"""One edge process: its desks, and the way from a WSGI request to the desk that answers it."""

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from multiprocessing.util import Finalize

import config.arithmetic  # noqa: F401 - before anything imports NumPy
from config.edge.assignments import AssignmentDesk
from config.edge.decisions import DecisionDesk
from config.edge.desk import Desk, Environ, Route
from config.edge.events import EventDesk
from config.edge.probes import ProbeDesk
from decisions.serving import http
from decisions.serving.http import Response
from decisions.serving.metrics import EdgeMetrics
from decisions.serving.runtime import BundleRuntime
from decisions.serving.settings import EdgeSettings, edge_settings
from foundation.errors import DomainError

StartResponse = Callable[[str, list[tuple[str, str]]], object]

OTHER = "other"
"""The name under which requests to no route are counted."""

logger = logging.getLogger(__name__)


class Edge:
    """One edge process: its bundles, its desks, its counters."""

    def __init__(self, settings: EdgeSettings) -> None:
        self.settings = settings
        self.runtime = BundleRuntime(settings)
        self.metrics = EdgeMetrics()
        self.decisions = DecisionDesk(settings, self.runtime, self.metrics)
        self.desks: tuple[Desk, ...] = (
            AssignmentDesk(self.runtime),
            self.decisions,
            EventDesk(settings, self.runtime, self.metrics),
            ProbeDesk(self.runtime, self.metrics, self.decisions.show_metrics),
        )
        self.statuses: Mapping[type[DomainError], int] = {
            http.KeyUnknown: 401,
            http.RouteUnknown: 404,
            http.MethodUnknown: 405,
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

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        started = time.perf_counter()
        path = str(environ.get("PATH_INFO", ""))
        route = self._routes.get(path) or self._by_prefix(path)
        response = self._respond(environ, path, route)
        headers = list(response.headers)
        if response.status not in (204, 304):
            headers.append(("Content-Length", str(len(response.body))))
        if path.startswith(("/v1/", "/ofrep/")):
            headers.extend(http.CORS)
        start_response(response.status_line, headers)
        name = OTHER if route is None else route.name
        self.metrics.count_request(name, response.status, time.perf_counter() - started)
        return [response.body]

    def _by_prefix(self, path: str) -> Route | None:
        for prefix, route in self._prefixes:
            if path.startswith(prefix) and len(path) > len(prefix):
                return route
        return None

    def _respond(self, environ: Environ, path: str, route: Route | None) -> Response:
        if route is None:
            return self._problem(http.RouteUnknown(f"There is no {path[:100]}."))
        try:
            asked = environ.get("REQUEST_METHOD")
            if asked == route.method:
                return route.answer(environ)
            if asked == "OPTIONS" and route.method == "POST":
                return Response(204, b"", http.PREFLIGHT)
            allowed = ("Allow", f"{route.method}, OPTIONS")
            return http.problem(405, http.MethodUnknown(f"{path} answers {route.method}."), allowed)
        except DomainError as error:
            return self._problem(error)
        except Exception:
            reference = secrets.token_hex(8)
            logger.exception("unforeseen fault %s", reference)
            return self._problem(http.InternalFault(f"Reference {reference}."))

    def _problem(self, error: DomainError) -> Response:
        status = self.statuses.get(type(error), 500)
        more: tuple[tuple[str, str], ...] = ()
        if status == 401:
            more = (http.CHALLENGE,)
        elif status in (429, 503):
            more = (("Retry-After", str(self.settings.retry_seconds)),)
        return http.problem(status, error, *more)


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
