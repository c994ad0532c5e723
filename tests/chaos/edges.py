"""One process of the edge, of either kind, and a client of it that notices everything."""

import http.client
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from config.local import processes
from config.local.processes import Program, Supervised
from config.local.server import HOST, free_port

APPLICATION = "config.edge:application"
READY_SECONDS = 120.0


class NotReady(Exception):
    """An edge process did not come to answer."""


Kind = Callable[..., Program]
"""`processes.edge`, which evaluates, or `processes.intake`, which stores events."""


class EdgeProcess:
    """A process as `bin/serve` runs it; killed and started again it keeps its port. `starts` tells its lives apart."""

    def __init__(
        self,
        name: str,
        state: Path,
        environment: Mapping[str, str],
        *,
        kind: Kind = processes.edge,
        application: str | None = None,
    ) -> None:
        self.name = name
        self.port = free_port()
        self.starts = 0
        program = kind(host=HOST, port=self.port)
        if application is not None:
            command = [application if part == APPLICATION else part for part in program.command]
            program = replace(program, command=command)
        self.process = Supervised(program, environment=environment, log=state / f"{name}.log")

    @property
    def life(self) -> str:
        """The name of the process since its last start."""
        return f"{self.name}#{self.starts}"

    def start(self) -> None:
        """Start the process."""
        self.starts += 1
        self.process.start()

    def kill(self) -> None:
        """End the process and its children by SIGKILL."""
        self.process.kill()

    def wait_until_ready(self, *, seconds: float = READY_SECONDS) -> float:
        """Return after how many seconds the process answers that it is ready.

        Raises:
            NotReady: it was not in time; the message carries the end of its log.
        """
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            try:
                if Client(self.port).get("/healthz/ready").status == 200:
                    return time.monotonic() - began
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
        raise NotReady(f"{self.name} does not become ready:\n" + "\n".join(self.process.last_lines(12)))

    def resident_megabytes(self) -> float:
        """Return the memory of the process and its children."""
        if self.process.pid is None:
            return 0.0
        parent = psutil.Process(self.process.pid)
        return float(sum(one.memory_info().rss for one in (parent, *parent.children(recursive=True)))) / 1e6

    def processor_seconds(self) -> float:
        """Return how long the process and its children have computed."""
        if self.process.pid is None:
            return 0.0
        parent = psutil.Process(self.process.pid)
        spent = [one.cpu_times() for one in (parent, *parent.children(recursive=True))]
        return float(sum(one.user + one.system for one in spent))

    def counters(self) -> dict[str, float]:
        """Return what the process has counted, by name with labels as Prometheus writes them."""
        lines = Client(self.port).get("/metrics").body.decode().splitlines()
        pairs = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection that is kept, and opened again where it broke. Every fault is raised to the caller."""

    def __init__(self, port: int, key: str | None = None, *, timeout: float = 30.0) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})

    def get(self, path: str) -> Answer:
        """Return the answer to a GET. Raises OSError, HTTPException."""
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: object, **headers: str) -> Answer:
        """Return the answer to a POST; a body that is no bytes is sent as JSON. Raises OSError, HTTPException."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._ask("POST", path, raw, headers)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        try:
            self._connection.request(method, path, body, self._headers | dict(headers))
            answer = self._connection.getresponse()
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, headers, answer.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise


FAULTS = (OSError, http.client.HTTPException)
"""What a broken connection raises."""
