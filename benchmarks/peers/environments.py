"""Environments of other programs, each with one pinned package, made once under the state directory."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Peer:
    """Another program: its package, the version compared with, the module that times it, what it forgets to ask for."""

    package: str
    version: str
    module: str
    needs: tuple[str, ...] = ()


ASSIGNMENT_PEERS = (
    Peer("growthbook", "4.0.0", "growthbook_assignment"),
    Peer("eppo-server-sdk", "4.4.1", "eppo_assignment"),
    Peer("UnleashClient", "6.9.1", "unleash_assignment"),
    Peer("flagsmith-flag-engine", "11.1.1", "flagsmith_assignment"),
    Peer("planout", "0.6.0", "planout_assignment", needs=("six==1.17.0",)),
)
PEERS = (
    Peer("tea-tasting", "1.14.0", "tea_tasting_methods"),
    Peer("gbstats", "0.8.0", "gbstats_methods"),
    Peer("spotify-confidence", "4.1.0", "spotify_confidence_methods"),
)


def times_of(peer: Peer, folder: Path, question: str) -> dict[str, Any] | str:
    """Return what the peer says of its times, or why it was left out; installs it on the first run.

    question: JSON that the peer's module reads from its standard input.
    """
    python = folder / peer.package / "bin" / "python"
    problem = _install(peer, python)
    if problem:
        return problem
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(PROJECT)}
    ran = subprocess.run(
        [python, "-W", "ignore", "-m", f"benchmarks.peers.{peer.module}"],
        input=question,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        return f"left out, it failed: {_last(ran.stderr)}"
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def _install(peer: Peer, python: Path) -> str:
    """Make the peer's environment unless it is there, and return why that was not possible, or nothing."""
    ready = python.parents[1] / "installed"
    if ready.exists() and ready.read_text() == peer.version:
        return ""
    print(f"  installing {peer.package} {peer.version}", file=sys.stderr)
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(python.parents[1])],
        [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            f"{peer.package}=={peer.version}",
            *peer.needs,
        ],
    )
    for step in steps:
        ran = subprocess.run(step, capture_output=True, text=True, check=False)
        if ran.returncode:
            return f"left out, it could not be installed: {_last(ran.stderr)}"
    ready.write_text(peer.version)
    return ""


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no message"
