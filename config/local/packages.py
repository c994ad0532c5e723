"""The clone's virtual environment and the pinned packages in it (standard library only)."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

from config.local.progress import Steps

UV = "uv==0.13.9"
OLDEST_PYTHON = (3, 11)
SECONDS_PER_DOT = 2.0
LINES_SHOWN = 30
PIP_TO_UV = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_TRUSTED_HOST": "UV_INSECURE_HOST",
    "PIP_CERT": "SSL_CERT_FILE",
}
UV_OWN_INDEX = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")


class SetupFault(Exception):
    """Set-up cannot go on; the message ends with the fix."""

    code = "SETUP_FAILED"


def virtual_environment(directory: Path, steps: Steps) -> Path:
    """Return the Python of the virtual environment, made anew where it is missing, too old, or moved."""
    python = directory / "bin" / "python"
    with steps.step("Python environment") as note:
        version = _version_of(python)
        if version is None or version < OLDEST_PYTHON or _home_of(directory) != str(directory):
            _create(directory)
            version = _version_of(python)
        if version is None:
            raise SetupFault(f"{python} does not run.\n  fix: delete {directory} and run bin/setup again.")
        note.text = f"Python {'.'.join(map(str, version))} in {directory.name}"
    return python


def install(project: Path, python: Path, files: list[str], steps: Steps) -> None:
    """Install the pinned packages of the requirement files, unless just these have been installed before."""
    with steps.step("Packages") as note:
        stamp = python.parents[1] / "tiltyard-packages.json"
        installed = _read_stamp(stamp)
        wanted = {name: _digest(project / name) for name in sorted({*files, *installed})}
        if wanted == installed:
            note.text = "unchanged"
            return
        paths = [part for name in wanted for part in ("--requirement", str(project / name))]
        _run_installer(python, paths)
        stamp.write_text(json.dumps(wanted, indent=2) + "\n")
        note.text = f"installed from {', '.join(wanted)}"


def add(python: Path, requirement: str) -> None:
    """Install one pinned package that only some machines need. Raises SetupFault."""
    _run_installer(python, [requirement])


def uv_environment(environment: Mapping[str, str], pip_settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that makes uv use the indexes, mirrors and certificates that pip would use.

    What is said to uv itself wins; `pip_settings` are those of pip's configuration files.
    """
    result = dict(environment)
    chosen_for_uv = any(environment.get(name) for name in UV_OWN_INDEX)
    for pip_name, uv_name in PIP_TO_UV.items():
        value = environment.get(pip_name) or pip_settings.get(pip_name)
        if value and not environment.get(uv_name) and not (chosen_for_uv and uv_name in UV_OWN_INDEX):
            result[uv_name] = value
    if result.get("UV_INDEX") and not chosen_for_uv:
        result.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return result


def _create(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    try:
        venv.EnvBuilder(with_pip=True, symlinks=True).create(directory)
    except (subprocess.CalledProcessError, OSError, SystemExit):
        shutil.rmtree(directory, ignore_errors=True)
        venv.EnvBuilder(with_pip=False, symlinks=True).create(directory)
    (directory / "tiltyard-home").write_text(str(directory) + "\n")


def _home_of(directory: Path) -> str | None:
    """Return where the environment was made; its scripts work only there."""
    try:
        return (directory / "tiltyard-home").read_text().strip()
    except OSError:
        return None


def _version_of(python: Path) -> tuple[int, ...] | None:
    try:
        done = subprocess.run(
            [python, "-c", "import sys; print(*sys.version_info[:3])"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return tuple(int(part) for part in done.stdout.split()) if done.returncode == 0 else None


def _run_installer(python: Path, requirements: list[str]) -> None:
    with tempfile.TemporaryFile() as log:
        uv = _find_uv(python, log)
        if uv is not None:
            environment = uv_environment(os.environ, _pip_settings(python))
            command = [*uv, "pip", "install", "--no-progress", "--python", str(python), *requirements]
            if _run(command, environment, log=log):
                return
        if not _has_pip(python):
            raise SetupFault(f"{_end_of(log)}\n{_without_pip(uv)}")
        if not _run([str(python), "-m", "pip", "install", "--quiet", *requirements], os.environ, log=log):
            raise SetupFault(
                f"{_end_of(log)}\nThe packages could not be installed.\n"
                "  fix: for a mirror set PIP_INDEX_URL, for a proxy HTTPS_PROXY, and run bin/setup again."
            )


def _without_pip(uv: list[str] | None) -> str:
    if uv is not None:
        return (
            "The packages could not be installed.\n  fix: for a mirror set UV_DEFAULT_INDEX, and run bin/setup again."
        )
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        "This Python has neither pip nor ensurepip, and there is no uv.\n"
        f"  fix: as root: apt-get install python{version}-venv (Debian, Ubuntu); then bin/setup again."
    )


def _end_of(log: IO[bytes]) -> str:
    log.seek(0)
    return "\n" + "\n".join(log.read().decode("utf-8", "replace").splitlines()[-LINES_SHOWN:])


def _find_uv(python: Path, log: IO[bytes]) -> list[str] | None:
    """Return the command of uv, installed by whichever pip there is, or None where it cannot be had."""
    own = python.parent / "uv"
    wanted = UV.partition("==")[2]
    if own.exists() and wanted in _output([str(own), "--version"]):
        return [str(own)]
    pips = [[str(python), "-m", "pip"], [sys.executable, "-m", "pip", "--python", str(python)]]
    for pip in pips:
        if _run([*pip, "install", "--quiet", "--disable-pip-version-check", UV], os.environ, log=log):
            return [str(own)]
    elsewhere = shutil.which("uv")
    return [elsewhere] if elsewhere else None


def _has_pip(python: Path) -> bool:
    return bool(_output([str(python), "-m", "pip", "--version"]))


def _pip_settings(python: Path) -> dict[str, str]:
    """Return pip's configured mirrors as if they had been set by environment variables."""
    settings = {}
    for line in _output([str(python), "-m", "pip", "config", "list"]).splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.partition(".")
        if section in ("global", "install"):
            settings[f"PIP_{key.upper().replace('-', '_')}"] = value.strip().strip("'\"")
    return settings


def _run(command: Iterable[str], environment: Mapping[str, str], *, log: IO[bytes]) -> bool:
    """Return whether the command ended well; print a dot every two seconds, so that one sees it is alive."""
    try:
        process = subprocess.Popen(list(command), env=dict(environment), stdout=log, stderr=log)
    except OSError as fault:
        log.write(f"{fault}\n".encode())
        return False
    while True:
        try:
            return process.wait(SECONDS_PER_DOT) == 0
        except subprocess.TimeoutExpired:
            print(".", end="", flush=True)


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_stamp(path: Path) -> dict[str, str]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}
