"""Model cards as Markdown: a pure rendering of sections that whoever knows the words has filled."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~!])")
_BREAKS: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of equal length under their headings."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a card: facts by label, paragraphs, points and a table, each as far as there are any."""

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """What somebody should know of a version before letting it decide (Mitchell et al. 2019)."""

    title: str
    sections: tuple[Section, ...]


def render_card(card: Card) -> str:
    """Return the card as Markdown; texts of people stand in it as text, whatever they contain."""
    return "\n".join(_lines(card)) + "\n"


def _lines(card: Card) -> Iterator[str]:
    yield f"# {_text(card.title)}"
    for section in card.sections:
        yield from ("", f"## {_text(section.title)}")
        if section.facts:
            yield ""
            yield from (f"- **{_text(label)}**: {_text(value)}" for label, value in section.facts)
        for paragraph in section.paragraphs:
            yield from ("", _text(paragraph))
        if section.points:
            yield ""
            yield from (f"- {_text(point)}" for point in section.points)
        for table in section.tables:
            yield ""
            yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield _row(table.headings)
    yield "|" + " --- |" * len(table.headings)
    yield from (_row(row) for row in table.rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_text, cells))} |"


def _text(value: str) -> str:
    """Return a text on one line in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", _BREAKS.sub(" ", str(value)).strip())
