"""The scorecard: one immutable analysis at a time, complete enough to be judged, drawn and recomputed.

A value that does not exist is None beside a status and a reason, never 0 and never NaN.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from experiments.analysis.codec import canonical_json, from_dict, sha256, to_dict
from experiments.analysis.segment_figures import SegmentFamily, SegmentFigures
from experiments.statistics.results import Interval, IntervalStatus, UndefinedReason
from experiments.vocabulary import CheckLevel, Direction, MetricKind, MetricRole, Source

__all__ = [
    "AdjustmentFigures",
    "ArmFigures",
    "CheckResult",
    "Comparison",
    "Crossing",
    "Estimate",
    "Estimator",
    "Exclusions",
    "FigureStatus",
    "FinalFigures",
    "FutilityFigures",
    "HarmFigures",
    "Interval",
    "IntervalStatus",
    "NonInferiorityFigures",
    "Outcome",
    "Scorecard",
    "SegmentFamily",
    "SegmentFigures",
    "SensitivityFigures",
    "SequentialFigures",
    "StratumCount",
    "UndefinedReason",
    "VariantCount",
]

SCHEMA = 1
AFTER_HORIZON = "_AFTER_HORIZON"
"""Ending of the method's name at looks after that of the horizon."""


class FigureStatus(StrEnum):
    """Whether a comparison could be estimated."""

    OK = "OK"
    UNDEFINED = "UNDEFINED"


class Estimator(StrEnum):
    """Which method gave the p-value and the absolute interval."""

    SCORE = "SCORE"
    BOSCHLOO = "BOSCHLOO"
    FISHER = "FISHER"
    WELCH = "WELCH"
    WELCH_NULL_RESTRICTED = "WELCH_NULL_RESTRICTED"
    LINEARISED_RATIO = "LINEARISED_RATIO"
    LIN_ADJUSTED = "LIN_ADJUSTED"
    LIN_ADJUSTED_RATIO = "LIN_ADJUSTED_RATIO"
    POST_STRATIFIED = "POST_STRATIFIED"
    CLUSTERED = "CLUSTERED"
    CLUSTERED_RATIO = "CLUSTERED_RATIO"


class Crossing(StrEnum):
    """On which side an effect has left its boundary; better and worse are in the metric's direction."""

    NONE = "NONE"
    BETTER = "BETTER"
    WORSE = "WORSE"


class Outcome(StrEnum):
    """What a validity check found."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A point with its standard error and interval; `value` and `se` may be None when the interval says why."""

    value: float | None
    se: float | None
    interval: Interval


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """One arm of a comparison in own units (money in currency units, not micro units).

    value: mean (ratio) as observed; adjusted: after covariates or strata, equal to value without them;
    variance: of `adjusted`. numerator, denominator: raw totals. nonzero: units with a value other than 0.
    """

    variant: str
    n: int
    numerator: float | None
    denominator: float | None
    nonzero: int | None
    value: float | None
    adjusted: float | None
    variance: float | None


@dataclass(frozen=True, slots=True)
class SequentialFigures:
    """Where the comparison stands on its boundary.

    information: 1 / SE^2 of the absolute difference. information_fraction: of the planned; None when none is planned.
    spent_fraction: share of the horizon at which alpha has been spent. alpha: two-sided level of this comparison.
    bound: multiplier of the standard error at this look. absolute, lift: repeated intervals at that bound.
    p_value: always valid, only for confidence sequences.
    """

    method: str
    alpha: float
    information: float | None
    information_fraction: float | None
    spent_fraction: float | None
    bound: float | None
    absolute: Interval
    lift: Interval
    p_value: float | None
    crossed: Crossing
    reason: UndefinedReason | None = None

    @property
    def after_horizon(self) -> bool:
        """Whether the look of the horizon had been taken before."""
        return self.method.endswith(AFTER_HORIZON)


@dataclass(frozen=True, slots=True)
class AdjustmentFigures:
    """What pre-exposure covariates did: the names used, the share of variance removed, the unadjusted result."""

    covariates: tuple[str, ...]
    variance_reduction: float
    missing_share: float | None
    unadjusted: Estimate
    unadjusted_lift: Estimate


@dataclass(frozen=True, slots=True)
class SensitivityFigures:
    """The same comparison under another choice: before the cap, or with the units that filters left out."""

    absolute: Estimate
    lift: Estimate
    p_value: float | None


@dataclass(frozen=True, slots=True)
class NonInferiorityFigures:
    """Test of `treatment is worse than control by the relative margin or more`, one-sided at `alpha` over all looks.

    z: statistic. bound: what it must reach at this look; None while no alpha is spent. p_value: of this look alone.
    lift: the interval that belongs to the test, each side at `alpha`: it stays on the good side of the margin exactly
    when the test passes. absolute: the same times control's mean. Both None in scorecards of older plans.
    """

    margin: float
    alpha: float
    z: float | None
    bound: float | None
    p_value: float | None
    passed: bool
    reason: UndefinedReason | None = None
    lift: Interval | None = None
    absolute: Interval | None = None


@dataclass(frozen=True, slots=True)
class HarmFigures:
    """The harm alarm: a one-sided confidence sequence on the bad side, and the margin the estimate must exceed.

    bound: the least harm still compatible with the data (in the direction's bad side, absolute); None before start.
    crossed: the whole sequence lies on the bad side and the estimate is beyond the margin.
    """

    alpha: float
    margin: float
    started: bool
    multiplier: float | None
    bound: float | None
    crossed: bool
    reason: UndefinedReason | None = None


@dataclass(frozen=True, slots=True)
class FutilityFigures:
    """Whether going on is hardly worth it: advice that binds nobody.

    bound: z in the better direction below which the planned effect would be missed anyway (beta spending); None while
    no beta is spent. conditional_power: chance to cross at the end if the planned effect is true. futile: either says
    so.
    """

    z: float
    bound: float | None
    conditional_power: float | None
    futile: bool


@dataclass(frozen=True, slots=True)
class FinalFigures:
    """What a group-sequential comparison says once it has stopped, by stage-wise ordering.

    p_value: two-sided. median_unbiased with interval at 1 - alpha: of the difference; lift and lift_interval: the same
    relative to control. look: number of the look at which it stopped; later looks keep these figures. alpha: two-sided.
    """

    p_value: float
    median_unbiased: float
    interval: Interval
    lift: float | None
    lift_interval: Interval
    look: int
    alpha: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric, one treatment against one reference arm (control, or another treatment in `contrasts`)."""

    metric: str
    metric_version: int
    kind: MetricKind
    role: MetricRole
    direction: Direction
    variant: str
    reference: str
    status: FigureStatus
    reason: UndefinedReason | None
    estimator: Estimator | None
    control: ArmFigures
    treatment: ArmFigures
    covariance: float | None
    absolute: Estimate
    lift: Estimate
    p_value: float | None
    p_adjusted: float | None
    sequential: SequentialFigures | None = None
    adjustment: AdjustmentFigures | None = None
    uncapped: SensitivityFigures | None = None
    non_inferiority: NonInferiorityFigures | None = None
    harm: HarmFigures | None = None
    futility: FutilityFigures | None = None
    final: FinalFigures | None = None
    unfiltered: SensitivityFigures | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one validity check found, and the key of the text that says what to do."""

    code: str
    level: CheckLevel
    outcome: Outcome
    figures: dict[str, float | int | str | None]
    advice: str


@dataclass(frozen=True, slots=True)
class VariantCount:
    """Units analysed in one variant, beside the share that was planned (0 to 1)."""

    variant: str
    planned_share: float
    units: int


@dataclass(frozen=True, slots=True)
class StratumCount:
    """Units of one epoch stratum by variant."""

    stratum: str
    epoch: int
    variants: tuple[VariantCount, ...]


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Units and rows that were seen and left out, each with its number."""

    crossovers: int = 0
    immature: int = 0
    mismatched_rows: int = 0
    duplicates: int = 0
    quarantined: int = 0
    unverified: int = 0
    personalisation_off: int = 0
    erased: int = 0
    filtered: int = 0


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One analysis of one experiment at one time.

    comparisons: every metric x treatment against control, in plan order. contrasts: DECISION metrics between
    treatments. segments: of DECISION metrics, in the plan's dimensions. window_start and window_end are None for
    recorded experiments without times. is_last: the experiment was stopped and every window is closed.
    """

    experiment: str
    source: Source
    look: int
    plan_sha256: str
    window_start: datetime | None
    window_end: datetime | None
    received_before: datetime | None
    variants: tuple[VariantCount, ...]
    strata: tuple[StratumCount, ...]
    exclusions: Exclusions
    comparisons: tuple[Comparison, ...]
    contrasts: tuple[Comparison, ...]
    checks: tuple[CheckResult, ...]
    is_last: bool = False
    segments: tuple[SegmentFamily, ...] = ()
    schema: int = SCHEMA

    @property
    def days(self) -> float | None:
        """Days between the ends of the window, or None when the times are unknown."""
        if self.window_start is None or self.window_end is None:
            return None
        return (self.window_end - self.window_start).total_seconds() / 86_400.0

    def comparison(self, metric: str, variant: str) -> Comparison:
        """Return the comparison of one metric and one treatment with control. Raises KeyError."""
        for found in self.comparisons:
            if found.metric == metric and found.variant == variant:
                return found
        raise KeyError((metric, variant))

    def check(self, code: str) -> CheckResult:
        """Return the result of one check. Raises KeyError."""
        for found in self.checks:
            if found.code == code:
                return found
        raise KeyError(code)

    def to_dict(self) -> dict[str, Any]:
        """Return the scorecard as plain values."""
        return to_dict(self)

    def to_json(self) -> bytes:
        """Return the canonical JSON: sorted keys, shortest floats, neither NaN nor infinity."""
        return canonical_json(self)

    def sha256(self) -> str:
        """Return the digest of the canonical JSON."""
        return sha256(self)

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Return the scorecard that the dictionary holds. Raises RecordInvalid."""
        return from_dict(cls, data, readable_schemas=(SCHEMA,))

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Return the scorecard that the JSON holds. Raises RecordInvalid."""
        return cls.from_dict(json.loads(data))
