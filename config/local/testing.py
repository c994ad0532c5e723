"""`bin/test`: every examination of the code, one after the other; all run, and the last line says which failed."""

import argparse
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.local.embedded import ensure_services
from config.local.faults import LocalServiceError
from config.local.places import PROJECT, state_directory

PRODUCTION: Mapping[str, str] = {
    "DEBUG": "0",
    "TILTYARD_HTTPS": "1",
    "ALLOWED_HOSTS": "console.example.com",
    "CSRF_TRUSTED_ORIGINS": "https://console.example.com",
    "TILTYARD_CONSOLE_URL": "https://console.example.com",
}


@dataclass(frozen=True, slots=True)
class Examination:
    """One command that must end well; `environment` goes on top of that of the dev servers."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an examination went."""

    name: str
    passed: bool
    seconds: float


def main(arguments: list[str]) -> int:
    """Run the examinations that the arguments ask for; return 0 when all passed."""
    options, for_pytest = _parser().parse_known_args(arguments)
    examinations = [*_static_examinations(), *(_nightly_examinations() if options.nightly else [])]
    chosen = [item for item in examinations if not options.only or item.name in options.only]
    outcomes = _examine_code(chosen) if chosen else []
    if not options.only or "pytest" in options.only:
        outcomes.append(_run_pytest(for_pytest, nightly=["-m", "nightly or not nightly"] if options.nightly else []))
    print(f"\n{'':-<60}")
    for outcome in outcomes:
        print(f"{'ok' if outcome.passed else 'FAILED':<8}{outcome.name:<24}{outcome.seconds:>8.1f} s")
    failed = [outcome.name for outcome in outcomes if not outcome.passed]
    total = sum(outcome.seconds for outcome in outcomes)
    print(f"{'FAILED: ' + ', '.join(failed) if failed else 'All passed'}, {total:.0f} s in all.", flush=True)
    return 1 if failed else 0


def _static_examinations() -> list[Examination]:
    python = sys.executable
    manage = [python, "manage.py"]
    return [
        Examination("ruff", [python, "-m", "ruff", "check", "."], {}),
        Examination("format", [python, "-m", "ruff", "format", "--check", "."], {}),
        Examination("mypy", [python, "-m", "mypy", "."], {}),
        Examination("imports", [str(Path(python).with_name("lint-imports")), "--config", "importlinter.ini"], {}),
        Examination("migrations", [*manage, "makemigrations", "--check", "--dry-run"], {}),
        Examination("deployment", [*manage, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
        Examination("translations", [python, "-m", "config.local.translations"], {}),
    ]


def _nightly_examinations() -> list[Examination]:
    """Return what takes half an hour: every calibration study with all its replicates, and its document beside."""
    document = state_directory() / "calibration.md"
    command = [sys.executable, "manage.py", "calibrate", "--full", "--allow-explained", "--output", str(document)]
    return [Examination("calibration", command, {})]


def _examine_code(examinations: Sequence[Examination]) -> list[Outcome]:
    try:
        with ensure_services(state_directory()):
            return [_examine(examination) for examination in examinations]
    except LocalServiceError as fault:
        print(fault)
        return [Outcome("embedded servers", passed=False, seconds=0.0)]


def _examine(examination: Examination) -> Outcome:
    print(f"{examination.name} ... ", end="", flush=True)
    start = time.monotonic()
    environment = {**os.environ, "SECRET_KEY": secrets.token_urlsafe(50), **examination.environment}
    done = subprocess.run(
        examination.command,
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - start
    passed = done.returncode == 0
    print(f"{'ok' if passed else 'FAILED'}, {seconds:.1f} s", flush=True)
    if not passed:
        print(done.stdout, flush=True)
    return Outcome(examination.name, passed=passed, seconds=seconds)


def _run_pytest(arguments: Sequence[str], *, nightly: Sequence[str]) -> Outcome:
    """Run the tests with their own servers, printing as they go; all of them in two processes, module by module."""
    print("pytest ...", flush=True)
    start = time.monotonic()
    lanes = [] if arguments else ["--numprocesses=2", "--dist=loadfile"]
    command = [sys.executable, "-m", "pytest", "--durations=10", *lanes, *nightly, *arguments]
    done = subprocess.run(command, cwd=PROJECT, check=False)
    return Outcome("pytest", passed=done.returncode == 0, seconds=time.monotonic() - start)


def _parser() -> argparse.ArgumentParser:
    names = ", ".join([*(item.name for item in _static_examinations()), "pytest", "calibration (with --nightly)"])
    parser = argparse.ArgumentParser(
        prog="bin/test",
        description="Examine the code and run the tests. What is not listed here is handed to pytest.",
    )
    parser.add_argument("--only", action="append", help=f"run only this one (repeatable): {names}")
    parser.add_argument("--nightly", action="store_true", help="also the tests marked nightly and the full calibration")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
