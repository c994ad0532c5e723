"""Allocations: which slots belong to which variant, moving as few slots as a change of weights allows."""

from collections.abc import Mapping, Sequence

SLOTS = 1_000_000

Ranges = tuple[tuple[int, int], ...]


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
