"""Reading a bundle's JSON: each function returns a checked value or names the path of the fault."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from types import MappingProxyType

from experiments.assignment.bucketing import SLOTS
from foundation.errors import DomainError


class BundleInvalid(DomainError):
    """A bundle that cannot be used; the message begins with the path of the fault."""

    code = "BUNDLE_INVALID"
    hint = "Mend the record that the path names and publish again; the bundle published before stays live."


def read_object(value: object, path: str) -> Mapping[str, object]:
    """Return a JSON object."""
    if not isinstance(value, Mapping):
        raise BundleInvalid(f"{path}: must be an object.")
    return value


def read_list(value: object, path: str) -> Sequence[object]:
    """Return a JSON list."""
    if not isinstance(value, list | tuple):
        raise BundleInvalid(f"{path}: must be a list.")
    return value


def read_text(entry: Mapping[str, object], name: str, path: str) -> str:
    """Return a non-empty string that has a UTF-8 form."""
    value = entry.get(name)
    if not isinstance(value, str) or not value:
        raise BundleInvalid(f"{path}.{name}: must be a non-empty string.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BundleInvalid(f"{path}.{name}: contains a lone surrogate.") from error
    return value


def read_integer(entry: Mapping[str, object], name: str, path: str, *, most: int = 2**63 - 1) -> int:
    """Return a whole number from 0 to `most`."""
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise BundleInvalid(f"{path}.{name}: must be a whole number from 0 to {most}.")
    return value


def read_flag(entry: Mapping[str, object], name: str, path: str) -> bool:
    """Return a truth value."""
    value = entry.get(name)
    if not isinstance(value, bool):
        raise BundleInvalid(f"{path}.{name}: must be true or false.")
    return value


def read_moment(entry: Mapping[str, object], name: str, path: str) -> datetime:
    """Return an aware time from ISO 8601."""
    try:
        moment = datetime.fromisoformat(read_text(entry, name, path))
    except ValueError as error:
        raise BundleInvalid(f"{path}.{name}: must be an ISO 8601 time.") from error
    if moment.tzinfo is None:
        raise BundleInvalid(f"{path}.{name}: must carry a time zone.")
    return moment


def read_ranges(value: object, path: str, *, most: int = SLOTS) -> tuple[tuple[int, int], ...]:
    """Return half-open ranges of slots, or of other numbers up to `most`, ascending, none empty, none overlapping."""
    ranges: list[tuple[int, int]] = []
    for index, pair in enumerate(read_list(value, path)):
        match pair:
            case [int() as start, int() as end] if bool not in (type(start), type(end)) and 0 <= start < end <= most:
                ranges.append((start, end))
            case _:
                raise BundleInvalid(f"{path}[{index}]: must be [start, end) with 0 <= start < end <= {most}.")
    ranges.sort()
    for (_, end), (start, _) in pairwise(ranges):
        if start < end:
            raise BundleInvalid(f"{path}: two ranges share slot {start}.")
    return tuple(ranges)


def freeze(value: object) -> object:
    """Return a deeply read-only view of parsed JSON."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    return value
