"""The designs of the demonstration as the product's pure analysis and assignment read them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from experiments.allocation import SLOTS, first_ranges
from experiments.analysis.metrics import MICROS, Aggregation, MetricSpec, What
from experiments.analysis.plan import AnalysisPlan, PlannedMetric, PlannedVariant, default_plan
from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.snapshot import Snapshot
from experiments.vocabulary import MetricKind, MetricRole
from simulation.designs import CONTROL, HORIZON_DAYS, WINDOW_DAYS, ExperimentDesign, metric

WEIGHTS = 500_000
"""Slots of each variant."""


def spec_of(key: str) -> MetricSpec:
    """Return a metric of the demonstration as the analysis reads it."""
    design = metric(key)
    denominator = None
    if design.denominator_what:
        denominator = Aggregation(design.denominator_events, What(design.denominator_what))
    return MetricSpec(
        key=design.key,
        version=1,
        kind=MetricKind(design.kind),
        numerator=Aggregation(design.events, What(design.what)),
        denominator=denominator,
        cap_micros=None if design.cap is None else design.cap * MICROS,
        window_hours=24 * WINDOW_DAYS,
        covariate_days=design.covariate_days,
    )


def plan_of(design: ExperimentDesign) -> AnalysisPlan:
    """Return the plan that a launch freezes when nobody changed anything: the product's default with a horizon."""
    specs = [(spec_of(key), MetricRole(role), margin) for key, role, margin in design.metrics]
    plan = default_plan(
        variants=(PlannedVariant(CONTROL, control=True), PlannedVariant(design.treatment)),
        metrics=[PlannedMetric(spec, role, spec.direction, margin) for spec, role, margin in specs],
        horizon_days=HORIZON_DAYS,
    )
    return replace(plan, mde=design.minimum_effect)


def snapshot_of(designs: Iterable[ExperimentDesign], *, seed: int, opened_at: datetime) -> Snapshot:
    """Return the compiled experiments that run, each with a salt of its own that the seed decides."""
    return compile_snapshot(
        {
            "schema": 1,
            "project": {"id": 1, "key": "simulated-shop"},
            "version": 1,
            "holdouts": [],
            "layers": [],
            "experiments": [
                _content(design, number, seed, opened_at) for number, design in enumerate(designs, start=1)
            ],
        }
    )


def _content(design: ExperimentDesign, number: int, seed: int, opened_at: datetime) -> dict[str, object]:
    weights = {CONTROL: WEIGHTS, design.treatment: SLOTS - WEIGHTS}
    return {
        "id": number,
        "key": design.key,
        "status": "RUNNING",
        "salt": sha256(f"{seed}/{design.key}".encode()).hexdigest()[:32],
        "unit_kind": "visitor",
        "layer": None,
        "layer_ranges": [],
        "holdout": None,
        "audience": None,
        "coverage": SLOTS,
        "epoch": 1,
        "epoch_opened_at": opened_at.isoformat(),
        "personalised": False,
        "variants": [
            {
                "key": key,
                "control": key == CONTROL,
                "state": "OPEN",
                "weight": weights[key],
                "ranges": [list(span) for span in ranges],
                "parameters": {},
            }
            for key, ranges in first_ranges(weights).items()
        ],
        "overrides": {},
    }
