"""The experiments part of a project's bundle, as the assignment engine compiles it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from experiments.assignment.budgets import split
from experiments.assignment.compiler import READABLE_SCHEMAS
from experiments.assignment.periods import block_length, periods_touched
from experiments.lifecycle import SERVING
from experiments.models import AllocationEpoch, Experiment, Flag, Holdout, Layer
from experiments.queries.met import is_sticky
from experiments.vocabulary import PeriodDesign, Source, Status


def bundle_parts(project_id: int) -> dict[str, list[dict[str, Any]]]:
    """Return holdouts, layers, flags and the experiments that are running or paused, each list by id."""
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
        "flags": [
            {"key": row.key, "kind": row.kind, "default": row.default, "layer": row.layer_id}
            for row in Flag.objects.filter(project_id=project_id).order_by("pk")
        ],
    }


def lone_bundle(experiment_id: int) -> dict[str, Any]:
    """Return the bundle of one experiment by period as if it ran from its first period on, for anybody.

    Raises Experiment.DoesNotExist.
    """
    row = Experiment.objects.select_related("project").get(pk=experiment_id)
    entry = _experiment(row)
    entry |= {"status": Status.RUNNING.value, "audience": None, "overrides": {}}
    entry["epoch_opened_at"] = entry["period"]["anchor"]
    parts = bundle_parts(row.project_id)
    project = {"id": row.project_id, "key": row.project.key}
    return parts | {"schema": READABLE_SCHEMAS[0], "version": 0, "project": project, "experiments": [entry]}


def _experiment(row: Experiment) -> dict[str, Any]:
    epochs = AllocationEpoch.objects.filter(experiment=row).prefetch_related("allocations__variant").order_by("number")
    *_, epoch = epochs
    allocations = {held.variant_id: held for held in epoch.allocations.all()}
    entry: dict[str, Any] = {
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
    entry |= {"sticky": True} if is_sticky(row, epochs) else {}
    entry |= {"period": _period(row, [held.weight for held in allocations.values()])} if row.period_minutes else {}
    if row.budget is not None:
        parts = split(row.budget, [variant["weight"] for variant in entry["variants"]])
        for variant, part in zip(entry["variants"], parts, strict=True):
            variant["budget"] = part
    return entry


def _period(row: Experiment, weights: Sequence[int]) -> dict[str, Any]:
    """Return the calendar as the engine reads it. What no launch lets through is left for the engine to refuse."""
    found = {
        "minutes": row.period_minutes,
        "anchor": None if row.periods_from is None else row.periods_from.isoformat(),
        "design": row.period_design,
        "burn_in": row.burn_in_minutes,
    }
    found |= {"block": block_length(weights)} if row.period_design == PeriodDesign.BALANCED else {}
    return found | ({"blackouts": _kept_out(row)} if row.blackouts else {})


def _kept_out(row: Experiment) -> list[list[int]]:
    """Return the stretches [first, after) of periods that touch days which were kept out at launch."""
    if row.periods_from is None or row.period_minutes is None:
        return []
    spans = [(datetime.fromisoformat(begun), datetime.fromisoformat(over)) for begun, over in row.blackouts]
    return [list(found) for found in periods_touched(spans, anchor=row.periods_from, minutes=row.period_minutes)]
