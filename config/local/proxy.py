"""One address for the whole site while developing: what a reverse proxy does in production.

Run as `python -m config.local.proxy HOST PORT CONSOLE_PORT EDGE_PORT`. One request per connection; bodies pass
through as they come.
"""

import asyncio
import re
import sys
from collections.abc import Sequence

EDGE_PATHS = re.compile(rb"^/(ofrep/|v1/)")
CATALOGUE_PATHS = re.compile(rb"^/v1/(items|stock|costs|suppliers)(/|\?|$)")
LARGEST_HEAD = 64 * 1024
PIECE = 64 * 1024
UNREACHABLE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
HOP_BY_HOP = (b"connection:", b"keep-alive:", b"proxy-connection:")


def goes_to_edge(target: bytes) -> bool:
    """Return whether the edge process answers the request target; the console answers everything else."""
    return EDGE_PATHS.match(target) is not None and CATALOGUE_PATHS.match(target) is None


def for_one_request(head: bytes) -> bytes:
    """Return the head of a request with the server told to close the connection after its answer."""
    request_line, *fields = head.rstrip(b"\r\n").split(b"\r\n")
    kept = [field for field in fields if not field.lower().startswith(HOP_BY_HOP)]
    return b"\r\n".join([request_line, *kept, b"Connection: close", b"", b""])


async def serve(host: str, port: int, *, console: int, edge: int) -> None:
    """Pass requests on until cancelled."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _pass_on(reader, writer, host=host, console=console, edge=edge)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, host, port, limit=LARGEST_HEAD)
    print("proxy ready", flush=True)
    async with server:
        await server.serve_forever()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, host: str, console: int, edge: int
) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        target = head.split(b" ", 2)[1]
    except (asyncio.LimitOverrunError, IndexError):
        writer.write(BAD_REQUEST)
        return
    try:
        upstream, to_upstream = await asyncio.open_connection(host, edge if goes_to_edge(target) else console)
    except OSError:
        writer.write(UNREACHABLE)
        return
    try:
        to_upstream.write(for_one_request(head))
        body = asyncio.create_task(_copy(reader, to_upstream))
        await _copy(upstream, writer)
        body.cancel()
    finally:
        to_upstream.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while piece := await source.read(PIECE):
        target.write(piece)
        await target.drain()


def main(arguments: Sequence[str]) -> int:
    """Serve until a signal ends the process."""
    host, port, console, edge = arguments
    try:
        asyncio.run(serve(host, int(port), console=int(console), edge=int(edge)))
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
