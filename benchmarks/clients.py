"""What the clients cost: milliseconds added to a page, bytes, cold starts. Prints one JSON object.

Local evaluation answers from memory and reports one exposure a page; remote evaluation asks a real edge process, one
page after the other, over a connection that stays open.
"""

import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.bundles import CLIENT_KEY, full_feature_content
from benchmarks.database import own_database
from config.local import node as local_node
from config.local.places import PROJECT
from config.local.processes import EVALUATION_THREADS, Role
from config.local.supervisor import Site
from foundation.ids import digest_api_key, format_api_key

SERVER_KEY = format_api_key("server", b"benchmark server key of 32 bytes")
LIVE = 20
LOCAL_PAGES = 20_000
REMOTE_PAGES = 2_000
COLD_STARTS = 5
PYTHON_CLIENT = PROJECT / "clients" / "python"
JAVASCRIPT_CLIENT = PROJECT / "clients" / "javascript"
NODE_SCRIPT = PROJECT / "benchmarks" / "clients_node.mjs"

PYTHON_PAGES = """
import json, sys, time
started = time.perf_counter()
from pathlib import Path
from tiltyard_client import Client, Settings
url, key, file, pages = sys.argv[1:]
settings = Settings(url=url, server_key=key, file=Path(file), queue_limit=2_000_000, flush_seconds=3_600)
client = Client(settings)
attributes = {"country": "DE", "orders": 3}
unit = "8f14e45f-ceea-467f-a8f3-{:012d}".format
if not client.assign({"visitor": unit(0)}, attributes):
    assert client.wait_until_ready(30)
first = client.assign({"visitor": unit(0)}, attributes)
cold = (time.perf_counter() - started) * 1e3
added = []
for page in range(int(pages)):
    units = {"visitor": unit(page)}
    start = time.perf_counter()
    found = client.assign(units, attributes)
    client.expose(found[0], units, attributes)
    added.append((time.perf_counter() - start) * 1e3)
rates = []
for _ in range(7):
    start = time.process_time()
    for number in range(2_000):
        client.assign({"visitor": unit(number)}, attributes)
    rates.append(2_000 / (time.process_time() - start))
added.sort()
pages_ms = {"p50": added[len(added) // 2], "p99": added[int(len(added) * 0.99)]} if added else {}
answer = {"experiments": len(first), "first_answer_ms": cold, "page_ms": pages_ms, "calls_per_second": sorted(rates)[3]}
print(json.dumps(answer))
import os
os._exit(0)
"""


def main() -> int:
    """Measure and print."""
    node = local_node.find()
    if node is None:
        print(f"Node.js is missing: {local_node.how_to_install()}.", file=sys.stderr)
        return 1
    with own_database("clients") as database, tempfile.TemporaryDirectory(prefix="tiltyard-clients-") as state:
        _publish(database)
        environment = {name: os.environ[name] for name in ("REDIS_URL", "SECRET_KEY")} | {"DATABASE_URL": database}
        environment["TILTYARD_EDGE_THREADS"] = str(EVALUATION_THREADS)
        with Site(Path(state) / "site", environment=environment, roles=(Role.EDGE,)) as site:
            url = site.edge_url
            kept = Path(state) / "bundle"
            python = _run_python(url, kept, LOCAL_PAGES)
            local = _run_node(node.program, "local", url, SERVER_KEY, LOCAL_PAGES)
            remote = _run_node(node.program, "remote", url, CLIENT_KEY, REMOTE_PAGES)
            cold = {
                "python_ms": _median(lambda: _run_python(url, Path(state) / f"cold-{time.monotonic_ns()}", 0)),
                "node_ms": _median(lambda: _run_node(node.program, "local", url, SERVER_KEY, 1)),
            }
        cold["python_server_down_ms"] = _median(lambda: _run_python(url, kept, 0))
    result = {
        "benchmark": "clients",
        "experiments": LIVE,
        "added_to_a_page_ms": {
            "python_local": _rounded(python["page_ms"]),
            "node_local": _rounded(local["page_ms"]),
            "remote": _rounded(remote["page_ms"]),
        },
        "calls_per_second": {
            "python": round(python["calls_per_second"]),
            "node": round(local["calls_per_second"]),
        },
        "first_answer_of_a_process": cold,
        "bytes": _bytes(),
    }
    print(json.dumps(result))
    return 0


def _publish(database: str) -> None:
    """Insert a project's bundle with a key of each kind, as the publisher would."""
    companion = {
        "schema": 1,
        "project_id": 1,
        "pepper": b64encode(b"p" * 32).decode(),
        "signing_keys": [{"kid": "1", "secret": b64encode(b"s" * 32).decode()}],
        "api_keys": [
            {"id": 1, "kind": "client", "sha256": digest_api_key(CLIENT_KEY)},
            {"id": 2, "kind": "server", "sha256": digest_api_key(SERVER_KEY)},
        ],
        "clock": {"kind": "REAL", "origin": None, "speed": 1.0, "started_at": None},
        "attributes": ["country"],
        "currency": "USD",
    }
    text = json.dumps(full_feature_content(live=LIVE))
    with psycopg.connect(database) as session:
        session.execute("SET session_replication_role = replica")
        session.execute(
            "INSERT INTO decisions_publishedbundle (project_id, version, sha256, content, companion)"
            " VALUES (1, 1, %s, %s, %s)",
            (sha256(text.encode()).hexdigest(), text, json.dumps(companion)),
        )


def _run_python(url: str, kept: Path, pages: int) -> Any:
    environment = {**os.environ, "PYTHONPATH": f"{PYTHON_CLIENT}{os.pathsep}{PROJECT}"}
    return _json_of([sys.executable, "-c", PYTHON_PAGES, url, SERVER_KEY, str(kept), str(pages)], environment)


def _run_node(program: str, kind: str, url: str, key: str, pages: int) -> Any:
    return _json_of([program, str(NODE_SCRIPT), kind, url, key, str(pages)], dict(os.environ))


def _json_of(command: list[str], environment: dict[str, str]) -> Any:
    done = subprocess.run(command, env=environment, cwd=PROJECT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["experiments"] == LIVE, found
    return found


def _median(run: Callable[[], Any]) -> float:
    return round(statistics.median(float(run()["first_answer_ms"]) for _ in range(COLD_STARTS)), 1)


def _rounded(milliseconds: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in milliseconds.items()}


def _bytes() -> dict[str, dict[str, int]]:
    """Return the sizes of what a browser loads, and of all that a Node process does."""
    browser = (JAVASCRIPT_CLIENT / "tiltyard.mjs").read_bytes()
    everything = [path.read_bytes() for path in sorted(JAVASCRIPT_CLIENT.glob("*.mjs"))]
    return {
        "browser": {"raw": len(browser), "gzip": len(gzip.compress(browser, 9))},
        "node": {"raw": sum(map(len, everything)), "gzip": sum(len(gzip.compress(raw, 9)) for raw in everything)},
    }


if __name__ == "__main__":
    sys.exit(main())
