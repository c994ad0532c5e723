"""An edge process of its own with flags, and official clients that ask it."""

import json
import os
import re
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

from config.local import node as local_node
from config.local import processes
from config.local.processes import Supervised
from config.local.server import HOST, free_port
from decisions.serving.store import BundleFile
from tests.decisions.published import CLIENT_KEY, companion, published
from tests.experiments.assignment.builders import content
from tests.experiments.assignment.flag_builders import flag, setting
from tests.fixtures.node import node_command

READY_SECONDS = 90.0
GERMANS = {"attribute": "country", "op": "eq", "value": "DE"}

FLAGS = [
    flag("price", "FLOAT", 20),
    flag("title", "STRING", "Hello"),
    flag("columns", "INTEGER", 3),
    flag("layout", "OBJECT", {"dense": False}),
    flag("search"),
    flag("german"),
    flag("kept-out", "STRING", "as before"),
    flag("paused", "STRING", "as before"),
    flag("loyalty", "STRING", "none"),
    flag("tester", "STRING", "none"),
]
DEFAULTS: dict[str, Any] = {
    "price": 1.5,
    "title": "code",
    "columns": 1,
    "layout": {"code": True},
    "search": True,
    "german": False,
    "kept-out": "code",
    "paused": "code",
    "loyalty": "code",
    "tester": "code",
}
"""What the code of a shop falls back to: never what the server says."""

DESIGNS = (
    setting(1, {"price": 20}, {"price": 25}),
    setting(2, {"title": "Hi", "columns": 4, "layout": {"dense": True}}, {"title": "Hey", "columns": 5}),
    setting(3, {"german": True}, {"german": True}, audience=GERMANS),
    setting(4, {}, {"kept-out": "new"}, coverage=0),
    setting(5, {}, {"paused": "new"}, status="PAUSED"),
    setting(6, {"loyalty": "points"}, {"loyalty": "points"}, unit_kind="customer"),
    setting(7, {}, {"tester": "new"}, coverage=0, overrides={"v-tester": "arm-1"}),
)


class FlagSite:
    """One edge process without any server behind it; it keeps its address when it is started again."""

    def __init__(self, directory: Path) -> None:
        texts = [published(content(*DESIGNS, version=12) | {"flags": FLAGS}, companion())]
        BundleFile(directory).write(texts)
        port = free_port()
        self.url = f"http://{HOST}:{port}"
        outside = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        environment = {**outside, "TILTYARD_STATE_DIR": str(directory)}
        self._process = Supervised(
            processes.edge(host=HOST, port=port), environment=environment, log=directory / "edge.log"
        )

    def start(self) -> None:
        """Start the process and return once it is ready."""
        self._process.start()
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            try:
                if "tiltyard" in self._get("/metrics"):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("\n".join(self._process.last_lines(20)))

    def kill(self) -> None:
        """End the process by SIGKILL."""
        self._process.kill()

    def answered(self, status: int) -> int:
        """Return how often all flags at once were answered with a status."""
        counted = re.search(
            rf'^tiltyard_requests_total{{route="/ofrep/v1/evaluate/flags",status="{status}"}} (\d+)',
            self._get("/metrics"),
            re.MULTILINE,
        )
        return int(counted[1]) if counted else 0

    def _get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=10) as response:
            return str(response.read().decode())


class NodeClient:
    """A JavaScript provider in a process of its own: `kind` is web or server."""

    def __init__(self, node: str, kind: str) -> None:
        self._process = subprocess.Popen(
            node_command(node, local_node.FOLDER / "ofrep_client.mjs", kind),
            cwd=local_node.FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, do: str, **arguments: Any) -> Any:
        """Return what became of a command."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def start(self, url: str, *, key: str = CLIENT_KEY, poll_interval: int = 0) -> Any:
        """Return whether the provider got ready, and if not why."""
        return self.ask("start", url=url, key=key, pollInterval=poll_interval)

    def read(self, **flags: Any) -> dict[str, Any]:
        """Return the details of flags, with the defaults of the code."""
        return dict(self.ask("read", flags=flags or DEFAULTS)["found"])

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
