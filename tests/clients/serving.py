"""An edge on a port of this machine that a test can make fail: what clients of every language talk to."""

import io
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from config.edge import Edge
from decisions.serving.bundle import PublishedText
from decisions.serving.settings import EdgeSettings
from decisions.serving.store import BundleFile
from tests.config.edges import start_edge
from tests.decisions.published import publish

Application = Callable[[Any, Any], Iterable[bytes]]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


class _Silent(WSGIRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Print nothing."""


@dataclass
class Front:
    """Stands before an edge as a load balancer does: passes requests on, fails those of a path when told to.

    `refuse` answers that many requests with 503 without asking the edge; `lose` lets the edge answer that many and
    answers 503 all the same. `seen` are the requests: method, path and headers.
    """

    edge: Application
    path: str = "/v1/batch"
    refuse: int = 0
    lose: int = 0
    retry_after: str | None = None
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        headers = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
        self.seen.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], headers))
        if environ["PATH_INFO"] != self.path:
            return self.edge(environ, start_response)
        if self.refuse:
            self.refuse -= 1
            return self._unavailable(start_response)
        if self.lose:
            self.lose -= 1
            b"".join(self.edge(environ, lambda *_answer: None))
            return self._unavailable(start_response)
        return self.edge(environ, start_response)

    def _unavailable(self, start_response: Any) -> Iterable[bytes]:
        retry = [("Retry-After", self.retry_after)] if self.retry_after else []
        start_response("503 Service Unavailable", [*retry, ("Content-Length", "0")])
        return [b""]


@contextmanager
def listening(application: Application, port: int = 0) -> Iterator[str]:
    """Serve an application over HTTP and yield its address."""

    def whole(environ: Any, start_response: Any) -> Iterable[bytes]:
        """Hand over the body as it is: this server would wait for more of it."""
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        return application(environ, start_response)

    server = make_server("127.0.0.1", port, whole, server_class=_Server, handler_class=_Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def file_edge(directory: Path, *texts: PublishedText) -> Edge:
    """Return an edge that has its bundle from its file and stores no events."""
    BundleFile(directory).write(texts)
    edge = Edge(EdgeSettings(database_url=None, redis_url=None, state_directory=directory))
    edge.runtime.start()
    return edge


def database_edge(url: str, directory: Path, *texts: PublishedText) -> Edge:
    """Return an edge on a real Postgres in which these bundles are published."""
    publish(url, *texts)
    return start_edge(url, directory)
