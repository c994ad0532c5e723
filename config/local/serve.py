"""`bin/serve`: the whole site for development, until Ctrl-C."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from config.environment import Environment, EnvironmentFault, load
from config.local.embedded import Lease, ensure_services, stop_if_unused
from config.local.faults import LocalServiceError
from config.local.places import state_directory
from config.local.processes import Role, edge_workers
from config.local.supervisor import ALL_ROLES, Site

DEFAULT_PORTS = {Role.PROXY: 8000, Role.EDGE: 8001, Role.CONSOLE: 8002, Role.INTAKE: 8003}


def main(arguments: list[str]) -> int:
    """Serve until a signal says stop; return the exit code."""
    options = _parser().parse_args(arguments)
    state = state_directory()
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        with ensure_services(state) as lease:
            _serve(load(), state, options, stopping)
    except (EnvironmentFault, LocalServiceError) as fault:
        print(fault, file=sys.stderr)
        return 1
    _say_goodbye(state, lease)
    return 0


def _serve(environment: Environment, state: Path, options: argparse.Namespace, stopping: threading.Event) -> None:
    site = Site(
        state,
        environment={
            "SECRET_KEY": environment.secret_key.get_secret_value(),
            "TILTYARD_EDGE_WORKERS": str(edge_workers(os.environ, cores=os.cpu_count() or 1)),
        },
        roles=(*ALL_ROLES, Role.INTAKE, Role.TRAINER, Role.PROXY),
        ports={role: getattr(options, f"{role}_port") for role in DEFAULT_PORTS},
        concurrency=options.concurrency,
        say=lambda line: print(line, flush=True),
    )
    print("Starting edge, intake, console, workers, beat and proxy ...", flush=True)
    site.start()
    try:
        for title, url, role in (
            ("site", site.url, Role.PROXY),
            ("  edge alone", site.edge_url, Role.EDGE),
            ("  intake alone", site.intake_url, Role.INTAKE),
            ("  console alone", site.console_url, Role.CONSOLE),
        ):
            wanted = getattr(options, f"{role}_port")
            moved = "" if url.endswith(f":{wanted}") else f"  (port {wanted} is taken)"
            print(f"{title:<16} {url}{moved}")
        print(f"{'admin':<16} {site.url}/admin/")
        print(f"{'logs':<16} {state / 'logs'}")
        print("All of it answers. Ctrl-C stops it.", flush=True)
        stopping.wait()
    finally:
        print("\nStopping ...", flush=True)
        site.stop()


def _say_goodbye(state: Path, lease: Lease) -> None:
    if not lease.urls:
        print("Stopped.")
    elif stop_if_unused(state):
        print("Stopped, with the embedded Postgres and Redis.")
    else:
        print("Stopped. Another process still uses the embedded Postgres and Redis; they end with it.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/serve", description="Serve the whole site on this machine.")
    for role, port in DEFAULT_PORTS.items():
        variable = f"TILTYARD_{role.upper()}_PORT"
        parser.add_argument(
            f"--{role}-port",
            type=int,
            default=int(os.environ.get(variable) or port),
            help=f"port of the {role} (or {variable}); a taken one gives way to a free one",
        )
    parser.add_argument("--concurrency", type=int, default=2, help="jobs that run at the same time")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
