"""Levels: what was known of a unit at its first exposure, and which levels of a dimension keep their own figures."""

from typing import Final

import ibis
from ibis import Table
from ibis.expr.types import StringValue, Value

from experiments.warehouse.functions import DIGEST, MEMBER

UNKNOWN: Final = ""
"""The level of units of which the attribute is not known."""
OTHER: Final = "other"
"""The level that the smallest are merged into, with whatever has this very name."""
MOST_LEVELS: Final = 50
"""Levels of a dimension that keep their own figures."""


def level(document: Value, attribute: str) -> StringValue:
    """Return an attribute of a unit as text, `UNKNOWN` where it is missing."""
    return ibis.coalesce(MEMBER(document, attribute), UNKNOWN)


def leveled(units: Table, dimensions: int) -> Table:
    """Return one row per unit and dimension, with `dimension` (its position) and `level` in place of `names`.

    Beyond the `MOST_LEVELS` levels with the most units, whatever their variants, a level is `OTHER`.
    """
    kept = [name for name in units.columns if name not in names(dimensions)]
    parts = [
        units.select(*kept, dimension=ibis.literal(index, "int64"), level=units[name])
        for index, name in enumerate(names(dimensions))
    ]
    rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
    sizes = rows.group_by("dimension", "level").aggregate(size=rows.count())
    largest = ibis.window(group_by=sizes.dimension, order_by=[sizes["size"].desc(), DIGEST(sizes.level)])
    placed = sizes.mutate(place=ibis.row_number().over(largest))
    own = placed.filter(placed.place < MOST_LEVELS).select(own_dimension="dimension", own_level="level")
    found = rows.left_join(own, [rows.dimension == own.own_dimension, rows.level == own.own_level])
    return found.select(*kept, "dimension", level=ibis.coalesce(found.own_level, OTHER))


def names(dimensions: int) -> list[str]:
    """Return the names of the columns that hold a unit's levels."""
    return [f"d{index}" for index in range(dimensions)]
