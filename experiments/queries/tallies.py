"""Rows of the warehouse put together: exact sums and unit counts by the place they belong to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from experiments.analysis.inputs import MetricSums, SegmentSums
from experiments.analysis.metrics import MetricSpec
from experiments.statistics.moments import PowerSums
from experiments.vocabulary import Source
from experiments.warehouse.power_sums import read_sums

Row = Mapping[str, Any]
Place = tuple[str, ...]


def add_units(units: dict[Place, dict[str, int]], place: Place, variant: str, more: int) -> None:
    """Add units of a variant to a place."""
    counts = units.setdefault(place, {})
    counts[variant] = counts.get(variant, 0) + more


def add_sums(
    sums: dict[Place, PowerSums], row: Row, specs: Sequence[MetricSpec], place: Place, *, source: Source
) -> None:
    """Add the sums of a row's metrics to (metric, *place)."""
    for index, spec in enumerate(specs):
        n = int(row[f"complete_{spec.settled_hours}"] if source is Source.OWN else row["units"])
        found = read_sums(prefix=f"m{index}", spec=spec, source=source, n=n, row=row)
        key = (spec.key, *place)
        sums[key] = sums[key].merge(found) if key in sums else found


def metric_sums(sums: Mapping[Place, PowerSums]) -> tuple[MetricSums, ...]:
    """Return sums that were added up by (metric, variant, stratum)."""
    return tuple(MetricSums(metric, variant, stratum, found) for (metric, variant, stratum), found in sums.items())


def segment_sums(sums: Mapping[Place, PowerSums], levels: Sequence[Place]) -> tuple[SegmentSums, ...]:
    """Return sums that were added up by (metric, dimension, level, variant, stratum), in the order of the levels."""
    order = {level: index for index, level in enumerate(levels)}
    ordered = sorted(sums, key=lambda place: order[place[1:3]])
    return tuple(
        SegmentSums(dimension, level, metric, variant, stratum, sums[metric, dimension, level, variant, stratum])
        for metric, dimension, level, variant, stratum in ordered
    )


def levels_of(units: Mapping[Place, Mapping[str, int]], dimensions: Sequence[str]) -> list[Place]:
    """Return the (dimension, level) of places that begin with them: largest level first, in the dimensions' order."""
    sizes: dict[Place, int] = {}
    for (dimension, level, *_), counts in units.items():
        sizes[dimension, level] = sizes.get((dimension, level), 0) + sum(counts.values())
    return sorted(sizes, key=lambda place: (dimensions.index(place[0]), -sizes[place], place[1]))


def in_order(
    units: Mapping[Place, Mapping[str, int]], levels: Sequence[Place], strata: Sequence[str]
) -> dict[Place, Mapping[str, int]]:
    """Return unit counts by (dimension, level, stratum), in the order of levels and strata."""
    return {
        (*level, stratum): units[(*level, stratum)]
        for level in levels
        for stratum in strata
        if (*level, stratum) in units
    }


def by_stratum(units: Mapping[Place, Mapping[str, int]]) -> dict[str, Mapping[str, int]]:
    """Return unit counts whose place is a stratum alone."""
    return {stratum: counts for (stratum,), counts in units.items()}


def total(rows: Iterable[Row], name: str) -> int:
    """Return the sum of a column."""
    return sum(int(row[name]) for row in rows)
