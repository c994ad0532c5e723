"""The promises that tests prove: one run of pytest for all of them, told by promise."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from config.local.places import PROJECT
from tests.chaos.promises import Finding, Promise


def run_tests(promises: Sequence[Promise], *, report: Path, nightly: bool) -> dict[str, Finding]:
    """Run the tests of the promises and return what they found, by the number of the promise."""
    ids = sorted({test for promise in promises for test in promise.tests})
    if not ids:
        return {}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *ids]
    if nightly:
        command += ["-m", "nightly or not nightly"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if not report.exists():
        lines = (done.stdout + done.stderr).strip().splitlines()[-3:]
        return {promise.number: Finding(False, "pytest did not run: " + " ".join(lines)) for promise in promises}
    outcomes = read_outcomes(report)
    return {promise.number: judge(promise.tests, outcomes) for promise in promises}


def read_outcomes(report: Path) -> dict[str, str]:
    """Return `passed`, `failed` or `skipped` by `file::test`, of every test of a JUnit report."""
    found = {}
    for case in ET.parse(report).getroot().iter("testcase"):
        children = {child.tag for child in case}
        state = "failed" if children & {"failure", "error"} else "skipped" if "skipped" in children else "passed"
        name = case.get("classname", "").replace(".", "/") + ".py"
        found[f"{name}::{case.get('name')}"] = state
    return found


def judge(tests: Iterable[str], outcomes: Mapping[str, str]) -> Finding:
    """Return whether all of the tests passed; a test that is not there, or was skipped, proves nothing."""
    counts: Counter[str] = Counter()
    missing, failed = [], []
    for test in tests:
        own = {name: state for name, state in outcomes.items() if _is_of(name, test)}
        counts.update(own.values())
        failed += [name.rpartition("::")[2] for name, state in own.items() if state == "failed"]
        if not own:
            missing.append(test.rpartition("::")[2])
    told = f"{counts['passed']} tests passed, {counts['failed']} failed"
    if failed:
        told += f" ({', '.join(failed)})"
    if counts["skipped"]:
        told += f", {counts['skipped']} skipped"
    if missing:
        told += f"; not found: {', '.join(missing)}"
    return Finding(counts["failed"] == 0 and counts["passed"] > 0 and not missing, told)


def _is_of(name: str, test: str) -> bool:
    """Return whether the test of a report is the named one, one of its cases, or one of the named file."""
    return name == test or name.startswith((f"{test}::", f"{test}["))
