"""Allocations: which slots belong to which variant, moving as few slots as a change of weights allows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SLOTS = 1_000_000

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Allocation:
    """How one epoch divides traffic: slots of coverage, and those of each variant that takes new units."""

    coverage: int
    drawn: Mapping[str, Ranges]


def is_monotone(before: Allocation, after: Allocation) -> bool:
    """Return whether every unit that `before` could draw into a variant is drawn into the same one by `after`.

    So a change is monotone where it only adds units: coverage does not shrink, and each variant that took new units
    still does and keeps every slot it owned. A variant without slots has nothing to lose, and neither has an
    allocation without coverage.
    """
    if before.coverage == 0 or not any(before.drawn.values()):
        return True
    if after.coverage < before.coverage:
        return False
    return all(_shared(owned, after.drawn.get(key, ())) == _width(owned) for key, owned in before.drawn.items())


def must_remember(epochs: Iterable[Allocation]) -> bool:
    """Return whether some change between successive epochs was not monotone.

    From then on the hash alone does not tell what a unit met before, whatever the later changes are.
    """
    return any(not is_monotone(before, after) for before, after in pairwise(epochs))


def first_ranges(weights: Mapping[str, int]) -> dict[str, Ranges]:
    """Return contiguous slots for each variant in order; weights are slots and add up to 1 000 000."""
    start = 0
    ranges: dict[str, Ranges] = {}
    for key, weight in weights.items():
        ranges[key] = ((start, start + weight),) if weight else ()
        start += weight
    return ranges


def moved_ranges(current: Mapping[str, Ranges], weights: Mapping[str, int]) -> dict[str, Ranges]:
    """Return the slots under new weights: a variant that shrinks gives up its last slots, one that grows takes them.

    Only as many slots change hands as the weights differ by, so no unit moves that need not.
    """
    kept: dict[str, Ranges] = {}
    freed: list[tuple[int, int]] = []
    for key, weight in weights.items():
        owned = _width(current[key])
        kept[key], given = _cut(current[key], min(weight, owned))
        freed.extend(given)
    for key, weight in weights.items():
        missing = weight - _width(kept[key])
        if missing > 0:
            taken, rest = _cut(tuple(sorted(freed)), missing)
            kept[key] = _joined((*kept[key], *taken))
            freed = list(rest)
    return kept


def _shared(first: Ranges, second: Ranges) -> int:
    """Return how many slots both have; neither overlaps itself."""
    return sum(max(0, min(a, b) - max(c, d)) for c, a in first for d, b in second)


def _width(ranges: Sequence[tuple[int, int]]) -> int:
    return sum(upper - lower for lower, upper in ranges)


def _cut(ranges: Ranges, width: int) -> tuple[Ranges, Ranges]:
    """Return the first `width` slots of the ranges, and the others."""
    head, tail = [], []
    for lower, upper in ranges:
        middle = min(upper, lower + width)
        if middle > lower:
            head.append((lower, middle))
        if upper > middle:
            tail.append((middle, upper))
        width -= middle - lower
    return tuple(head), tuple(tail)


def _joined(ranges: Ranges) -> Ranges:
    joined: list[tuple[int, int]] = []
    for lower, upper in sorted(ranges):
        if joined and joined[-1][1] == lower:
            joined[-1] = (joined[-1][0], upper)
        else:
            joined.append((lower, upper))
    return tuple(joined)
