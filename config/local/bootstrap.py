"""Set-up of a clone: Python environment, packages, secrets; then `config.local.prepare` inside it.

Runs on the system's Python with the standard library only, and at any time again: what is done stays done.
"""

import argparse
import fcntl
import os
import secrets
import subprocess
import sys
from pathlib import Path

from config.local import browser, node, packages
from config.local.progress import Steps

PROJECT = Path(__file__).resolve().parents[2]
ENVIRONMENT_NAME = "environment"


def main(arguments: list[str]) -> int:
    """Set the clone up as the arguments ask and return the exit code."""
    options = _parser().parse_args(arguments)
    state = Path(os.environ.get("TILTYARD_STATE_DIR") or PROJECT / ".tiltyard").absolute()
    try:
        state.mkdir(parents=True, exist_ok=True)
        with (state / "setup.lock").open("a") as alone:
            fcntl.flock(alone, fcntl.LOCK_EX)
            return _set_up(state, options)
    except PermissionError as fault:
        print(f"{fault}\n  fix: run as the user who set this clone up, or remove {state} and {PROJECT}/.venv.")
        return 1
    except packages.SetupFault as fault:
        print(fault)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; run bin/setup again to go on.")
        return 130


def _set_up(state: Path, options: argparse.Namespace) -> int:
    steps = Steps(total=(3 if options.packages else 7) + options.browser + options.dev)
    python = packages.virtual_environment(PROJECT / ".venv", steps)
    packages.install(PROJECT, python, _requirement_files(options), steps)
    if options.browser:
        browser.install(steps)
    if options.dev:
        node.install(python, steps)
    with steps.step("Settings and secrets") as note:
        note.text = write_settings(state)
    if options.packages:
        return 0
    command = [str(python), "-m", "config.local.prepare", str(steps.number), str(steps.total)]
    if options.quiet:
        command.append("--quiet")
    return subprocess.run(command, cwd=PROJECT, check=False).returncode


def write_settings(state: Path) -> str:
    """Write the settings that are missing, readable by the owner only; return what happened."""
    path = state / ENVIRONMENT_NAME
    lines = path.read_text().splitlines() if path.exists() else []
    present = {line.partition("=")[0].strip() for line in lines}
    wanted = {"SECRET_KEY": secrets.token_urlsafe(50), "TILTYARD_LOG_FORMAT": "TEXT"}
    if not os.environ.get("DATABASE_URL"):
        wanted["TILTYARD_HTTPS"] = "0"
    missing = {name: value for name, value in wanted.items() if name not in present and name not in os.environ}
    if not missing:
        return "kept"
    lines += [f"{name}={value}" for name, value in missing.items()]
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
    draft.replace(path)
    return f"written to {path}"


def _requirement_files(options: argparse.Namespace) -> list[str]:
    files = ["requirements.txt"]
    own_servers = os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")
    if options.dev or not (own_servers or options.packages):
        files.append("requirements-embedded.txt")
    if options.dev:
        files.append("requirements-dev.txt")
    if options.training:
        files.append("requirements-training.txt")
    return files


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/setup", description="Make this clone run. Safe to repeat.")
    parser.add_argument("--dev", action="store_true", help="also what bin/test and bin/bench need")
    parser.add_argument("--training", action="store_true", help="also TensorFlow, for training workers (1.9 GB)")
    parser.add_argument("--browser", action="store_true", help="also Chromium, for the browser tests (apt, as root)")
    parser.add_argument("--packages", action="store_true", help="only Python and packages: no server, no database")
    parser.add_argument("--quiet", action="store_true", help="no closing advice")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
