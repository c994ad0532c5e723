"""One address for the whole site while developing: what a reverse proxy does in production.

Run as `python -m config.local.proxy HOST PORT CONSOLE_PORT EDGE_PORT INTAKE_PORT`. One request per connection. Bodies
are taken whole, up to a megabyte, before anybody is asked: a client that sends slowly keeps no thread of them waiting.
"""

import asyncio
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

EDGE_PATHS = re.compile(rb"^/(ofrep/|v1/decisions/|v1/(assignments|bundle|explain|quotes|quotes/verify|visitor)(\?|$))")
INTAKE_PATHS = re.compile(rb"^/v1/(batch|track|identify|alias)(\?|$)")
LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 1_000_001
"""Bytes that are taken before they are passed on: one more than an edge process reads. The rest goes as it comes."""
REQUEST_SECONDS = 60.0
"""How long a client may take to send them."""
PIECE = 64 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
UNREACHABLE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NOT_PASSED_ON = (b"connection:", b"keep-alive:", b"proxy-connection:", b"expect:")


class Ports(NamedTuple):
    """Where those who answer listen."""

    console: int
    edge: int
    intake: int


class Incoming(NamedTuple):
    """A request that was read: its head, and its body as it travels, of a long one the beginning."""

    head: bytes
    body: bytes

    @property
    def target(self) -> bytes:
        """What the request line asks for."""
        return self.head.split(b" ", 2)[1]


def ports_for(target: bytes, ports: Ports) -> Sequence[int]:
    """Return who is asked for a request target, in turn: edge and intake stand in for each other."""
    if INTAKE_PATHS.match(target) is not None:
        return (ports.intake, ports.edge)
    if EDGE_PATHS.match(target) is not None:
        return (ports.edge, ports.intake)
    return (ports.console,)


def for_one_request(head: bytes) -> bytes:
    """Return the head of a request with the server told to close the connection after its answer."""
    request_line, *fields = head.rstrip(b"\r\n").split(b"\r\n")
    kept = [field for field in fields if not field.lower().startswith(NOT_PASSED_ON)]
    return b"\r\n".join([request_line, *kept, b"Connection: close", b"", b""])


async def serve(host: str, port: int, ports: Ports, *, within: float = REQUEST_SECONDS) -> None:
    """Pass requests on until cancelled; a client has `within` seconds to send its own."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _answer(reader, writer, host=host, ports=ports, within=within)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, host, port, limit=LARGEST_HEAD)
    print("proxy ready", flush=True)
    async with server:
        await server.serve_forever()


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, host: str, ports: Ports, within: float
) -> None:
    try:
        async with asyncio.timeout(within):
            request = await _read(reader, writer)
        candidates = ports_for(request.target, ports)
    except TimeoutError:
        writer.write(TOO_SLOW)
        return
    except (asyncio.LimitOverrunError, IndexError, ValueError):
        writer.write(BAD_REQUEST)
        return
    for port in candidates:
        with suppress(OSError):
            upstream, to_upstream = await asyncio.open_connection(host, port)
            break
    else:
        writer.write(UNREACHABLE)
        return
    try:
        to_upstream.write(for_one_request(request.head) + request.body)
        rest = asyncio.create_task(_copy(reader, to_upstream))
        await _copy(upstream, writer)
        rest.cancel()
    finally:
        to_upstream.close()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Incoming:
    """Return the request once all of it is there. Raises ValueError where it is none."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = {}
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        fields[name.strip().lower()] = value.strip().lower()
    if fields.get(b"expect") == b"100-continue":
        writer.write(CONTINUE)
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        return Incoming(head, await _chunks(reader))
    length = int(fields.get(b"content-length", b"0"))
    return Incoming(head, await reader.readexactly(max(0, min(length, LARGEST_BODY))))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """Return a chunked body as it travels, up to its end or to the most that is taken of what it carries.

    What senders may say of chunks and after them is left out: nobody reads it, and it may be of any length.
    """
    body, left = bytearray(), LARGEST_BODY
    while left > 0:
        size = int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16)
        if size == 0:
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass
            return bytes(body + b"0\r\n\r\n")
        body += b"%x\r\n" % size + await reader.readexactly(min(size + 2, left))
        left -= size
    return bytes(body)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while piece := await source.read(PIECE):
        target.write(piece)
        await target.drain()


def main(arguments: Sequence[str]) -> int:
    """Serve until a signal ends the process."""
    host, port, *others = arguments
    try:
        asyncio.run(serve(host, int(port), Ports(*map(int, others))))
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
