"""A TCP proxy on the local host that behaves as badly as networks do: slow, cut off, or silent with the line open."""

import asyncio
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from types import TracebackType
from typing import Self

CHUNK = 65_536
HOST = "127.0.0.1"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Line(Enum):
    """What the proxy does with the bytes that arrive."""

    OPEN = auto()
    """Passes them on, after the delay."""
    HALF_OPEN = auto()
    """Takes them and passes nothing on: neither side is told that the other one is gone."""
    CUT = auto()
    """Ends connections by a reset, new ones too."""


@dataclass(eq=False, slots=True)
class _Pair:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter

    def reset(self) -> None:
        for writer in (self.client, self.server):
            _reset(writer)


class Proxy:
    """Stands before a local port; clients connect to `port`. A connection that began half-open stays so."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._line = Line.OPEN
        self._delay = 0.0
        self._pairs: set[_Pair] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def start(self) -> None:
        """Listen on a free port."""
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, HOST, 0), self._loop).result()
        self.port = int(server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """End every connection and the proxy."""
        self.set(Line.CUT)
        asyncio.run_coroutine_threadsafe(_end_all_but_this(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def set(self, line: Line, *, delay: float = 0.0) -> None:
        """Change what happens from now on to bytes, those of open connections too; `delay` is seconds a piece."""
        asyncio.run_coroutine_threadsafe(self._change(line, delay), self._loop).result()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._pairs)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    async def _change(self, line: Line, delay: float) -> None:
        self._line, self._delay = line, delay
        if line is Line.CUT:
            for pair in list(self._pairs):
                pair.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._line is Line.CUT:
            _reset(writer)
            return
        try:
            server_reader, server_writer = await asyncio.open_connection(HOST, self._target)
        except OSError:
            _reset(writer)
            return
        pair = _Pair(writer, server_writer)
        self._pairs.add(pair)
        try:
            await asyncio.gather(self._pass_on(reader, server_writer), self._pass_on(server_reader, writer))
        finally:
            self._pairs.discard(pair)
            for end in (writer, server_writer):
                end.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(CHUNK):
                if self._line is Line.HALF_OPEN:
                    continue
                if self._delay:
                    await asyncio.sleep(self._delay)
                writer.write(piece)
                await writer.drain()
        with suppress(OSError, RuntimeError):
            if self._line is not Line.HALF_OPEN:
                writer.write_eof()


async def _end_all_but_this() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection by RST instead of FIN."""
    found = writer.get_extra_info("socket")
    if found is not None:
        with suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()
