"""Owners of slot ranges, laid out for one binary search."""

from collections.abc import Iterable
from typing import TypeVar

Owner = TypeVar("Owner")


def cut_segments(spans: Iterable[tuple[int, int, Owner]]) -> tuple[tuple[int, ...], tuple[Owner | None, ...]]:
    """Return `boundaries` and `owners`: the owner of a slot is owners[bisect_right(boundaries, slot)].

    Spans are half-open [start, end). A slot in no span has the owner None.

    Raises:
        ValueError: two spans share a slot.
    """
    boundaries: list[int] = []
    owners: list[Owner | None] = [None]
    for start, end, owner in sorted(spans, key=lambda span: span[0]):
        if boundaries and start < boundaries[-1]:
            raise ValueError(f"two ranges share slot {start}.")
        if boundaries and start == boundaries[-1]:
            owners[-1] = owner
        else:
            boundaries.append(start)
            owners.append(owner)
        boundaries.append(end)
        owners.append(None)
    return tuple(boundaries), tuple(owners)
