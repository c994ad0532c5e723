"""What must be true before an experiment may start; each check says what is missing and how to mend it.

Checks are pure functions of the design. An app above may add its own with `register`, so that this one need not
know it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.analysis.plan import AnalysisPlan, PlanInvalid
from experiments.assignment.flags import value_fault
from experiments.assignment.periods import DAY_MINUTES, LONGEST_PERIOD, block_length
from experiments.assignment.targeting import AudienceInvalid, compile_audience
from experiments.assignment.writing import unwritable
from experiments.payable import PayableDesign, is_payable, names_within, payable_faults
from experiments.vocabulary import PERSONAL_UNITS, FlagKind, MetricRole, Payable, PeriodDesign, Source, UnitKind
from foundation.errors import DomainError

SLOTS = 1_000_000


@dataclass(frozen=True, slots=True)
class LaunchProblem:
    """Something that keeps an experiment from starting."""

    code: str
    message: str
    fix: str


class LaunchRefused(DomainError):
    """The experiment is not ready; `problems` lists everything that is missing."""

    code = "LAUNCH_REFUSED"
    hint = "Mend what is listed and try again."

    def __init__(self, problems: Iterable[LaunchProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(f"{problem.message} {problem.fix}" for problem in self.problems))


@dataclass(frozen=True, slots=True)
class VariantDesign:
    """A variant as designed; weight in slots of 1 000 000."""

    id: int
    key: str
    name: str
    control: bool
    weight: int
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MetricUse:
    """A metric's part in the design."""

    key: str
    project_id: int
    role: MetricRole
    margin: float | None
    settled_hours: int


@dataclass(frozen=True, slots=True)
class FlagUse:
    """A flag of the project that parameters of the experiment name.

    `layer_key` is the flag's layer; `taken_by` another experiment without a layer that runs or is paused and sets it.
    """

    key: str
    kind: FlagKind
    layer_key: str | None
    taken_by: str | None


@dataclass(frozen=True, slots=True)
class Design:
    """An experiment as designed, before it starts.

    payable: what it says to change of the amount to pay. implied_payable: what an app above knows it to change.
    payable_in: the countries for which somebody answers for it that persons pay differently.
    """

    id: int
    project_id: int
    key: str
    source: Source
    unit_kind: UnitKind
    hypothesis: str
    variants: tuple[VariantDesign, ...]
    metrics: tuple[MetricUse, ...]
    layer_project_id: int | None
    layer_ranges: tuple[tuple[int, int], ...]
    holdout_project_id: int | None
    holdout_unit_kind: UnitKind | None
    audience: object
    coverage: int
    overrides: Mapping[str, str]
    horizon_days: int | None
    build_plan: Callable[[], AnalysisPlan]
    layer_key: str | None = None
    flags: tuple[FlagUse, ...] = ()
    period_minutes: int | None = None
    period_design: PeriodDesign | None = None
    burn_in_minutes: int = 0
    dimensions: tuple[str, ...] = ()
    personalised: bool = False
    payable: Payable = Payable.NOTHING
    implied_payable: Payable = Payable.NOTHING
    payable_in: tuple[str, ...] = ()


LaunchCheck = Callable[[Design], Iterable[LaunchProblem]]


def problems_of(design: Design) -> tuple[LaunchProblem, ...]:
    """Return everything that keeps the design from starting, in the order of the checks; empty when it may start."""
    return tuple(problem for check in _checks for problem in check(design))


def register(check: LaunchCheck) -> None:
    """Add a check of an app above; adding it again changes nothing."""
    if check not in _checks:
        _checks.append(check)


def _variants(design: Design) -> Iterable[LaunchProblem]:
    if len(design.variants) < 2:
        yield LaunchProblem("TOO_FEW_VARIANTS", "There are fewer than two variants.", "Add a control and a treatment.")
    if sum(variant.control for variant in design.variants) != 1:
        yield LaunchProblem("NO_CONTROL", "Not exactly one variant is the control.", "Mark the one that serves today.")
    total = sum(variant.weight for variant in design.variants)
    if total != SLOTS:
        yield LaunchProblem(
            "WEIGHTS",
            f"The weights add up to {total}, not {SLOTS}.",
            "Change them: 500000 and 500000 is half and half.",
        )


def _metrics(design: Design) -> Iterable[LaunchProblem]:
    if not any(use.role is MetricRole.DECISION for use in design.metrics):
        yield LaunchProblem("NO_DECISION_METRIC", "No metric decides.", "Give at least one metric the role DECISION.")
    for use in design.metrics:
        if use.role is MetricRole.GUARDRAIL and use.margin is None:
            yield LaunchProblem("NO_MARGIN", f"Guardrail {use.key} has no margin.", "State the loss you would accept.")
        if use.project_id != design.project_id:
            yield LaunchProblem(
                "FOREIGN_METRIC",
                f"Metric {use.key} belongs to another project.",
                "Choose one of this project.",
            )
        if design.horizon_days is not None and use.settled_hours > 24 * design.horizon_days:
            yield LaunchProblem(
                "WINDOW_TOO_LONG",
                f"The window of {use.key}, with its time for refunds, is longer than the planned "
                f"{design.horizon_days} days.",
                "Plan more days or use a version of the metric with a shorter window or less time for refunds.",
            )


def _hypothesis(design: Design) -> Iterable[LaunchProblem]:
    if not design.hypothesis.strip():
        yield LaunchProblem(
            "NO_HYPOTHESIS",
            "There is no hypothesis.",
            "Write down what you expect and why; readers will need it.",
        )


def _traffic(design: Design) -> Iterable[LaunchProblem]:
    if design.source is not Source.OWN:
        return
    if design.coverage <= 0:
        yield LaunchProblem("NO_COVERAGE", "The coverage is zero.", "Let some units take part.")
    if design.layer_project_id is not None and design.layer_project_id != design.project_id:
        yield LaunchProblem("FOREIGN_LAYER", "The layer belongs to another project.", "Choose one of this project.")
    if design.layer_project_id is not None and not design.layer_ranges:
        yield LaunchProblem("NO_LAYER_RANGE", "It holds no slots of its layer.", "Give it a free range of the layer.")
    if design.holdout_project_id not in (None, design.project_id):
        yield LaunchProblem("FOREIGN_HOLDOUT", "The holdout belongs to another project.", "Choose one of this project.")
    if design.holdout_unit_kind not in (None, design.unit_kind):
        yield LaunchProblem(
            "HOLDOUT_UNIT",
            f"The holdout keeps out {design.holdout_unit_kind} units, the experiment randomises {design.unit_kind}.",
            "Choose a holdout of the same unit.",
        )


def _audience(design: Design) -> Iterable[LaunchProblem]:
    if design.audience is None:
        return
    try:
        compile_audience(design.audience)
    except AudienceInvalid as error:
        yield LaunchProblem("AUDIENCE", error.message, "Correct the audience.")


def _overrides(design: Design) -> Iterable[LaunchProblem]:
    known = {variant.key for variant in design.variants}
    for unit, variant in design.overrides.items():
        if variant not in known:
            yield LaunchProblem(
                "OVERRIDE",
                f"Test unit {unit} is sent to {variant}, which does not exist.",
                "Use a variant's key.",
            )


def _plan(design: Design) -> Iterable[LaunchProblem]:
    try:
        design.build_plan()
    except PlanInvalid as error:
        yield LaunchProblem("PLAN", f"The analysis plan does not hold: {error.message}.", error.hint)


def _unit(design: Design) -> Iterable[LaunchProblem]:
    if design.source is Source.OWN and design.unit_kind not in PERSONAL_UNITS and design.overrides:
        yield LaunchProblem("OVERRIDE_UNIT", "Only people can be test units.", "Remove the overrides.")


def _parameters(design: Design) -> Iterable[LaunchProblem]:
    """Find what no bundle could carry: published, it would keep every later change of the project from being served."""
    for variant in design.variants:
        where = unwritable(variant.parameters, "parameters")
        if where is not None:
            yield LaunchProblem(
                "PARAMETERS",
                f"Not every client could read {where} of variant {variant.key}.",
                "Use texts, lists, objects, true, false, null and numbers of at most 18 digits.",
            )


def _flags(design: Design) -> Iterable[LaunchProblem]:
    for use in design.flags:
        if use.layer_key != design.layer_key:
            owner = "no layer" if use.layer_key is None else f"layer {use.layer_key}"
            own = "it has none" if design.layer_key is None else f"the experiment is in layer {design.layer_key}"
            yield LaunchProblem(
                "FLAG_LAYER",
                f"The parameter {use.key} is a flag of {owner}, and {own}.",
                "Move the experiment or the flag to the layer of the other, or name the parameter otherwise.",
            )
        elif use.layer_key is None and use.taken_by is not None:
            yield LaunchProblem(
                "FLAG_TAKEN",
                f"The flag {use.key} is set by experiment {use.taken_by} already, and neither has a layer.",
                "Stop the other one, or give both and the flag a layer, where they share the traffic.",
            )
        for variant in design.variants:
            fault = value_fault(use.kind, variant.parameters[use.key]) if use.key in variant.parameters else None
            if fault is not None:
                yield LaunchProblem(
                    "FLAG_VALUE",
                    f"The value of flag {use.key} in variant {variant.key} {fault}.",
                    "Correct the variant's parameters; a flag's type never changes.",
                )


def _periods(design: Design) -> Iterable[LaunchProblem]:
    minutes = design.period_minutes
    if minutes is None:
        return
    if design.source is not Source.OWN or design.unit_kind in PERSONAL_UNITS:
        yield LaunchProblem(
            "PERIOD_UNIT",
            f"{design.unit_kind} units cannot be randomised by period.",
            "Randomise items, stores, clusters or items in stores, or leave the period empty.",
        )
    if minutes > LONGEST_PERIOD:
        yield LaunchProblem("PERIOD_TOO_LONG", "The period is longer than a year.", "Choose a shorter period.")
    block = 1
    if design.period_design is PeriodDesign.BALANCED:
        found = block_length([variant.weight for variant in design.variants]) if design.variants else 1
        if found is None:
            yield LaunchProblem(
                "BLOCK_TOO_LONG",
                "There is no block of at most 100 periods in which the variants appear by their weights.",
                "Choose rounder weights, such as 50 and 50, or draw each period on its own.",
            )
            return
        block = found
    if design.horizon_days is not None and block * minutes > design.horizon_days * DAY_MINUTES:
        what = "A period" if block == 1 else f"A balanced block of {block} periods"
        yield LaunchProblem(
            "PERIOD_BEYOND_HORIZON",
            f"{what} of {minutes} minutes does not fit the planned {design.horizon_days} days.",
            "Plan more days, shorten the period, or choose weights that need fewer periods.",
        )
    if design.dimensions:
        yield LaunchProblem(
            "PERIOD_DIMENSIONS",
            "Cells of unit and period are not compared by dimension.",
            "Leave the dimensions empty, or the period.",
        )


def changes_what_is_paid(design: Design) -> bool:
    """Return whether an experiment changes what a person pays: it says so, is known to, or sounds like it."""
    return is_payable(_paid(design))


def _payable(design: Design) -> Iterable[LaunchProblem]:
    if design.source is not Source.OWN:
        return
    for fault in payable_faults(_paid(design)):
        yield LaunchProblem(fault.code, fault.message, fault.fix)


def _paid(design: Design) -> PayableDesign:
    return PayableDesign(
        unit_kind=design.unit_kind,
        declared=design.payable,
        implied=design.implied_payable,
        names=tuple(name for variant in design.variants for name in names_within(variant.parameters)),
        audience=design.audience,
        personalised=design.personalised,
        allowed_in=design.payable_in,
        named=bool(design.overrides),
    )


_checks: list[LaunchCheck] = [
    _variants,
    _metrics,
    _hypothesis,
    _traffic,
    _audience,
    _overrides,
    _plan,
    _unit,
    _parameters,
    _flags,
    _periods,
    _payable,
]
