"""The decisions part of a project's bundle, as the edge compiles it."""

from typing import Any

from decisions.models import DecisionPoint, PointExperiment, VariantPolicy
from decisions.queries.catalogue import published_catalogue
from decisions.registry import domain_of
from models_registry.queries.aliases import holders_of
from models_registry.queries.versions import versions_by_id
from models_registry.vocabulary import AliasName


def decision_parts(project_id: int, *, experiment_ids: set[int]) -> dict[str, Any]:
    """Return decision points, the model versions they may serve, and the catalogue.

    `experiment_ids` are the experiments that the bundle has.
    """
    points = [_point(row, experiment_ids) for row in DecisionPoint.objects.filter(project_id=project_id).order_by("pk")]
    catalogue = published_catalogue(project_id)
    return {
        "decision_points": points,
        "models": _models(points),
        "catalogue": None if catalogue is None else {"sha256": catalogue.sha256, "size": catalogue.size},
    }


def _point(row: DecisionPoint, experiment_ids: set[int]) -> dict[str, Any]:
    domain = domain_of(row.domain)
    holders = holders_of(row.model_id, AliasName.CHAMPION) if row.model_id is not None else ()
    bound = PointExperiment.objects.filter(point=row, experiment_id__in=experiment_ids).order_by("experiment_id")
    return {
        "id": row.pk,
        "key": row.key,
        "domain": row.domain,
        "personal": domain.personal,
        "slate_size": row.slate_size,
        "largest_slate": domain.largest_slate,
        "deadline_ms": row.deadline_ms,
        "champions": [holder.to_dict() for holder in holders],
        "experiments": [{"id": entry.experiment_id, "variants": _variants(entry.experiment_id)} for entry in bound],
    }


def _variants(experiment_id: int) -> dict[str, Any]:
    rows = VariantPolicy.objects.select_related("variant").filter(experiment_id=experiment_id)
    return {
        row.variant.key: {"policy": row.policy, "version": row.version_id, "actions": list(row.actions)}
        for row in rows.order_by("variant__position", "variant_id")
    }


def _models(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    wanted = {holder["version"] for point in points for holder in point["champions"]}
    wanted |= {
        variant["version"]
        for point in points
        for experiment in point["experiments"]
        for variant in experiment["variants"].values()
        if variant["version"] is not None
    }
    return [
        {
            "version": version.id,
            "model": version.model.key,
            "number": version.number,
            "kind": version.kind.value,
            "sha256": version.sha256,
            "size": version.size,
            "seal": version.seal,
        }
        for version in (found for _, found in sorted(versions_by_id(wanted).items()))
    ]
