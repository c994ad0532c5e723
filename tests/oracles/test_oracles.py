"""Numeric acceptance: every case of the oracle file against the engine.

`TILTYARD_ORACLES` names the file. Without it there are no cases, which a skipped test says (a failed one where
`TILTYARD_REQUIRE_DATA` is 1).
"""

import json
import os
from pathlib import Path

import pytest

from tests.oracles import table
from tests.oracles.compare import Case, differences


def _cases() -> list[Case]:
    named = os.environ.get("TILTYARD_ORACLES")
    if not named or not Path(named).is_file():
        return []
    cases: list[Case] = json.loads(Path(named).read_text(encoding="utf-8"))
    return cases


CASES = _cases()
ANSWERED = [case for case in CASES if case["method"] not in table.NOT_YET]


def test_oracle_file__named_by_the_environment__has_cases(oracles: Path) -> None:
    assert oracles.is_file()
    assert len(CASES) > 300


def test_tables__every_method__is_in_exactly_one() -> None:
    tables = (set(table.EXACT), set(table.LOOSE), set(table.NOT_YET))
    assert sum(map(len, tables)) == len(set.union(*tables))
    assert {case["method"] for case in CASES} <= set.union(*tables)


@pytest.mark.parametrize("case", ANSWERED, ids=[case["id"] for case in ANSWERED])
def test_engine__oracle_case__agrees(case: Case) -> None:
    if case["method"] in table.LOOSE:
        assert table.LOOSE[case["method"]](case) == []
    else:
        answer = table.EXACT[case["method"]](case)
        assert differences(case, answer, keys=table.binding_keys(case)) == []
