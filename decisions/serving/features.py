"""Looking up what a unit dealt with: one round trip to Redis, or the word that there was none."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, cast

import redis
from redis.backoff import NoBackoff
from redis.connection import ConnectionPool
from redis.retry import Retry

from decisions.serving.decide import Features
from decisions.serving.feature_keys import LONGEST_BOUGHT, LONGEST_HISTORY, bought_key, seen_key
from decisions.vocabulary import FeatureState

SHORTEST_REST = 0.05
LONGEST_REST = 1.0
"""Seconds for which nobody asks again after a failure, so that an outage costs decisions nothing: short after one
answer that came late, twice as long with each failure that follows."""

UNAVAILABLE = Features(FeatureState.UNAVAILABLE)
EMPTY = Features(FeatureState.EMPTY)

logger = logging.getLogger(__name__)
_Command = tuple[str, str, int, int]


class _Connection(Protocol):
    """The part of a connection that is used."""

    def connect(self) -> None: ...

    def disconnect(self) -> None: ...

    def pack_commands(self, commands: Iterable[_Command]) -> list[bytes]: ...

    def send_packed_command(self, command: list[bytes], *, check_health: bool) -> None: ...

    def read_response(self) -> Any: ...


class FeatureStore:
    """The features of units in Redis. Safe to use from several threads; `within` is the longest wait in seconds.

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

    def look_up(self, project_id: int, units: Sequence[tuple[str, str]]) -> Features:
        """Return what the store knows of somebody, given as (kind, stored id); the first unit's history comes first.

        Never raises: where the store does not answer in time, or rests after it did not, the state says so.
        """
        if not units:
            return EMPTY
        if self._pool is None or time.monotonic() < self._rests_until:
            return UNAVAILABLE
        commands: list[_Command] = []
        for kind, unit in units:
            commands.append(("ZREVRANGE", seen_key(project_id, kind, unit), 0, LONGEST_HISTORY - 1))
            commands.append(("ZREVRANGE", bought_key(project_id, kind, unit), 0, LONGEST_BOUGHT - 1))
        try:
            lists = self._ask(self._pool, commands)
        except (redis.RedisError, OSError, ValueError) as error:
            self._rest_after(error)
            return UNAVAILABLE
        self._rest = 0.0
        history = dict.fromkeys(item for items in lists[::2] for item in items)
        bought = dict.fromkeys(item for items in lists[1::2] for item in items)
        if not history and not bought:
            return EMPTY
        return Features(FeatureState.AVAILABLE, tuple(history)[:LONGEST_HISTORY], tuple(bought))

    def close(self) -> None:
        """Close the connections that nobody uses; they are opened again when needed."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                return
            connection.disconnect()

    def _ask(self, pool: ConnectionPool, commands: list[_Command]) -> list[list[str]]:
        """Return the lists of item ids that the commands ask for, in one round trip. Raises what redis raises."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = cast(_Connection, pool.make_connection())
        try:
            connection.connect()
            connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            found: list[list[bytes]] = [connection.read_response() for _ in commands]
            lists = [[item.decode() for item in items] for items in found]
        except BaseException:
            connection.disconnect()  # Answers may still be under way on it.
            raise
        self._idle.append(connection)
        return lists

    def _rest_after(self, error: Exception) -> None:
        self.close()  # Connections of before a restart would fail one after the other.
        now = time.monotonic()
        if now >= self._rests_until:  # Of several that failed together, the first one speaks for all.
            self._rest = min(LONGEST_REST, max(SHORTEST_REST, 2 * self._rest))
            self._rests_until = now + self._rest
            logger.warning("features are not to be had, next try in %.2f s: %s", self._rest, error)
