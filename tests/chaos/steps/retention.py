"""E8: old days leave the log while events come in, and no writer waits for it."""

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime

import psycopg

from config.local import processes
from tests.chaos.edges import FAULTS, Client, EdgeProcess
from tests.chaos.ground import Ground
from tests.chaos.messages import batch, days_ago, message
from tests.chaos.promises import Finding

POLICY_DAYS = 380
OLD_DAYS = range(382, 396)
ROWS_A_DAY = 500
BATCH = 50
SENDERS = 2
LIMIT_MS = 200.0
SAMPLE_SECONDS = 0.005
_WAITS = """
SELECT 1000 * extract(epoch FROM max(clock_timestamp() - waitstart))
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND waitstart IS NOT NULL AND application_name = 'tiltyard-edge-events'
"""


def dropping(ground: Ground) -> Finding:
    """E8: fill old days, send events without a pause, drop the old days, and sample who waits for a lock."""
    from decisions.actions.retention import drop_old_days
    from foundation.actions.partitions import partitions_of

    ground.forget_events()
    with ground.edges(1, kind=processes.intake) as (edge,):
        _fill(edge, ground.store.client_key)
        watch = Watch(edge, ground)
        watch.start()
        dropped = [part for part in drop_old_days(now=datetime.now(UTC), days=POLICY_DAYS) if "eventlog" in part.table]
        time.sleep(1)
        watch.stop()
    oldest = days_ago(POLICY_DAYS).date()
    left = [part for part in partitions_of("decisions_eventlog") if part.day < oldest]
    measured = (
        f"{len(dropped)} days dropped, {len(left)} left, while {watch.stored:,} events were stored: longest wait for a"
        f" lock {watch.longest:.0f} ms in {watch.samples:,} samples, slowest batch {watch.slowest:.0f} ms,"
        f" {watch.refused} refused"
    )
    kept = len(dropped) >= len(OLD_DAYS) and not left and watch.longest <= LIMIT_MS and watch.refused == 0
    return Finding(kept and watch.stored > 0, measured)


def _fill(edge: EdgeProcess, key: str) -> None:
    client = Client(edge.port, key)
    for day in OLD_DAYS:
        made = [message(f"old-{day}-{number}", at=days_ago(day)) for number in range(ROWS_A_DAY)]
        assert client.post("/v1/batch", batch(made)).status == 202


class Watch:
    """Senders of events, and a sampler of their waits for locks."""

    def __init__(self, edge: EdgeProcess, ground: Ground) -> None:
        self.longest = self.slowest = 0.0
        self.samples = self.stored = self.refused = 0
        self._edge, self._ground = edge, ground
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send, args=(sender,), daemon=True) for sender in range(SENDERS)]
        self._threads.append(threading.Thread(target=self._sample, daemon=True))

    def start(self) -> None:
        """Begin, and return once events are being stored."""
        for thread in self._threads:
            thread.start()
        while self.stored == 0:
            time.sleep(0.01)

    def stop(self) -> None:
        """End."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _send(self, sender: int) -> None:
        client = Client(self._edge.port, self._ground.store.client_key)
        number = 0
        while not self._over.is_set():
            made = [message(f"new-{sender}-{number + place}") for place in range(BATCH)]
            number += BATCH
            began = time.monotonic()
            status = 0
            with suppress(*FAULTS):
                status = client.post("/v1/batch", batch(made)).status
            with self._lock:
                self.slowest = max(self.slowest, 1_000 * (time.monotonic() - began))
                self.stored += BATCH * (status == 202)
                self.refused += status != 202

    def _sample(self) -> None:
        with psycopg.connect(self._ground.postgres.url, autocommit=True) as session:
            while not self._over.wait(SAMPLE_SECONDS):
                found = session.execute(_WAITS).fetchone()
                self.samples += 1
                if found is not None and found[0] is not None:
                    self.longest = max(self.longest, float(found[0]))
