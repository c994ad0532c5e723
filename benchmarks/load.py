"""Closed-loop HTTP load from one thread: keep-alive connections that each send the next request on an answer.

Just enough HTTP to keep the client cheap beside the server it measures: requests are ready-made bytes, answers
are read by their Content-Length.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

NextRequest = Callable[[], bytes]


@dataclass(slots=True)
class Load:
    """What a run saw: seconds it took, seconds of each answer in the order of arrival, answers by status."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        """Answers in a second."""
        return len(self.latencies) / self.seconds

    def milliseconds(self, share: float) -> float:
        """Return the latency below which this share of the answers lies."""
        ordered = sorted(self.latencies)
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1_000, 3)


def request_bytes(path: str, body: bytes, headers: Mapping[str, str], *, method: str = "POST") -> bytes:
    """Return a request as it travels."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, next_request: NextRequest, load: Load, until: float, closed: Callable[[], None]) -> None:
        self._next_request = next_request
        self._load = load
        self._until = until
        self._closed = closed
        self._buffer = b""
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        start = head.find(b"content-length:") + 15
        stop = head.find(b"\r", start)
        length = int(head[start : stop if stop > 0 else end]) if start > 15 else 0  # 304 has no body and no length.
        if len(self._buffer) < end + 4 + length:
            return
        now = time.perf_counter()
        status = int(self._buffer[9:12])
        self._load.latencies.append(now - self._sent)
        self._load.statuses[status] = self._load.statuses.get(status, 0) + 1
        self._buffer = b""
        if now < self._until:
            self._send()
        elif self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._closed()

    def _send(self) -> None:
        assert self._transport is not None
        request = self._next_request()
        self._sent = time.perf_counter()
        self._transport.write(request)


def run_load(port: int, next_request: NextRequest, *, connections: int, seconds: float) -> Load:
    """Return what the server on a local port answered to that many connections in that time."""
    return asyncio.run(_run(port, next_request, connections, seconds))


async def _run(port: int, next_request: NextRequest, connections: int, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    load = Load()
    done = asyncio.Event()
    open_connections = connections

    def closed() -> None:
        nonlocal open_connections
        open_connections -= 1
        if open_connections == 0:
            done.set()

    started = time.perf_counter()
    until = started + seconds
    for _ in range(connections):
        await loop.create_connection(lambda: _Connection(next_request, load, until, closed), "127.0.0.1", port)
    await done.wait()
    load.seconds = time.perf_counter() - started
    return load
