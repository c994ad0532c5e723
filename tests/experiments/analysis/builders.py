"""Plans and inputs for the tests of the analysis: small, explicit, with everything else at its default."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from experiments.analysis.inputs import AnalysisInputs, Health, History, MetricSums, Stratum
from experiments.analysis.metrics import Aggregation, MetricSpec, What
from experiments.analysis.plan import AnalysisPlan, PlannedMetric, PlannedVariant, default_plan, recorded_plan
from experiments.statistics.moments import PowerSums
from experiments.vocabulary import Direction, MetricKind, MetricRole, Source

START = datetime(2026, 1, 5, tzinfo=UTC)
MICROS = 1_000_000


def conversion(key: str = "conversion", **more) -> MetricSpec:
    return MetricSpec(key, 1, MetricKind.CONVERSION, Aggregation(("Order Completed",), What.ANY), **more)


def revenue(key: str = "revenue", **more) -> MetricSpec:
    return MetricSpec(key, 1, MetricKind.SUM, Aggregation(("Order Completed",), What.SUM_VALUE), **more)


def ratio(key: str = "ctr", **more) -> MetricSpec:
    clicks, views = (Aggregation((f"Product {name}",), What.COUNT) for name in ("Clicked", "Viewed"))
    return MetricSpec(key, 1, MetricKind.RATIO, clicks, views, **more)


def decision(spec: MetricSpec, direction: Direction = Direction.INCREASE, **more) -> PlannedMetric:
    return PlannedMetric(spec, MetricRole.DECISION, direction, **more)


def guardrail(spec: MetricSpec, margin: float = 0.05, direction: Direction = Direction.INCREASE) -> PlannedMetric:
    return PlannedMetric(spec, MetricRole.GUARDRAIL, direction, margin)


def secondary(spec: MetricSpec) -> PlannedMetric:
    return PlannedMetric(spec, MetricRole.SECONDARY, Direction.INCREASE)


def variants(*treatments: str) -> tuple[PlannedVariant, ...]:
    return (PlannedVariant("control", control=True), *(PlannedVariant(key) for key in treatments or ("treatment",)))


def plan(*metrics: PlannedMetric, treatments: Sequence[str] = ("treatment",), horizon_days: int | None = None, **more):
    made = default_plan(
        variants=variants(*treatments), metrics=metrics or (decision(conversion()),), horizon_days=horizon_days
    )
    return replace(made, **more) if more else made


def finished(*metrics: PlannedMetric, treatments: Sequence[str] = ("treatment",), **more) -> AnalysisPlan:
    made = recorded_plan(variants=variants(*treatments), metrics=metrics or (decision(conversion()),))
    return replace(made, **more) if more else made


def rate(n: int, successes: int) -> PowerSums:
    """Return the sums of a conversion."""
    return PowerSums(n, ("y",), (successes,), (successes,), (successes,), successes)


def money(n: int, buyers: int, each: float) -> PowerSums:
    """Return the sums of a revenue of which `buyers` units spend the same."""
    value = round(each * MICROS)
    return PowerSums(n, ("y",), (buyers * value,), (buyers * value**2,), (buyers,), buyers * value**3)


def inputs(
    figures: Mapping[tuple[str, str], PowerSums],
    *,
    days: float | None = 10.0,
    units: Mapping[str, int] | None = None,
    weights: Mapping[str, int] | None = None,
    health: Health | None = None,
    history: History | None = None,
    source: Source = Source.OWN,
    strata: Sequence[Stratum] = (),
) -> AnalysisInputs:
    """Return the inputs of one stratum, keyed (metric, variant); units default to those of the first metric."""
    names = list(dict.fromkeys(variant for _metric, variant in figures))
    counted = units or {name: next(s.n for (_m, v), s in figures.items() if v == name) for name in names}
    only = Stratum("1", 1, dict(weights or dict.fromkeys(names, 500_000)), dict(counted))
    return AnalysisInputs(
        experiment="free-shipping",
        source=source,
        window_start=None if days is None else START,
        window_end=None if days is None else START + timedelta(days=days),
        received_before=None if days is None else START + timedelta(days=days, hours=1),
        strata=tuple(strata) or (only,),
        sums=tuple(MetricSums(metric, variant, "1", sums) for (metric, variant), sums in figures.items()),
        health=health or Health(),
        history=history or History(),
    )


def rates(*counts: tuple[int, int], metric: str = "conversion", treatments: Sequence[str] = ("treatment",)):
    """Return the sums of one conversion metric: control first."""
    names = ("control", *treatments)
    return {(metric, name): rate(n, x) for name, (n, x) in zip(names, counts, strict=True)}
