"""Regular expressions for audiences: RE2 alone, whose time is linear in the input."""

from collections.abc import Callable

LONGEST_PATTERN = 256
LONGEST_INPUT = 1024
"""Bytes of UTF-8; a longer attribute does not match."""


def compile_pattern(pattern: object) -> Callable[[object], bool]:
    """Return a test of whether a value is a string in which the pattern is found anywhere.

    Raises:
        ValueError: not a string, empty, longer than 256 characters, or not in RE2's syntax.
    """
    if not isinstance(pattern, str) or not 0 < len(pattern) <= LONGEST_PATTERN:
        raise ValueError(f"must be a pattern of 1 to {LONGEST_PATTERN} characters.")
    # Imported here so that a process without such an audience never loads the library.
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(f"is not a pattern of RE2: {_text(error)}.") from error

    def matches(value: object) -> bool:
        if not isinstance(value, str):
            return False
        try:
            raw = value.encode()
        except UnicodeEncodeError:
            return False
        return len(raw) <= LONGEST_INPUT and compiled.search(value) is not None

    return matches


def _text(error: Exception) -> str:
    detail = error.args[0] if error.args else "unknown fault"
    return detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
