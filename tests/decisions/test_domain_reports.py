"""The document that the reports of domains make up."""

from hashlib import sha256
from pathlib import Path

import pytest

from decisions.domain_reports import HEAD, RecordedDataMissing, Section, Table, markdown, sha256_of, with_section

TABLE = Table("Shop: figures", "Of a day.", ("recipe", "NDCG"), (("`a`", "0.1"), ("b | c", "0.2\nx")))
SECTION = Section("Recommendation", "\nFirst.\n\nSecond.\n", (TABLE,))


def test_markdown__a_section__has_its_tables_below_headings():
    assert markdown(SECTION) == (
        "## Recommendation\n\nFirst.\n\nSecond.\n\n### Shop: figures\n\nOf a day.\n\n"
        "| recipe | NDCG |\n| --- | --- |\n| `a` | 0.1 |\n| b \\| c | 0.2 x |\n"
    )


def test_table__a_row_that_does_not_fit__is_refused():
    with pytest.raises(ValueError, match="figures"):
        Table("figures", "", ("a", "b"), (("1",),))


def test_with_section__parts__are_replaced_and_stand_in_order():
    first = with_section("", "recommendation", "## R\n\nold\n")
    both = with_section(first, "ad_placement", "## A\n")
    assert both.startswith(HEAD)
    assert both.index("## A") < both.index("## R")
    again = with_section(both, "recommendation", "## R\n\nnew")
    assert "old" not in again
    assert "## A" in again
    assert again.count("## R") == 1
    assert with_section(again, "recommendation", "## R\n\nnew\n") == again
    assert again.endswith("<!-- end -->\n")


def test_sha256__of_a_file__is_its_digest_and_of_none_a_refusal(tmp_path: Path):
    (tmp_path / "x").write_bytes(b"data")
    assert sha256_of(tmp_path / "x") == sha256(b"data").hexdigest()
    with pytest.raises(RecordedDataMissing, match=r"missing\.csv"):
        sha256_of(tmp_path / "missing.csv")
    with pytest.raises(RecordedDataMissing):
        sha256_of(tmp_path)
