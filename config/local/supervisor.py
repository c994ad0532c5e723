"""A whole site on this machine: edge, intake, console, worker, beat, watched and started again when they crash.

`bin/serve` runs one; tests, demo and benchmarks run their own on free ports against a database they choose.
"""

import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from config.local import processes
from config.local.faults import LocalServiceError
from config.local.places import state_directory
from config.local.processes import Program, Role, Supervised
from config.local.server import HOST, free_port, port_is_free

READY_SECONDS = 90.0
END_SECONDS = 20.0
WATCH_SECONDS = 0.25
SHORTEST_BACKOFF = 0.5
LONGEST_BACKOFF = 30.0
STABLE_SECONDS = 60.0
START_ATTEMPTS = 2
ALL_ROLES: Sequence[Role] = (Role.EDGE, Role.CONSOLE, Role.WORKER, Role.BEAT)
"""What a site needs to work; its edge then stores events too, and has the threads for it."""
_LISTENING = (Role.EDGE, Role.INTAKE, Role.CONSOLE, Role.PROXY)


class SiteNotReady(LocalServiceError):
    """A process of the site did not come to answer."""

    code = "LOCAL_SITE_NOT_READY"


class Site:
    """The processes of one site; `environment` must name its DATABASE_URL, REDIS_URL and SECRET_KEY.

    A wanted port that is taken gives way to a free one: read `edge_url` and `console_url`.
    """

    def __init__(
        self,
        state: Path,
        *,
        environment: Mapping[str, str],
        roles: Sequence[str] = ALL_ROLES,
        ports: Mapping[str, int] | None = None,
        concurrency: int = 2,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.state = state
        self._say = say or (lambda _line: None)
        self._ports = {role: _port((ports or {}).get(role)) for role in _LISTENING}
        self._intake = Role.INTAKE if Role.INTAKE in roles else Role.EDGE
        self._front = Role.PROXY if Role.PROXY in roles else Role.CONSOLE
        self._environment = self._complete(environment)
        trained_elsewhere = any(role.startswith(Role.TRAINER) for role in roles)
        self._queues = [name for name in processes.QUEUES if name != processes.TRAINING_QUEUE or not trained_elsewhere]
        self._processes = {role: self._supervised(role, concurrency) for role in roles}
        self._wanted: set[str] = set()
        self._restart_at: dict[str, float] = {}
        self._started_at: dict[str, float] = {}
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def edge_url(self) -> str:
        """The address of the edge process."""
        return f"http://{HOST}:{self._ports[Role.EDGE]}"

    @property
    def intake_url(self) -> str:
        """The address for events: the intake's where there is one, otherwise the edge's."""
        return f"http://{HOST}:{self._ports[self._intake]}"

    @property
    def console_url(self) -> str:
        """The address of the console."""
        return f"http://{HOST}:{self._ports[Role.CONSOLE]}"

    @property
    def url(self) -> str:
        """The address people and clients use: the proxy's where there is one, otherwise the console's."""
        return f"http://{HOST}:{self._ports[self._front]}"

    @property
    def pids(self) -> dict[str, int]:
        """The ids of the processes that run now, by name."""
        return {name: pid for name, process in self._processes.items() if (pid := process.pid) is not None}

    @property
    def restarts(self) -> dict[str, int]:
        """How often each process was started again after it had ended by itself."""
        return {name: process.restarts for name, process in self._processes.items()}

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of its processes, for another that is to work beside them."""
        return self._environment

    def log(self, name: str) -> Path:
        """Return the file with what the process printed."""
        return self._processes[name].log

    def start(self, *, seconds: float = READY_SECONDS) -> None:
        """Start everything and return once every process is ready.

        Raises:
            SiteNotReady: one was not in time; everything has been stopped again.
        """
        self._over.clear()
        with self._lock:
            for name in self._processes:
                self._start(name)
        self._watcher = threading.Thread(target=self._watch, name="site-watcher", daemon=True)
        self._watcher.start()
        try:
            for name in self._processes:
                self.wait_until_ready(name, seconds=seconds)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything in good order."""
        self._over.set()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()
        with self._lock:
            self._wanted.clear()
            processes.end_all(list(self._processes.values()), seconds=END_SECONDS)

    def start_process(self, name: str) -> None:
        """Start one process that was stopped; it is started again from now on when it crashes."""
        with self._lock:
            self._start(name)

    def stop_process(self, name: str) -> None:
        """End one process in good order; it stays away until `start_process`."""
        with self._lock:
            self._wanted.discard(name)
        processes.end_all([self._processes[name]], seconds=END_SECONDS)

    def kill_process(self, name: str) -> None:
        """End one process and its children by SIGKILL; it stays away until `start_process`."""
        with self._lock:
            self._wanted.discard(name)
            self._processes[name].kill()

    def crash_process(self, name: str) -> None:
        """End one process and its children by SIGKILL and let the site find out and start it again."""
        self._processes[name].kill()

    def wait_until_ready(self, name: str, *, seconds: float = READY_SECONDS) -> None:
        """Return once the process is ready to work.

        Raises:
            SiteNotReady: it was not in time; the message carries the end of its log.
        """
        process = self._processes[name]
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if _is_ready(process):
                return
            if process.pid is None and process.restarts >= START_ATTEMPTS:
                break
            time.sleep(0.05)
        tail = "\n".join(process.last_lines(12))
        raise SiteNotReady(
            f"{name} does not become ready. The end of {process.log}:\n{tail}",
            fix="mend what the log says; bin/manage doctor examines the surroundings.",
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _start(self, name: str) -> None:
        self._wanted.add(name)
        self._restart_at.pop(name, None)
        self._started_at[name] = time.monotonic()
        self._processes[name].start()

    def _watch(self) -> None:
        while not self._over.wait(WATCH_SECONDS):
            with self._lock:
                for name in sorted(self._wanted):
                    self._look_after(name)

    def _look_after(self, name: str) -> None:
        """Start the process again once its pause is over; pauses double while it keeps crashing."""
        process = self._processes[name]
        now = time.monotonic()
        if process.pid is not None:
            if now - self._started_at[name] > STABLE_SECONDS:
                process.restarts = 0
            return
        if name not in self._restart_at:
            pause = min(LONGEST_BACKOFF, SHORTEST_BACKOFF * 2**process.restarts)
            self._restart_at[name] = now + pause
            self._say(f"{name} ended with {process.exit_code}; again in {pause:.1f} s, see {process.log}")
        elif now >= self._restart_at[name]:
            process.kill()
            process.restarts += 1
            self._start(name)

    def _supervised(self, name: str, concurrency: int) -> Supervised:
        if name == Role.EDGE:
            program = self._edge()
        elif name == Role.INTAKE:
            program = processes.intake(
                host=HOST,
                port=self._ports[Role.INTAKE],
                workers=self._count("TILTYARD_INTAKE_WORKERS", 1),
                threads=self._count("TILTYARD_INTAKE_THREADS", processes.INTAKE_THREADS),
            )
        elif name == Role.CONSOLE:
            program = processes.console(host=HOST, port=self._ports[Role.CONSOLE])
        elif name == Role.PROXY:
            program = processes.proxy(
                host=HOST,
                port=self._ports[Role.PROXY],
                console_port=self._ports[Role.CONSOLE],
                edge_port=self._ports[Role.EDGE],
                intake_port=self._ports[self._intake],
            )
        elif name == Role.BEAT:
            program = processes.beat(schedule_file=self.state / "beat-schedule")
        elif name.startswith(Role.TRAINER):
            program = processes.worker(name=name, concurrency=1, queues=[processes.TRAINING_QUEUE])
        else:
            program = processes.worker(name=name, concurrency=concurrency, queues=self._queues)
        log = self.state / "logs" / f"{name}.log"
        return Supervised(program, environment=self._environment, log=log)

    def _edge(self) -> Program:
        """Return the edge; without an intake beside it, it has as many threads as one."""
        is_alone = self._intake == Role.EDGE
        threads = processes.INTAKE_THREADS if is_alone else processes.EVALUATION_THREADS
        return processes.edge(
            host=HOST,
            port=self._ports[Role.EDGE],
            workers=processes.edge_workers(self._environment, cores=1),
            threads=self._count("TILTYARD_EDGE_THREADS", threads),
        )

    def _count(self, name: str, otherwise: int) -> int:
        return processes.count_in(self._environment, name, otherwise=otherwise)

    def _complete(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return this process's environment with the site's own on top, as plain HTTP on the local host."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONUNBUFFERED": "1",
            "TILTYARD_HTTPS": "0",
            "TILTYARD_STATE_DIR": str(self.state),
            "TILTYARD_STATIC_DIRECTORY": str(state_directory() / "static"),
            "TILTYARD_CONSOLE_URL": self.url,
            **environment,
        }


def _port(wanted: int | None) -> int:
    return wanted if wanted and port_is_free(wanted) else free_port()


def _is_ready(process: Supervised) -> bool:
    if process.pid is None:
        return False
    line = process.program.ready_line
    if line is not None and line not in process.printed_since_start():
        return False
    address = process.program.ready_address
    return address is None or _answers(address)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as response:  # noqa: S310 - an address of ours
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
