"""Bundles kept up to date from a real Postgres and a real Valkey, and what happens when these go away."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis

from config.local.embedded import Postgres, Shutdown, Valkey
from decisions.serving.hints import HINT_CHANNEL
from decisions.serving.runtime import BundleRuntime
from decisions.serving.settings import EdgeSettings
from decisions.serving.store import BundleFile
from decisions.vocabulary import BundleSource
from foundation.ids import digest_api_key
from tests.decisions.published import CLIENT_KEY, companion, publish, published, text_of
from tests.experiments.assignment.builders import content, experiment

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
NO_REDIS = "redis://127.0.0.1:1/0"
Start = Callable[..., BundleRuntime]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a runtime; it is stopped after the test."""
    running: list[BundleRuntime] = []

    def begin(database: str | None, hints: str | None = None, **changes: object) -> BundleRuntime:
        settings = EdgeSettings(database_url=database, redis_url=hints, state_directory=tmp_path, poll_seconds=0.1)
        runtime = BundleRuntime(replace(settings, **changes))  # type: ignore[arg-type]
        running.append(runtime)
        runtime.start()
        return runtime

    yield begin
    for runtime in running:
        runtime.stop()


def eventually(holds: Callable[[], bool], *, seconds: float = 5.0) -> float:
    """Wait until a condition holds and return how long it took."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < seconds, "did not come true in time"
        time.sleep(0.01)
    return time.monotonic() - started


def test_runtime__published_bundle__is_served_from_the_start(breakable_postgres: Postgres, start: Start) -> None:
    publish(breakable_postgres.url, text_of(version=3), text_of(version=4))

    runtime = start(breakable_postgres.url)

    assert {project: bundle.version for project, bundle in runtime.live.by_project.items()} == {1: 4}
    bundle, key = runtime.live.by_key[digest_api_key(CLIENT_KEY)]
    assert (bundle.source, key.id) == (BundleSource.POSTGRES, 1)
    assert not runtime.is_stale()
    status = runtime.status()
    assert (status.bundles, status.is_stale, status.last_error) == (1, False, None)


def test_runtime__new_version_and_new_project__are_found_by_polling(breakable_postgres: Postgres, start: Start) -> None:
    publish(breakable_postgres.url, text_of(version=1))
    runtime = start(breakable_postgres.url, NO_REDIS)
    other = published(content(version=9) | {"project": {"id": 2, "key": "two"}}, companion(project_id=2, api_keys=[]))

    publish(breakable_postgres.url, text_of(version=2), other)

    eventually(lambda: {p: b.version for p, b in runtime.live.by_project.items()} == {1: 2, 2: 9})
    assert runtime.live.by_project[1].source == BundleSource.POSTGRES


def test_runtime__revoked_key__is_gone_with_the_next_bundle(breakable_postgres: Postgres, start: Start) -> None:
    publish(breakable_postgres.url, text_of(version=1))
    runtime = start(breakable_postgres.url)

    publish(breakable_postgres.url, text_of(version=2, secrets=companion(api_keys=[])))

    eventually(lambda: digest_api_key(CLIENT_KEY) not in runtime.live.by_key)


def test_runtime__hint__switches_long_before_the_next_poll(
    breakable_postgres: Postgres, own_valkey: Valkey, start: Start
) -> None:
    publish(breakable_postgres.url, text_of(version=1))
    runtime = start(breakable_postgres.url, own_valkey.url, poll_seconds=60.0)
    eventually(lambda: runtime.status().hint_error is None)
    client = redis.Redis.from_url(own_valkey.url)
    delays = []
    for version in range(2, 12):
        publish(breakable_postgres.url, text_of(version=version))
        client.publish(HINT_CHANNEL, f"1:{version}")
        delays.append(eventually(lambda v=version: runtime.live.by_project[1].version == v))  # type: ignore[misc]
    client.close()

    assert max(delays) < 1.0
    assert runtime.live.by_project[1].source == BundleSource.REDIS


def test_runtime__redis_killed_and_started_again__polls_meanwhile_and_hears_hints_after(
    breakable_postgres: Postgres, own_valkey: Valkey, start: Start
) -> None:
    publish(breakable_postgres.url, text_of(version=1))
    runtime = start(breakable_postgres.url, own_valkey.url, poll_seconds=0.5)
    eventually(lambda: runtime.status().hint_error is None)

    own_valkey.kill()
    eventually(lambda: runtime.status().hint_error is not None)
    publish(breakable_postgres.url, text_of(version=2))
    eventually(lambda: runtime.live.by_project[1].version == 2)
    assert not runtime.is_stale()

    own_valkey.start()
    eventually(lambda: runtime.status().hint_error is None, seconds=12)


def test_runtime__postgres_killed__serves_on_and_says_so_until_it_is_back(
    breakable_postgres: Postgres, start: Start
) -> None:
    publish(breakable_postgres.url, text_of(version=1))
    runtime = start(breakable_postgres.url, stale_seconds=0.5)
    before = runtime.live

    breakable_postgres.shut_down(Shutdown.IMMEDIATE)
    eventually(runtime.is_stale)

    assert runtime.live is before
    assert "Postgres does not answer" in str(runtime.status().last_error)
    breakable_postgres.start()
    publish(breakable_postgres.url, text_of(version=2))
    eventually(lambda: runtime.live.by_project[1].version == 2)
    assert not runtime.is_stale()
    assert runtime.status().last_error is None


def test_runtime__both_away_at_the_start__serves_the_last_known_good_file(
    breakable_postgres: Postgres, start: Start, tmp_path: Path
) -> None:
    publish(breakable_postgres.url, text_of(experiment(1, key="kept"), version=7))
    first = start(breakable_postgres.url)
    eventually(lambda: BundleFile(tmp_path).holds([first.live.by_project[1].text]))
    first.stop()

    started = time.monotonic()
    second = start(NOWHERE, NO_REDIS)

    assert time.monotonic() - started < 5
    assert second.live.by_project[1].source == BundleSource.FILE
    assert list(second.live.by_project[1].snapshot.experiments) == ["kept"]
    assert second.is_stale()
    assert second.live.by_key.keys() == first.live.by_key.keys()


def test_runtime__postgres_back_after_a_start_from_the_file__takes_over(
    breakable_postgres: Postgres, start: Start, tmp_path: Path
) -> None:
    BundleFile(tmp_path).write([text_of(version=5)])
    publish(breakable_postgres.url, text_of(version=5))
    breakable_postgres.stop()
    runtime = start(breakable_postgres.url)
    assert runtime.live.by_project[1].source == BundleSource.FILE

    breakable_postgres.start()

    eventually(lambda: runtime.live.by_project[1].source == BundleSource.POSTGRES)
    assert runtime.live.by_project[1].version == 5
    eventually(lambda: not runtime.is_stale())


def test_runtime__damaged_file_and_nothing_else__has_nothing_and_says_why(start: Start, tmp_path: Path) -> None:
    file = BundleFile(tmp_path)
    file.write([text_of(version=5)])
    raw = bytearray(file.path.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.path.write_bytes(bytes(raw))

    runtime = start(NOWHERE, NO_REDIS)

    assert dict(runtime.live.by_project) == {}
    assert "damaged" in str(runtime.status().last_error)


def test_runtime__bundle_that_does_not_compile__is_refused_and_the_last_good_stays(
    breakable_postgres: Postgres, start: Start, tmp_path: Path
) -> None:
    publish(breakable_postgres.url, text_of(version=1))
    runtime = start(breakable_postgres.url)

    publish(breakable_postgres.url, text_of(experiment(1, coverage=-1), version=2))

    eventually(lambda: "1:2" in str(runtime.status().last_error))
    assert runtime.live.by_project[1].version == 1
    assert BundleFile(tmp_path).read()[0].version == 1
    publish(breakable_postgres.url, text_of(version=3))
    eventually(lambda: runtime.live.by_project[1].version == 3)
    assert runtime.status().last_error is None


def test_runtime__forged_content__is_refused(breakable_postgres: Postgres, start: Start) -> None:
    publish(breakable_postgres.url, replace(text_of(version=1), sha256="0" * 64))

    runtime = start(breakable_postgres.url)

    assert dict(runtime.live.by_project) == {}
    assert "1:1" in str(runtime.status().last_error)


def test_runtime__project_gone_from_postgres__is_served_no_longer(breakable_postgres: Postgres, start: Start) -> None:
    publish(breakable_postgres.url, text_of(version=1))
    runtime = start(breakable_postgres.url)
    with psycopg.connect(breakable_postgres.url) as connection:
        connection.execute("DELETE FROM decisions_publishedbundle")

    eventually(lambda: not runtime.live.by_project)
    assert not runtime.live.by_key


def test_runtime__without_any_address__starts_from_the_file(start: Start, tmp_path: Path) -> None:
    BundleFile(tmp_path).write([text_of(version=2)])

    runtime = start(None)

    assert runtime.live.by_project[1].version == 2
    assert "DATABASE_URL" in str(runtime.status().last_error)


def test_runtime__state_directory_that_cannot_be_written__serves_all_the_same(
    breakable_postgres: Postgres, start: Start, tmp_path: Path
) -> None:
    publish(breakable_postgres.url, text_of(version=1))
    (tmp_path / "blocked").write_text("no directory")

    runtime = start(breakable_postgres.url, state_directory=tmp_path / "blocked")

    assert runtime.live.by_project[1].version == 1
    assert "cannot be written" in str(runtime.status().last_error)
