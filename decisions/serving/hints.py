"""Listening for hints in Redis that a bundle was published, and telling there what this process serves.

A hint is a doorbell: losing one costs a poll. A report that is lost is followed by another.
"""

import logging
import threading
import time
from collections.abc import Callable

import redis

from decisions.serving.heartbeat import (
    LIFE_SECONDS,
    NAMES_KEY,
    REMEMBERED_SECONDS,
    REPORT_KEY,
    REPORT_SECONDS,
    EdgeReport,
    encode_report,
)

HINT_CHANNEL = "tiltyard:bundle"
SHORTEST_PAUSE = 0.25
LONGEST_PAUSE = 8.0
PING_SECONDS = 5.0
SILENCE_SECONDS = 12.0
"""A connection on which not even pings are answered for so long is given up."""

logger = logging.getLogger(__name__)


class HintListener:
    """Calls `ring` for every hint, and after each reconnection, since a hint may have been missed meanwhile."""

    def __init__(
        self, url: str, *, ring: Callable[[], None], report: Callable[[], EdgeReport], stopping: threading.Event
    ) -> None:
        self._url = url
        self._ring = ring
        self._report = report
        self._stopping = stopping
        self.error: str | None = "not connected yet"

    def run(self) -> None:
        """Listen until stopping is set; never raises."""
        pause = SHORTEST_PAUSE
        while not self._stopping.is_set():
            try:
                self._listen()
            except (redis.RedisError, OSError, ValueError) as error:
                if self.error is None:
                    logger.warning("hints of new bundles are not heard: %s", error)
                    pause = SHORTEST_PAUSE
                self.error = str(error) or type(error).__name__
            self._stopping.wait(pause)
            pause = min(LONGEST_PAUSE, pause * 2)

    def _listen(self) -> None:
        client = redis.Redis.from_url(
            self._url,
            socket_timeout=5,
            socket_connect_timeout=2,
            socket_keepalive=True,
            health_check_interval=0,  # Pings are sent below, where their answers are waited for.
        )
        try:
            with client.pubsub() as channel:  # type: ignore[no-untyped-call]
                channel.subscribe(HINT_CHANNEL)
                heard = pinged = time.monotonic()
                told: EdgeReport | None = None
                told_at = 0.0
                while not self._stopping.is_set():
                    message = channel.get_message(timeout=0.5)
                    moment = time.monotonic()
                    if message is not None:
                        heard = moment
                        if message["type"] in ("subscribe", "message"):
                            self.error = None
                            self._ring()
                    if moment - heard > SILENCE_SECONDS:
                        raise redis.TimeoutError("no answer to pings")
                    if moment - pinged > PING_SECONDS:
                        channel.ping()
                        pinged = moment
                    if moment - told_at > REPORT_SECONDS or self._report() != told:
                        told, told_at = self._report(), moment
                        _tell(client, told)
                _withdraw(client, self._report())
        finally:
            client.close()


def _tell(client: redis.Redis, report: EdgeReport) -> None:
    now = time.time()
    with client.pipeline(transaction=False) as calls:
        calls.set(REPORT_KEY + report.name, encode_report(report), ex=LIFE_SECONDS)
        calls.zadd(NAMES_KEY, {report.name: now})
        calls.zremrangebyscore(NAMES_KEY, "-inf", now - REMEMBERED_SECONDS)
        # A Redis that is full, or not to be written to, refuses them; hints can be heard from it all the same.
        calls.execute(raise_on_error=False)


def _withdraw(client: redis.Redis, report: EdgeReport) -> None:
    """Forget a process that ends in good order."""
    with client.pipeline(transaction=False) as calls:
        calls.delete(REPORT_KEY + report.name)
        calls.zrem(NAMES_KEY, report.name)
        calls.execute(raise_on_error=False)
