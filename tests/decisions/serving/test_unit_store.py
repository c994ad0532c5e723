"""What a unit dealt with, from a real Valkey: in one trip, and without harm when it is gone."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import redis

from config.local.embedded import Valkey
from decisions.serving.feature_keys import LONGEST_HISTORY, bought_key, seen_key
from decisions.serving.features import LONGEST_REST, FeatureStore
from decisions.vocabulary import FeatureState

UNIT = ("visitor", "v" * 22)


@pytest.fixture
def client(own_valkey: Valkey) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(own_valkey.url)
    yield client
    client.close()


def remember(client: redis.Redis, kind: str, unit: str, *, seen: list[str], bought: list[str] | None = None) -> None:
    """Store a history, the most recent item first."""
    client.zadd(seen_key(1, kind, unit), {item: -place for place, item in enumerate(seen)})
    if bought:
        client.zadd(bought_key(1, kind, unit), dict.fromkeys(bought, 0.0))


def test_look_up__history__comes_most_recent_first(own_valkey: Valkey, client: redis.Redis) -> None:
    remember(client, *UNIT, seen=["p-3", "用户", "p-1"], bought=["p-9"])

    found = FeatureStore(own_valkey.url, within=1).look_up(1, [UNIT])

    assert (found.state, found.history, found.bought) == (FeatureState.AVAILABLE, ("p-3", "用户", "p-1"), ("p-9",))


def test_look_up__two_units_of_a_person__join_the_first_one_s_history_first(
    own_valkey: Valkey, client: redis.Redis
) -> None:
    remember(client, *UNIT, seen=["a", "b"], bought=["x"])
    remember(client, "customer", "c" * 22, seen=["b", "c"], bought=["y", "x"])

    found = FeatureStore(own_valkey.url, within=1).look_up(1, [UNIT, ("customer", "c" * 22)])

    assert (found.history, set(found.bought)) == (("a", "b", "c"), {"x", "y"})


def test_look_up__long_history__is_cut(own_valkey: Valkey, client: redis.Redis) -> None:
    remember(client, *UNIT, seen=[f"p-{number}" for number in range(200)])

    found = FeatureStore(own_valkey.url, within=1).look_up(1, [UNIT])

    assert found.history == tuple(f"p-{number}" for number in range(LONGEST_HISTORY))


def test_look_up__unit_of_another_project_or_none__is_empty(own_valkey: Valkey, client: redis.Redis) -> None:
    remember(client, *UNIT, seen=["a"])
    store = FeatureStore(own_valkey.url, within=1)

    assert store.look_up(2, [UNIT]).state == FeatureState.EMPTY
    assert store.look_up(1, [("visitor", "w" * 22)]).state == FeatureState.EMPTY
    assert store.look_up(1, []).state == FeatureState.EMPTY


def test_look_up__something_else_under_the_key__is_unavailable(own_valkey: Valkey, client: redis.Redis) -> None:
    client.set(seen_key(1, *UNIT), "text")

    assert FeatureStore(own_valkey.url, within=1).look_up(1, [UNIT]).state == FeatureState.UNAVAILABLE


def test_look_up__no_server_named__is_unavailable() -> None:
    assert FeatureStore(None, within=1).look_up(1, [UNIT]).state == FeatureState.UNAVAILABLE


def test_look_up__server_killed_and_started_again__rests_meanwhile_and_then_answers(
    own_valkey: Valkey, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("decisions.serving.features.SHORTEST_REST", 600.0)
    monkeypatch.setattr("decisions.serving.features.LONGEST_REST", 600.0)
    store = FeatureStore(own_valkey.url, within=1)
    remember(client, *UNIT, seen=["a"])
    assert store.look_up(1, [UNIT]).state == FeatureState.AVAILABLE

    own_valkey.kill()
    assert store.look_up(1, [UNIT]).state == FeatureState.UNAVAILABLE
    own_valkey.start()
    assert store.look_up(1, [UNIT]).state == FeatureState.UNAVAILABLE, "nobody is asked"
    store._rests_until = 0.0
    remember(client, *UNIT, seen=["a"])

    assert store.look_up(1, [UNIT]).state == FeatureState.AVAILABLE


def test_look_up__server_that_accepts_and_never_answers__costs_one_wait_and_then_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = FeatureStore(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", within=0.02)
        started = time.monotonic()
        states = {store.look_up(1, [UNIT]).state for _ in range(1_000)}
        took = time.monotonic() - started

    assert states == {FeatureState.UNAVAILABLE}
    assert took < 10, "a thousand waits of 20 ms would take 20 seconds"


def test_look_up__one_failure_after_another__rests_longer_and_an_answer_ends_it(
    own_valkey: Valkey, client: redis.Redis
) -> None:
    store = FeatureStore(own_valkey.url, within=5)
    client.set(seen_key(1, *UNIT), "text")
    rests = []
    for _ in range(8):
        store._rests_until = 0.0
        assert store.look_up(1, [UNIT]).state == FeatureState.UNAVAILABLE
        rests.append(store._rest)

    assert rests == [0.05, 0.1, 0.2, 0.4, 0.8, LONGEST_REST, LONGEST_REST, LONGEST_REST]
    client.delete(seen_key(1, *UNIT))
    store._rests_until = 0.0
    assert store.look_up(1, [UNIT]).state == FeatureState.EMPTY
    assert store._rest == 0.0


def test_look_up__from_many_threads__answers_each_its_own(own_valkey: Valkey, client: redis.Redis) -> None:
    units = [("visitor", f"{number:022d}") for number in range(40)]
    for number, unit in enumerate(units):
        remember(client, *unit, seen=[f"p-{number}"])
    store = FeatureStore(own_valkey.url, within=5)
    wrong: list[object] = []

    def ask(number: int) -> None:
        for _ in range(20):
            found = store.look_up(1, [units[number]])
            if found.history != (f"p-{number}",):
                wrong.append(found)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()

    assert wrong == []
