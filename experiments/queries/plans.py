"""Analysis plans: the one that launch would freeze, and the frozen one."""

import json

from experiments.analysis.codec import RecordInvalid
from experiments.analysis.metrics import Aggregation, MetricSpec, What
from experiments.analysis.plan import (
    AnalysisPlan as Plan,
)
from experiments.analysis.plan import (
    PlanInvalid,
    PlannedMetric,
    PlannedVariant,
    default_plan,
    recorded_plan,
)
from experiments.models import AnalysisPlan, Experiment, ExperimentMetric, Metric
from experiments.vocabulary import Direction, MetricKind, MetricRole, Source


def draft_plan(experiment_id: int) -> Plan:
    """Return the plan that a launch would freeze now: the defaults with the analyst's overrides. Raises PlanInvalid."""
    experiment = Experiment.objects.prefetch_related("variants", "metrics__metric").get(pk=experiment_id)
    try:
        variants = [PlannedVariant(row.key, row.is_control) for row in experiment.variants.all()]
        metrics = [_planned(use) for use in experiment.metrics.all()]
    except ValueError as error:
        raise PlanInvalid(str(error)) from error
    if experiment.source == Source.OWN:
        plan = default_plan(variants=variants, metrics=metrics, horizon_days=experiment.horizon_days)
        overrides = {"mde": experiment.minimum_effect, **experiment.plan_overrides}
    else:
        plan = recorded_plan(variants=variants, metrics=metrics)
        overrides = dict(experiment.plan_overrides)
    forbidden = sorted({"variants", "metrics", "schema"} & set(overrides))
    if forbidden:
        raise PlanInvalid(f"{forbidden[0]}: is part of the design and cannot be overridden")
    unknown = sorted(set(overrides) - set(plan.to_dict()))
    if unknown:
        raise PlanInvalid(f"{unknown[0]}: is not a part of the plan")
    try:
        return Plan.from_dict({**plan.to_dict(), **overrides})
    except (RecordInvalid, ValueError) as error:
        raise PlanInvalid(str(error)) from error


def plan_of(experiment_id: int) -> Plan:
    """Return the plan that was frozen at launch."""
    return Plan.from_dict(json.loads(AnalysisPlan.objects.get(experiment_id=experiment_id).content))


def spec_of(metric: Metric) -> MetricSpec:
    """Return the pure form of a metric version. Raises ValueError."""
    denominator = None
    if metric.denominator_what:
        denominator = Aggregation(tuple(metric.denominator_events), What(metric.denominator_what))
    return MetricSpec(
        key=metric.key,
        version=metric.version,
        kind=MetricKind(metric.kind),
        numerator=Aggregation(tuple(metric.numerator_events), What(metric.numerator_what)),
        denominator=denominator,
        direction=Direction(metric.direction),
        cap_micros=metric.cap_micros,
        window_hours=metric.window_hours,
        covariate_days=metric.covariate_days,
    )


def _planned(use: ExperimentMetric) -> PlannedMetric:
    spec = spec_of(use.metric)
    return PlannedMetric(spec=spec, role=MetricRole(use.role), direction=spec.direction, margin=use.margin)
