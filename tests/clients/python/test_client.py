"""The Python client against a real edge: what it answers, what it survives, what it reports."""

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from config.edge import Edge
from config.local.embedded import Postgres
from experiments.assignment.engine import assign
from tests.clients.serving import Front, database_edge, file_edge, listening
from tests.config.edges import log_of
from tests.decisions.published import CLIENT_KEY, SERVER_KEY, companion, publish, text_of
from tests.experiments.assignment.builders import experiment
from tiltyard_client import Client, Reason, Settings

SIMULATED = {
    "kind": "SIMULATION",
    "origin": "2031-01-01T00:00:00+00:00",
    "speed": 60.0,
    "started_at": "2026-01-01T00:00:00+00:00",
}
MakeClient = Callable[..., Client]


def within(seconds: float, is_so: Callable[[], Any]) -> bool:
    """Return whether it comes to be so."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if is_so():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def make_client() -> Iterator[MakeClient]:
    """Return a function that makes clients; each is closed after the test."""
    with ExitStack() as running:

        def make(url: str, **changes: Any) -> Client:
            settings = {"server_key": SERVER_KEY, "poll_seconds": 0.1, "flush_seconds": 0.05} | changes
            client = Client(Settings(url=url, **settings))
            running.callback(client.close, 0.1)
            return client

        yield make


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    edge = file_edge(tmp_path, text_of(experiment(1), experiment(2, unit_kind="customer"), version=7))
    yield edge
    edge.close()


@pytest.fixture
def address(edge: Edge) -> Iterator[str]:
    with listening(edge) as url:
        yield url


def test_assign__in_process__gives_what_the_engine_of_the_server_gives(
    address: str, edge: Edge, make_client: MakeClient
) -> None:
    client = make_client(address)
    assert client.wait_until_ready(5)
    snapshot = edge.runtime.live.by_project[1].snapshot
    for number in range(200):
        units = {"visitor": f"v-{number}", "customer": f"c-{number}"}
        here = client.assign(units, {"country": "DE"})
        there = assign(units, {"country": "DE"}, snapshot.latest_opening, None, snapshot)
        assert [(a.variant, a.reason, a.slots) for a in here] == [(a.variant, a.reason, a.slots) for a in there]
    named = client.assign({"visitor": "v"}, keys=["gone", "experiment-2"])
    assert [a.reason for a in named] == [Reason.UNKNOWN_EXPERIMENT, Reason.UNIT_MISSING]
    assert client.status().version == 7


@pytest.mark.parametrize(
    "units", [None, [], "v", {"visitor": object()}, {"visitor": "\ud800"}, {"store": 5, "item": []}]
)
def test_client__given_nonsense__never_raises(address: str, make_client: MakeClient, units: Any) -> None:
    client = make_client(address)
    assert client.wait_until_ready(5)
    assert all(not assignment.enrolled for assignment in client.assign(units, 5))  # type: ignore[arg-type]
    (good,) = client.assign({"visitor": "v"}, keys=["experiment-1"])
    client.expose(good, units, {"a": object()})
    assert client.track("Order Completed", units, {"total": object()}) is False
    assert client.status().events.dropped >= 1


def test_server_never_there__answers_are_bundle_missing_and_the_shop_goes_on(make_client: MakeClient) -> None:
    client = make_client("http://127.0.0.1:9", timeout_seconds=0.2)
    assert client.wait_until_ready(0.5) is False
    assert client.assign({"visitor": "v"}) == ()
    (answer,) = client.assign({"visitor": "v"}, keys=["experiment-1"])
    assert (answer.variant, answer.enrolled, answer.reason) == (None, False, Reason.BUNDLE_MISSING)
    assert "does not answer" in str(client.status().bundle_error)


def test_client_key__instead_of_a_server_key__is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="ty_server_"):
        Settings(url="http://127.0.0.1:1", server_key=CLIENT_KEY)
    with pytest.raises(ValueError, match="http"):
        Settings(url="edge.example.com", server_key=SERVER_KEY)
    assert SERVER_KEY not in repr(Settings(url="http://127.0.0.1:1", server_key=SERVER_KEY))


def test_server_gone__the_last_bundle_stays_and_a_new_process_begins_with_the_file(
    edge: Edge, tmp_path: Path, make_client: MakeClient
) -> None:
    kept = tmp_path / "kept" / "bundle"
    with listening(edge) as url:
        client = make_client(url, file=kept)
        assert client.wait_until_ready(5)
        before = client.assign({"visitor": "v-1"})
        assert within(5, kept.exists)
    assert within(5, lambda: client.status().bundle_error)
    assert client.assign({"visitor": "v-1"})[0].slots == before[0].slots
    assert kept.stat().st_mode & 0o777 == 0o600
    assert SERVER_KEY.encode() not in kept.read_bytes()
    reborn = make_client(url, file=kept, timeout_seconds=0.2)
    assert reborn.assign({"visitor": "v-1"})[0].slots == before[0].slots
    assert reborn.status().is_from_file


@pytest.mark.parametrize(
    "damage", [lambda raw: raw[:-1], lambda raw: b"", lambda raw: raw.replace(b"SHA", b"", 1) + b"x"]
)
def test_file__damaged__is_passed_over(
    edge: Edge, tmp_path: Path, make_client: MakeClient, damage: Callable[[bytes], bytes]
) -> None:
    kept = tmp_path / "bundle"
    with listening(edge) as url:
        make_client(url, file=kept).wait_until_ready(5)
        assert within(5, kept.exists)
    kept.write_bytes(damage(kept.read_bytes()))
    client = make_client("http://127.0.0.1:9", file=kept, timeout_seconds=0.2)
    assert client.assign({"visitor": "v"}) == ()
    assert client.status().bundle_error


def test_bundle__published_anew__is_taken_over_and_unchanged_ones_cost_a_304(
    breakable_postgres: Postgres, tmp_path: Path, make_client: MakeClient
) -> None:
    edge = database_edge(breakable_postgres.url, tmp_path, text_of(experiment(1), version=1))
    front = Front(edge)
    with listening(front) as url:
        client = make_client(url)
        assert client.wait_until_ready(5)
        publish(breakable_postgres.url, text_of(experiment(1, status="PAUSED"), version=2))
        assert within(10, lambda: client.status().version == 2)
        assert client.assign({"visitor": "v"})[0].reason is Reason.NOT_RUNNING
    edge.close()
    assert any("HTTP_IF_NONE_MATCH" in headers for _, _, headers in front.seen)


def test_bundle__that_cannot_be_read__leaves_the_last_good_one(edge: Edge, make_client: MakeClient) -> None:
    broken = json.dumps({"schema": 99}).encode()

    def spoiled(environ: Any, start_response: Any) -> Any:
        if not spoil:
            return edge(environ, start_response)
        tag = '"d0e0"'
        headers = [("ETag", tag), ("Tiltyard-Time", "2026-01-01T00:00:00+00:00"), ("Tiltyard-Speed", "1.0")]
        start_response("200 OK", [*headers, ("Content-Length", str(len(broken)))])
        return [broken]

    spoil: list[int] = []
    with listening(spoiled) as url:
        client = make_client(url)
        assert client.wait_until_ready(5)
        spoil.append(1)
        assert within(5, lambda: "cannot be used" in str(client.status().bundle_error))
        assert client.status().version == 7
        assert client.assign({"visitor": "v"})[0].enrolled


def test_project_time__of_a_simulation__is_the_servers(tmp_path: Path, make_client: MakeClient) -> None:
    later = experiment(1, epoch_opened_at="2030-01-01T00:00:00+00:00")
    edge = file_edge(tmp_path, text_of(later, secrets=companion(clock=SIMULATED)))
    with listening(edge) as url:
        client = make_client(url)
        assert client.wait_until_ready(5)
        assert client.assign({"visitor": "v"})[0].reason is Reason.SPLIT
    edge.close()


def test_what_the_server_alone_knows__is_remote_only_in_process(tmp_path: Path, make_client: MakeClient) -> None:
    sticky = experiment(2, sticky=True)
    pattern = {"attribute": "page", "op": "matches", "value": "^/sale"}
    edge = file_edge(tmp_path, text_of(experiment(1), sticky, experiment(3, audience=pattern)))
    with listening(edge) as url:
        client = make_client(url)
        assert client.wait_until_ready(5)
        found = {a.experiment_key: a for a in client.assign({"visitor": "v"}, {"page": "/sale/shoes"})}
        alone = client.assign({"customer": "c"}, keys=["experiment-1"])
    edge.close()
    assert found["experiment-1"].reason is Reason.SPLIT
    assert found["experiment-3"].reason is Reason.SPLIT
    remote = found["experiment-2"]
    assert (remote.variant, remote.enrolled, remote.reason) == ("control", False, Reason.REMOTE_ONLY)
    assert [a.reason for a in alone] == [Reason.REMOTE_ONLY]


@pytest.fixture
def stored(breakable_postgres: Postgres, tmp_path: Path) -> Iterator[tuple[Front, str, Postgres]]:
    """Return a front before an edge that stores events, its address, and the database."""
    edge = database_edge(breakable_postgres.url, tmp_path, text_of(experiment(1)))
    front = Front(edge)
    with listening(front) as url:
        yield front, url, breakable_postgres
    edge.close()


def test_exposures__of_an_assignment_in_process__are_recomputed_by_the_server_and_reported_once(
    stored: tuple[Front, str, Postgres], make_client: MakeClient
) -> None:
    _, url, postgres = stored
    client = make_client(url)
    assert client.wait_until_ready(5)
    units, attributes = {"visitor": "v-1", "customer": "c-1"}, {"country": "DE"}
    (given,) = client.assign(units, attributes)
    assert client.expose(given, units, attributes)
    assert client.expose(given, units, attributes)
    assert client.track("Order Completed", units, {"order_id": "o-1", "total": 49.5})
    assert client.identify(units, {"country": "DE"})
    assert client.alias("v-1", "c-1")
    assert client.flush(10), client.status()
    assert client.status().events.stored == 4
    rows = log_of(postgres)
    assert sorted(row[1] for row in rows) == ["alias", "identify", "track", "track"]
    (enrolment,) = next(row[5] for row in rows if row[2] == "Experiment Viewed")
    assert enrolment["verification"] == "RECOMPUTED"
    assert (enrolment["variant"], enrolment["reason"]) == (given.variant, None)
    assert tuple(enrolment["slots"]) == given.slots


def test_events__refused_or_stored_without_an_answer__arrive_exactly_once(
    stored: tuple[Front, str, Postgres], make_client: MakeClient
) -> None:
    front, url, postgres = stored
    client = make_client(url)
    front.refuse, front.lose = 2, 1
    for number in range(40):
        assert client.track("Product Viewed", {"visitor": "v"}, {"product_id": f"p-{number}"})
    assert client.flush(20)
    assert client.status().events.stored == 40
    assert len(log_of(postgres)) == 40
    assert any(headers.get("HTTP_CONTENT_ENCODING") == "gzip" for _, path, headers in front.seen if "batch" in path)


def test_events__more_than_the_queue_holds__are_dropped_and_counted(make_client: MakeClient) -> None:
    client = make_client("http://127.0.0.1:9", queue_limit=10, timeout_seconds=0.2)
    taken = [client.track("Product Viewed", {"visitor": "v"}) for _ in range(25)]
    assert taken.count(True) == 10
    status = client.status()
    assert (status.waiting, status.events.dropped) == (10, 15)
    assert client.flush(0.2) is False


def test_process_that_ends__sends_what_waits(stored: tuple[Front, str, Postgres]) -> None:
    _, url, postgres = stored
    child = os.fork()
    if child == 0:
        client = Client(Settings(url=url, server_key=SERVER_KEY, flush_seconds=60))
        client.track("Product Viewed", {"visitor": "v"})
        client.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert len(log_of(postgres)) == 1


def test_forked_worker__of_a_server_that_preloads__has_a_client_of_its_own(
    stored: tuple[Front, str, Postgres], make_client: MakeClient
) -> None:
    _, url, postgres = stored
    client = make_client(url, flush_seconds=60)
    assert client.wait_until_ready(5)
    client.track("Product Viewed", {"visitor": "parent"})
    child = os.fork()
    if child == 0:
        client.track("Product Viewed", {"visitor": "child"})
        is_sent = client.flush(10)
        os._exit(0 if is_sent and client.assign({"visitor": "v"}) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.flush(10)
    assert len(log_of(postgres)) == 2


def test_child_of_multiprocessing__that_ends_in_order__sends_what_waits(
    stored: tuple[Front, str, Postgres], make_client: MakeClient
) -> None:
    _, url, postgres = stored
    client = make_client(url, flush_seconds=60)
    forked = multiprocessing.get_context("fork").Process(
        target=client.track, args=("Product Viewed", {"visitor": "child"})
    )
    forked.start()
    forked.join(30)
    assert forked.exitcode == 0
    assert len(log_of(postgres)) == 1


def test_forked_child__of_a_client_that_was_closed__starts_no_threads(make_client: MakeClient) -> None:
    client = make_client("http://127.0.0.1:9", timeout_seconds=0.2)
    assert client.close(0.1)
    child = os.fork()
    if child == 0:
        names = [thread.name for thread in threading.enumerate() if thread.name.startswith("tiltyard")]
        os._exit(len(names))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_close__a_second_time__waits_for_nothing(make_client: MakeClient) -> None:
    client = make_client("http://127.0.0.1:9", timeout_seconds=0.2)
    assert client.track("Product Viewed", {"visitor": "v"})
    assert client.close(0.1) is False
    assert client.close(3_600) is False
