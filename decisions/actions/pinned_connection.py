"""A connection to network addresses that were looked up and examined before, with an end to its patience."""

import http.client
import io
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any

from decisions.actions.feed_addresses import Address


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a connection may be waited for: seconds of silence, and a monotonic time at which all is over."""

    silence: float
    until: float

    def left(self) -> float:
        """Return the seconds that the next step may take. Raises TimeoutError."""
        left = min(self.silence, self.until - time.monotonic())
        if left <= 0:
            raise TimeoutError("it took too long as a whole")
        return left


class PinnedConnection(http.client.HTTPConnection):
    """A connection to network addresses that were looked up before; the name is only told to the server."""

    def __init__(self, address: Address, numbers: tuple[str, ...], patience: Patience) -> None:
        super().__init__(address.host, address.port)
        self.default_port = 443 if address.scheme == "https" else 80
        self._address, self._numbers, self._patience = address, numbers, patience
        self._socket: socket.socket | None = None

    def connect(self) -> None:
        """Connect to the first network address that answers. Raises OSError."""
        self._socket = self._open()
        self.sock = _Line(self._socket, self._patience)

    def hang_up(self) -> None:
        """End the connection; http.client lets go of it earlier, and goes on reading."""
        self.close()
        if self._socket is not None:
            self._socket.close()

    def _open(self) -> socket.socket:
        fault: OSError | None = None
        for number in self._numbers:
            try:
                plain = socket.create_connection((number, self._address.port), self._patience.left())
            except OSError as error:
                fault = error
                continue
            if self._address.scheme == "http":
                return plain
            try:
                return ssl.create_default_context().wrap_socket(plain, server_hostname=self._address.host)
            except OSError:
                plain.close()
                raise
        raise fault or OSError("it has no network address")


class _Line:
    """What http.client needs of a socket."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock, self._patience = sock, patience

    def sendall(self, data: bytes) -> None:
        """Send bytes."""
        self._sock.settimeout(self._patience.left())
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return what the server sends, as a file."""
        return io.BufferedReader(_Received(self._sock, self._patience))

    def close(self) -> None:
        """Leave the socket open: what it sends is still to be read."""


class _Received(io.RawIOBase):
    """What a server sends, with the time that is left set anew before each step."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        super().__init__()
        self._sock, self._patience = sock, patience

    def readable(self) -> bool:
        """Return that it can be read from."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Receive into a buffer and return how many bytes."""
        self._sock.settimeout(self._patience.left())
        return self._sock.recv_into(buffer)
