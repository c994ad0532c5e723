"""The embedded servers: started, shared, killed, found again."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from config.local import embedded, places
from config.local.embedded import DATABASE_URL, DISPOSABLE, REDIS_URL, Postgres, Shutdown, Valkey
from config.local.faults import ServerWouldNotStart
from config.local.server import HIGHEST_PORT, free_port, process_mentions

BOTH = frozenset((DATABASE_URL, REDIS_URL))


@pytest.fixture(scope="module")
def cluster_of_the_module() -> Iterator[Postgres]:
    directory = Path(tempfile.mkdtemp(prefix="tiltyard-"))
    server = Postgres(directory / "postgres", settings=DISPOSABLE)
    server.start()
    yield server
    server.remove()
    directory.rmdir()


@pytest.fixture
def cluster(cluster_of_the_module: Postgres) -> Postgres:
    """Return a running cluster that earlier tests of this module may have stopped and killed."""
    cluster_of_the_module.start()
    return cluster_of_the_module


def _one(server: Postgres, query: str) -> object:
    with psycopg.connect(server.url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def _eventually(condition: Callable[[], bool], *, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_postgres__once_started__is_a_utf8_server_on_this_host_only(cluster: Postgres) -> None:
    assert int(str(_one(cluster, "SHOW server_version_num"))) >= 150_000
    assert _one(cluster, "SHOW server_encoding") == "UTF8"
    assert _one(cluster, "SHOW listen_addresses") == "127.0.0.1"
    assert _one(cluster, "SHOW TimeZone") == "UTC"
    assert _one(cluster, "SELECT current_user || '/' || current_database()") == "tiltyard/tiltyard"
    assert _one(cluster, "SELECT lower('ÄÖÜ学')") == "äöü学"


def test_postgres__wrong_password__is_refused(cluster: Postgres) -> None:
    url = cluster.url.replace(":" + cluster.url.split(":")[2].split("@")[0] + "@", ":wrong@")
    assert url != cluster.url
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_postgres__by_default__keeps_what_it_confirmed(own_directory: Path) -> None:
    server = Postgres(own_directory / "durable")
    try:
        server.start()
        assert _one(server, "SHOW fsync") == "on"
        assert _one(server, "SHOW synchronous_commit") == "on"
        assert _one(server, "SHOW full_page_writes") == "on"
    finally:
        server.remove()


def test_postgres__killed_with_minus_nine__recovers_at_the_next_start(cluster: Postgres) -> None:
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    first = cluster.pid
    cluster.kill()
    assert cluster.pid is None
    assert (cluster.data / "postmaster.pid").exists()
    cluster.start()
    assert cluster.pid not in (None, first)
    assert _one(cluster, "SELECT sum(n) FROM kept") == 500_500


def test_postgres__immediate_shutdown__loses_no_commit(cluster: Postgres) -> None:
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE seven AS SELECT 7 AS n")
        cluster.shut_down(Shutdown.IMMEDIATE)
    cluster.start()
    assert _one(cluster, "SELECT n FROM seven") == 7


def test_postgres__lock_file_with_the_pid_of_another_program__is_no_obstacle(cluster: Postgres) -> None:
    cluster.stop()
    lines = [str(os.getpid()), str(cluster.data), "1", str(cluster.port), "", "127.0.0.1", "1 1", "ready"]
    (cluster.data / "postmaster.pid").write_text("\n".join(lines) + "\n")
    assert cluster.pid is None
    cluster.start()
    assert cluster.pid not in (None, os.getpid())


def test_postgres__port_taken_since__moves_to_a_free_one(cluster: Postgres) -> None:
    port = cluster.port
    cluster.stop()
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        cluster.start()
        assert cluster.port != port
    assert _one(cluster, "SELECT 1") == 1


def test_postgres__second_object_on_the_directory__finds_the_running_server(cluster: Postgres) -> None:
    other = Postgres(cluster.directory, settings=DISPOSABLE)
    assert other.pid == cluster.pid
    other.start()
    assert other.pid == cluster.pid
    assert other.url == cluster.url


def test_postgres__initialisation_that_was_interrupted__is_done_again(own_directory: Path) -> None:
    server = Postgres(own_directory / "postgres", settings=DISPOSABLE)
    draft = server.data.with_name("data.draft")
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    try:
        server.start()
        assert not draft.exists()
    finally:
        server.remove()


def test_postgres__that_cannot_start__says_so_with_its_log_and_the_fix(own_postgres: Postgres) -> None:
    own_postgres.stop()
    with (own_postgres.data / "postgresql.conf").open("a") as configuration:
        configuration.write("shared_buffers = nonsense\n")
    with pytest.raises(ServerWouldNotStart) as caught:
        own_postgres.start()
    assert "shared_buffers" in str(caught.value)
    assert "\n  fix: " in str(caught.value)


def test_removed_server__leaves_nothing(own_directory: Path) -> None:
    server = Postgres(own_directory / "postgres", settings=DISPOSABLE)
    server.start()
    pid, data = server.pid, server.data
    assert pid is not None
    server.remove()
    assert not data.exists()
    assert not server.directory.exists()
    assert not process_mentions(pid, str(data))


def test_valkey__keeps_everything_and_evicts_nothing(own_valkey: Valkey) -> None:
    with redis.Redis.from_url(own_valkey.url, decode_responses=True) as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("bind") == {"bind": "127.0.0.1"}
        client.set("kept", "yes")
        client.execute_command("WAITAOF", 1, 0, 5000)
    own_valkey.kill()
    assert own_valkey.pid is None
    own_valkey.start()
    with redis.Redis.from_url(own_valkey.url, decode_responses=True) as client:
        assert client.get("kept") == "yes"


def test_valkey__without_password__is_refused(own_valkey: Valkey) -> None:
    with redis.Redis(port=own_valkey.port) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_secrets__of_both_servers__are_readable_by_the_owner_only(cluster: Postgres, own_valkey: Valkey) -> None:
    for server in (cluster, own_valkey):
        assert (server.directory / "connection.json").stat().st_mode & 0o777 == 0o600
    assert (own_valkey.directory / "valkey.conf").stat().st_mode & 0o777 == 0o600
    assert cluster.data.stat().st_mode & 0o777 == 0o700
    command_lines = " ".join(Path(f"/proc/{server.pid}/cmdline").read_text() for server in (cluster, own_valkey))
    for server in (cluster, own_valkey):
        assert json.loads((server.directory / "connection.json").read_text())["password"] not in command_lines


@pytest.fixture
def state(own_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(embedded, "GRACE_SECONDS", 0.3)
    yield own_directory
    for server in embedded.servers(own_directory).values():
        server.remove()


def _running(state: Path) -> dict[str, bool]:
    return {name: server.pid is not None for name, server in embedded.servers(state).items()}


def test_leases__while_one_is_left__keep_the_servers_and_the_last_one_ends_them(state: Path) -> None:
    first = embedded.acquire(state, needed=BOTH, settings=DISPOSABLE)
    second = embedded.acquire(state, needed=BOTH, settings=DISPOSABLE)
    assert first.urls == second.urls
    first.release()
    time.sleep(1.0)
    assert _running(state) == {DATABASE_URL: True, REDIS_URL: True}
    assert not embedded.stop_if_unused(state)
    second.release()
    assert _eventually(lambda: not any(_running(state).values()))


def test_lease__of_a_process_that_was_killed__is_given_back(state: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom config.local import embedded\n"
        "embedded.GRACE_SECONDS = 0.3\n"
        "lease = embedded.acquire(Path(sys.argv[1]), needed=frozenset(['DATABASE_URL', 'REDIS_URL']))\n"
        "print('ready', flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(state)], cwd=places.PROJECT, stdout=subprocess.PIPE, text=True
    ) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == "ready\n"
        assert _running(state) == {DATABASE_URL: True, REDIS_URL: True}
        user.send_signal(signal.SIGKILL)
    assert _eventually(lambda: not any(_running(state).values()))


def test_lease__on_one_server__starts_no_other(state: Path) -> None:
    lease = embedded.acquire(state, needed=frozenset((REDIS_URL,)))
    assert list(lease.urls) == [REDIS_URL]
    assert _running(state) == {DATABASE_URL: False, REDIS_URL: True}
    lease.release()
    assert embedded.stop_if_unused(state)
    assert _running(state) == {DATABASE_URL: False, REDIS_URL: False}


def test_ensure_services__with_addresses_set__starts_nothing(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_URL, "postgresql://elsewhere/x")
    monkeypatch.setenv(REDIS_URL, "redis://elsewhere/0")
    with embedded.ensure_services(state) as lease:
        assert lease.urls == {}
        assert os.environ[DATABASE_URL] == "postgresql://elsewhere/x"
    assert _running(state) == {DATABASE_URL: False, REDIS_URL: False}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root__below_a_directory_closed_to_others__keeps_data_outside_and_changes_no_permission(
    own_directory: Path,
) -> None:
    closed = own_directory / "closed"
    closed.mkdir(mode=0o700)
    server = Postgres(closed / "postgres", settings=DISPOSABLE)
    try:
        server.start()
        assert _one(server, "SELECT 1") == 1
        assert not server.data.is_relative_to(closed)
        assert server.data.stat().st_uid != 0
        assert closed.stat().st_mode & 0o777 == 0o700
        assert own_directory.stat().st_mode & 0o777 == 0o700
    finally:
        server.remove()
    assert not server.data.parent.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps data outside")
def test_data_outside__of_a_moved_a_copied_and_a_deleted_clone__stay_apart(own_directory: Path) -> None:
    account = places.unprivileged_account()
    home = own_directory / "one"
    home.mkdir(mode=0o700, parents=True)
    original = places.data_directory(home, account=account)
    assert places.data_directory(home, account=account) == original

    copy = own_directory / "copy"
    copy.mkdir(mode=0o700)
    (copy / "outside.json").write_text((home / "outside.json").read_text())
    copied = places.data_directory(copy, account=account)
    assert copied != original

    moved = own_directory / "moved"
    home.rename(moved)
    assert places.data_directory(moved, account=account) == original

    places.forget_data_directory(moved)
    moved.mkdir(mode=0o700)
    again = places.data_directory(moved, account=account)
    assert again not in (original, copied)
    assert not original.parent.exists()
    for directory in (copy, moved):
        places.forget_data_directory(directory)
    assert not copied.parent.exists()


def test_free_port__many_times__is_none_that_outgoing_connections_get() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])

    ports = {free_port() for _ in range(50)}

    assert len(ports) > 1
    assert max(ports) < lowest or lowest < HIGHEST_PORT, "a server that starts again finds its port as it left it"
