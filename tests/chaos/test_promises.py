"""The table of promises, what comes of a run, and the page that is written from it."""

import json
from pathlib import Path

import pytest

from config.local.places import PROJECT
from tests.architecture.source import tree
from tests.chaos.__main__ import PAGE, main
from tests.chaos.promises import Finding
from tests.chaos.results import Outcome, Report, Result, as_document, as_json, as_text, read_document
from tests.chaos.steps.examinations import judge, read_outcomes
from tests.chaos.table import PROMISES

NUMBERS = [*(f"A{n}" for n in range(1, 13)), *(f"E{n}" for n in range(1, 9))]

KEPT = Result("A5", "Goes on", "100 %", "1,500 requests", "Postgres stopped", Outcome.KEPT, 25.0)
BROKEN = Result("E1", "Is stored", "0 lost", "3 lost | 1 twice", "killed", Outcome.BROKEN, 60.0)
REPORT = Report("short", "on 2 cores", (KEPT, BROKEN))


def test_table__numbers__are_all_promises_about_assignment_and_events():
    assert [promise.number for promise in PROMISES] == NUMBERS


def test_table__every_promise__has_a_step_or_tests_that_are_there():
    for promise in PROMISES:
        assert (promise.step is None) == bool(promise.tests), promise.number
        for test in promise.tests:
            path, _, name = test.partition("::")
            assert (PROJECT / path).exists(), test
            assert not name or name in {getattr(node, "name", "") for node in tree(Path(path)).body}, test


def test_page__as_it_lies_there__was_written_by_the_code_and_has_a_row_for_every_promise():
    text = PAGE.read_text()
    report = read_document(text)
    assert as_document(report) == text
    told = [(result.promise, result.title, result.figure, result.proof) for result in report.results]
    assert told == [(one.number, one.title, one.figure, one.proof) for one in PROMISES]


def test_report__with_a_broken_promise__says_so_everywhere():
    assert not REPORT.is_kept
    assert "1 of 2 kept; BROKEN: E1" in as_text(REPORT)
    assert json.loads(as_json(REPORT))["kept"] is False
    assert json.loads(as_json(REPORT))["results"][1]["measured"] == "3 lost | 1 twice"
    assert "| E1 Is stored | ✗ | 0 lost | 3 lost / 1 twice | killed | 60 |" in as_document(REPORT)


def test_page__read_again__gives_the_same_page():
    text = as_document(REPORT)
    assert as_document(read_document(text)) == text
    with pytest.raises(ValueError, match="does not say"):
        read_document("# Promises\n")


OUTCOMES = {"tests/a.py::test_x": "passed", "tests/a.py::test_y[1]": "passed", "tests/a.py::test_y[2]": "failed"}


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        (["tests/a.py::test_x"], Finding(True, "1 tests passed, 0 failed")),
        (["tests/a.py"], Finding(False, "2 tests passed, 1 failed (test_y[2])")),
        (["tests/a.py::test_y"], Finding(False, "1 tests passed, 1 failed (test_y[2])")),
        (["tests/a.py::test"], Finding(False, "0 tests passed, 0 failed; not found: test")),
    ],
)
def test_judge__tests_of_a_promise__must_be_there_and_pass(tests, expected):
    assert judge(tests, OUTCOMES) == expected


def test_judge__skipped_alone__proves_nothing():
    assert judge(["tests/a.py::test_x"], {"tests/a.py::test_x": "skipped"}) == Finding(
        False, "0 tests passed, 0 failed, 1 skipped"
    )


def test_read_outcomes__of_a_junit_report__are_told_by_test(tmp_path: Path):
    report = tmp_path / "tests.xml"
    report.write_text(
        "<testsuites><testsuite>"
        '<testcase classname="tests.a" name="test_x"/>'
        '<testcase classname="tests.a" name="test_y[1]"><failure/></testcase>'
        '<testcase classname="tests.a" name="test_z"><skipped/></testcase>'
        "</testsuite></testsuites>"
    )
    assert read_outcomes(report) == {
        "tests/a.py::test_x": "passed",
        "tests/a.py::test_y[1]": "failed",
        "tests/a.py::test_z": "skipped",
    }


def test_main__unknown_promise__starts_nothing_and_names_those_there_are(capsys: pytest.CaptureFixture[str]):
    assert main(["--only", "A5,Z9"]) == 2
    told = capsys.readouterr().err
    assert "Z9" in told
    assert "A12" in told
