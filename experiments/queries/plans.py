"""Analysis plans: the one that launch would freeze, and the frozen one."""

import json
import math
from dataclasses import replace

from experiments.analysis.codec import RecordInvalid
from experiments.analysis.filters import UnitFilter
from experiments.analysis.metrics import Aggregation, MetricSpec, What
from experiments.analysis.plan import (
    Adjustment,
    PlanInvalid,
    PlannedMetric,
    PlannedVariant,
    default_plan,
    recorded_plan,
)
from experiments.analysis.plan import (
    AnalysisPlan as Plan,
)
from experiments.analysis.planned_periods import LEAST_CELLS, PlannedPeriods
from experiments.assignment.periods import DAY_MINUTES, block_length
from experiments.models import AnalysisPlan, Experiment, ExperimentMetric, Metric
from experiments.queries.filters import active_filters, pinned_filters
from experiments.vocabulary import PERSONAL_UNITS, Direction, MetricKind, MetricRole, PeriodDesign, Source

PLANNED_INFORMATION = "planned_information"
"""The override that holds, by metric, the information (1 / SE^2 of the difference) the design expects at the end."""
REPURCHASE_DAYS = "repurchase_days"
"""The override that declares after how many days shoppers typically buy again, where units are randomised by period."""


def draft_plan(experiment_id: int) -> Plan:
    """Return the plan that a launch would freeze now: the defaults with the analyst's overrides.

    Overrides name fields of the plan; `planned_information` gives numbers by metric, `repurchase_days` the shoppers'
    cycle. Raises PlanInvalid.
    """
    experiment = Experiment.objects.prefetch_related("variants", "metrics__metric").get(pk=experiment_id)
    try:
        variants = [PlannedVariant(row.key, row.is_control) for row in experiment.variants.all()]
        metrics = [_planned(use, experiment.period_minutes) for use in experiment.metrics.all()]
    except ValueError as error:
        raise PlanInvalid(str(error)) from error
    if experiment.source == Source.OWN:
        plan = default_plan(variants=variants, metrics=metrics, horizon_days=experiment.horizon_days)
        plan = _with_periods(_with_units(plan, experiment), experiment)
        overrides = {"mde": experiment.minimum_effect, **experiment.plan_overrides}
    else:
        plan = recorded_plan(variants=variants, metrics=metrics)
        overrides = dict(experiment.plan_overrides)
    plan = _with_information(plan, overrides.pop(PLANNED_INFORMATION, {}))
    plan = _with_repurchase(plan, overrides.pop(REPURCHASE_DAYS, None))
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


def _with_information(plan: Plan, planned: object) -> Plan:
    """Return the plan with the information that its design expects, by metric. Raises PlanInvalid."""
    if not isinstance(planned, dict):
        raise PlanInvalid(f"{PLANNED_INFORMATION}: must be an object with a number for each metric")
    unknown = sorted(set(planned) - {metric.spec.key for metric in plan.metrics})
    if unknown:
        raise PlanInvalid(f"{PLANNED_INFORMATION}.{unknown[0]}: is not a metric of the experiment")
    for key, value in planned.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 < value < math.inf:
            raise PlanInvalid(f"{PLANNED_INFORMATION}.{key}: must be a number above 0, not {value!r}")
    metrics = (
        replace(metric, planned_information=float(planned[metric.spec.key])) if metric.spec.key in planned else metric
        for metric in plan.metrics
    )
    return replace(plan, metrics=tuple(metrics))


def _with_repurchase(plan: Plan, days: object) -> Plan:
    """Return the plan with the days after which shoppers typically buy again. Raises PlanInvalid."""
    if days is None:
        return plan
    if plan.periods is None:
        raise PlanInvalid(f"{REPURCHASE_DAYS}: only an experiment by period has a use for it")
    if isinstance(days, bool) or not isinstance(days, (int, float)):
        raise PlanInvalid(f"{REPURCHASE_DAYS}: must be a number above 0, not {days!r}")
    try:
        return replace(plan, periods=replace(plan.periods, repurchase_days=float(days)))
    except ValueError as error:
        raise PlanInvalid(str(error)) from error


def redrafted(experiment_id: int, frozen: Plan) -> Plan:
    """Return the plan that the design gives now, in the schema of the frozen one: equal to it as long as nobody
    changed the design, also where later schemas have other defaults. Raises PlanInvalid.
    """
    return Plan.from_dict({**draft_plan(experiment_id).to_dict(), "schema": frozen.schema})


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
        maturity_hours=metric.maturity_hours,
    )


def filters_of(experiment_id: int) -> tuple[UnitFilter, ...]:
    """Return the filters of an experiment: those it was launched with, or those it would be launched with now."""
    return _filters(Experiment.objects.get(pk=experiment_id))


def _with_units(plan: Plan, experiment: Experiment) -> Plan:
    """Return the plan with the experiment's dimensions and filters. Raises PlanInvalid."""
    try:
        return replace(plan, dimensions=tuple(experiment.dimensions), filters=_filters(experiment))
    except ValueError as error:
        raise PlanInvalid(str(error)) from error


def _filters(experiment: Experiment) -> tuple[UnitFilter, ...]:
    """Return the filters that are switched on, or the versions the experiment was launched with.

    Filters know shoppers: an item that is looked at a thousand times a day is no robot.
    """
    if experiment.unit_kind not in PERSONAL_UNITS:
        return ()
    frozen = AnalysisPlan.objects.filter(experiment_id=experiment.pk).first()
    if frozen is None:
        return active_filters(experiment.project_id)
    return pinned_filters(experiment.project_id, Plan.from_dict(json.loads(frozen.content)).filters)


def _with_periods(plan: Plan, experiment: Experiment) -> Plan:
    """Return the plan for cells of unit x period, where units are randomised by period. Raises PlanInvalid."""
    if experiment.period_minutes is None:
        return plan
    try:
        periods = PlannedPeriods(
            minutes=experiment.period_minutes,
            design=PeriodDesign(experiment.period_design),
            burn_in=experiment.burn_in_minutes,
            block=block_length([variant.weight for variant in experiment.variants.all()]) or 1,
        )
        return replace(plan, periods=periods, adjustment=Adjustment.NONE, dimensions=(), minimum_units=LEAST_CELLS)
    except ValueError as error:
        raise PlanInvalid(str(error)) from error


def counted_hours(window_hours: int, period_minutes: int | None) -> int:
    """Return how long a unit counts: a cell ends with its period, whatever the metric's window; in whole days."""
    return window_hours if period_minutes is None else 24 * math.ceil(period_minutes / DAY_MINUTES)


def _planned(use: ExperimentMetric, period_minutes: int | None) -> PlannedMetric:
    spec = spec_of(use.metric)
    if period_minutes is not None:
        # what came before a cell belongs to other cells
        spec = replace(spec, window_hours=counted_hours(spec.window_hours, period_minutes), covariate_days=0)
    return PlannedMetric(spec=spec, role=MetricRole(use.role), direction=spec.direction, margin=use.margin)
