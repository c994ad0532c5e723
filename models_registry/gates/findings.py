"""What a gate found of calibration, constraints and limits, beside what its rule allows. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from models_registry.gates.calibration import Calibration
from models_registry.gates.evaluation import Evaluation
from models_registry.gates.rule import CalibrationRule, GateRule

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class CalibrationFinding:
    """Calibration beside its bounds. `enough` says whether responses suffice, `within` whether it is as asked for."""

    rows: int
    expected: float
    observed: float
    error: float
    chance: float
    ratio: float | None
    error_share: float | None
    most_ratio: float
    most_error: float
    least_responses: int
    enough: bool
    within: bool


@dataclass(frozen=True, slots=True)
class ConstraintFinding:
    """How many of the judged slates fail a test; None where it was asked for and not made."""

    test: str
    violations: int | None
    slates: int


@dataclass(frozen=True, slots=True)
class LimitFinding:
    """A figure beside what it must not exceed; None where it was not measured, or is not limited."""

    name: str
    found: float | None
    most: float | None
    about: str = ""


def calibration_finding(found: Calibration | None, rule: CalibrationRule | None) -> CalibrationFinding | None:
    """Return calibration beside its bounds; None where nothing was measured or nothing is asked."""
    if found is None or rule is None:
        return None
    ratio, share = found.ratio, found.error_share
    enough = found.observed >= max(1, rule.least_responses)
    is_right = ratio is not None and 1.0 / rule.most_ratio <= ratio <= rule.most_ratio
    return CalibrationFinding(
        rows=found.rows,
        expected=found.expected,
        observed=found.observed,
        error=found.error,
        chance=found.chance,
        ratio=ratio,
        error_share=share,
        most_ratio=rule.most_ratio,
        most_error=rule.most_error,
        least_responses=rule.least_responses,
        enough=enough,
        within=enough and is_right and share is not None and share <= rule.most_error,
    )


def constraint_findings(evaluation: Evaluation, rule: GateRule) -> tuple[ConstraintFinding, ...]:
    """Return every test that was made, and every one that was asked for."""
    return tuple(_constraints(evaluation, rule))


def limit_findings(evaluation: Evaluation, rule: GateRule) -> tuple[LimitFinding, ...]:
    """Return latency and size, as far as they were measured or are limited."""
    return tuple(_limits(evaluation, rule))


def _constraints(evaluation: Evaluation, rule: GateRule) -> Iterator[ConstraintFinding]:
    for test in dict.fromkeys([*sorted(evaluation.violations), *rule.constraints]):
        made = evaluation.violations.get(test) if evaluation.slates else None
        yield ConstraintFinding(test, made, evaluation.slates)


def _limits(evaluation: Evaluation, rule: GateRule) -> Iterator[LimitFinding]:
    latency, size = evaluation.latency, evaluation.size
    if latency is not None or rule.latency_ms is not None:
        yield LimitFinding(
            "latency_ms",
            None if latency is None else latency.p99_ms,
            rule.latency_ms,
            "" if latency is None else latency.machine,
        )
    if size is not None or rule.size_mb is not None:
        yield LimitFinding("size_mb", None if size is None else size / _MILLION, rule.size_mb)
