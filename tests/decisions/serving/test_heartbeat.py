"""What edge processes tell of themselves, through a real Valkey."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import redis

from config.local.embedded import Postgres, Valkey
from config.local.server import port_is_free
from decisions.serving.heartbeat import NAMES_KEY, REPORT_KEY, EdgeReport, EdgeRole, decode_report, encode_report
from decisions.serving.runtime import BundleRuntime
from decisions.serving.settings import EdgeSettings
from tests.decisions.published import publish, text_of

REPORT = EdgeReport("edge-1", 7, 1.5, {"shop": 3}, False, 0)


def eventually(holds: Callable[[], bool], *, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def test_report__kept_and_read__is_the_same() -> None:
    assert decode_report(encode_report(REPORT)) == REPORT


def test_report__of_a_release_without_roles__is_read_as_one_of_an_edge() -> None:
    raw = b'{"host":"edge-1","process":7,"started_at":1.5,"versions":{"shop":3},"stale":false,"faults":0}'
    assert decode_report(raw) == REPORT
    assert REPORT.role is EdgeRole.EDGE


def test_report__missing_or_of_another_release__is_none() -> None:
    assert [decode_report(raw) for raw in (None, b"", b"{}", b"\xff", b'{"host": 3}')] == [None] * 5


def test_runtime__with_redis__tells_what_it_serves_at_once_after_a_switch_and_takes_its_leave(
    breakable_postgres: Postgres, own_valkey: Valkey, tmp_path: Path
) -> None:
    publish(breakable_postgres.url, text_of(version=1))
    client = redis.Redis.from_url(own_valkey.url)
    settings = EdgeSettings(
        database_url=breakable_postgres.url,
        redis_url=own_valkey.url,
        state_directory=tmp_path,
        role=EdgeRole.INTAKE,
    )
    runtime = BundleRuntime(settings)
    runtime.start()

    def told() -> EdgeReport | None:
        names = client.zrange(NAMES_KEY, 0, -1)
        return decode_report(client.get(REPORT_KEY + names[0].decode())) if names else None

    def versions() -> dict[str, int]:
        report = told()
        return {} if report is None else report.versions

    eventually(lambda: versions() == {"shop": 1})
    report = told()
    assert report is not None
    assert (report.process, report.stale, report.faults, report.role) == (os.getpid(), False, 0, EdgeRole.INTAKE)
    assert 0 < client.ttl(REPORT_KEY + report.name) <= 15

    publish(breakable_postgres.url, text_of(version=2))
    eventually(lambda: versions() == {"shop": 2})
    url = own_valkey.url
    client.close()
    own_valkey.kill()
    eventually(lambda: port_is_free(urlsplit(url).port or 0))  # Else the server would come back on another one.
    own_valkey.start()
    assert own_valkey.url == url
    eventually(lambda: versions() == {"shop": 2})
    runtime.stop()
    eventually(lambda: told() is None)
    client.close()


def test_hints__redis_that_takes_no_reports__are_heard_all_the_same(
    breakable_postgres: Postgres, own_valkey: Valkey, tmp_path: Path
) -> None:
    publish(breakable_postgres.url, text_of(version=1))
    client = redis.Redis.from_url(own_valkey.url)
    client.acl_setuser("listener", enabled=True, nopass=True, channels=["*"], commands=["+@all", "-set", "-zadd"])
    settings = EdgeSettings(
        database_url=breakable_postgres.url,
        redis_url=own_valkey.url.replace("://", "://listener:any@"),
        state_directory=tmp_path,
        poll_seconds=60.0,
    )
    runtime = BundleRuntime(settings)
    runtime.start()
    eventually(lambda: runtime.status().hint_error is None)
    time.sleep(1.5)
    publish(breakable_postgres.url, text_of(version=2))
    client.publish("tiltyard:bundle", "1:2")

    eventually(lambda: runtime.live.by_project[1].version == 2)
    assert runtime.status().hint_error is None
    assert client.zcard(NAMES_KEY) == 0
    runtime.stop()
    client.close()
