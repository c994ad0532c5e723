"""The experiment and the comparisons of the statistics benchmark: seeded, of every kind of metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.inputs import AnalysisInputs, MetricSums, SegmentSums, Stratum
from experiments.analysis.metrics import Aggregation, MetricSpec, What, divisors
from experiments.analysis.plan import AnalysisPlan, PlannedMetric, PlannedVariant, default_plan
from experiments.statistics.batches import MomentBatch
from experiments.statistics.moments import Moments, PowerSums
from experiments.vocabulary import Direction, MetricKind, MetricRole, Source

METRICS, DIMENSIONS, LEVELS, UNITS = 20, 8, 10, 500
TREATMENTS = ("a", "b")
VARIANTS = ("control", *TREATMENTS)
COMPARISONS = 200
START = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 10
Pair = tuple[Moments, Moments]
Columns = Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Group:
    """The metrics of one kind: the comparisons of all units, and the moments of every segment."""

    kind: MetricKind
    whole: tuple[Pair, ...]
    control: MomentBatch
    treatment: MomentBatch


def experiment(*, seed: int) -> tuple[AnalysisPlan, AnalysisInputs, tuple[Group, ...]]:
    """Return an experiment whose metrics all decide, its sums with segments, and the same as moments by kind."""
    rng = np.random.default_rng(seed)
    specs = [_spec(index) for index in range(METRICS)]
    sums: list[MetricSums] = []
    segments: list[SegmentSums] = []
    for spec in specs:
        pools = {
            variant: [_sums(rng, spec, 1.0 + 0.05 * place) for _ in range(8)] for place, variant in enumerate(VARIANTS)
        }
        sums += [MetricSums(spec.key, variant, "1", pool[0]) for variant, pool in pools.items()]
        segments += [
            SegmentSums(f"d{dimension}", f"level {level}", spec.key, variant, "1", replace(pool[int(rng.integers(8))]))
            for dimension in range(DIMENSIONS)
            for level in range(LEVELS)
            for variant, pool in pools.items()
        ]
    plan = replace(
        default_plan(
            variants=[PlannedVariant(key, control=key == "control") for key in VARIANTS],
            metrics=[PlannedMetric(spec, MetricRole.DECISION, Direction.INCREASE) for spec in specs],
            horizon_days=28,
        ),
        dimensions=tuple(f"d{dimension}" for dimension in range(DIMENSIONS)),
    )
    end = START + timedelta(days=DAYS)
    stratum = Stratum("1", 1, dict.fromkeys(VARIANTS, 300_000), dict.fromkeys(VARIANTS, UNITS))
    inputs = AnalysisInputs("bench", Source.OWN, START, end, end, (stratum,), tuple(sums), segments=tuple(segments))
    return plan, inputs, tuple(_group(kind, specs, sums, segments) for kind in MetricKind)


def without_segments(inputs: AnalysisInputs) -> AnalysisInputs:
    """Return the inputs of the same experiment in which nobody asks for segments."""
    return replace(inputs, segments=())


def comparisons(*, seed: int) -> dict[str, list[Pair]]:
    """Return comparisons of two arms by the method that every program has, in own units."""
    rng = np.random.default_rng(seed)
    chosen = {
        "proportions": (MetricKind.CONVERSION, ("y",)),
        "means": (MetricKind.SUM, ("y",)),
        "ratio": (MetricKind.RATIO, ("y", "d")),
        "cuped": (MetricKind.SUM, ("y", "x")),
    }
    found = {}
    for name, (kind, names) in chosen.items():
        spec = next(spec for spec in map(_spec, range(4)) if spec.kind is kind)
        found[name] = [
            (_moments(rng, spec, 1.0, names), _moments(rng, spec, rng.uniform(0.9, 1.1), names))
            for _ in range(COMPARISONS)
        ]
    return found


def as_json(arm: Moments) -> dict[str, Any]:
    """Return an arm's moments as plain values: sums and sums of products, means, variances and covariances."""
    products = arm.scatter + arm.n * np.outer(arm.mean, arm.mean)
    pairs = [(i, j) for i in range(len(arm.names)) for j in range(i, len(arm.names))]
    keys = [f"{arm.names[i]}*{arm.names[j]}" for i, j in pairs]
    return {
        "n": arm.n,
        "mean": {name: arm.mean_of(name) for name in arm.names},
        "variance": {name: arm.variance(name) for name in arm.names},
        "sum": {name: arm.n * arm.mean_of(name) for name in arm.names},
        "products": {key: float(products[i, j]) for key, (i, j) in zip(keys, pairs, strict=True)},
        "covariance": {
            key: float(arm.scatter[i, j]) / (arm.n - 1) for key, (i, j) in zip(keys, pairs, strict=True) if i != j
        },
    }


def _spec(index: int) -> MetricSpec:
    kind = tuple(MetricKind)[index % 4]
    what = {MetricKind.CONVERSION: What.ANY, MetricKind.SUM: What.SUM_VALUE}.get(kind, What.COUNT)
    below = Aggregation(("Product Viewed",), What.COUNT) if kind is MetricKind.RATIO else None
    return MetricSpec(f"m{index}", 1, kind, Aggregation(("Order Completed",), what), below, covariate_days=14)


def _moments(rng: np.random.Generator, spec: MetricSpec, effect: float, names: Sequence[str]) -> Moments:
    return Moments.from_power_sums(_sums(rng, spec, effect, 20 * UNITS), divisors(spec)).select(names)


def _sums(rng: np.random.Generator, spec: MetricSpec, effect: float, units: int = UNITS) -> PowerSums:
    """Return the sums of units whose habits carry over from before the experiment."""
    columns = _columns(rng, spec.kind, effect, units)
    exact = [column.astype(object) for column in columns.values()]
    return PowerSums(
        units,
        tuple(columns),
        tuple(int(column.sum()) for column in exact),
        tuple(int(exact[i] @ exact[j]) for i in range(len(exact)) for j in range(i, len(exact))),
        tuple(int(np.count_nonzero(column)) for column in columns.values()),
    )


def _columns(rng: np.random.Generator, kind: MetricKind, effect: float, units: int) -> Columns:
    habit = rng.gamma(2.0, 0.5, units)
    if kind is MetricKind.CONVERSION:
        rates = (np.minimum(0.9, 0.15 * habit * effect), np.minimum(0.9, 0.15 * habit))
        return {name: rng.binomial(1, rate) for name, rate in zip(("y", "x"), rates, strict=True)}
    if kind is MetricKind.COUNT:
        return {"y": rng.poisson(habit * effect), "x": rng.poisson(habit)}
    if kind is MetricKind.RATIO:
        views, before = 1 + rng.poisson(4.0 * habit), 1 + rng.poisson(4.0 * habit)
        clicks, earlier = rng.binomial(views, min(0.9, 0.2 * effect)), rng.binomial(before, 0.2)
        return {"y": clicks, "d": views, "x": earlier, "x_d": before}
    spent = {"y": habit * effect, "x": habit}
    return {
        name: (np.exp(rng.normal(3.5, 0.8, units)) * rng.binomial(1, np.minimum(0.9, 0.5 * mean)) * 1e6).astype(
            np.int64
        )
        for name, mean in spent.items()
    }


def _group(
    kind: MetricKind, specs: Sequence[MetricSpec], sums: Sequence[MetricSums], segments: Sequence[SegmentSums]
) -> Group:
    mine = {spec.key: divisors(spec) for spec in specs if spec.kind is kind}
    units = next(iter(mine.values()))
    whole = {
        (entry.metric, entry.variant): Moments.from_power_sums(entry.sums, units)
        for entry in sums
        if entry.metric in mine
    }
    arms = [
        [
            entry.sums
            for key in mine
            for treatment in TREATMENTS
            for entry in segments
            if entry.metric == key and entry.variant == ("control" if is_control else treatment)
        ]
        for is_control in (True, False)
    ]
    names = arms[0][0].names
    return Group(
        kind,
        tuple((whole[key, "control"], whole[key, treatment]) for key in mine for treatment in TREATMENTS),
        MomentBatch.from_power_sums(arms[0], names, units),
        MomentBatch.from_power_sums(arms[1], names, units),
    )
