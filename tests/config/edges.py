"""An edge in this process, how to call it, and what it wrote."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from config.edge import Edge
from config.local.embedded import Postgres
from decisions.serving.settings import EdgeSettings
from tests.decisions.published import CLIENT_KEY
from tests.experiments.assignment.builders import arms, experiment

BOTH = (experiment(1), experiment(2, unit_kind="customer", variants=arms(1_000_000)))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(
    edge: Edge, path: str, body: object = b"", *, key: str | None = CLIENT_KEY, method: str = "POST", **headers: str
) -> Answer:
    """Send a request through WSGI; a body that is no bytes is sent as JSON, the key as a bearer."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO(raw)}
    environ["CONTENT_LENGTH"] = str(len(raw))
    if key is not None:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    seen: dict[str, Any] = {}

    def start_response(status: str, sent: list[tuple[str, str]]) -> None:
        assert len({name.lower() for name, _ in sent}) == len(sent), "a header was sent twice"
        seen.update(status=int(status[:3]), headers=dict(sent))

    answered = b"".join(edge(environ | headers, start_response))
    assert seen["headers"].get("Content-Length") == (None if seen["status"] in (204, 304) else str(len(answered)))
    return Answer(seen["status"], seen["headers"], answered)


def idle_edge(directory: Path) -> Edge:
    """Return an edge without servers that has not been started."""
    return Edge(EdgeSettings(database_url=None, redis_url=None, state_directory=directory))


def start_edge(url: str | None, directory: Path, **changes: Any) -> Edge:
    settings = EdgeSettings(database_url=url, redis_url=None, state_directory=directory, poll_seconds=0.1, **changes)
    edge = Edge(settings)
    edge.runtime.start()
    return edge


def log_of(postgres: Postgres) -> list[tuple[Any, ...]]:
    with psycopg.connect(postgres.url) as connection:
        return connection.execute(
            "SELECT message_id, kind, event, visitor, properties, enrolments FROM decisions_eventlog"
            " ORDER BY message_id"
        ).fetchall()
