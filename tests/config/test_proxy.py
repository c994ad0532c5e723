"""The proxy of `bin/serve`: who is asked for what, and requests that come slowly, oddly or not at all."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.local.proxy import CONTINUE, LARGEST_BODY, Ports, for_one_request, ports_for, serve
from config.local.server import HOST, free_port, port_is_free
from decisions.api import urlpatterns
from tests.config.edges import idle_edge

PORTS = Ports(console=1, edge=2, intake=3)
CONSOLE, EDGE, INTAKE = (1,), (2, 3), (3, 2)
EVENT_ROUTES = {"/v1/batch", "/v1/track", "/v1/identify", "/v1/alias"}
PROBES = {"/healthz/live", "/healthz/ready", "/metrics"}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/v1/assignments", EDGE),
        (b"/v1/decisions/home?debug=1", EDGE),
        (b"/ofrep/v1/evaluate/flags/key", EDGE),
        (b"/v1/quotes", EDGE),
        (b"/v1/quotes/verify", EDGE),
        (b"/v1/batch", INTAKE),
        (b"/v1/alias?x=/v1/assignments", INTAKE),
        (b"/v1/batches", CONSOLE),
        (b"/v1/quotes/all", CONSOLE),
        (b"/v1/items", CONSOLE),
        (b"/v1/stock/7", CONSOLE),
        (b"/x/free-shipping", CONSOLE),
        (b"/admin/?next=/v1/batch", CONSOLE),
        (b"/", CONSOLE),
    ],
)
def test_proxy__by_path__asks_edge_intake_or_console(target: bytes, expected: tuple[int, ...]) -> None:
    assert ports_for(target, PORTS) == expected


def test_proxy__every_route_of_the_edge__goes_where_it_belongs(tmp_path: Path) -> None:
    edge = idle_edge(tmp_path)
    routes = {name.partition("{")[0] + ("key" if "{" in name else "") for name in edge.routes} - PROBES
    edge.close()

    assert {route for route in routes if ports_for(route.encode(), PORTS) == INTAKE} == EVENT_ROUTES
    assert {route for route in routes if ports_for(route.encode(), PORTS) == EDGE} == routes - EVENT_ROUTES


def test_proxy__every_address_of_the_management_api__goes_to_the_console() -> None:
    addresses = [str(pattern.pattern) for pattern in urlpatterns]

    assert "v1/items" in addresses
    assert {ports_for(f"/{address}".encode(), PORTS) for address in addresses} == {CONSOLE}


def test_proxy__head_of_a_request__is_passed_on_for_one_answer() -> None:
    head = b"GET / HTTP/1.1\r\nHost: a:8000\r\nConnection: keep-alive\r\nExpect: 100-continue\r\nX-Own: 1\r\n\r\n"
    assert for_one_request(head) == b"GET / HTTP/1.1\r\nHost: a:8000\r\nX-Own: 1\r\nConnection: close\r\n\r\n"


class Echo:
    """A server that answers each connection, once all of it is there, with what arrived."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server((HOST, 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(0.3)
                received = b""
                try:
                    while piece := connection.recv(65_536):
                        received += piece
                except TimeoutError:
                    pass  # The client waits for its answer.
                connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + received)


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def echo(running: ExitStack) -> Echo:
    server = Echo()
    running.callback(server.close)
    return server


def start_proxy(running: ExitStack, ports: Ports, *, within: float = 20.0) -> int:
    """Start a proxy in a thread and return its port."""
    port, loop = free_port(), asyncio.new_event_loop()
    task = loop.create_task(serve(HOST, port, ports, within=within))

    def run() -> None:
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    running.callback(thread.join)
    running.callback(lambda: loop.call_soon_threadsafe(task.cancel))
    while port_is_free(port):
        pass
    return port


def start(port: int, raw: bytes) -> socket.socket:
    connection = socket.create_connection((HOST, port), timeout=20)
    connection.sendall(raw)
    return connection


def rest_of(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    connection.close()
    return received


def ask(port: int, raw: bytes) -> bytes:
    return rest_of(start(port, raw))


def test_proxy__body_that_comes_slowly__is_passed_on_once_it_is_whole(running: ExitStack, echo: Echo) -> None:
    port = start_proxy(running, Ports(echo.port, echo.port, echo.port))
    slow = start(port, b"POST /v1/batch HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc")

    assert ask(port, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert echo.connections == 1, "nobody was asked about what is not there yet"

    slow.sendall(b"def")
    assert rest_of(slow).endswith(b"\r\n\r\nabcdef")


def test_proxy__client_that_never_sends_its_body__is_told_so_and_nobody_is_asked(
    running: ExitStack, echo: Echo
) -> None:
    port = start_proxy(running, Ports(echo.port, echo.port, echo.port), within=0.3)

    assert ask(port, b"POST /v1/batch HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc").startswith(b"HTTP/1.1 408")
    assert ask(port, b"POST /v1/batch HTTP/1.1\r\nConte").startswith(b"HTTP/1.1 408")
    assert echo.connections == 0


def test_proxy__body_in_chunks__is_passed_on_without_what_is_said_of_them(running: ExitStack, echo: Echo) -> None:
    port = start_proxy(running, Ports(echo.port, echo.port, echo.port))
    chunks = b"3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n"

    answer = ask(port, b"POST /v1/batch HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)

    assert answer.endswith(b"\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")


def test_proxy__many_small_chunks_that_come_slowly__are_passed_on_once_they_are_whole(
    running: ExitStack, echo: Echo
) -> None:
    port = start_proxy(running, Ports(echo.port, echo.port, echo.port), within=0.5)
    chunks = b"1;%s\r\nx\r\n" % (b"y" * 1_000) * 2_000  # more than is taken, but for what they carry

    answer = ask(port, b"POST /v1/batch HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)

    assert answer.startswith(b"HTTP/1.1 408")
    assert echo.connections == 0


def test_proxy__body_longer_than_an_edge_reads__arrives_whole(running: ExitStack, echo: Echo) -> None:
    port = start_proxy(running, Ports(echo.port, echo.port, echo.port))
    body = b"x" * (LARGEST_BODY + 300_000)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)

    plain = ask(port, b"POST /admin/ HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    pieces = ask(port, b"POST /admin/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked)

    assert plain.endswith(b"\r\n\r\n" + body)
    assert pieces.endswith(b"\r\n\r\n" + chunked)


def test_proxy__client_that_waits_to_be_told_to_go_on__is_told(running: ExitStack, echo: Echo) -> None:
    port = start_proxy(running, Ports(echo.port, echo.port, echo.port))
    waiting = start(port, b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")

    assert waiting.recv(len(CONTINUE)) == CONTINUE
    waiting.sendall(b"{}")

    answer = rest_of(waiting)
    assert answer.endswith(b"\r\n\r\n{}")
    assert b"Expect" not in answer


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
    ids=["no request", "length", "chunk", "head"],
)
def test_proxy__request_that_is_none__is_400_and_nobody_is_asked(running: ExitStack, echo: Echo, raw: bytes) -> None:
    port = start_proxy(running, Ports(echo.port, echo.port, echo.port))

    assert ask(port, raw).startswith(b"HTTP/1.1 400")
    assert echo.connections == 0


def test_proxy__intake_or_edge_away__the_other_one_is_asked(running: ExitStack, echo: Echo) -> None:
    gone = free_port()
    without_intake = start_proxy(running, Ports(console=gone, edge=echo.port, intake=gone))
    without_edge = start_proxy(running, Ports(console=gone, edge=gone, intake=echo.port))

    assert ask(without_intake, b"POST /v1/track HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert ask(without_edge, b"POST /v1/assignments HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert ask(without_edge, b"GET /admin/ HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 502")
    assert echo.connections == 2
