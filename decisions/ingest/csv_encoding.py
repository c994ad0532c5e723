"""In which encoding a file of a shop is: UTF-8, or GB18030, which holds GBK and GB2312."""

from dataclasses import dataclass
from typing import BinaryIO, Final

from foundation.errors import DomainError

UTF_8: Final = "utf-8"
GB18030: Final = "gb18030"
BOM: Final = b"\xef\xbb\xbf"
LONGEST_LINE: Final = 1_000_000
"""Bytes."""
FEWEST_HIGH_BYTES: Final = 1.5
"""Of a character beyond ASCII, on average, in a file that is believed to be GB18030."""

_ASCII: Final = bytes(range(128))


class FeedEncodingUnknown(DomainError):
    """The file is in no encoding that can be told for certain."""

    code = "FEED_ENCODING_UNKNOWN"
    hint = "Save the file as UTF-8, with or without a byte order mark, or as GB18030."


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to decode a file: the codec, and where its text begins. errors: what becomes of bytes that are no text."""

    codec: str
    start: int
    errors: str


def encoding_of(file: BinaryIO) -> Encoding:
    """Return the encoding of a file; the lines that are no ASCII decide.

    A file most of whose such lines are UTF-8 is UTF-8; a line of it that is not (a title cut in the middle of a
    character) keeps its bytes as lone surrogates, so that it is refused alone. Raises FeedEncodingUnknown.
    """
    file.seek(0)
    start = len(BOM) if file.read(len(BOM)) == BOM else 0
    valid, damaged, first = _non_ascii_lines(file, start)
    if start or not damaged or valid > damaged:
        return Encoding(UTF_8, start, "surrogateescape")
    if not _is_gb18030(file):
        raise FeedEncodingUnknown(f"It is not UTF-8 (see line {first}) and not GB18030 either.")
    return Encoding(GB18030, 0, "strict")


def _non_ascii_lines(file: BinaryIO, start: int) -> tuple[int, int, int]:
    """Return how many lines are UTF-8 beyond ASCII, how many are not UTF-8, and the number of the first of these."""
    valid = damaged = first = 0
    file.seek(start)
    for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), start=1):
        if len(line) == LONGEST_LINE:
            raise FeedEncodingUnknown(f"Line {number} has no end within {LONGEST_LINE} bytes: this is no text.")
        if line.isascii():
            continue
        if _is(line, UTF_8):
            valid += 1
        else:
            damaged += 1
            first = first or number
    return valid, damaged, first


def _is_gb18030(file: BinaryIO) -> bool:
    """Return whether the file can be read as GB18030 and is likely meant so.

    Nearly any text of a Western encoding can be read: its accented letters swallow the letters behind them. Chinese
    characters are of two high bytes for the most part, those mistaken for them of one.
    """
    high_bytes = characters = 0
    file.seek(0)
    for line in file:
        if line.isascii():
            continue
        try:
            text = line.decode(GB18030)
        except UnicodeDecodeError:
            return False
        characters += sum(not sign.isascii() for sign in text)
        high_bytes += len(line.translate(None, _ASCII))
    return high_bytes >= FEWEST_HIGH_BYTES * characters


def _is(line: bytes, codec: str) -> bool:
    try:
        line.decode(codec)
    except UnicodeDecodeError:
        return False
    return True
