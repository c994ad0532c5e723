"""Readouts made by hand, so that each page state is there without a database and with figures that tests can name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from experiments.analysis.metrics import Aggregation, MetricSpec, What
from experiments.analysis.plan import (
    AnalysisPlan,
    PlannedMetric,
    PlannedVariant,
    SequentialMethod,
    default_plan,
    recorded_plan,
)
from experiments.analysis.scorecard import (
    AdjustmentFigures,
    ArmFigures,
    CheckResult,
    Comparison,
    Crossing,
    Estimate,
    Estimator,
    Exclusions,
    FigureStatus,
    HarmFigures,
    Interval,
    IntervalStatus,
    NonInferiorityFigures,
    Outcome,
    Scorecard,
    SequentialFigures,
    UndefinedReason,
    VariantCount,
)
from experiments.analysis.verdict import ReasonCode, ReasonItem, Verdict
from experiments.queries.readouts import (
    ArmShare,
    Epoch,
    Evidence,
    Look,
    MetricLine,
    Readout,
    VariantLine,
)
from experiments.vocabulary import (
    ArmState,
    CheckLevel,
    Direction,
    MetricKind,
    MetricRole,
    Source,
    Status,
    UnitKind,
    VerdictState,
)
from foundation.clock import ProjectClock
from foundation.queries import JournalLine, ProjectFacts

START = datetime(2026, 3, 2, tzinfo=UTC)
END = START + timedelta(days=12)
NOW = END + timedelta(hours=3)

CONVERSION = MetricSpec("conversion", 1, MetricKind.CONVERSION, Aggregation(("Order Completed",), What.ANY))
REVENUE = MetricSpec("revenue", 2, MetricKind.SUM, Aggregation(("Order Completed",), What.SUM_VALUE), covariate_days=14)
REFUNDS = MetricSpec(
    "refunds",
    1,
    MetricKind.COUNT,
    Aggregation(("Order Refunded",), What.COUNT),
    direction=Direction.DECREASE,
)

PROJECT = ProjectFacts(
    id=1,
    key="shop",
    name="Harbour Shop",
    currency="USD",
    time_zone="Asia/Shanghai",
    pepper=b"",
    signing_key=b"",
    attributes=(),
    clock=ProjectClock(),
    revision=1,
)


def plan(*, horizon: int | None = 28, recorded: bool = False) -> AnalysisPlan:
    """Return a plan of two arms with a decision metric, a guardrail and a secondary metric."""
    variants = (PlannedVariant("control", control=True), PlannedVariant("treatment"))
    metrics = (
        PlannedMetric(CONVERSION, MetricRole.DECISION, Direction.INCREASE),
        PlannedMetric(REFUNDS, MetricRole.GUARDRAIL, Direction.DECREASE, margin=0.05),
        PlannedMetric(REVENUE, MetricRole.SECONDARY, Direction.INCREASE),
    )
    if recorded:
        return recorded_plan(variants=variants, metrics=metrics)
    return default_plan(variants=variants, metrics=metrics, horizon_days=horizon)


def bounded(lower: float, upper: float) -> Interval:
    """Return an interval with both ends."""
    return Interval(IntervalStatus.BOUNDED, lower, upper)


def estimate(value: float, half: float) -> Estimate:
    """Return a point with a symmetric interval of this half length."""
    return Estimate(value, half / 1.96, bounded(value - half, value + half))


def arm(variant: str, n: int, total: float, *, nonzero: int | None = None) -> ArmFigures:
    """Return an arm's figures from its units and its raw total."""
    return ArmFigures(variant, n, total, None, nonzero, total / n, total / n, total / n / n)


def sequential(
    absolute: Interval, lift: Interval, *, crossed: Crossing = Crossing.NONE, fraction: float = 0.43
) -> SequentialFigures:
    """Return group-sequential figures with these repeated intervals."""
    return SequentialFigures(
        method=SequentialMethod.GROUP_SEQUENTIAL,
        alpha=0.045,
        information=1e6,
        information_fraction=fraction,
        spent_fraction=fraction,
        bound=2.9,
        absolute=absolute,
        lift=lift,
        p_value=None,
        crossed=crossed,
    )


def compare(
    spec: MetricSpec,
    role: MetricRole,
    *,
    control: ArmFigures,
    treatment: ArmFigures,
    half: float,
    p_value: float = 0.2,
    crossed: Crossing | None = Crossing.NONE,
) -> Comparison:
    """Return a comparison whose intervals are the difference +- half, and that divided by the control."""
    base = control.value or 1.0
    change = (treatment.value or 0.0) - base
    absolute, lift = estimate(change, half), estimate(change / base, half / base)
    wide, wide_lift = estimate(change, 1.5 * half), estimate(change / base, 1.5 * half / base)
    return Comparison(
        metric=spec.key,
        metric_version=spec.version,
        kind=spec.kind,
        role=role,
        direction=spec.direction,
        variant=treatment.variant,
        reference=control.variant,
        status=FigureStatus.OK,
        reason=None,
        estimator=Estimator.SCORE,
        control=control,
        treatment=treatment,
        covariance=None,
        absolute=absolute,
        lift=lift,
        p_value=p_value,
        p_adjusted=None if crossed is not None else min(1.0, 2 * p_value),
        sequential=None if crossed is None else sequential(wide.interval, wide_lift.interval, crossed=crossed),
    )


def undefined(comparison: Comparison, reason: UndefinedReason) -> Comparison:
    """Return the comparison as one that could not be estimated."""
    nothing = Estimate(None, None, Interval(IntervalStatus.UNDEFINED, reason=reason))
    return replace(
        comparison,
        status=FigureStatus.UNDEFINED,
        reason=reason,
        estimator=None,
        absolute=nothing,
        lift=nothing,
        p_value=None,
        p_adjusted=None,
        sequential=None,
    )


def comparisons(*, crossed: Crossing = Crossing.NONE, gain: float = 0.006) -> tuple[Comparison, ...]:
    """Return conversion, refunds and revenue of 20 000 units an arm; `gain` is the change in conversion."""
    n = 20_000
    converting = compare(
        CONVERSION,
        MetricRole.DECISION,
        control=arm("control", n, 2_000, nonzero=2_000),
        treatment=arm("treatment", n, 2_000 + gain * n, nonzero=int(2_000 + gain * n)),
        half=0.004,
        p_value=0.003,
        crossed=crossed,
    )
    refunding = replace(
        compare(
            REFUNDS,
            MetricRole.GUARDRAIL,
            control=arm("control", n, 800),
            treatment=arm("treatment", n, 792),
            half=0.0014,
            p_value=0.84,
        ),
        non_inferiority=NonInferiorityFigures(margin=0.05, alpha=0.05, z=2.4, bound=2.2, p_value=0.008, passed=True),
        harm=HarmFigures(alpha=0.025, margin=0.05, started=True, multiplier=3.1, bound=0.0, crossed=False),
    )
    spending = compare(
        REVENUE,
        MetricRole.SECONDARY,
        control=arm("control", n, 100_000.0, nonzero=2_000),
        treatment=arm("treatment", n, 104_200.0, nonzero=2_100),
        half=0.3,
        p_value=0.17,
    )
    raw = estimate(0.19, 0.4)
    adjusted = AdjustmentFigures(("revenue:before",), 0.32, 0.05, raw, estimate(0.038, 0.08))
    return converting, refunding, replace(spending, estimator=Estimator.LIN_ADJUSTED, adjustment=adjusted)


def check(code: str, outcome: Outcome, level: CheckLevel = CheckLevel.WARN, **figures: object) -> CheckResult:
    """Return the result of a check."""
    return CheckResult(code, level, outcome, figures, code)  # type: ignore[arg-type]


HEALTHY = (
    CheckResult(
        "SAMPLE_RATIO",
        CheckLevel.BLOCK,
        Outcome.PASSED,
        {"units:control": 20_000, "units:treatment": 20_000, "expected:control": 20_000.0, "p": 0.8},
        "SAMPLE_RATIO",
    ),
    check("MINIMUM_RUNTIME", Outcome.PASSED, days=12.0, minimum=7),
)
BROKEN_SPLIT = (
    CheckResult(
        "SAMPLE_RATIO",
        CheckLevel.BLOCK,
        Outcome.FAILED,
        {
            "units:control": 20_000,
            "units:treatment": 18_800,
            "expected:control": 19_400.0,
            "expected:treatment": 19_400.0,
            "p": 1.1e-9,
            "chi_square": 37.1,
        },
        "SAMPLE_RATIO",
    ),
    check("UNVERIFIED_EXPOSURES", Outcome.FAILED, share=0.08, rows=38_800, unverified=3_104),
    check("MINIMUM_RUNTIME", Outcome.PASSED, days=12.0, minimum=7),
)


def scorecard(
    found: tuple[Comparison, ...], checks: tuple[CheckResult, ...] = HEALTHY, *, exclusions: Exclusions | None = None
) -> Scorecard:
    """Return the fifth look's scorecard."""
    return Scorecard(
        experiment="free-shipping",
        source=Source.OWN,
        look=5,
        plan_sha256=plan().sha256(),
        window_start=START,
        window_end=END,
        received_before=NOW,
        variants=(VariantCount("control", 0.5, 20_000), VariantCount("treatment", 0.5, 20_000)),
        strata=(),
        exclusions=exclusions or Exclusions(),
        comparisons=found,
        contrasts=(),
        checks=checks,
    )


def reason(code: ReasonCode, **params: float | str | None) -> ReasonItem:
    """Return a reason with its values."""
    return ReasonItem(code, params)


SUPERIOR = reason(
    ReasonCode.SUPERIOR,
    variant="treatment",
    reference="control",
    metric="conversion",
    difference=0.006,
    lower=0.0002,
    upper=0.0118,
)
HOLDS = reason(ReasonCode.GUARDRAIL_HOLDS, metric="refunds", variant="treatment", margin=0.05)
SHIP = Verdict(VerdictState.SHIP, "treatment", (SUPERIOR, HOLDS))
HARM = Verdict(
    VerdictState.STOP_FOR_HARM,
    None,
    (
        reason(
            ReasonCode.HARM,
            variant="treatment",
            reference="control",
            metric="conversion",
            difference=-0.02,
            lower=-0.026,
            upper=-0.014,
            margin=0.0,
        ),
    ),
    harmful=("treatment",),
)
INVALID = Verdict(
    VerdictState.INVALID,
    None,
    (
        reason(ReasonCode.CHECK_BLOCKS, check="SAMPLE_RATIO"),
        reason(ReasonCode.CHECK_WARNS, check="UNVERIFIED_EXPOSURES"),
    ),
)
CONTINUE = Verdict(
    VerdictState.CONTINUE,
    None,
    (
        reason(
            ReasonCode.NOT_SUPERIOR_YET,
            variant="treatment",
            metric="conversion",
            difference=0.003,
            lower=-0.003,
            upper=0.009,
        ),
    ),
)
INCONCLUSIVE = Verdict(
    VerdictState.INCONCLUSIVE,
    None,
    (
        reason(
            ReasonCode.NOT_SUPERIOR,
            variant="treatment",
            metric="conversion",
            difference=-0.00158,
            lower=-0.00394,
            upper=0.00078,
        ),
    ),
)


def evidence(card: Scorecard, verdict: Verdict) -> Evidence:
    """Return a look as it is stored."""
    return Evidence(card, card.to_json().decode(), card.sha256(), verdict, NOW)


def readout(seen: Evidence | None, *, status: Status = Status.RUNNING, **changes: object) -> Readout:
    """Return the readout of an experiment with this look."""
    base = Readout(
        id=7,
        key="free-shipping",
        name="Free shipping from 39 dollars",
        hypothesis="Fewer people leave the cart, because the last step no longer adds a fee.",
        source=Source.OWN,
        status=status,
        unit_kind=UnitKind.VISITOR,
        horizon_days=28,
        started_at=START,
        stopped_at=None,
        concluded_at=None,
        conclusion="",
        conclusion_note="",
        project=PROJECT,
        variants=(VariantLine("control", "Fee as today", True), VariantLine("treatment", "Free from 39", False)),
        metrics=(
            MetricLine("conversion", 1, "Conversion", "Visitors who order"),
            MetricLine("refunds", 1, "Refunds per visitor", ""),
            MetricLine("revenue", 2, "Revenue per visitor", ""),
        ),
        plan=plan(),
        evidence=seen,
        looks=tuple(
            Look(number, START + timedelta(days=7 + number), VerdictState.CONTINUE, None) for number in range(1, 5)
        ),
        epochs=(
            Epoch(
                1,
                START,
                1_000_000,
                (ArmShare("control", 500_000, ArmState.OPEN), ArmShare("treatment", 500_000, ArmState.OPEN)),
            ),
        ),
        journal=(JournalLine(4, START, "manager", "experiment.launch", "Agreed in the weekly round"),),
        quarantine={},
        import_counts={},
        imported_at=None,
        fault=None,
    )
    return replace(base, **changes)  # type: ignore[arg-type]
