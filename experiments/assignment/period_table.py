"""Slots of many units in many periods at once: bit-equal to `Periods.slot`, hashed in bulk."""

from collections.abc import Sequence

import numpy as np

from experiments.assignment.bucketing import SLOTS
from experiments.assignment.bulk_block import draw_slots
from experiments.assignment.bulk_table import Slots
from experiments.assignment.periods import Periods


def period_slots(calendar: Periods, units: Sequence[bytes], periods: Sequence[int]) -> Slots:
    """Return the slot with which each unit is drawn in each period: shape (units, periods), 0 to 999 999.

    units: ids in UTF-8. periods: their numbers, in any order.
    """
    if not units or not periods:
        return np.zeros((len(units), len(periods)), dtype=np.int32)
    wanted = np.asarray(periods, dtype=np.int64)
    blocks, own = np.unique(wanted // calendar.block, return_inverse=True)
    numbers = (blocks[:, None] * calendar.block + np.arange(calendar.block)).ravel()
    slots = _drawn(calendar.prefix, units, numbers.tolist())
    if calendar.block > 1:
        slots = _in_blocks(slots, calendar.block)
    found: Slots = slots[:, own * calendar.block + wanted % calendar.block]
    return found


def _drawn(prefix: bytes, units: Sequence[bytes], periods: Sequence[int]) -> Slots:
    """Return the slots of the cells themselves."""
    ends = [b"|%d" % period for period in periods]
    slots = draw_slots(prefix, (unit + end for unit in units for end in ends))
    return slots.reshape(len(units), len(ends))


def _in_blocks(slots: Slots, block: int) -> Slots:
    """Return for each cell the middle of the part of all slots that its place in its block has; ties by period."""
    drawn = slots.reshape(len(slots), -1, block)
    order = np.argsort(drawn, axis=2, kind="stable")
    middles = ((2 * np.arange(block, dtype=np.int64) + 1) * SLOTS // (2 * block)).astype(np.int32)
    found = np.empty_like(drawn)
    np.put_along_axis(found, order, np.broadcast_to(middles, order.shape), axis=2)
    return found.reshape(slots.shape)
