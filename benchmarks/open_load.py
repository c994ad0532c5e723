"""Open-model HTTP load: requests leave by a fixed schedule, whatever became of those before them.

Each thread owns one kept-alive connection and every n-th arrival. Latency counts from the scheduled moment: a server
that stalls is charged for everybody who had to wait, not only for the one request that it stalled on.
"""

import socket
import threading
import time
from collections.abc import Sequence
from itertools import count

from benchmarks.load import Load

CONNECTIONS = 16
LEAD_SECONDS = 0.5


def run_open_load(port: int, requests: Sequence[bytes], *, per_second: float, seconds: float) -> Load:
    """Return what the server on a local port answered to `per_second` arrivals a second, in the order of arrival.

    The requests are sent in turn, again from the beginning when there are fewer of them than arrivals.
    """
    arrivals = int(per_second * seconds)
    answers: list[tuple[float, int]] = [(float("nan"), 0)] * arrivals
    started = time.perf_counter() + LEAD_SECONDS

    def drive(own: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for arrival in range(own, arrivals, CONNECTIONS):
                scheduled = started + arrival / per_second
                pause = scheduled - time.perf_counter()
                if pause > 0:
                    time.sleep(pause)
                connection.sendall(requests[arrival % len(requests)])
                status = _answer(connection)
                answers[arrival] = time.perf_counter() - scheduled, status

    threads = [threading.Thread(target=drive, args=(own,)) for own in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load = Load(seconds=time.perf_counter() - started, latencies=[latency for latency, _ in answers])
    for _, status in answers:
        load.statuses[status] = load.statuses.get(status, 0) + 1
    return load


def _answer(connection: socket.socket) -> int:
    """Read one whole answer and return its status."""
    received = b""
    for _ in count():
        end = received.find(b"\r\n\r\n")
        if end >= 0:
            head = received[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r")[0])
            if len(received) >= end + 4 + length:
                return int(received[9:12])
        more = connection.recv(65_536)
        if not more:
            raise ConnectionError("the server closed the connection")
        received += more
    raise AssertionError
