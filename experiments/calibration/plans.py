"""The plans that the studies judge by: the product's defaults, with what a study varies."""

from dataclasses import replace
from typing import Any

from experiments.analysis.metrics import Aggregation, MetricSpec, What
from experiments.analysis.plan import AnalysisPlan, PlannedMetric, PlannedVariant, default_plan, recorded_plan
from experiments.vocabulary import Direction, MetricKind, MetricRole

CONTROL = "control"
TREATMENT = "treatment"
CENTS = 10_000
"""Micro units in a cent: simulated money is whole cents."""
_ORDER = ("Order Completed",)


def conversion(key: str = "conversion", *, covariate_days: int = 0) -> MetricSpec:
    """Return a conversion metric."""
    return MetricSpec(key, 1, MetricKind.CONVERSION, Aggregation(_ORDER, What.ANY), covariate_days=covariate_days)


def count(key: str = "orders", *, covariate_days: int = 0) -> MetricSpec:
    """Return a metric that counts events of a unit."""
    return MetricSpec(key, 1, MetricKind.COUNT, Aggregation(_ORDER, What.COUNT), covariate_days=covariate_days)


def revenue(key: str = "revenue", *, cap_cents: int | None = None, covariate_days: int = 0) -> MetricSpec:
    """Return a revenue metric, capped where a cap is given."""
    cap = None if cap_cents is None else cap_cents * CENTS
    aggregation = Aggregation(_ORDER, What.SUM_VALUE)
    return MetricSpec(key, 1, MetricKind.SUM, aggregation, cap_micros=cap, covariate_days=covariate_days)


def ratio(key: str = "click_rate", *, covariate_days: int = 0) -> MetricSpec:
    """Return clicks per view."""
    clicks, views = (Aggregation((f"Product {name}",), What.COUNT) for name in ("Clicked", "Viewed"))
    return MetricSpec(key, 1, MetricKind.RATIO, clicks, views, covariate_days=covariate_days)


def decision(spec: MetricSpec, *, planned_information: float | None = None) -> PlannedMetric:
    """Return the metric as one that decides."""
    return PlannedMetric(spec, MetricRole.DECISION, Direction.INCREASE, None, planned_information=planned_information)


def secondary(spec: MetricSpec) -> PlannedMetric:
    """Return the metric as a secondary one."""
    return PlannedMetric(spec, MetricRole.SECONDARY, Direction.INCREASE)


def guardrail(spec: MetricSpec, margin: float) -> PlannedMetric:
    """Return the metric as a guardrail."""
    return PlannedMetric(spec, MetricRole.GUARDRAIL, Direction.INCREASE, margin)


def variants(treatments: int = 1) -> tuple[PlannedVariant, ...]:
    """Return control and so many treatments."""
    keys = arm_keys(treatments)
    return tuple(PlannedVariant(key, control=key == CONTROL) for key in keys)


def arm_keys(treatments: int = 1) -> tuple[str, ...]:
    """Return the keys of the variants, control first."""
    named = (TREATMENT,) if treatments == 1 else tuple(f"{TREATMENT}-{k + 1}" for k in range(treatments))
    return (CONTROL, *named)


def one_look(*metrics: PlannedMetric, treatments: int = 1, **changes: Any) -> AnalysisPlan:
    """Return the plan of a finished experiment: one look."""
    return replace(recorded_plan(variants=variants(treatments), metrics=metrics), **changes)


def daily(*metrics: PlannedMetric, days: int, treatments: int = 1, **changes: Any) -> AnalysisPlan:
    """Return the default plan with a horizon: group sequential, one look a day."""
    made = default_plan(variants=variants(treatments), metrics=metrics, horizon_days=days)
    return replace(made, **changes)


def endless(*metrics: PlannedMetric, treatments: int = 1, **changes: Any) -> AnalysisPlan:
    """Return the default plan without a horizon: a confidence sequence."""
    made = default_plan(variants=variants(treatments), metrics=metrics)
    return replace(made, **changes)
