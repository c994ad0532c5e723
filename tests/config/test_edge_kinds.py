"""An edge and an intake behind the proxy, as `bin/serve` runs them: who does what, and who stands in for whom."""

import json
import re
import secrets
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from config.local.embedded import Postgres
from config.local.processes import EVALUATION_THREADS, INTAKE_THREADS, Role
from config.local.server import HOST, port_is_free
from config.local.supervisor import Site
from tests.decisions.published import CLIENT_KEY, forget_files, message, publish, text_of
from tests.experiments.assignment.builders import experiment

pytestmark = pytest.mark.slow

SLOW_CLIENTS = 2 * INTAKE_THREADS
IDLE_CLIENTS = 200


@pytest.fixture
def postgres(breakable_postgres: Postgres) -> Postgres:
    """Return a Postgres with a published experiment."""
    forget_files(breakable_postgres.url)
    publish(breakable_postgres.url, text_of(experiment(1)))
    return breakable_postgres


@pytest.fixture
def site(postgres: Postgres, own_directory: Path) -> Iterator[Site]:
    """Return an edge and an intake behind a proxy."""
    environment = {
        "DATABASE_URL": postgres.url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": secrets.token_urlsafe(50),
    }
    with Site(own_directory, environment=environment, roles=(Role.EDGE, Role.INTAKE, Role.PROXY)) as site:
        yield site


def post(url: str, path: str, body: object) -> Any:
    request = urllib.request.Request(
        url + path,
        data=json.dumps(body).encode(),
        headers={"X-API-Key": CLIENT_KEY, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def assign(url: str) -> list[str]:
    told = post(url, "/v1/assignments", {"units": {"visitor": "v-1"}})
    return [one["variant"] for one in told["assignments"]]


def store(url: str, identity: str) -> int:
    told = post(url, "/v1/batch", {"batch": [message(messageId=identity)]})
    return int(told["accepted"])


def answered(url: str) -> dict[str, int]:
    """Return how many requests to assignments and to batches a process has answered well."""
    with urllib.request.urlopen(url + "/metrics", timeout=30) as answer:
        lines = re.findall(r"tiltyard_requests_total\{(.*)\} (\S+)", answer.read().decode())
    return {
        path: sum(int(float(count)) for labels, count in lines if f'"/v1/{path}"' in labels)
        for path in ("assignments", "batch")
    }


def logged(postgres: Postgres) -> set[str]:
    with psycopg.connect(postgres.url) as connection:
        rows = connection.execute("SELECT message_id FROM decisions_eventlog WHERE kind = 'track'").fetchall()
    return {name for (name,) in rows}


def threads_of(site: Site, role: Role) -> str:
    command = psutil.Process(site.pids[role]).cmdline()
    return next(part for part in command if part.startswith("--blocking-threads="))


def test_kinds__behind_the_proxy__each_gets_its_routes_and_has_its_threads(site: Site, postgres: Postgres) -> None:
    assert (store(site.url, "m-1"), assign(site.url)) == (1, assign(site.intake_url))

    assert answered(site.edge_url) == {"assignments": 1, "batch": 0}
    assert answered(site.intake_url) == {"assignments": 1, "batch": 1}
    assert logged(postgres) == {"m-1"}
    assert threads_of(site, Role.EDGE) == f"--blocking-threads={EVALUATION_THREADS}"
    assert threads_of(site, Role.INTAKE) == f"--blocking-threads={INTAKE_THREADS}"


def test_kinds__one_of_them_away__the_other_does_its_work(site: Site, postgres: Postgres) -> None:
    expected = assign(site.url)

    kill(site, Role.INTAKE, site.intake_url)
    assert store(site.url, "m-without-intake") == 1
    site.start_process(Role.INTAKE)
    site.wait_until_ready(Role.INTAKE)
    kill(site, Role.EDGE, site.edge_url)

    assert assign(site.url) == expected
    assert store(site.url, "m-without-edge") == 1
    assert logged(postgres) == {"m-without-intake", "m-without-edge"}


def test_slow_clients__behind_the_proxy__hold_up_nobody(site: Site) -> None:
    held = []
    for path in ("assignments", "batch"):
        for _ in range(SLOW_CLIENTS):
            client = connect(site.url)
            client.sendall(f"POST /v1/{path} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{{".encode())
            held.append(client)

    assert assign(site.url)
    assert store(site.url, "m-1") == 1
    for client in held:
        client.close()


def test_clients__idle_slow_with_their_heads_or_gone_amid_a_body__hold_up_no_edge(site: Site) -> None:
    held = []
    for number in range(IDLE_CLIENTS):
        client = connect(site.edge_url)
        if number % 2:
            client.sendall(b"GET /healthz/live HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(4_096).startswith(b"HTTP/1.1 200")
        else:
            client.sendall(b"POST /v1/assignments HTTP/1.1\r\nHo")
        held.append(client)
    gone = connect(site.edge_url)
    gone.sendall(b"POST /v1/assignments HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n")
    gone.sendall(f"X-API-Key: {CLIENT_KEY}\r\n\r\n{{".encode())
    gone.close()

    assert assign(site.edge_url)
    for client in held:
        client.close()


def kill(site: Site, role: Role, url: str) -> None:
    """Kill a process and its children, and return once nobody listens at its address any more."""
    site.kill_process(role)
    deadline = time.monotonic() + 30
    while not port_is_free(urlsplit(url).port or 0):
        assert time.monotonic() < deadline, "somebody still listens"
        time.sleep(0.02)


def connect(url: str) -> socket.socket:
    return socket.create_connection((HOST, urlsplit(url).port or 0), timeout=30)
