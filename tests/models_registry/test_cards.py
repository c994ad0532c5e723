"""Cards as Markdown: every part has its place, and what people wrote never becomes markup."""

from hypothesis import given
from hypothesis import strategies as st

from models_registry.cards import Card, Section, Table, render_card

CARD = Card(
    "Home ranking v3",
    (
        Section("Facts", facts=(("Size", "3 kB"), ("SHA-256", "ab12"))),
        Section("Words", paragraphs=("First.", "Second."), points=("one", "two")),
        Section("Figures", tables=(Table(("Figure", "Value"), (("nDCG", "0.2"), ("Recall", "0.4"))),)),
        Section("Nothing"),
    ),
)


def test_card__every_part__stands_in_its_form():
    assert render_card(CARD) == (
        "# Home ranking v3\n\n## Facts\n\n- **Size**: 3 kB\n- **SHA-256**: ab12\n\n## Words\n\nFirst.\n\nSecond.\n\n"
        "- one\n- two\n\n## Figures\n\n| Figure | Value |\n| --- | --- |\n| nDCG | 0.2 |\n| Recall | 0.4 |\n\n"
        "## Nothing\n"
    )


def test_card__markup_in_texts__is_escaped():
    text = render_card(Card("<script>|x", (Section("a\n# b", facts=(("*k*", "[l](javascript:1)"),)),)))
    assert "\n# b" not in text
    assert "\\<script\\>\\|x" in text
    assert "\\[l\\](javascript:1)" in text
    assert "**\\*k\\***" in text


@given(st.text(), st.text())
def test_card__any_texts__keep_the_number_of_lines_and_cells(label: str, value: str):
    text = render_card(Card("t", (Section("s", tables=(Table((label, "b"), ((value, "d"),)),)),)))
    lines = text.split("\n")
    assert len(lines) == 8
    assert [line.replace("\\\\", "").replace("\\|", "").count("|") for line in lines[4:7]] == [3, 3, 3]
