"""What a unit dealt with, from a real Valkey: in one trip, and without harm when it is gone."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import redis

from config.local.embedded import Valkey
from decisions.serving.feature_keys import LONGEST_HISTORY, bought_key, seen_key, showing, shown_key
from decisions.serving.known import NOTHING_KNOWN, NOTHING_WANTED, Features, Linked, Met, Wants
from decisions.serving.unit_keys import linked_key, linked_mark, met_key, met_mark
from decisions.serving.unit_store import LONGEST_REST, UnitStore
from decisions.vocabulary import FeatureState

UNIT = ("visitor", "v" * 22)


@pytest.fixture
def client(own_valkey: Valkey) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(own_valkey.url)
    yield client
    client.close()


def features_of(store: UnitStore, project: int, units: list[tuple[str, str]]) -> Features:
    return store.look_up(project, Wants(features=units)).features


def remember(client: redis.Redis, kind: str, unit: str, *, seen: list[str], bought: list[str] | None = None) -> None:
    """Store a history, the most recent item first."""
    client.zadd(seen_key(1, kind, unit), {item: -place for place, item in enumerate(seen)})
    if bought:
        client.zadd(bought_key(1, kind, unit), dict.fromkeys(bought, 0.0))


def test_look_up__history__comes_most_recent_first(own_valkey: Valkey, client: redis.Redis) -> None:
    remember(client, *UNIT, seen=["p-3", "用户", "p-1"], bought=["p-9"])

    found = features_of(UnitStore(own_valkey.url, within=1), 1, [UNIT])

    assert (found.state, found.history, found.bought) == (FeatureState.AVAILABLE, ("p-3", "用户", "p-1"), ("p-9",))


def test_look_up__two_units_of_a_person__join_the_first_one_s_history_first(
    own_valkey: Valkey, client: redis.Redis
) -> None:
    remember(client, *UNIT, seen=["a", "b"], bought=["x"])
    remember(client, "customer", "c" * 22, seen=["b", "c"], bought=["y", "x"])

    found = features_of(UnitStore(own_valkey.url, within=1), 1, [UNIT, ("customer", "c" * 22)])

    assert (found.history, set(found.bought)) == (("a", "b", "c"), {"x", "y"})


def test_look_up__long_history__is_cut(own_valkey: Valkey, client: redis.Redis) -> None:
    remember(client, *UNIT, seen=[f"p-{number}" for number in range(200)])

    found = features_of(UnitStore(own_valkey.url, within=1), 1, [UNIT])

    assert found.history == tuple(f"p-{number}" for number in range(LONGEST_HISTORY))


def test_look_up__unit_of_another_project_or_none__is_empty(own_valkey: Valkey, client: redis.Redis) -> None:
    remember(client, *UNIT, seen=["a"])
    store = UnitStore(own_valkey.url, within=1)

    assert features_of(store, 2, [UNIT]).state == FeatureState.EMPTY
    assert features_of(store, 1, [("visitor", "w" * 22)]).state == FeatureState.EMPTY
    assert features_of(store, 1, []).state == FeatureState.NOT_ASKED


def show(client: redis.Redis, kind: str, unit: str, *showings: tuple[str, str, float]) -> None:
    """Store that actions were shown: each with what tells of it and when."""
    client.zadd(shown_key(1, kind, unit), {showing(action, told_by): at for action, told_by, at in showings})


def test_look_up__what_was_shown__counts_since_the_time_asked_for_and_each_showing_once(
    own_valkey: Valkey, client: redis.Redis
) -> None:
    show(client, *UNIT, ("a", "d-1", 10.0), ("a", "d-2", 20.0), ("b|x", "d-2", 20.0), ("用户", "d-3", 9.9))
    show(client, "customer", "c" * 22, ("a", "d-2", 20.0), ("a", "d-4", 30.0))
    units = [UNIT, ("customer", "c" * 22)]
    store = UnitStore(own_valkey.url, within=1)

    since = store.look_up(1, Wants(features=units, shown_since=10.0)).features
    later = store.look_up(1, Wants(features=units, shown_since=40.0)).features
    unasked = store.look_up(1, Wants(features=units)).features

    assert (since.state, since.shown) == (FeatureState.AVAILABLE, {"a": 3, "b|x": 1})
    assert (later.state, later.shown) == (FeatureState.EMPTY, {})
    assert (unasked.state, unasked.shown) == (FeatureState.EMPTY, {})


def test_look_up__what_was_shown_and_dealt_with__is_one_trip(own_valkey: Valkey, client: redis.Redis) -> None:
    remember(client, *UNIT, seen=["mug"], bought=["lamp"])
    show(client, *UNIT, ("a", "d-1", 10.0))
    store = UnitStore(own_valkey.url, within=5)
    store.look_up(1, Wants(features=[UNIT]))
    before = client.info("stats")["total_reads_processed"]

    found = store.look_up(1, Wants(features=[UNIT], shown_since=0.0)).features

    assert client.info("stats")["total_reads_processed"] - before - 1 == 1
    assert (found.history, found.bought, found.shown) == (("mug",), ("lamp",), {"a": 1})


def test_look_up__something_else_under_the_key__is_unavailable(own_valkey: Valkey, client: redis.Redis) -> None:
    client.set(seen_key(1, *UNIT), "text")

    assert features_of(UnitStore(own_valkey.url, within=1), 1, [UNIT]).state == FeatureState.UNAVAILABLE


def test_look_up__no_server_named__is_unavailable() -> None:
    assert features_of(UnitStore(None, within=1), 1, [UNIT]).state == FeatureState.UNAVAILABLE


def test_look_up__server_killed_and_started_again__rests_meanwhile_and_then_answers(
    own_valkey: Valkey, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("decisions.serving.unit_store.SHORTEST_REST", 600.0)
    monkeypatch.setattr("decisions.serving.unit_store.LONGEST_REST", 600.0)
    store = UnitStore(own_valkey.url, within=1)
    remember(client, *UNIT, seen=["a"])
    assert features_of(store, 1, [UNIT]).state == FeatureState.AVAILABLE

    own_valkey.kill()
    assert features_of(store, 1, [UNIT]).state == FeatureState.UNAVAILABLE
    own_valkey.start()
    assert features_of(store, 1, [UNIT]).state == FeatureState.UNAVAILABLE, "nobody is asked"
    store._rests_until = 0.0
    remember(client, *UNIT, seen=["a"])

    assert features_of(store, 1, [UNIT]).state == FeatureState.AVAILABLE


def test_look_up__server_that_accepts_and_never_answers__costs_one_wait_and_then_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = UnitStore(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", within=0.02)
        started = time.monotonic()
        states = {features_of(store, 1, [UNIT]).state for _ in range(1_000)}
        took = time.monotonic() - started

    assert states == {FeatureState.UNAVAILABLE}
    assert took < 10, "a thousand waits of 20 ms would take 20 seconds"


def test_look_up__one_failure_after_another__rests_longer_and_an_answer_ends_it(
    own_valkey: Valkey, client: redis.Redis
) -> None:
    store = UnitStore(own_valkey.url, within=5)
    client.set(seen_key(1, *UNIT), "text")
    rests = []
    for _ in range(8):
        store._rests_until = 0.0
        assert features_of(store, 1, [UNIT]).state == FeatureState.UNAVAILABLE
        rests.append(store._rest)

    assert rests == [0.05, 0.1, 0.2, 0.4, 0.8, LONGEST_REST, LONGEST_REST, LONGEST_REST]
    client.delete(seen_key(1, *UNIT))
    store._rests_until = 0.0
    assert features_of(store, 1, [UNIT]).state == FeatureState.EMPTY
    assert store._rest == 0.0


def test_look_up__from_many_threads__answers_each_its_own(own_valkey: Valkey, client: redis.Redis) -> None:
    units = [("visitor", f"{number:022d}") for number in range(40)]
    for number, unit in enumerate(units):
        remember(client, *unit, seen=[f"p-{number}"])
    store = UnitStore(own_valkey.url, within=5)
    wrong: list[object] = []

    def ask(number: int) -> None:
        for _ in range(20):
            found = features_of(store, 1, [units[number]])
            if found.history != (f"p-{number}",):
                wrong.append(found)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()

    assert wrong == []


def test_look_up__everything_at_once__is_one_trip(own_valkey: Valkey, client: redis.Redis) -> None:
    remember(client, *UNIT, seen=["mug"])
    client.hset(met_key(1, *UNIT), mapping={"7": "3 treatment", "9": "1 control"})
    client.mset({met_mark(1, 7): "run", met_mark(1, 8): "run", linked_mark(1): "run"})
    client.hset(linked_key(1, "c" * 22), "7", "vvv treatment")
    store = UnitStore(own_valkey.url, within=5)
    store.look_up(1, Wants(features=[UNIT]))
    before = client.info("stats")["total_reads_processed"]

    found = store.look_up(1, Wants(features=[UNIT], met=[Met(*UNIT, (7, 8, 9, 10))], customer="c" * 22))

    trips = client.info("stats")["total_reads_processed"] - before - 1
    assert trips == 1
    assert found.features.history == ("mug",)
    assert found.sticky == {7: "treatment", 8: "", 9: "control", 10: None}, "not found counts only where all is there"
    assert found.linked == {7: Linked("vvv", "treatment")}


def test_look_up__customers_without_their_mark__cannot_be_told(own_valkey: Valkey, client: redis.Redis) -> None:
    client.hset(linked_key(1, "c" * 22), "7", "vvv treatment")

    assert UnitStore(own_valkey.url, within=5).look_up(1, Wants(customer="c" * 22)).linked is None


def test_look_up__nothing_wanted__costs_no_trip() -> None:
    store = UnitStore("redis://127.0.0.1:1/0", within=0.02)

    assert store.look_up(1, NOTHING_WANTED) is NOTHING_KNOWN
    assert store._rest == 0.0


@pytest.mark.parametrize("stored", ["text", "list"])
def test_look_up__something_else_under_a_unit_s_key__is_not_known(
    own_valkey: Valkey, client: redis.Redis, stored: str
) -> None:
    client.set(met_mark(1, 7), "run")
    if stored == "text":
        client.set(met_key(1, *UNIT), "text")
    else:
        client.rpush(met_key(1, *UNIT), "text")

    assert UnitStore(own_valkey.url, within=5).look_up(1, Wants(met=[Met(*UNIT, (7,))])).sticky is None
