"""What past experiments know of a draft's decision metric: a start for its planning."""

import math
from dataclasses import dataclass

from experiments.analysis.scorecard import ArmFigures, Comparison, Scorecard
from experiments.models import Experiment
from experiments.models import Scorecard as StoredScorecard
from experiments.vocabulary import MetricKind, MetricRole

_HOURS = 24


@dataclass(frozen=True, slots=True)
class KnownBaseline:
    """Control of the latest look at the same metric version.

    mean, sd: per unit, of a ratio those of its linearisation, without covariates. r2: share of the variance that they
    removed. per_day: units that entered, all variants; None where the look has no times.
    """

    mean: float
    sd: float
    r2: float
    per_day: float | None


@dataclass(frozen=True, slots=True)
class PlanningStart:
    """A draft as its planning begins: what it decides on, and what is known of that."""

    kind: MetricKind
    window_days: int
    treatments: int
    control_share: float | None
    minimum_effect: float
    known: KnownBaseline | None


def planning_start(experiment_id: int) -> PlanningStart | None:
    """Return where the planning of an experiment begins, or None while no metric decides."""
    row = Experiment.objects.prefetch_related("variants").filter(pk=experiment_id).first()
    if row is None:
        return None
    use = row.metrics.select_related("metric").filter(role=MetricRole.DECISION).first()
    if use is None:
        return None
    weights = {variant.is_control: 0 for variant in row.variants.all()}
    for variant in row.variants.all():
        weights[variant.is_control] += variant.weight
    control, total = weights.get(True, 0), sum(weights.values())
    treatments = max(1, row.variants.count() - 1)
    equal = not 0 < control < total or control * (1 + treatments) == total
    return PlanningStart(
        kind=MetricKind(use.metric.kind),
        window_days=use.metric.window_hours // _HOURS,
        treatments=treatments,
        control_share=None if equal else control / total,
        minimum_effect=row.minimum_effect,
        known=_known(use.metric_id, use.metric.key, use.metric.window_hours // _HOURS),
    )


def _known(metric_id: int, key: str, window_days: int) -> KnownBaseline | None:
    newest = StoredScorecard.objects.filter(experiment__metrics__metric_id=metric_id).order_by("-window_end", "-id")
    row = newest.first()
    if row is None:
        return None
    card = Scorecard.from_json(row.content)
    found = next((each for each in card.comparisons if each.metric == key), None)
    return None if found is None else _baseline(card, found, window_days)


def _baseline(card: Scorecard, found: Comparison, window_days: int) -> KnownBaseline | None:
    arm: ArmFigures = found.control
    if arm.value is None or arm.variance is None or not arm.value > 0.0 or not arm.variance > 0.0:
        return None
    r2 = 0.0 if found.adjustment is None else min(max(found.adjustment.variance_reduction, 0.0), 0.99)
    days = None if card.days is None else card.days - window_days
    units = sum(variant.units for variant in card.variants)
    return KnownBaseline(
        mean=arm.value,
        sd=math.sqrt(arm.variance * arm.n / (1.0 - r2)),
        r2=r2,
        per_day=units / days if days and days >= 1.0 and units else None,
    )
