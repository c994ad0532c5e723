"""Exact sums of a day's visitors, as the warehouse's query would return them."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from experiments.analysis.metrics import MICROS, Aggregation, MetricSpec, What, variables
from experiments.statistics.moments import PowerSums
from simulation.behaviour import Reactions
from simulation.catalogue import Integers

CENT = MICROS // 100
"""Micro units in a cent: money is added up in cents, whose cubes fit 64 bits, and scaled exactly at the end."""


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """What each visitor did within the window, by event: how often, and for how many cents; and before the visit."""

    counts: Mapping[str, Integers]
    cents: Mapping[str, Integers]
    before: Mapping[str, Integers]


def totals_of(reactions: Reactions, viewed_before: Integers) -> Totals:
    """Return the totals of visitors; everything they do lies within the window of their exposure."""
    refunded = reactions.refunded.astype(np.int64)
    return Totals(
        counts={
            "Order Completed": reactions.ordered.astype(np.int64),
            "Order Refunded": refunded,
            "Product Viewed": reactions.views + reactions.clicked.sum(axis=1),
        },
        cents={"Order Completed": reactions.cents, "Order Refunded": -reactions.cents * refunded},
        before={"Product Viewed": viewed_before},
    )


def sums_of(spec: MetricSpec, totals: Totals, which: np.ndarray) -> PowerSums:
    """Return the power sums of one metric over the visitors that `which` selects."""
    values = {name: column[which] for name, column in _values(spec, totals).items()}
    scales = {found.name: CENT if found.divisor == MICROS else 1 for found in variables(spec)}
    names = tuple(scales)
    y, scale = values[names[0]], scales[names[0]]
    return PowerSums(
        n=int(which.sum()),
        names=names,
        sums=tuple(int(values[name].sum()) * scales[name] for name in names),
        products=tuple(
            int((values[left] * values[right]).sum()) * scales[left] * scales[right]
            for left, right in combinations_with_replacement(names, 2)
        ),
        nonzero=tuple(int(np.count_nonzero(values[name])) for name in names),
        cubes=int((y * y * y).sum()) * scale**3,
    )


def _values(spec: MetricSpec, totals: Totals) -> dict[str, Integers]:
    """Return each variable of a metric, one value for each visitor; money in cents."""
    whole = _total(spec.numerator, totals)
    found = {"y": whole if spec.cap_units is None else np.minimum(whole, spec.cap_units // CENT)}
    if spec.denominator is not None:
        found["d"] = _total(spec.denominator, totals)
    if spec.cap_micros is not None:
        found["y_uncapped"] = whole
    if spec.covariate_days > 0:
        before = Totals(counts=totals.before, cents={}, before={})
        found["x"] = _total(spec.numerator, before)
    return found


def _total(aggregation: Aggregation, totals: Totals) -> Integers:
    columns = totals.cents if aggregation.what is What.SUM_VALUE else totals.counts
    some = next(iter(totals.counts.values()))
    total: Integers = sum((columns[event] for event in aggregation.events if event in columns), np.zeros_like(some))
    return (total > 0).astype(np.int64) if aggregation.what is What.ANY else total
