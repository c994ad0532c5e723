"""The scorecard of one look: plan and inputs in, figures out, nothing else consulted."""

from itertools import combinations

import numpy as np

from experiments.analysis.checks import CheckContext, run_checks
from experiments.analysis.compare import comparison
from experiments.analysis.decide import decide, decide_contrasts
from experiments.analysis.drafts import Drafter
from experiments.analysis.inputs import AnalysisInputs, Stratum
from experiments.analysis.looks import at_horizon
from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.scorecard import Scorecard, StratumCount, VariantCount
from experiments.analysis.segments import segment_families
from experiments.vocabulary import MetricRole


def build_scorecard(plan: AnalysisPlan, inputs: AnalysisInputs) -> Scorecard:
    """Return the scorecard of this look; equal plans and inputs give equal bytes, whatever the order of the sums.

    The look's number is one more than those in the history. Strata are kept in the order given.
    """
    # values too large for floats become infinite on the way and end as a status, not as a warning
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _build(plan, inputs)


def _build(plan: AnalysisPlan, inputs: AnalysisInputs) -> Scorecard:
    days, number = elapsed_days(inputs), inputs.history.count + 1
    drafter = Drafter(plan, inputs, days)
    drafts = [drafter.draft(metric, variant, plan.control) for metric in plan.metrics for variant in plan.treatments]
    comparisons = tuple(
        comparison(plan, draft, decision, look=number)
        for draft, decision in zip(drafts, decide(plan, drafts), strict=True)
    )
    between = [
        drafter.draft(metric, variant, reference)
        for metric in plan.metrics_of(MetricRole.DECISION)
        for reference, variant in combinations(plan.treatments, 2)
    ]
    arms = len(plan.variants)
    contrasts = tuple(
        comparison(plan, draft, decision, look=number)
        for draft, decision in zip(between, decide_contrasts(plan, between, arms * (arms - 1) // 2), strict=True)
    )
    context = CheckContext(
        plan, inputs, drafter, comparisons, days, final=at_horizon(plan, days, is_last=inputs.is_last)
    )
    return Scorecard(
        experiment=inputs.experiment,
        source=inputs.source,
        look=number,
        plan_sha256=plan.sha256(),
        window_start=inputs.window_start,
        window_end=inputs.window_end,
        received_before=inputs.received_before,
        variants=_variant_counts(plan, inputs.strata),
        strata=tuple(_stratum_count(plan, stratum) for stratum in inputs.strata),
        exclusions=inputs.health.exclusions,
        comparisons=comparisons,
        contrasts=contrasts,
        checks=run_checks(context),
        is_last=inputs.is_last,
        segments=segment_families(plan, inputs, comparisons, days),
    )


def elapsed_days(inputs: AnalysisInputs) -> float | None:
    """Return the days between the ends of the window, or None when the times are unknown."""
    if inputs.window_start is None or inputs.window_end is None:
        return None
    return (inputs.window_end - inputs.window_start).total_seconds() / 86_400.0


def _stratum_count(plan: AnalysisPlan, stratum: Stratum) -> StratumCount:
    total = sum(stratum.weights.get(variant.key, 0) for variant in plan.variants)
    return StratumCount(
        stratum.key,
        stratum.epoch,
        tuple(
            VariantCount(
                variant.key,
                stratum.weights.get(variant.key, 0) / total if total else 0.0,
                stratum.units.get(variant.key, 0),
            )
            for variant in plan.variants
        ),
    )


def _variant_counts(plan: AnalysisPlan, strata: tuple[Stratum, ...]) -> tuple[VariantCount, ...]:
    """Return units by variant over all strata, beside the share that the strata's splits lead to."""
    counted = [_stratum_count(plan, stratum) for stratum in strata]
    sizes = [sum(entry.units for entry in stratum.variants) for stratum in counted]
    weights = sizes if sum(sizes) else [1] * len(counted)
    total = sum(weights)
    found = []
    for i, variant in enumerate(plan.variants):
        share = sum(w * s.variants[i].planned_share for w, s in zip(weights, counted, strict=True))
        units = sum(s.variants[i].units for s in counted)
        found.append(VariantCount(variant.key, share / total if total else 0.0, units))
    return tuple(found)
