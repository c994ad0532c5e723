"""The whole plan at once: two treatments, primary, secondaries and a guardrail, looks after the horizon."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.scorecard import Crossing, Scorecard
from experiments.calibration import plans
from experiments.calibration.figures import counted
from experiments.calibration.records import Result, Setting, Study, Tally, Target
from experiments.calibration.sums import rates
from experiments.calibration.watching import Observed, crossed, watch
from experiments.vocabulary import MetricRole, VerdictState

TREATMENTS = 2
HORIZON = 28
LOOK_DAYS = (7, 10, 14, 17, 21, 24, 28, 35, 42, 49)
"""Twice a week up to the horizon, then three more weeks."""
PER_DAY = 300
RATE = 0.1
METRICS = ("primary", "second", "third", "guard")
MARGIN = 0.05
SHARED = 0.5
"""Chance that a metric of a unit copies what the unit's first metric did: correlation of .5."""


def studies() -> tuple[Study, ...]:
    """Return the study of the whole plan."""
    return (
        Study(
            "whole-plan",
            "Everything at once",
            "Two treatments, one deciding metric, two secondary ones and a guardrail with a margin of 5%, correlated "
            "by .5 within a unit; ten looks, three of them after the horizon. Any claim counts, in either direction, "
            "at any look. Secondary claims are counted where the secondary metrics have no effect. A guardrail that "
            "is exactly as bad as its margin must pass with 5% at most, over all looks together.",
            tuple(_settings()),
        ),
    )


def _settings() -> Iterator[Setting]:
    cases = (
        ("no effect anywhere", 0.0, 0.0, 120, 3_000),
        ("the primary improves by 15% in both treatments", 0.15, 0.0, 80, 3_000),
        ("guardrail worse by its margin in both treatments", 0.0, -MARGIN, 0, 2_000),
    )
    for name, lift, harm, reduced, full in cases:
        yield Setting(
            name,
            partial(whole_plan, lift, harm),
            partial(_evaluate, lift != 0.0, harm != 0.0),
            reduced=reduced,
            full=full,
            block=25,
        )


def _plan() -> AnalysisPlan:
    primary, second, third, guard = (plans.conversion(key) for key in METRICS)
    return plans.daily(
        plans.decision(primary),
        plans.secondary(second),
        plans.secondary(third),
        plans.guardrail(guard, MARGIN),
        days=HORIZON,
        treatments=TREATMENTS,
    )


def _observed(lift: float, harm: float, rng: np.random.Generator) -> Iterator[Observed]:
    keys = plans.arm_keys(TREATMENTS)
    units = dict.fromkeys(keys, 0)
    totals = {(metric, key): 0 for metric in METRICS for key in keys}
    before = 0
    for day in LOOK_DAYS:
        for key in keys:
            new = int(rng.poisson(PER_DAY * (day - before)))
            units[key] += new
            treated = key != plans.CONTROL
            base = rng.random(new)
            for metric in METRICS:
                moved = {"primary": lift, "guard": harm}.get(metric, 0.0) if treated else 0.0
                draws = np.where(rng.random(new) < SHARED, base, rng.random(new))
                totals[metric, key] += int((draws < RATE * (1.0 + moved)).sum())
        before = day
        yield Observed(float(day), {key: rates(units[key[1]], found) for key, found in totals.items()})


def whole_plan(lift: float, harm: float, rng: np.random.Generator, replicates: int) -> Tally:
    """Return what is claimed at any look: by role, and as a verdict."""
    plan = _plan()
    found = dict.fromkeys(("claim", "secondary", "arm_harm", "guard_passed", "ship", "stop", "invalid"), 0)
    for _ in range(replicates):
        seen: set[str] = set()
        for card, verdict in watch(plan, _observed(lift, harm, rng)):
            seen |= _claims(card)
            seen |= {_STATES[verdict.state]} if verdict.state in _STATES else set()
        for name in seen:
            found[name] += 1
    return Tally(found)


_STATES = {VerdictState.SHIP: "ship", VerdictState.STOP_FOR_HARM: "stop", VerdictState.INVALID: "invalid"}


def _claims(card: Scorecard) -> set[str]:
    seen = set()
    for found in card.comparisons:
        if crossed(found) is not Crossing.NONE:
            seen.add("claim")
            if found.role is MetricRole.SECONDARY:
                seen.add("secondary")
        if found.harm is not None and found.harm.crossed:
            seen.add("arm_harm")
        if found.role is MetricRole.GUARDRAIL and found.variant == "treatment-1":
            kept = found.non_inferiority
            if kept is not None and kept.passed:
                seen.add("guard_passed")
    return seen


def _evaluate(improves: bool, harmed: bool, found: Tally, replicates: int) -> Sequence[Result]:
    family = Target(high=0.05)
    results = [
        counted(found, "claim", replicates, "any claim", None if improves else family),
        counted(found, "secondary", replicates, "secondary claim", family),
        counted(found, "arm_harm", replicates, "harm alarm", None if harmed else Target(high=0.025)),
        counted(found, "ship", replicates, "SHIP", None if improves else Target(high=0.025)),
        counted(found, "stop", replicates, "STOP_FOR_HARM", None if harmed else Target(high=0.05)),
        counted(found, "invalid", replicates, "INVALID", Target(high=0.005)),
    ]
    if harmed:
        results.append(counted(found, "guard_passed", replicates, "guardrail of one arm passes", Target(high=0.05)))
    return results
