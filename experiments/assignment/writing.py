"""What every client can read in a bundle: JSON as its standard has it, which parsers of some languages stretch."""

from collections.abc import Mapping
from math import isfinite

LARGEST_INTEGER = 2**63
"""What every client can read as a whole number: more digits have no text here, and no number in JavaScript."""


def unwritable(value: object, path: str) -> str | None:
    """Return the path of the first part that JSON cannot say, None where there is none."""
    if isinstance(value, Mapping):
        inner = ((item, f"{path}.{name}") for name, item in value.items())
        return next(filter(None, (unwritable(item, where) for item, where in inner)), None)
    if isinstance(value, list | tuple):
        listed = (unwritable(item, f"{path}[{place}]") for place, item in enumerate(value))
        return next(filter(None, listed), None)
    match value:
        case None | bool():
            is_said = True
        case int():
            is_said = abs(value) <= LARGEST_INTEGER
        case float():
            is_said = isfinite(value)
        case str():
            is_said = not any("\ud800" <= letter <= "\udfff" for letter in value)
        case _:
            is_said = False
    return None if is_said else path
