"""`bin/chaos`: examine the promises, print the table, write the page."""

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from config.local.places import PROJECT, state_directory
from tests.chaos.ground import Ground, prepared
from tests.chaos.promises import Finding, Promise
from tests.chaos.results import Outcome, Report, Result, as_document, as_json, as_text
from tests.chaos.steps.examinations import run_tests
from tests.chaos.table import PROMISES

PAGE = PROJECT / "docs" / "promises.md"


def main(arguments: Sequence[str]) -> int:
    """Examine, print, write; return 0 when every examined promise was kept."""
    options = _parser().parse_args(arguments)
    wanted = {number.strip().upper() for number in options.only.split(",")} if options.only else None
    unknown = (wanted or set()) - {promise.number for promise in PROMISES}
    if unknown:
        _say(f"There is no promise {', '.join(sorted(unknown))}. There are: {', '.join(p.number for p in PROMISES)}.")
        return 2
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    # Settled before the examination takes the environment over.
    results = Path(options.json) if options.json else state_directory() / "chaos.json"
    chosen = [promise for promise in PROMISES if wanted is None or promise.number in wanted]
    report = _examine(chosen, is_long=options.long)
    sys.stdout.write("\n" + as_text(report))
    results.write_text(as_json(report))
    _say(f"results: {results}")
    if wanted is None:
        PAGE.write_text(as_document(report))
        _say(f"page: {PAGE.relative_to(PROJECT)}")
    return 0 if report.is_kept else 1


def _examine(chosen: Sequence[Promise], *, is_long: bool) -> Report:
    began = time.monotonic()
    by_tests = [promise for promise in chosen if promise.tests]
    by_steps = [promise for promise in chosen if promise.step is not None]
    found: dict[str, Result] = {}
    if by_tests:
        _say(f"running the tests of {', '.join(promise.number for promise in by_tests)}")
        with tempfile.TemporaryDirectory(prefix="tiltyard-chaos-") as folder:
            findings = run_tests(by_tests, report=Path(folder) / "tests.xml", nightly=is_long)
        each = (time.monotonic() - began) / len(by_tests)
        for promise in by_tests:
            found[promise.number] = _result(promise, findings[promise.number], each)
    if by_steps:
        with prepared(is_long=is_long, say=_say) as ground:
            for promise in by_steps:
                found[promise.number] = _take(promise, ground)
    minutes = (time.monotonic() - began) / 60
    results = tuple(found[promise.number] for promise in chosen)
    return Report("long" if is_long else "short", _surroundings(minutes), results)


def _take(promise: Promise, ground: Ground) -> Result:
    """Examine one promise; whatever is wrong with the step itself breaks the promise and hides no other."""
    assert promise.step is not None
    _say(f"{promise.number}: {promise.title}")
    began = time.monotonic()
    try:
        finding = promise.step(ground)
    except Exception as fault:  # noqa: BLE001 - the examination of one promise must not end that of the others
        traceback.print_exc()
        finding = Finding(False, f"not to be examined: {type(fault).__name__}: {str(fault)[:200]}")
    ground.heal()
    result = _result(promise, finding, time.monotonic() - began)
    _say(f"{result.outcome} {promise.number}: {result.measured} ({result.seconds:.0f} s)")
    return result


def _result(promise: Promise, finding: Finding, seconds: float) -> Result:
    return Result(
        promise=promise.number,
        title=promise.title,
        figure=promise.figure,
        measured=finding.measured,
        proof=promise.proof,
        outcome=Outcome.KEPT if finding.kept else Outcome.BROKEN,
        seconds=round(seconds),
    )


def _surroundings(minutes: float) -> str:
    return (
        f"in {minutes:.1f} minutes on {os.cpu_count()} shared cores, Python {platform.python_version()}"
        f" ({platform.system()}), on {time.strftime('%Y-%m-%d', time.gmtime())}"
    )


def _interrupted(number: int, _frame: FrameType | None) -> None:
    """End in good order: servers and processes are taken down on the way out."""
    raise SystemExit(128 + number)


def _say(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/chaos",
        description="Break a running site on purpose, hold it against its promises and print the table."
        " Servers and processes are its own; nothing is left running. A run of all promises writes docs/promises.md.",
    )
    parser.add_argument("--only", help="only these promises, such as A5,E1; the page is then left alone")
    parser.add_argument("--long", action="store_true", help="the full durations and the nightly tests: about an hour")
    parser.add_argument("--json", help="where the results go as JSON; by default chaos.json in the state directory")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
