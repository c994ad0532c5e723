"""A design as plain values, so that the journal can say what an edit changed."""

from typing import Any, Final

from experiments.models import Experiment

_JOURNALLED: Final = (
    "name",
    "hypothesis",
    "unit_kind",
    "audience",
    "coverage",
    "overrides",
    "personalised",
    "horizon_days",
    "minimum_effect",
    "dimensions",
    "plan_overrides",
    "period_minutes",
    "period_design",
    "burn_in_minutes",
    "budget",
    "payable",
)


def snapshot_of(experiment_id: int) -> dict[str, Any]:
    """Return the design as plain values, for the journal."""
    row = Experiment.objects.get(pk=experiment_id)
    return {
        **{name: getattr(row, name) for name in _JOURNALLED},
        "layer": row.layer.key if row.layer else None,
        "layer_ranges": sorted([held.slots.lower, held.slots.upper] for held in row.layer_ranges.all()),
        "holdout": row.holdout.key if row.holdout else None,
        "variants": {
            variant.key: [variant.name, variant.is_control, variant.weight, variant.parameters]
            for variant in row.variants.all()
        },
        "metrics": {
            f"{use.metric.key}:v{use.metric.version}": [use.role, use.margin]
            for use in row.metrics.select_related("metric")
        },
    }
