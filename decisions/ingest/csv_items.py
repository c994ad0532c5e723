"""A CSV file of a shop as items of a collection, or as costs and the like: line after line, each taken or refused."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from decisions.domain import FieldKind
from decisions.ingest.csv_encoding import Encoding, encoding_of
from decisions.ingest.fields import ItemRefused
from decisions.ingest.forms import Form
from decisions.ingest.items import ItemValues
from foundation.errors import DomainError

DELIMITERS: Final = (",", ";", "\t")
LONGEST_RECORD: Final = 2_000_000
"""Characters, over all its lines; each line is at most half as long."""

_WHOLE: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?(\d{1,18}(\.\d{0,18})?|\.\d{1,18})([eE][+-]?\d{1,3})?", re.ASCII)


class FeedHeaderInvalid(DomainError):
    """The first line of the file does not name the fields."""

    code = "FEED_HEADER_INVALID"
    hint = "The first line names the fields, the id among them, separated by commas, semicolons or tabs."


@dataclass(frozen=True, slots=True)
class Line:
    """A record of the file: its key and what it says, or why it is refused.

    number: of its first line, from 1. lines: how many it covers, for a quoted text may have several.
    """

    number: int
    lines: int
    item: tuple[str, ItemValues] | None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file whose header has been understood. columns: the names of the fields in their order."""

    file: BinaryIO
    form: Form
    encoding: Encoding
    delimiter: str
    columns: tuple[str, ...]

    def lines(self) -> Iterator[Line]:
        """Yield the records below the header; empty lines are none."""
        with _text(self.file, self.encoding) as text:
            bounded = _Bounded(text)
            reader = csv.reader(bounded, delimiter=self.delimiter, strict=True)
            next(reader)
            while True:
                before = reader.line_num
                bounded.left = LONGEST_RECORD
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield Line(before + 1, reader.line_num - before, None, f"It is no record of a CSV file: {error}.")
                    continue
                if cells:
                    yield self._line(cells, before + 1, reader.line_num - before)

    def _line(self, cells: Sequence[str], number: int, lines: int) -> Line:
        if len(cells) != len(self.columns):
            return Line(number, lines, None, f"It has {len(cells)} fields, the header has {len(self.columns)}.")
        sent = _typed(dict(zip(self.columns, cells, strict=True)), self.form)
        try:
            return Line(number, lines, self.form.read(sent))
        except ItemRefused as fault:
            return Line(number, lines, None, str(fault))


def open_csv(file: BinaryIO, form: Form) -> CsvFile:
    """Return a file of records with what its first line says. Raises FeedEncodingUnknown, FeedHeaderInvalid."""
    encoding = encoding_of(file)
    with _text(file, encoding) as text:
        head = text.readline()
    for delimiter in DELIMITERS:
        columns = _cells(head, delimiter)
        if form.id_field in columns:
            return CsvFile(file, form, encoding, delimiter, _checked(columns, form))
    raise FeedHeaderInvalid(f"The first line names no {form.id_field}: {head.strip()[:100]!r}.")


def _cells(head: str, delimiter: str) -> tuple[str, ...]:
    try:
        return tuple(cell.strip() for cell in next(csv.reader([head], delimiter=delimiter, strict=True), []))
    except csv.Error:
        return ()


def _checked(columns: tuple[str, ...], form: Form) -> tuple[str, ...]:
    strange = [name for name in columns if name not in form.kinds]
    if strange:
        raise FeedHeaderInvalid(
            f"The collection {form.name} has no field {strange[0][:100]!r}; it has {', '.join(form.kinds)}."
        )
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise FeedHeaderInvalid(f"The column {twice[0]} appears twice.")
    return columns


def _typed(cells: Mapping[str, str], form: Form) -> dict[str, Any]:
    """Return cells as JSON would have them: empty ones are unknown, what looks like a number of its field is one."""
    typed: dict[str, Any] = {}
    for name, cell in cells.items():
        kind = form.kinds[name]
        text = cell if kind is FieldKind.TEXT else cell.strip()
        if text:
            typed[name] = _number(text, whole=name in form.whole) if kind is FieldKind.NUMBER else text
    return typed


def _number(text: str, *, whole: bool) -> float | str:
    """Return the number that a cell holds; a cell that holds none stays as it is, to be refused with its reason."""
    if whole:
        return int(text) if _WHOLE.fullmatch(text) else text
    return float(text) if _DECIMAL.fullmatch(text) else text


def _text(file: BinaryIO, encoding: Encoding) -> "_Kept":
    file.seek(encoding.start)
    return _Kept(file, encoding=encoding.codec, errors=encoding.errors, newline="")


class _Bounded:
    """The lines of a text, of which a record has so many characters at most: quotes may join any number of lines."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._waiting = ""
        self.left = LONGEST_RECORD

    def __iter__(self) -> "_Bounded":
        return self

    def __next__(self) -> str:
        line = self._waiting or next(self._text)
        self.left -= len(line)
        self._waiting = line if self.left < 0 else ""
        if self._waiting:  # The next record begins with it.
            raise csv.Error(f"it has more than {LONGEST_RECORD} characters")
        return line


class _Kept(io.TextIOWrapper):
    """The text of a file that stays open when the text is done with."""

    def __exit__(self, *_error: object) -> None:
        self.detach()
