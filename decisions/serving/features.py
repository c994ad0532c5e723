"""Looking up what a unit dealt with: one round trip to Redis, or the word that there was none."""

import logging
import time
from collections.abc import Sequence

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from decisions.serving.decide import Features
from decisions.serving.feature_keys import LONGEST_BOUGHT, LONGEST_HISTORY, bought_key, seen_key
from decisions.vocabulary import FeatureState

SHORTEST_REST = 0.05
LONGEST_REST = 1.0
"""Seconds for which nobody asks again after a failure, so that an outage costs decisions nothing: short after one
answer that came late, twice as long with each failure that follows."""
MOST_CONNECTIONS = 64

UNAVAILABLE = Features(FeatureState.UNAVAILABLE)
EMPTY = Features(FeatureState.EMPTY)

logger = logging.getLogger(__name__)


class FeatureStore:
    """The features of units in Redis. Safe to use from several threads; `within` is the longest wait in seconds."""

    def __init__(self, url: str | None, *, within: float) -> None:
        self._rests_until = 0.0
        self._rest = 0.0
        self._client: redis.Redis | None = None
        if url is not None:
            self._client = redis.Redis.from_url(
                url,
                max_connections=MOST_CONNECTIONS,
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
        if self._client is None or time.monotonic() < self._rests_until:
            return UNAVAILABLE
        trip = self._client.pipeline(transaction=False)
        for kind, unit in units:
            trip.zrevrange(seen_key(project_id, kind, unit), 0, LONGEST_HISTORY - 1)
            trip.zrevrange(bought_key(project_id, kind, unit), 0, LONGEST_BOUGHT - 1)
        try:
            found: list[list[bytes]] = trip.execute()
            lists = [[item.decode() for item in items] for items in found]
        except (redis.RedisError, OSError, ValueError) as error:
            self._rest_after(error)
            return UNAVAILABLE
        self._rest = 0.0
        history = dict.fromkeys(item for items in lists[::2] for item in items)
        bought = dict.fromkeys(item for items in lists[1::2] for item in items)
        if not history and not bought:
            return EMPTY
        return Features(FeatureState.AVAILABLE, tuple(history)[:LONGEST_HISTORY], tuple(bought))

    def _rest_after(self, error: Exception) -> None:
        now = time.monotonic()
        if now >= self._rests_until:  # Of several that failed together, the first one speaks for all.
            self._rest = min(LONGEST_REST, max(SHORTEST_REST, 2 * self._rest))
            self._rests_until = now + self._rest
            logger.warning("features are not to be had, next try in %.2f s: %s", self._rest, error)

    def close(self) -> None:
        """Close the connections; they are opened again when needed."""
        if self._client is not None:
            self._client.close()
