"""The edge's probes and counters: is it alive, can it serve, what has it counted?"""

import os
from collections.abc import Callable, Mapping

import msgspec

from config.edge.desk import Environ, Route
from decisions.serving import http
from decisions.serving.http import Response
from decisions.serving.metrics import EdgeMetrics
from decisions.serving.runtime import BundleRuntime
from foundation.errors import DomainError

_encode = msgspec.json.Encoder().encode


class ProbeDesk:
    """Tells how the process is. `refresh_counters` brings up to date what others count themselves."""

    prefixes: Mapping[str, Route] = {}
    statuses: Mapping[type[DomainError], int] = {}

    def __init__(self, runtime: BundleRuntime, metrics: EdgeMetrics, refresh_counters: Callable[[], None]) -> None:
        self._runtime = runtime
        self._metrics = metrics
        self._refresh_counters = refresh_counters
        self.routes: Mapping[str, Route] = {
            "/healthz/live": Route("GET", self.alive, "/healthz/live"),
            "/healthz/ready": Route("GET", self.ready, "/healthz/ready"),
            "/metrics": Route("GET", self.counters, "/metrics"),
        }

    def start(self) -> None:
        """Need no work in the background."""

    def close(self) -> None:
        """Hold nothing that would have to be let go."""

    def alive(self, _environ: Environ) -> Response:
        """Return 200: the process answers."""
        return Response(200, b"ok\n", (http.TEXT, http.NOT_STORED))

    def ready(self, _environ: Environ) -> Response:
        """Return 200 when requests can be served: a bundle is live, or Postgres has answered.

        `process` and `versions` say who answers and what it serves; others on the same port may serve another version.

        Files that cannot be used are named and do not count against it: their decision points serve the baseline.
        """
        status = self._runtime.status()
        is_ready = status.bundles > 0 or status.seconds_since_postgres is not None
        members = {
            "ready": is_ready,
            "process": os.getpid(),
            "versions": self._runtime.report().versions,
            "bundles": status.bundles,
            "stale": status.is_stale,
            "seconds_since_postgres": status.seconds_since_postgres,
            "hints": status.hint_error is None,
            "faults": status.faults,
        }
        return Response(200 if is_ready else 503, _encode(members))

    def counters(self, _environ: Environ) -> Response:
        """Return the counters of this process for Prometheus."""
        status = self._runtime.status()
        self._refresh_counters()
        text = self._metrics.render(self._runtime.live.by_project.values(), status.seconds_since_postgres)
        return Response(200, text, (http.TEXT, http.NOT_STORED))
