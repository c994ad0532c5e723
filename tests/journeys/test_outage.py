"""Postgres and Redis go away while the edge serves: assignments go on, and nothing that was answered 2xx is lost."""

import http.client
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from config.local.postgres import Shutdown
from config.local.supervisor import Site

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]

PREPARE = """
import json
from datetime import UTC, datetime
from tests.fixtures.records import make_project, make_running
from foundation.actions.projects import issue_api_key
now = datetime.now(UTC)
project_id = make_project(now=now)
make_running(project_id, now=now)
key = issue_api_key(project_id=project_id, kind="client", name="web", acting_user="tester", now=now)
print(json.dumps({"project": project_id, "key": key.secret}))
"""


class Storefront(threading.Thread):
    """Sends batches without a pause and notes which messages were answered 202, and every refusal."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__(daemon=True)
        self.client = Client(url, key)
        self.acknowledged: list[str] = []
        self.refusals: list[tuple[int, str | None]] = []
        self.over = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.over.is_set():
            ids = [f"m{number + index}" for index in range(20)]
            number += 20
            status, headers, _ = self.client.post("/v1/batch", {"batch": [message(name) for name in ids]})
            if status == 202:
                self.acknowledged.extend(ids)
            else:
                self.refusals.append((status, headers.get("Retry-After")))
                time.sleep(0.05)


class Client:
    """One connection after another to the edge."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        self.place = (str(parts.hostname), int(parts.port or 0))
        self.headers = {
            "Content-Type": "application/json",
            "Authorization": "Basic " + b64encode(f"{key}:".encode()).decode(),
        }

    def post(self, path: str, body: object) -> tuple[int, http.client.HTTPMessage, dict]:
        connection = http.client.HTTPConnection(*self.place, timeout=30)
        try:
            connection.request("POST", path, json.dumps(body), self.headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, json.loads(answer.read())
        finally:
            connection.close()

    def variant(self, visitor: str) -> tuple[str, dict]:
        status, _, answer = self.post("/v1/assignments", {"units": {"visitor": visitor}})
        assert status == 200
        return answer["assignments"][0]["variant"], answer


def message(name: str) -> dict[str, object]:
    return {"type": "track", "messageId": name, "anonymousId": "v1", "event": "Product Viewed", "properties": {}}


def wait_until(condition, seconds: float, what: str) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"{what} did not come in {seconds} s"
        time.sleep(0.1)


def test_outage__postgres_and_redis_stopped_while_serving__loses_nothing(own_postgres, own_valkey, own_directory):
    environment = {
        "DATABASE_URL": own_postgres.url,
        "REDIS_URL": own_valkey.url,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "TILTYARD_STATE_DIR": str(own_directory / "state"),
    }
    manage = [sys.executable, "manage.py"]
    known = {**os.environ, **environment}
    subprocess.run([*manage, "migrate", "--verbosity", "0"], cwd=PROJECT, env=known, check=True)
    done = subprocess.run(
        [*manage, "shell", "--no-imports", "-c", PREPARE],
        cwd=PROJECT,
        env=known,
        check=True,
        capture_output=True,
        text=True,
    )
    facts = json.loads(done.stdout.splitlines()[-1])
    with Site(own_directory / "site", environment=environment, roles=("edge", "worker", "beat")) as site:
        client = Client(site.edge_url, facts["key"])
        wait_until(lambda: _serves(client), 30, "the bundle")
        visitors = [f"visitor-{index}" for index in range(200)]
        before = {visitor: client.variant(visitor)[0] for visitor in visitors}
        assert set(before.values()) == {"control", "treatment"}
        storefront = Storefront(site.edge_url, facts["key"])
        storefront.start()
        wait_until(lambda: len(storefront.acknowledged) > 200, 20, "some acknowledged events")

        own_postgres.shut_down(Shutdown.IMMEDIATE)
        own_valkey.kill()
        wait_until(lambda: len(storefront.refusals) > 3, 20, "a refusal")
        assert {visitor: client.variant(visitor)[0] for visitor in visitors} == before
        wait_until(lambda: "BUNDLE_STALE" in json.dumps(client.variant("visitor-0")[1]), 30, "the reason")
        assert {status for status, _ in storefront.refusals} == {503}
        assert all(str(after).isdigit() for _, after in storefront.refusals)

        acknowledged = len(storefront.acknowledged)
        own_valkey.start()
        own_postgres.start()
        wait_until(lambda: len(storefront.acknowledged) > acknowledged + 100, 30, "events after the outage")
        assert {visitor: client.variant(visitor)[0] for visitor in visitors} == before
        storefront.over.set()
        storefront.join()
    with psycopg.connect(own_postgres.url) as session:
        stored = {row[0] for row in session.execute("SELECT message_id FROM decisions_eventlog").fetchall()}
    lost = set(storefront.acknowledged) - stored
    assert not lost


def _serves(client: Client) -> bool:
    status, _, answer = client.post("/v1/assignments", {"units": {"visitor": "probe"}})
    return status == 200 and bool(answer["assignments"])
