"""The official Segment libraries work by changing one address: Python's and Node's, against a real edge process."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from segment.analytics.client import Client

from config.local.embedded import Postgres
from config.local.postgres import Shutdown
from foundation.ids import hash_unit
from tests.clients.serving import Front, database_edge, listening
from tests.decisions.published import CLIENT_KEY, PEPPER, SERVER_KEY, text_of
from tests.experiments.assignment.builders import experiment
from tests.fixtures.node import RunNode

PAYLOADS = Path(__file__).with_name("payloads.json")
EVENTS: list[tuple[str, dict[str, Any]]] = json.loads(PAYLOADS.read_text())
Failures = list[Exception]


def rows_of(postgres: Postgres) -> list[tuple[Any, ...]]:
    with psycopg.connect(postgres.url) as connection:
        return connection.execute(
            "SELECT kind, event, visitor, customer, properties, message_id FROM decisions_eventlog"
        ).fetchall()


def assert_golden(rows: list[tuple[Any, ...]], visitor: str, customer: str) -> None:
    """Assert that every payload has become the row that it should, once."""
    stored = (hash_unit(PEPPER, "visitor", visitor), hash_unit(PEPPER, "customer", customer))
    tracked = {row[1]: row for row in rows if row[0] == "track"}
    assert len(tracked) == len(EVENTS)
    for event, properties in EVENTS:
        assert (tracked[event][2:4], tracked[event][4]) == (stored, properties)
    kinds = sorted(row[0] for row in rows if row[0] != "track")
    assert kinds == ["alias", "identify", "page"]
    assert next(row[4] for row in rows if row[0] == "identify") == {"country": "DE"}
    alias = next(row for row in rows if row[0] == "alias")
    assert alias[2:4] == stored


def send_golden(client: Client) -> None:
    for event, properties in EVENTS:
        client.track(user_id="c-py", anonymous_id="v-py", event=event, properties=properties)
    client.identify(user_id="c-py", anonymous_id="v-py", traits={"country": "DE", "email": "someone@example.com"})
    client.alias(previous_id="v-py", user_id="c-py")
    client.page(user_id="c-py", anonymous_id="v-py", name="Home")
    client.shutdown()


def python_client(host: str, failures: Failures, **changes: Any) -> Client:
    settings = {"upload_interval": 0.2, "upload_size": 50} | changes
    return Client(CLIENT_KEY, host=host, on_error=lambda error, _items: failures.append(error), **settings)


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "gzip"])
def test_python_library__golden_payloads__arrive_as_rows(
    edge_process: str, breakable_postgres: Postgres, is_packed: bool
) -> None:
    failures: Failures = []
    send_golden(python_client(edge_process, failures, gzip=is_packed))
    assert failures == []
    assert_golden(rows_of(breakable_postgres), "v-py", "c-py")


def test_node_library__golden_payloads__arrive_as_rows(
    edge_process: str, breakable_postgres: Postgres, node_packages: Path, run_node: RunNode
) -> None:
    told = json.loads(run_node(node_packages / "segment.mjs", edge_process, CLIENT_KEY, str(PAYLOADS)))
    assert told["failures"] == []
    assert len(set(told["delivered"])) == len(EVENTS) + 3
    assert_golden(rows_of(breakable_postgres), "v-node", "c-node")


def while_postgres_restarts(postgres: Postgres, send: Callable[[], Any]) -> Any:
    """Send while Postgres is away, and bring it back after two seconds."""
    postgres.shut_down(Shutdown.IMMEDIATE)
    found: list[Any] = []
    sending = threading.Thread(target=lambda: found.append(send()))
    sending.start()
    time.sleep(2)
    postgres.start()
    sending.join(60)
    assert not sending.is_alive()
    return found[0]


@pytest.mark.slow
def test_python_library__postgres_away__sends_again_and_nothing_counts_twice(
    edge_process: str, breakable_postgres: Postgres
) -> None:
    failures: Failures = []
    client = python_client(edge_process, failures)
    while_postgres_restarts(breakable_postgres, lambda: send_golden(client))
    assert failures == []
    assert_golden(rows_of(breakable_postgres), "v-py", "c-py")


@pytest.mark.slow
def test_node_library__postgres_away__sends_again_and_nothing_counts_twice(
    edge_process: str, breakable_postgres: Postgres, node_packages: Path, run_node: RunNode
) -> None:
    script = node_packages / "segment.mjs"
    told = while_postgres_restarts(
        breakable_postgres, lambda: json.loads(run_node(script, edge_process, CLIENT_KEY, str(PAYLOADS)))
    )
    assert told["failures"] == []
    assert_golden(rows_of(breakable_postgres), "v-node", "c-node")


@pytest.mark.parametrize("library", ["python", "node"])
def test_answers_that_get_lost__the_same_ids_come_again__and_count_once(
    breakable_postgres: Postgres, tmp_path: Path, node_packages: Path, run_node: RunNode, library: str
) -> None:
    edge = database_edge(breakable_postgres.url, tmp_path, text_of(experiment(1)))
    front = Front(edge, lose=2, retry_after="1")
    with listening(front) as url:
        if library == "python":
            failures: Failures = []
            send_golden(python_client(url, failures))
            assert failures == []
        else:
            run_node(node_packages / "segment.mjs", url, CLIENT_KEY, str(PAYLOADS))
    edge.close()
    rows = rows_of(breakable_postgres)
    assert len(rows) == len({row[5] for row in rows}) == len(EVENTS) + 3
    posts = [path for method, path, _ in front.seen if method == "POST" and path == "/v1/batch"]
    assert len(posts) >= 3


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
def test_python_library__exposure_by_server_key__is_recomputed(
    edge_process: str, breakable_postgres: Postgres, gzip: bool
) -> None:
    client = Client(SERVER_KEY, host=edge_process, gzip=gzip, upload_interval=0.1)
    seen = {"experiment": "experiment-1", "attributes": {"country": "DE"}}
    client.track(anonymous_id="v-1", event="Experiment Viewed", properties=seen)
    client.shutdown()
    with psycopg.connect(breakable_postgres.url) as connection:
        ((enrolments,),) = connection.execute("SELECT enrolments FROM decisions_eventlog").fetchall()
    assert [(entry["verification"], entry["reason"]) for entry in enrolments] == [("RECOMPUTED", None)]
