"""Validity checks: small pure functions, each run by itself so that one that fails hides no other.

A check says whether its finding BLOCKs the verdict, WARNs, or has to be INTERPRETed. Blocking checks that judge by
chance share the plan's `blocker_alpha`, over all looks and cells together, so that a healthy test is called invalid at
most that often: the overall sample ratio has `srm_alpha`, and each of `SHARED_BUDGET` an equal part of the rest. The
other blockers judge by facts, which a healthy test does not have.
"""

from collections.abc import Callable
from dataclasses import dataclass

from experiments.analysis import (
    checks_cells,
    checks_confounds,
    checks_data,
    checks_design,
    checks_identity,
    checks_periods,
)
from experiments.analysis.check_context import (
    FILTER_BALANCE,
    PRE_EXPOSURE_BALANCE,
    SRM_ANALYSED,
    SRM_DAYS,
    SRM_EPOCHS,
    SRM_LEVELS,
    CheckContext,
    Found,
)
from experiments.analysis.inputs import SRM_CHECK
from experiments.analysis.scorecard import CheckResult, Outcome
from experiments.vocabulary import CheckLevel

__all__ = ["CHECKS", "Check", "CheckContext", "run_checks"]


@dataclass(frozen=True, slots=True)
class Check:
    """A check's stable code, the level it has unless its finding says otherwise, and the function."""

    code: str
    level: CheckLevel
    run: Callable[[CheckContext], Found]


CHECKS: tuple[Check, ...] = (
    Check(SRM_CHECK, CheckLevel.BLOCK, checks_data.sample_ratio),
    Check(SRM_EPOCHS, CheckLevel.BLOCK, checks_cells.sample_ratio_epochs),
    Check(SRM_DAYS, CheckLevel.BLOCK, checks_cells.sample_ratio_days),
    Check(SRM_LEVELS, CheckLevel.BLOCK, checks_cells.sample_ratio_levels),
    Check(SRM_ANALYSED, CheckLevel.BLOCK, checks_cells.sample_ratio_analysed),
    Check(FILTER_BALANCE, CheckLevel.BLOCK, checks_cells.filter_balance),
    Check("FROZEN_CHANGED", CheckLevel.BLOCK, checks_design.frozen_changed),
    Check("EXPOSURE_MISMATCH", CheckLevel.WARN, checks_data.exposure_mismatch),
    Check("SEVERAL_VARIANTS", CheckLevel.WARN, checks_data.several_variants),
    Check(PRE_EXPOSURE_BALANCE, CheckLevel.BLOCK, checks_data.pre_exposure_balance),
    Check("DENOMINATOR_SHIFT", CheckLevel.INTERPRET, checks_data.denominator_shift),
    Check("SKEWNESS", CheckLevel.WARN, checks_design.skewness),
    Check("MINIMUM_UNITS", CheckLevel.WARN, checks_design.minimum_units),
    Check("POWER", CheckLevel.WARN, checks_design.power),
    Check("ALLOCATION_CHANGED", CheckLevel.INTERPRET, checks_design.allocation_changed),
    Check("METRIC_REDEFINED", CheckLevel.INTERPRET, checks_design.metric_redefined),
    Check("MINIMUM_RUNTIME", CheckLevel.WARN, checks_design.minimum_runtime),
    Check("SHORT_RUN_ONLY", CheckLevel.INTERPRET, checks_design.short_run_only),
    Check(checks_periods.RANDOMISATION_TEST, CheckLevel.INTERPRET, checks_periods.randomisation),
    Check(checks_periods.CARRY_OVER_SEEN, CheckLevel.WARN, checks_periods.carries_over),
    Check("NO_EVENTS", CheckLevel.WARN, checks_data.no_events),
    Check("UNVERIFIED_EXPOSURES", CheckLevel.WARN, checks_data.unverified_exposures),
    Check("QUARANTINE", CheckLevel.WARN, checks_data.rows_left_out),
    Check("LATE_DATA", CheckLevel.WARN, checks_data.late_data),
    Check(checks_confounds.FRESHNESS_CONFOUND, CheckLevel.WARN, checks_confounds.freshness),
    Check(checks_confounds.ARMS_LEARN_FROM_EACH_OTHER, CheckLevel.WARN, checks_confounds.shared_data),
    Check(checks_confounds.DECISIONS_NOT_APPLIED, CheckLevel.WARN, checks_confounds.applied),
    Check(checks_confounds.UNEQUALLY_APPLIED, CheckLevel.WARN, checks_confounds.equally_applied),
    Check(checks_confounds.STOCK_NOT_VALUED, CheckLevel.WARN, checks_confounds.stock_not_valued),
    Check(checks_confounds.STOCK_OFTEN_NOT_VALUED, CheckLevel.BLOCK, checks_confounds.stock_often_not_valued),
    Check("VISITOR_IDS", CheckLevel.INTERPRET, checks_identity.visitor_ids),
    Check("IMMATURE_UNITS", CheckLevel.INTERPRET, checks_data.immature_units),
)


def run_checks(context: CheckContext, checks: tuple[Check, ...] = CHECKS) -> tuple[CheckResult, ...]:
    """Return the result of every check, in order; one that breaks is an ERROR at its level and stops no other."""
    return tuple(_run(check, context) for check in checks)


def _run(check: Check, context: CheckContext) -> CheckResult:
    try:
        found = check.run(context)
    except Exception as error:  # noqa: BLE001 - whatever breaks one check must not hide the others
        return CheckResult(check.code, check.level, Outcome.ERROR, {"error": type(error).__name__}, check.code)
    level = check.level if found.level is None else found.level
    return CheckResult(check.code, level, found.outcome, found.figures, check.code)
