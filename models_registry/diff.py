"""What differs between two versions: pure comparisons of what is recorded of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

IMPORTANCE: Final = "importance_"
"""Metrics of a recipe that begin so are the importances of features, by the rest of the name."""


class Change(StrEnum):
    """What became of a value between two versions."""

    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One value of both versions, by its path; None on the side that lacks it."""

    path: str
    before: Any
    after: Any
    change: Change


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure of both versions; `change` is after - before, None where one side lacks it or it is no number."""

    name: str
    before: float | None
    after: float | None
    change: float | None


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return every value of two JSON objects, in the order of its path (`a.b`); lists are compared whole."""
    one, other = dict(_leaves(before)), dict(_leaves(after))
    return tuple(
        Difference(path, one.get(path), other.get(path), _change(path, one, other))
        for path in sorted(one.keys() | other.keys())
    )


def figure_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FigureChange, ...]:
    """Return the figures of two versions by name, those of features left out."""
    return tuple(
        _figure(name, before, after) for name in sorted(before.keys() | after.keys()) if not name.startswith(IMPORTANCE)
    )


def importance_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FigureChange, ...]:
    """Return how much each feature counts in two versions, the most important of the second one first."""
    names = {name for name in before.keys() | after.keys() if name.startswith(IMPORTANCE)}
    found = [_figure(name, before, after) for name in sorted(names)]
    found.sort(key=lambda figure: -abs(figure.after if figure.after is not None else 0.0))
    return tuple(
        FigureChange(figure.name.removeprefix(IMPORTANCE), figure.before, figure.after, figure.change)
        for figure in found
    )


def _leaves(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        where = f"{path}.{name}" if path else str(name)
        if isinstance(inner, Mapping) and inner:
            yield from _leaves(inner, where)
        else:
            yield where, inner


def _change(path: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Change:
    if path not in other:
        return Change.REMOVED
    if path not in one:
        return Change.ADDED
    return Change.SAME if one[path] == other[path] else Change.CHANGED


def _figure(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> FigureChange:
    one, other = _number(before.get(name)), _number(after.get(name))
    return FigureChange(name, one, other, None if one is None or other is None else other - one)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
