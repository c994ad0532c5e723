"""Far more senders of events than can be served, in a process of their own: `python -m tests.chaos.flood PORT KEY`.

Batches are made beforehand, so that the senders cost little beside the server. Refused, a sender comes back after a
quarter of a second, much sooner than it is told to. What came of all requests is printed as JSON once input ends.
"""

import json
import sys
import threading
import time
from collections import Counter

from tests.chaos.edges import FAULTS, Client
from tests.chaos.messages import batch, message

SENDERS = 40
"""Ten times as many as one process has connections for events."""
BATCH = 500
BODIES = 4
PAUSE_SECONDS = 0.25
IMPOLITE = "without Retry-After"


class Flood:
    """Senders, each with its own messages; sent again they are duplicates, which cost the server as much."""

    def __init__(self, port: int, key: str) -> None:
        self.counts: Counter[str] = Counter()
        self._port, self._key = port, key
        self._over = threading.Event()
        self._lock = threading.Lock()

    def run(self) -> None:
        """Send until the standard input ends."""
        bodies = [self._bodies(sender) for sender in range(SENDERS)]
        threads = [threading.Thread(target=self._send, args=(own,), daemon=True) for own in bodies]
        for thread in threads:
            thread.start()
        sys.stdout.write("flooding\n")
        sys.stdout.flush()
        sys.stdin.read()
        self._over.set()
        for thread in threads:
            thread.join()

    def _bodies(self, sender: int) -> list[bytes]:
        return [
            json.dumps(batch([message(f"flood-{sender}-{body}-{place}") for place in range(BATCH)])).encode()
            for body in range(BODIES)
        ]

    def _send(self, bodies: list[bytes]) -> None:
        client = Client(self._port, self._key)
        sent = 0
        while not self._over.is_set():
            try:
                answer = client.post("/v1/batch", bodies[sent % BODIES])
            except FAULTS as fault:
                self._count(type(fault).__name__)
                continue
            sent += answer.status == 202
            self._count(str(answer.status))
            if answer.status != 202:
                if "retry-after" not in answer.headers:
                    self._count(IMPOLITE)
                time.sleep(PAUSE_SECONDS)

    def _count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1


if __name__ == "__main__":
    flood = Flood(int(sys.argv[1]), sys.argv[2])
    flood.run()
    sys.stdout.write(json.dumps(flood.counts) + "\n")
