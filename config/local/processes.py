"""The processes of a site, and one supervised process."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from config.local.places import PROJECT

QUEUES = ("ingest", "analysis", "decisions", "training")
TRAINING_QUEUE = "training"
EVALUATION_THREADS = 1
"""Evaluating waits for next to nothing, and threads that do it at the same time only wait for the interpreter."""
INTAKE_THREADS = 8
"""Two more than may be under way with events in one process: storing them waits for Postgres."""
CONSOLE_THREADS = 8
CONCURRENT_REQUESTS = 1_024
"""Connections at once, idle ones too: with few, clients that keep theirs open would keep all others out."""
LARGEST_LOG = 10 * 1024 * 1024
PR_SET_PDEATHSIG = 1


class Role(StrEnum):
    """What a process is for."""

    EDGE = "edge"
    """Evaluates: flags, assignments, decisions. It stores events too where nobody sends them to the intake."""
    INTAKE = "intake"
    """The same application with the threads that storing events needs."""
    CONSOLE = "console"
    WORKER = "worker"
    TRAINER = "trainer"
    """A worker for training alone, so that a long training delays nothing else; `trainer-2` and so on are more."""
    BEAT = "beat"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True)
class Program:
    """How a process is started and how its readiness shows: an address that answers 200, or a printed line.

    `environment` is what this process is told beside what all of its site are.
    """

    name: str
    command: Sequence[str]
    ready_address: str | None
    ready_line: str | None
    environment: Mapping[str, str] = field(default_factory=dict)


def edge(*, host: str, port: int, workers: int = 1, threads: int = EVALUATION_THREADS) -> Program:
    """Return the process that evaluates, in so many processes that share a port; one that dies is replaced.

    They share nothing else: each has its own bundles, circuits, limits and counters.
    """
    return _edge(Role.EDGE, host, port, workers, threads)


def intake(*, host: str, port: int, workers: int = 1, threads: int = INTAKE_THREADS) -> Program:
    """Return the process that stores events, likewise in several; it answers whatever the edge answers."""
    return _edge(Role.INTAKE, host, port, workers, threads)


def _edge(role: Role, host: str, port: int, workers: int, threads: int) -> Program:
    command = _granian("config.edge:application", host=host, port=port, workers=workers, threads=threads)
    return Program(
        name=role,
        command=[*command, "--respawn-failed-workers"],
        ready_address=f"http://{host}:{port}/healthz/ready",
        ready_line=None,
        environment={"TILTYARD_EDGE_ROLE": role, "TILTYARD_EDGE_WORKERS": str(workers)},
    )


def console(*, host: str, port: int) -> Program:
    """Return the process that serves admin, readouts and management API."""
    return Program(
        name=Role.CONSOLE,
        command=_granian("config.wsgi:application", host=host, port=port),
        ready_address=f"http://{host}:{port}/healthz/ready",
        ready_line=None,
    )


def worker(*, name: str, concurrency: int, queues: Sequence[str] = QUEUES) -> Program:
    """Return a process that runs jobs of these queues in `concurrency` children."""
    command = [*_celery(), "worker", f"--queues={','.join(queues)}", f"--concurrency={concurrency}"]
    command += [
        "--pool=prefork",
        f"--hostname={name}@%h",
        "--without-gossip",
        "--without-mingle",
        "--loglevel=INFO",
    ]
    return Program(name=name, command=command, ready_address=None, ready_line=" ready.")


def beat(*, schedule_file: Path) -> Program:
    """Return the process that rings at fixed times."""
    command = [*_celery(), "beat", f"--schedule={schedule_file}", "--pidfile=", "--loglevel=INFO"]
    return Program(name=Role.BEAT, command=command, ready_address=None, ready_line="beat: Starting...")


def proxy(*, host: str, port: int, console_port: int, edge_port: int, intake_port: int) -> Program:
    """Return the process that gives edge, intake and console one address."""
    command = [sys.executable, "-m", "config.local.proxy", host]
    command += [str(number) for number in (port, console_port, edge_port, intake_port)]
    return Program(name=Role.PROXY, command=command, ready_address=None, ready_line="proxy ready")


def _celery() -> list[str]:
    return [sys.executable, "-m", "celery", "--app=workers", "--quiet"]


def edge_workers(environment: Mapping[str, str], *, cores: int) -> int:
    """Return how many processes share the edge's port: what TILTYARD_EDGE_WORKERS says, else one a core but one."""
    return count_in(environment, "TILTYARD_EDGE_WORKERS", otherwise=max(1, cores - 1))


def count_in(environment: Mapping[str, str], name: str, *, otherwise: int) -> int:
    """Return the number, at least one, that a variable of the environment gives, if it gives any."""
    said = environment.get(name, "")
    return max(1, int(said)) if said.isdigit() else otherwise


def _granian(application: str, *, host: str, port: int, workers: int = 1, threads: int = CONSOLE_THREADS) -> list[str]:
    command = [sys.executable, "-m", "granian", "--interface=wsgi", f"--host={host}", f"--port={port}"]
    command += [f"--workers={workers}", f"--blocking-threads={threads}", f"--backpressure={CONCURRENT_REQUESTS}"]
    return [*command, "--no-ws", application]


class Supervised:
    """One process: started in a group of its own, its output in a log file, ended with its starter."""

    def __init__(self, program: Program, *, environment: Mapping[str, str], log: Path) -> None:
        self.program = program
        self.log = log
        self.restarts = 0
        self._environment = {**environment, **program.environment}
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The id of the process (and of its group) while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How the process ended, None while it runs or before its start."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start the process and return at once."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                self.program.command,
                cwd=PROJECT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_the_starter,  # noqa: PLW1509 - it only makes one system call
            )

    def printed_since_start(self) -> str:
        """Return what the process has printed since its last start."""
        try:
            return self.log.read_bytes()[self._log_start :].decode("utf-8", "replace")
        except OSError:
            return ""

    def last_lines(self, count: int) -> list[str]:
        """Return the last lines of the log, those of earlier starts included."""
        return self.log.read_text(errors="replace").splitlines()[-count:] if self.log.exists() else []

    def ask_to_end(self) -> None:
        """Tell the process to finish what it does and end."""
        # Asked once: between two questions the process may end.
        if (pid := self.pid) is not None:
            os.kill(pid, signal.SIGTERM)

    def kill(self) -> None:
        """End the process and its children as a crash of the machine would."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def wait(self, *, seconds: float) -> bool:
        """Return whether the process has ended within the time."""
        if self._process is None:
            return True
        try:
            self._process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return False
        return True


def end_all(processes: Sequence[Supervised], *, seconds: float) -> None:
    """End the processes in good order, all at the same time, by force where one has not ended in time."""
    for process in processes:
        process.ask_to_end()
    deadline = time.monotonic() + seconds
    for process in processes:
        process.wait(seconds=deadline - time.monotonic())
        process.kill()


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _end_with_the_starter() -> None:
    """Ask the kernel (Linux only) to end this process when its starter is gone, however that went."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
