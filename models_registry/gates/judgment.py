"""The judgment of a candidate: a pure function of what was measured and of the rule."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from models_registry.gates.comparing import Comparison, SliceComparison, compare, compare_slices
from models_registry.gates.evaluation import CHAMPION, POPULARITY, Evaluation
from models_registry.gates.findings import (
    CalibrationFinding,
    ConstraintFinding,
    LimitFinding,
    calibration_finding,
    constraint_findings,
    limit_findings,
)
from models_registry.gates.rule import GateMalformed, GateRule

SCHEMA = 2
"""Of stored judgments; those without a number are of schema 1, which had comparisons alone."""


class GateCode(StrEnum):
    """Why a gate refused."""

    TOO_FEW_USERS = "TOO_FEW_USERS"
    METRIC_NOT_FINITE = "METRIC_NOT_FINITE"
    WORSE_THAN_POPULARITY = "WORSE_THAN_POPULARITY"
    WORSE_THAN_CHAMPION = "WORSE_THAN_CHAMPION"
    SLICE_WORSE = "SLICE_WORSE"
    NOT_CALIBRATED = "NOT_CALIBRATED"
    CALIBRATION_UNKNOWN = "CALIBRATION_UNKNOWN"
    CONSTRAINT_VIOLATED = "CONSTRAINT_VIOLATED"
    CONSTRAINT_NOT_TESTED = "CONSTRAINT_NOT_TESTED"
    TOO_SLOW = "TOO_SLOW"
    LATENCY_UNKNOWN = "LATENCY_UNKNOWN"
    TOO_LARGE = "TOO_LARGE"
    SIZE_UNKNOWN = "SIZE_UNKNOWN"


@dataclass(frozen=True, slots=True)
class GateReason:
    """One reason for a refusal: a stable code, a sentence, and the slice or test that it is about, "" for none."""

    code: GateCode
    sentence: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class GateResult:
    """The judgment; it passed exactly where there are no reasons."""

    rule: GateRule
    reasons: tuple[GateReason, ...]
    comparisons: tuple[Comparison, ...]
    slices: tuple[SliceComparison, ...] = ()
    calibration: CalibrationFinding | None = None
    constraints: tuple[ConstraintFinding, ...] = ()
    limits: tuple[LimitFinding, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the candidate may be registered."""
        return not self.reasons

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON would hold it."""
        return {"schema": SCHEMA, "passed": self.passed, **asdict(self), "rule": self.rule.to_dict()}


def judge(evaluation: Evaluation, rule: GateRule) -> GateResult:
    """Return the judgment of a candidate.

    Raises:
        GateMalformed: there is no reference by popularity, or a reference has not one figure for each user.
    """
    if POPULARITY not in evaluation.references:
        raise GateMalformed("There is no reference by popularity to compare with.")
    comparisons = tuple(
        compare(name, evaluation.candidate, reference, rule.confidence)
        for name, reference in sorted(evaluation.references.items(), key=lambda entry: entry[0] != POPULARITY)
    )
    slices = _slices(evaluation, rule)
    calibration = calibration_finding(evaluation.calibration, rule.calibration)
    constraints = constraint_findings(evaluation, rule)
    limits = limit_findings(evaluation, rule)
    reasons = (
        *_unsound(evaluation, rule),
        *_behind(comparisons, rule),
        *_harmed(slices, rule),
        *_uncalibrated(calibration),
        *_broken(constraints),
        *_beyond(limits),
    )
    return GateResult(rule, reasons, comparisons, slices, calibration, constraints, limits)


def _unsound(evaluation: Evaluation, rule: GateRule) -> Iterator[GateReason]:
    users = len(evaluation.candidate)
    if users < rule.least_users:
        sentence = f"Only {users} users could be judged; the rule asks for {rule.least_users}."
        yield GateReason(GateCode.TOO_FEW_USERS, sentence)
    broken = sorted(name for name, figure in evaluation.metrics.items() if not np.isfinite(figure))
    if broken or not np.isfinite(evaluation.candidate).all():
        named = ", ".join(broken or [rule.metric])
        yield GateReason(GateCode.METRIC_NOT_FINITE, f"Not a finite number: {named}.")


def _behind(comparisons: tuple[Comparison, ...], rule: GateRule) -> Iterator[GateReason]:
    """Yield why the candidate falls behind a reference; what has no interval is not shown to keep up."""
    for comparison in comparisons:
        is_champion = comparison.reference == CHAMPION
        margin = rule.champion_margin if is_champion else rule.margin
        if margin is None or (comparison.lower is not None and comparison.lower > -margin):
            continue
        code = GateCode.WORSE_THAN_CHAMPION if is_champion else GateCode.WORSE_THAN_POPULARITY
        if comparison.lower is None:
            yield GateReason(code, f"{rule.metric} cannot be compared with {comparison.reference}.")
            continue
        yield GateReason(
            code,
            f"{rule.metric} less that of {comparison.reference} is at least {comparison.lower:.4f} "
            f"with {rule.confidence:.0%} confidence; the rule asks for more than {-margin + 0.0:.4f}.",
        )


def _slices(evaluation: Evaluation, rule: GateRule) -> tuple[SliceComparison, ...]:
    if rule.slices is None:
        return ()
    judged_by = (POPULARITY,) if rule.champion_margin is None else (POPULARITY, CHAMPION)
    return compare_slices(evaluation.slices, judged_by, confidence=rule.confidence, least_users=rule.slices.least_users)


def _harmed(slices: tuple[SliceComparison, ...], rule: GateRule) -> Iterator[GateReason]:
    for part in slices:
        upper = part.comparison.upper
        if part.judged and (upper is None or (rule.slices is not None and upper < -rule.slices.margin)):
            shown = "cannot be compared" if upper is None else f"is at most {upper:.4f} beside it"
            sentence = f"For the slice {part.slice}, {rule.metric} {shown} ({part.comparison.reference})."
            yield GateReason(GateCode.SLICE_WORSE, sentence, part.slice)


def _uncalibrated(found: CalibrationFinding | None) -> Iterator[GateReason]:
    if found is None or found.within:
        return
    if not found.enough:
        sentence = f"Only {found.observed:.0f} responses were observed; the rule asks for {found.least_responses}."
        yield GateReason(GateCode.CALIBRATION_UNKNOWN, sentence)
        return
    yield GateReason(
        GateCode.NOT_CALIBRATED,
        f"Expected by observed responses is {found.ratio:.3f} and the error beyond chance {found.error_share:.3f} of "
        f"the rate; the rule allows {found.most_ratio:.3f} either way and {found.most_error:.3f}.",
    )


def _broken(constraints: tuple[ConstraintFinding, ...]) -> Iterator[GateReason]:
    for found in constraints:
        if found.violations is None:
            sentence = f"The slates were not tested for {found.test}."
            yield GateReason(GateCode.CONSTRAINT_NOT_TESTED, sentence, found.test)
        elif found.violations:
            sentence = f"{found.violations} of {found.slates} slates fail the test {found.test}."
            yield GateReason(GateCode.CONSTRAINT_VIOLATED, sentence, found.test)


def _beyond(limits: tuple[LimitFinding, ...]) -> Iterator[GateReason]:
    codes = {
        "latency_ms": (GateCode.TOO_SLOW, GateCode.LATENCY_UNKNOWN, "99 of 100 requests took up to {0} ms"),
        "size_mb": (GateCode.TOO_LARGE, GateCode.SIZE_UNKNOWN, "The artifact has {0} MB"),
    }
    for limit in limits:
        beyond, unknown, told = codes[limit.name]
        if limit.most is None:
            continue
        if limit.found is None:
            yield GateReason(unknown, f"{limit.name} was not measured; the rule allows {limit.most:g}.")
        elif limit.found > limit.most:
            yield GateReason(beyond, f"{told.format(f'{limit.found:.3g}')}; the rule allows {limit.most:g}.")
