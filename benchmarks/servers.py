"""Servers under measurement: started as `bin/serve` starts edge and intake, ended when the measurement is over."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.load import request_bytes
from config.local import processes
from config.local.server import HOST, free_port

OWN = "config.edge:application"
READY_SECONDS = 60.0

Kind = Callable[..., processes.Program]
"""`processes.edge` or `processes.intake`, or one of them with other counts."""

_PROJECT = Path(__file__).resolve().parents[1]


@contextmanager
def serving(
    application: str, environment: Mapping[str, str], *, kind: Kind = processes.edge
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run a WSGI application with the flags of the edge, or of the intake, and yield its port and process.

    Raises RuntimeError where it does not answer within a minute.
    """
    port = free_port()
    program = kind(host=HOST, port=port)
    command = [application if part == OWN else part for part in program.command]
    command.append("--log-level=warning")
    known = {**os.environ, **environment, **program.environment}
    process = subprocess.Popen(command, cwd=_PROJECT, env=known, stdout=sys.stderr)
    try:
        _await_answer(port)
        yield port, process
    finally:
        process.terminate()
        process.wait(timeout=15)


def worker_of(process: subprocess.Popen[bytes]) -> psutil.Process:
    """Return the process that answers: the one that was started watches over it."""
    (worker,) = psutil.Process(process.pid).children()
    return worker


def resident_megabytes(process: subprocess.Popen[bytes]) -> int:
    """Return the resident memory of the process that answers."""
    resident: int = worker_of(process).memory_info().rss
    return round(resident / 1_048_576)


def _await_answer(port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((HOST, port), timeout=5) as probe:
                probe.sendall(request_bytes("/healthz/ready", b"", {}, method="GET"))
                if probe.recv(12).endswith(b"200"):
                    return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing answers on port {port}")
