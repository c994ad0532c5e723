"""A server program on a free local port: started, found again by a later process, stopped."""

import json
import os
import secrets
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from config.local.faults import ServerWouldNotStart
from config.local.places import forget_data_directory

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
PORT_ATTEMPTS = 5
PORT_DRAWS = 100
PORT_SECONDS = 2.0
LOWEST_PORT, HIGHEST_PORT = 20_000, 32_767
PORT_TAKEN = b"ddress already in use"


@dataclass(frozen=True, slots=True)
class Connection:
    """How clients reach a server; kept in its directory, readable by the owner only."""

    password: str
    port: int


def free_port() -> int:
    """Return a local TCP port that nobody listens on now.

    It lies below those that systems give to outgoing connections: one of them could hold it when a server that was
    stopped starts again, and the server would have to move away from its clients.
    """
    for _ in range(PORT_DRAWS):
        port = LOWEST_PORT + secrets.randbelow(HIGHEST_PORT + 1 - LOWEST_PORT)
        if port_is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Return whether a server could listen on the local port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


class LocalServer(ABC):
    """One server whose configuration, log and (usually) data lie in `directory`."""

    name = "server"

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self._process: subprocess.Popen[bytes] | None = None
        self._last_pid: int | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The address clients connect to, with its password."""

    @property
    def pid(self) -> int | None:
        """The process id while the server runs, otherwise None; known even after its files were deleted."""
        noted = self._noted_pid() if self.directory.exists() else None
        for pid in (noted, self._last_pid):
            if pid is not None and process_mentions(pid, self._sign()):
                self._last_pid = pid
                return pid
        return None

    @abstractmethod
    def _noted_pid(self) -> int | None:
        """Return the process id that the server wrote down, whether it still runs or not."""

    @abstractmethod
    def _sign(self) -> str:
        """Return the argument by which a process is known to be this server."""

    @abstractmethod
    def _prepare(self) -> None:
        """Bring files on disk to where the server can start."""

    @abstractmethod
    def _command(self, port: int) -> Sequence[str]:
        """Return the command line of the server."""

    @abstractmethod
    def _answers(self) -> bool:
        """Return whether a client gets a real answer now."""

    @property
    def port(self) -> int:
        """The TCP port on the local host."""
        return self._connection().port

    @property
    def log(self) -> Path:
        """The file that holds what the server printed."""
        return self.directory / "server.log"

    def start(self) -> None:
        """Make the server run and answer; nothing happens when it does already.

        Raises:
            ServerWouldNotStart: it ended or stayed silent; the message carries the end of its log.
        """
        if self.pid is None:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._prepare()
            self._start_on_a_port()
        elif not self._comes_to_answer():
            raise self._silence()

    def stop(self) -> None:
        """End the server in good order and wait until it is gone."""
        self._end(self._stop_signals())

    def kill(self) -> None:
        """End the server as a crash would (SIGKILL)."""
        self._end((9,))

    def remove(self) -> None:
        """End the server and delete everything it kept."""
        self.kill()
        forget_data_directory(self.directory)

    def _stop_signals(self) -> Sequence[int]:
        return (15, 9)

    def _popen_arguments(self) -> dict[str, object]:
        return {}

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    def _start_on_a_port(self) -> None:
        for _ in range(PORT_ATTEMPTS):
            port = self._connection().port
            if not _comes_free(port):
                port = free_port()
                self._save(replace(self._connection(), port=port))
            log_start = self.log.stat().st_size if self.log.exists() else 0
            self._process = self._launch(port)
            if self._comes_to_answer():
                return
            if PORT_TAKEN not in self.log.read_bytes()[log_start:]:
                break
        raise self._silence()

    def _launch(self, port: int) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
                self._command(port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=self._environment(),
                start_new_session=True,
                **self._popen_arguments(),
            )
        return process

    def _comes_to_answer(self) -> bool:
        """Return True once the server answers, False when it ended or the time is over."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._answers():
                return True
            if self._process is not None and self._process.poll() is not None:
                return False
            time.sleep(0.02)
        return False

    def _silence(self) -> ServerWouldNotStart:
        tail = self.log.read_text(errors="replace").splitlines()[-8:] if self.log.exists() else ["(no log)"]
        return ServerWouldNotStart(
            "\n".join([f"{self.name} does not answer. Last lines of {self.log}:", *tail]),
            fix=f"mend what the log says; if the data are worth nothing, delete {self.directory}.",
        )

    def _end(self, signals: Sequence[int]) -> None:
        pid = self.pid
        if pid is None:
            return
        for number in signals:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                break
            if self._is_gone(pid, seconds=STOP_SECONDS):
                break
        if self._process is not None:
            self._process.poll()
            self._process = None

    def _is_gone(self, pid: int, *, seconds: float) -> bool:
        """Return whether the process ended within the time; a zombie counts as ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                    return True
            except psutil.NoSuchProcess:
                return True
            time.sleep(0.02)
        return False

    def _connection(self) -> Connection:
        """Return how clients reach the server, deciding it on first use."""
        path = self.directory / "connection.json"
        try:
            return Connection(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            connection = Connection(password=secrets.token_urlsafe(24), port=free_port())
            self._save(connection)
            return connection

    def _save(self, connection: Connection) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        write_private(self.directory / "connection.json", json.dumps(asdict(connection)) + "\n")


def _comes_free(port: int) -> bool:
    """Return whether the port is free, or soon will be: a killed process closes its sockets a little after it ended."""
    deadline = time.monotonic() + PORT_SECONDS
    while not port_is_free(port):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def write_private(path: Path, text: str) -> None:
    """Replace the file in one step; only the owner can read it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)


def process_mentions(pid: int, words: str) -> bool:
    """Return whether a live process has the words among its arguments (a zombie or another's pid has not)."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and words in process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
