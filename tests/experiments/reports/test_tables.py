"""JSON and CSV of a readout: the same numbers, and no cell that a spreadsheet would run."""

import csv
import io
import json
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.analysis.scorecard import Scorecard, UndefinedReason
from experiments.reports.tables import csv_of, json_of, safe_text
from tests.experiments.reports import material

SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")


def lines(raw: bytes) -> list[dict[str, str]]:
    """Return the lines of a CSV file by heading."""
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def test_json__holds_the_stored_scorecard_byte_for_byte() -> None:
    seen = material.evidence(material.scorecard(material.comparisons()), material.SHIP)
    raw = json_of(material.readout(seen))
    assert seen.text.encode() in raw
    body = json.loads(raw)
    assert body["scorecard_sha256"] == sha256(seen.text.encode()).hexdigest()
    assert Scorecard.from_dict(body["scorecard"]) == seen.scorecard
    assert body["verdict"] == material.SHIP.to_dict()


def test_json__before_the_first_look__says_null() -> None:
    body = json.loads(json_of(material.readout(None)))
    assert (body["scorecard"], body["verdict"], body["scorecard_sha256"]) == (None, None, None)
    assert (body["project"], body["experiment"], body["status"]) == ("shop", "free-shipping", "RUNNING")


def test_csv__one_line_per_comparison__with_the_figures_of_the_scorecard() -> None:
    found = material.comparisons()
    seen = material.evidence(material.scorecard(found), material.SHIP)
    rows = lines(csv_of(material.readout(seen)))
    assert [row["metric"] for row in rows] == ["conversion", "refunds", "revenue"]
    for row, comparison in zip(rows, found, strict=True):
        assert float(row["lift"]) == comparison.lift.value
        assert float(row["difference, lower"]) == comparison.absolute.interval.lower
        assert comparison.sequential is not None
        assert float(row["lift over all looks, upper"]) == comparison.sequential.lift.upper
        assert int(row["units, reference"]) == 20_000
    assert (rows[1]["within the margin"], rows[1]["harm"], rows[0]["within the margin"]) == ("true", "false", "")


def test_csv__undefined__is_an_empty_cell_with_its_reason_and_never_zero() -> None:
    undefined = material.undefined(material.comparisons()[0], UndefinedReason.ZERO_CONTROL)
    (row,) = lines(csv_of(material.readout(material.evidence(material.scorecard((undefined,)), material.SHIP))))
    assert (row["lift"], row["difference"], row["p-value"]) == ("", "", "")
    assert (row["status"], row["reason"]) == ("UNDEFINED", "ZERO_CONTROL")


def test_csv__negative_number__stays_a_number() -> None:
    refunds = material.comparisons()[1]
    (row,) = lines(csv_of(material.readout(material.evidence(material.scorecard((refunds,)), material.SHIP))))
    assert row["lift"].startswith("-0.0")
    assert float(row["lift"]) == refunds.lift.value


@pytest.mark.parametrize("sign", SIGNS)
def test_csv__key_like_a_formula__is_quoted_by_an_apostrophe(sign: str) -> None:
    evil = replace(material.comparisons()[0], variant=f"{sign}cmd|' /C calc'!A0")
    raw = csv_of(material.readout(material.evidence(material.scorecard((evil,)), material.SHIP)))
    (row,) = lines(raw)
    assert row["variant"] == f"'{sign}cmd|' /C calc'!A0"


def test_csv__chinese_in_a_spreadsheet__is_announced_by_a_byte_order_mark() -> None:
    raw = csv_of(material.readout(None))
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\r\n") == 1


@given(st.text(max_size=20))
def test_safe_text__never_begins_a_formula_and_loses_nothing(text: str) -> None:
    safe = safe_text(text)
    assert not safe.startswith(SIGNS)
    assert not safe.lstrip().startswith(SIGNS)
    assert safe in (text, f"'{text}")
