"""Looking up what is known of units: one round trip to Redis, or the word that there was none."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, cast

import redis
from redis.backoff import NoBackoff
from redis.connection import ConnectionPool
from redis.retry import Retry

from decisions.serving.feature_keys import (
    LONGEST_BOUGHT,
    LONGEST_HISTORY,
    bought_key,
    seen_key,
    shown_key,
    times_shown,
)
from decisions.serving.known import NOT_ASKED, NOTHING_KNOWN, Features, Known, Linked, Met, Wants
from decisions.serving.unit_keys import linked_key, linked_mark, met_key, met_mark
from decisions.vocabulary import FeatureState

SHORTEST_REST = 0.05
LONGEST_REST = 1.0
"""Seconds for which nobody asks again after a failure, so that an outage costs requests nothing: short after one
answer that came late, twice as long with each failure that follows."""

UNAVAILABLE = Features(FeatureState.UNAVAILABLE)
EMPTY = Features(FeatureState.EMPTY)

logger = logging.getLogger(__name__)
_Command = tuple[str | int | float, ...]


class _Connection(Protocol):
    """The part of a connection that is used."""

    def connect(self) -> None: ...

    def disconnect(self) -> None: ...

    def pack_commands(self, commands: Iterable[_Command]) -> list[bytes]: ...

    def send_packed_command(self, command: list[bytes], *, check_health: bool) -> None: ...

    def read_response(self) -> Any: ...


class UnitStore:
    """What Redis knows of units. Safe to use from several threads; `within` is the longest wait in seconds.

    Connections are driven directly: what a client object does around them costs as much as the trip itself.
    """

    def __init__(self, url: str | None, *, within: float) -> None:
        self._rests_until = 0.0
        self._rest = 0.0
        self._idle: deque[_Connection] = deque()
        self._pool: ConnectionPool | None = None
        if url is not None:
            self._pool = ConnectionPool.from_url(
                url,
                socket_timeout=within,
                socket_connect_timeout=within,
                socket_keepalive=True,
                retry=Retry(NoBackoff(), 0),
                protocol=2,  # Needs no greeting, so that a new connection costs no round trip more.
            )

    def look_up(self, project_id: int, wants: Wants) -> Known:
        """Return what the store knows of what is wanted, all in one round trip; without a trip where nothing is.

        Never raises: where the store does not answer in time, or rests after it did not, what comes back says so.
        """
        commands = _commands(project_id, wants)
        if not commands:
            return NOTHING_KNOWN
        unknown = Known(features=UNAVAILABLE if wants.features else NOT_ASKED)
        if self._pool is None or time.monotonic() < self._rests_until:
            return unknown
        try:
            found = _read(wants, self._ask(self._pool, commands))
        except (redis.RedisError, OSError, ValueError, TypeError) as error:
            self._rest_after(error)
            return unknown
        self._rest = 0.0
        return found

    def close(self) -> None:
        """Close the connections that nobody uses; they are opened again when needed."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                return
            connection.disconnect()

    def _ask(self, pool: ConnectionPool, commands: list[_Command]) -> list[list[bytes | None]]:
        """Return what the commands answer, in one round trip. Raises what redis raises."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = cast(_Connection, pool.make_connection())
        try:
            connection.connect()
            connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            found: list[list[bytes | None]] = [connection.read_response() for _ in commands]
        except BaseException:
            connection.disconnect()  # Answers may still be under way on it.
            raise
        self._idle.append(connection)
        return found

    def _rest_after(self, error: Exception) -> None:
        self.close()  # Connections of before a restart would fail one after the other.
        now = time.monotonic()
        if now >= self._rests_until:  # Of several that failed together, the first one speaks for all.
            self._rest = min(LONGEST_REST, max(SHORTEST_REST, 2 * self._rest))
            self._rests_until = now + self._rest
            logger.warning("nothing is known of units, next try in %.2f s: %s", self._rest, error)


def _commands(project_id: int, wants: Wants) -> list[_Command]:
    """Return the commands in the order in which `_read` takes their answers.

    Marks are asked for before and after what they speak of: between the two it can neither have been written for the
    first time nor have been lost.
    """
    commands: list[_Command] = []
    for kind, unit in wants.features:
        commands.append(("ZREVRANGE", seen_key(project_id, kind, unit), 0, LONGEST_HISTORY - 1))
        commands.append(("ZREVRANGE", bought_key(project_id, kind, unit), 0, LONGEST_BOUGHT - 1))
        if wants.shown_since is not None:
            commands.append(("ZRANGEBYSCORE", shown_key(project_id, kind, unit), wants.shown_since, "+inf"))
    marks = [met_mark(project_id, experiment) for met in wants.met for experiment in met.experiments]
    if wants.customer is not None:
        marks.append(linked_mark(project_id))
    if not marks:
        return commands
    commands.append(("MGET", *marks))
    commands.extend(("HMGET", met_key(project_id, met.kind, met.unit), *met.experiments) for met in wants.met)
    if wants.customer is not None:
        commands.append(("HGETALL", linked_key(project_id, wants.customer)))
    commands.append(("MGET", *marks))
    return commands


def _read(wants: Wants, answers: list[list[bytes | None]]) -> Known:
    """Return what the answers say. Raises ValueError, TypeError where they are not what was stored."""
    each = 2 if wants.shown_since is None else 3
    lists = each * len(wants.features)
    features = _features(answers[:lists], each) if lists else NOT_ASKED
    rest = answers[lists:]
    if not rest:
        return Known(features=features)
    marks = [before is not None and after is not None for before, after in zip(rest[0], rest[-1], strict=True)]
    linked = None
    if wants.customer is not None and marks.pop():
        linked = _linked(rest[-2])
    return Known(sticky=_sticky(wants.met, rest[1:], marks), linked=linked, features=features)


def _features(lists: Sequence[list[bytes | None]], each: int) -> Features:
    """Return what the lists of the units say; `each` unit has so many: seen, bought, and shown where that was asked."""
    history = dict.fromkeys(_texts(lists[::each]))
    bought = dict.fromkeys(_texts(lists[1::each]))
    shown = times_shown(_texts(lists[2::each])) if each > 2 else {}
    if not history and not bought and not shown:
        return EMPTY
    return Features(FeatureState.AVAILABLE, tuple(history)[:LONGEST_HISTORY], tuple(bought), shown)


def _texts(lists: Iterable[list[bytes | None]]) -> Iterator[str]:
    return (item.decode() for items in lists for item in items if item is not None)


def _sticky(mets: Sequence[Met], answers: Sequence[list[bytes | None]], marks: Sequence[bool]) -> dict[int, str | None]:
    """Return the variant that each experiment's unit met: what was found counts, what was not only where all is there.

    A value is "epoch variant".
    """
    whole = iter(marks)
    found: dict[int, str | None] = {}
    for met, values in zip(mets, answers, strict=False):
        for experiment, value in zip(met.experiments, values, strict=True):
            is_whole = next(whole)
            if value is not None:
                found[experiment] = value.decode().partition(" ")[2]
            else:
                found[experiment] = "" if is_whole else None
    return found


def _linked(pairs: Sequence[bytes | None]) -> dict[int, Linked]:
    """Return what a customer's visitors met, from a flat list of experiment, "visitor variant", and so on."""
    texts = [text.decode() for text in pairs if text is not None]
    found: dict[int, Linked] = {}
    for experiment, value in zip(texts[::2], texts[1::2], strict=True):
        visitor, _, variant = value.partition(" ")
        found[int(experiment)] = Linked(visitor, variant)
    return found
