"""The analysis plan: everything that decides how data are judged, frozen at launch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from experiments.analysis.codec import RecordInvalid, canonical_json, from_dict, sha256, to_dict
from experiments.analysis.filters import UnitFilter
from experiments.analysis.inputs import DAY_CELLS, FILTER_CELLS
from experiments.analysis.plan_parts import (
    Adjustment,
    Family,
    Gatekeeping,
    Multiplicity,
    Objective,
    PlannedMetric,
    PlannedVariant,
    Requirement,
    SequentialMethod,
)
from experiments.analysis.planned_periods import PlannedPeriods
from experiments.statistics.spending import Spending
from experiments.vocabulary import MetricRole
from foundation.errors import DomainError

__all__ = [
    "Adjustment",
    "AnalysisPlan",
    "Family",
    "Gatekeeping",
    "Multiplicity",
    "Objective",
    "PlanInvalid",
    "PlannedMetric",
    "PlannedPeriods",
    "PlannedVariant",
    "Requirement",
    "SequentialMethod",
    "Spending",
    "default_plan",
    "recorded_plan",
]

SCHEMA = 2
_FIRST = 1
_SINCE_SECOND = ("futility", "dimensions", "segment_q", "filters", "gatekeeping", "secondary_share")
_SPEC_SINCE_SECOND = ("maturity_hours",)
"""Fields that plans of the first schema do not have, and those that their metrics do not have."""
_OWN_CELLS = (DAY_CELLS, FILTER_CELLS)
"""Names under which units are counted by day and by filter, which no dimension can have."""


class PlanInvalid(DomainError):
    """An analysis plan that contradicts itself or leaves out what a verdict needs."""

    code: ClassVar[str] = "PLAN_INVALID"
    hint = "Correct the field that the message names."


@dataclass(frozen=True, slots=True)
class AnalysisPlan:
    """The frozen rules of one experiment. Plan and scorecard together determine the verdict.

    alpha: two-sided, family-wise over DECISION tests; `reserved_alpha` of it is kept for looks after the horizon.
    noninferiority_alpha: one-sided, for each guardrail (intersection-union: not corrected), all looks together.
    harm_alpha: one-sided, family-wise over the harm alarms of all `harm_roles` metrics and arms, all looks together;
    a DECISION metric that leaves its own boundary on the bad side counts as harm too, so that false stops stay below
    harm_alpha + alpha / 2.
    blocker_alpha: family-wise over the blocking checks; `srm_alpha` is the part of the sample-ratio test.
    mde: relative effect the design wants to detect with `power`.
    planned_units: units of both arms of a comparison at which confidence sequences are tightest, where a metric has no
    planned information; it must not depend on the data.
    horizon_days: days from the start to the last planned look, units' windows included.
    minimum_conversions: units with a value that both arms must expect before a confidence sequence starts.
    gatekeeping: how SECONDARY metrics get a level. secondary_share: the part of a rejected DECISION test's level that
    goes to the SECONDARY metrics of its treatment, the rest going to the open DECISION tests.
    futility: whether a group-sequential plan says when going on is hardly worth it; advice, which binds nobody.
    dimensions: pre-exposure attributes whose levels are compared; together they are one family at level `segment_q`.
    filters: units left out of every figure; the result with everybody stands beside.
    periods: what is compared are cells of unit x period, with errors over clusters of them: units where there are ten
    or more, else a unit's blocks of periods. None: units were randomised once and for all.
    """

    variants: tuple[PlannedVariant, ...]
    metrics: tuple[PlannedMetric, ...]
    schema: int = SCHEMA
    alpha: float = 0.05
    reserved_alpha: float = 0.0
    method: SequentialMethod = SequentialMethod.CONFIDENCE_SEQUENCE
    spending: Spending = Spending.OBRIEN_FLEMING
    spending_parameter: float | None = None
    horizon_days: int | None = None
    minimum_days: int = 7
    minimum_units: int = 100
    minimum_conversions: int = 100
    planned_units: int = 20_000
    power: float = 0.8
    mde: float = 0.05
    multiplicity: Multiplicity = Multiplicity.HOLM
    family: Family = Family.METRICS_AND_ARMS
    requirement: Requirement = Requirement.ANY
    objective: Objective = Objective.SUPERIORITY
    objective_margin: float | None = None
    declared_saving: str = ""
    noninferiority_alpha: float = 0.05
    harm_alpha: float = 0.025
    harm_roles: tuple[MetricRole, ...] = (MetricRole.GUARDRAIL, MetricRole.DECISION)
    adjustment: Adjustment = Adjustment.LIN
    blocker_alpha: float = 0.005
    srm_alpha: float = 0.001
    mismatch_block_share: float = 0.05
    futility: bool = True
    dimensions: tuple[str, ...] = ()
    segment_q: float = 0.1
    filters: tuple[UnitFilter, ...] = ()
    gatekeeping: Gatekeeping = Gatekeeping.GRAPH
    secondary_share: float = 0.5
    periods: PlannedPeriods | None = None

    def __post_init__(self) -> None:
        _check_arms_and_metrics(self)
        _check_levels(self)
        _check_horizon(self)
        _check_objective(self)
        _check_periods(self)

    @property
    def control(self) -> str:
        """The key of the control variant."""
        return next(variant.key for variant in self.variants if variant.control)

    @property
    def treatments(self) -> tuple[str, ...]:
        """The keys of the other variants, in plan order."""
        return tuple(variant.key for variant in self.variants if not variant.control)

    def metrics_of(self, *roles: MetricRole) -> tuple[PlannedMetric, ...]:
        """Return the planned metrics with one of the roles, in plan order."""
        return tuple(metric for metric in self.metrics if metric.role in roles)

    def metric(self, key: str) -> PlannedMetric:
        """Return the planned metric with that key. Raises KeyError."""
        for metric in self.metrics:
            if metric.spec.key == key:
                return metric
        raise KeyError(key)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain values, as its schema has them; equal plans give equal dictionaries."""
        found = to_dict(self)
        if self.periods is None:
            del found["periods"]
        elif self.periods.repurchase_days is None:
            del found["periods"]["repurchase_days"]
        if self.schema == _FIRST:
            for name in _SINCE_SECOND:
                del found[name]
            for metric in found["metrics"]:
                for name in _SPEC_SINCE_SECOND:
                    del metric["spec"][name]
        return found

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Return the plan that the dictionary holds; one of the first schema goes on as it was frozen.

        Raises PlanInvalid with the reason and the place on one line.
        """
        if isinstance(data, dict) and data.get("schema") == _FIRST:
            known = {name: value for name, value in data.items() if name not in _SINCE_SECOND}
            data = {**known, "futility": False, "gatekeeping": Gatekeeping.GATE.value}
        try:
            return from_dict(cls, data, readable_schemas=(SCHEMA, _FIRST))
        except RecordInvalid as error:
            raise PlanInvalid(error.message) from error

    def to_json(self) -> bytes:
        """Return the plan's canonical JSON."""
        return canonical_json(self.to_dict())

    def sha256(self) -> str:
        """Return the digest of the plan's canonical JSON."""
        return sha256(self.to_dict())


def _check_arms_and_metrics(plan: AnalysisPlan) -> None:
    keys = [variant.key for variant in plan.variants]
    if len(keys) < 2 or len(set(keys)) != len(keys):
        raise ValueError("variants: needs two or more with distinct keys")
    if sum(variant.control for variant in plan.variants) != 1:
        raise ValueError("variants: exactly one is control")
    specs = [metric.spec.key for metric in plan.metrics]
    if len(set(specs)) != len(specs):
        raise ValueError("metrics: each metric is planned once")
    if not any(metric.role is MetricRole.DECISION for metric in plan.metrics):
        raise ValueError("metrics: at least one has the role DECISION")
    for name, named in (("dimensions", plan.dimensions), ("filters", tuple(found.key for found in plan.filters))):
        if len(set(named)) != len(named) or not all(named):
            raise ValueError(f"{name}: each is named once")
    taken = next((name for name in plan.dimensions if name in _OWN_CELLS), None)
    if taken is not None:
        raise ValueError(f"dimensions: {taken} is the name of counts by {taken}; give the attribute another name")


def _check_levels(plan: AnalysisPlan) -> None:
    for name in ("alpha", "noninferiority_alpha", "harm_alpha", "blocker_alpha", "srm_alpha", "segment_q"):
        value = getattr(plan, name)
        if not 0.0 < value < 0.5:
            raise ValueError(f"{name}: must be between 0 and 0.5, not {value}")
    if not 0.0 <= plan.reserved_alpha < plan.alpha:
        raise ValueError("reserved_alpha: must be 0 or more and below alpha")
    if plan.srm_alpha > plan.blocker_alpha:
        raise ValueError("srm_alpha: must not exceed blocker_alpha, of which it is a part")
    if not 0.0 < plan.power < 1.0:
        raise ValueError(f"power: must be between 0 and 1, not {plan.power}")
    if not plan.mde > 0.0:
        raise ValueError(f"mde: must be above 0, not {plan.mde}")
    if not 0.0 <= plan.secondary_share <= 1.0:
        raise ValueError(f"secondary_share: must be between 0 and 1, not {plan.secondary_share}")
    if not 0.0 <= plan.mismatch_block_share <= 1.0:
        raise ValueError(f"mismatch_block_share: must be between 0 and 1, not {plan.mismatch_block_share}")


def _check_horizon(plan: AnalysisPlan) -> None:
    for name, least in (("minimum_days", 0), ("minimum_units", 2), ("minimum_conversions", 0), ("planned_units", 1)):
        if getattr(plan, name) < least:
            raise ValueError(f"{name}: must be {least} or more, not {getattr(plan, name)}")
    if plan.method is SequentialMethod.GROUP_SEQUENTIAL and not plan.horizon_days:
        raise ValueError("horizon_days: a group-sequential plan needs a horizon")
    if plan.horizon_days is not None and plan.horizon_days < max(1, plan.minimum_days):
        raise ValueError("horizon_days: must not be shorter than minimum_days")
    if plan.method is not SequentialMethod.GROUP_SEQUENTIAL and plan.reserved_alpha:
        raise ValueError("reserved_alpha: only a group-sequential plan looks again after its horizon")
    if plan.multiplicity is Multiplicity.DUNNETT and plan.method is not SequentialMethod.FIXED_HORIZON:
        raise ValueError("multiplicity: DUNNETT is for a single look; use HOLM with sequential methods")
    parametric = plan.spending in (Spending.POWER, Spending.HWANG_SHIH_DECANI)
    if parametric is (plan.spending_parameter is None):
        raise ValueError(f"spending_parameter: does not fit {plan.spending}")


def _check_objective(plan: AnalysisPlan) -> None:
    margin = plan.objective_margin
    saving = plan.objective is Objective.NON_INFERIORITY_WITH_SAVING
    if saving and (margin is None or not plan.declared_saving.strip()):
        raise ValueError("objective: non-inferiority needs objective_margin and declared_saving")
    if margin is not None and not 0.0 < margin < 1.0:
        raise ValueError(f"objective_margin: must be between 0 and 1, not {margin}")


def _check_periods(plan: AnalysisPlan) -> None:
    if plan.periods is not None and (plan.dimensions or plan.filters):
        raise ValueError("periods: cells are neither filtered nor compared by dimension")


def default_plan(
    *,
    variants: Sequence[PlannedVariant],
    metrics: Sequence[PlannedMetric],
    horizon_days: int | None = None,
) -> AnalysisPlan:
    """Return the plan of an experiment of our own when nobody changed anything.

    With a horizon: group sequential, O'Brien-Fleming on information, a tenth of alpha reserved for looks after the
    horizon. Without: a confidence sequence. Raises PlanInvalid.
    """
    try:
        plan = AnalysisPlan(variants=tuple(variants), metrics=tuple(metrics))
        if horizon_days is None:
            return plan
        return replace(
            plan,
            method=SequentialMethod.GROUP_SEQUENTIAL,
            horizon_days=horizon_days,
            reserved_alpha=plan.alpha / 10.0,
        )
    except ValueError as error:
        raise PlanInvalid(str(error)) from error


def recorded_plan(
    *,
    variants: Sequence[PlannedVariant],
    metrics: Sequence[PlannedMetric],
    family: Family = Family.ARMS,
) -> AnalysisPlan:
    """Return the plan of an experiment that was recorded elsewhere and is finished: one fixed-horizon look.

    p-values are corrected over arms, and over metrics as well only where `family` says so. Without that correction
    every DECISION metric must be superior, with it any. Raises PlanInvalid.
    """
    try:
        return AnalysisPlan(
            variants=tuple(variants),
            metrics=tuple(metrics),
            method=SequentialMethod.FIXED_HORIZON,
            family=family,
            requirement=Requirement.ALL if family is Family.ARMS else Requirement.ANY,
            minimum_units=2,
        )
    except ValueError as error:
        raise PlanInvalid(str(error)) from error
