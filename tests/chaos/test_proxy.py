"""The proxy: what it passes on, delays, swallows and cuts."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from config.local.server import free_port
from tests.chaos.proxy import Line, Proxy


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with suppress(ConnectionError):
            while piece := self.request.recv(65_536):
                self.request.sendall(piece)


@pytest.fixture
def echo() -> Iterator[int]:
    """Return the port of a server that sends back what it gets."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def said_back(client: socket.socket, words: bytes) -> bytes:
    client.sendall(words)
    received = b""
    while len(received) < len(words):
        piece = client.recv(65_536)
        if not piece:
            break
        received += piece
    return received


def test_proxy__open__passes_everything_on(echo: int):
    words = bytes(range(256)) * 2_000
    with Proxy(echo) as proxy, connect(proxy) as client:
        assert said_back(client, words) == words
        assert proxy.connections == 1


def test_proxy__delayed__passes_on_later(echo: int):
    with Proxy(echo) as proxy, connect(proxy) as client:
        proxy.set(Line.OPEN, delay=0.2)
        began = time.monotonic()
        assert said_back(client, b"hello") == b"hello"
        assert time.monotonic() - began >= 0.4


def test_proxy__half_open__swallows_and_keeps_the_connection_and_takes_new_ones(echo: int):
    with Proxy(echo) as proxy, connect(proxy) as client:
        assert said_back(client, b"hello") == b"hello"
        proxy.set(Line.HALF_OPEN)
        with connect(proxy) as another:
            for one in (client, another):
                one.settimeout(0.3)
                one.sendall(b"anybody?")
                with pytest.raises(TimeoutError):
                    one.recv(1)
            assert proxy.connections == 2


def test_proxy__cut__resets_old_and_new_connections_and_works_again_afterwards(echo: int):
    with Proxy(echo) as proxy, connect(proxy) as client:
        assert said_back(client, b"hello") == b"hello"
        proxy.set(Line.CUT)
        with pytest.raises(ConnectionError):
            said_back(client, b"hello") or client.recv(1)
        with pytest.raises(ConnectionError), connect(proxy) as another:
            said_back(another, b"hello") or another.recv(1)
        proxy.set(Line.OPEN)
        with connect(proxy) as third:
            assert said_back(third, b"again") == b"again"


def test_proxy__nobody_behind_it__resets(echo: int):
    with Proxy(free_port()) as proxy, pytest.raises(ConnectionError), connect(proxy) as client:
        said_back(client, b"hello") or client.recv(1)


def test_proxy__stopped__ends_connections_and_listens_no_more(echo: int):
    proxy = Proxy(echo)
    proxy.start()
    client = connect(proxy)
    assert said_back(client, b"hello") == b"hello"
    proxy.stop()
    with client, pytest.raises(ConnectionError):
        said_back(client, b"hello") or client.recv(1)
    with pytest.raises(ConnectionError):
        connect(proxy).close()
