"""The experiments part of a project's bundle, as the assignment engine compiles it."""

from typing import Any

from experiments.lifecycle import SERVING
from experiments.models import AllocationEpoch, Experiment, Holdout, Layer
from experiments.vocabulary import Source


def bundle_parts(project_id: int) -> dict[str, list[dict[str, Any]]]:
    """Return holdouts, layers and the experiments that are running or paused, each list by id."""
    experiments = (
        Experiment.objects.filter(project_id=project_id, source=Source.OWN, status__in=SERVING)
        .prefetch_related("layer_ranges", "variants")
        .order_by("pk")
    )
    return {
        "holdouts": [
            {"id": row.pk, "key": row.key, "salt": row.salt, "unit_kind": row.unit_kind, "share": row.share}
            for row in Holdout.objects.filter(project_id=project_id).order_by("pk")
        ],
        "layers": [
            {"id": row.pk, "key": row.key, "salt": row.salt}
            for row in Layer.objects.filter(project_id=project_id).order_by("pk")
        ],
        "experiments": [_experiment(row) for row in experiments],
    }


def _experiment(row: Experiment) -> dict[str, Any]:
    epoch = AllocationEpoch.objects.filter(experiment=row).prefetch_related("allocations").latest("number")
    allocations = {held.variant_id: held for held in epoch.allocations.all()}
    return {
        "id": row.pk,
        "key": row.key,
        "status": row.status,
        "salt": row.salt,
        "unit_kind": row.unit_kind,
        "layer": row.layer_id,
        "layer_ranges": sorted([held.slots.lower, held.slots.upper] for held in row.layer_ranges.all()),
        "holdout": row.holdout_id,
        "audience": row.audience,
        "coverage": epoch.coverage,
        "epoch": epoch.number,
        "epoch_opened_at": epoch.opened_at.isoformat(),
        "personalised": row.personalised,
        "variants": [
            {
                "key": variant.key,
                "control": variant.is_control,
                "state": allocations[variant.pk].state,
                "weight": allocations[variant.pk].weight,
                "ranges": allocations[variant.pk].ranges,
                "parameters": variant.parameters,
            }
            for variant in row.variants.all()
        ],
        "overrides": row.overrides,
    }
