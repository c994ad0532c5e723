"""The decisions part of a project's bundle, as the edge compiles it."""

from typing import Any

from decisions.domain import ITEMS
from decisions.models import DecisionPoint, PointExperiment, VariantPolicy
from decisions.queries.catalogue import PRICES, published_catalogues
from decisions.queries.learners import bundle_learners
from decisions.registry import domain_of
from models_registry.queries.aliases import holder_of, holders_of
from models_registry.queries.schedules import newest_passed
from models_registry.queries.versions import versions_by_id
from models_registry.vocabulary import AliasName


def decision_parts(project_id: int, *, experiment_ids: set[int]) -> dict[str, Any]:
    """Return decision points, and the model versions, learning policies and catalogues with which they decide.

    `experiment_ids` are the experiments that the bundle has. The catalogue of the shop's items stands alone, where
    edges of before look for it.
    """
    rows = DecisionPoint.objects.filter(project_id=project_id).order_by("pk")
    points = [_point(row, experiment_ids) for row in rows]
    files = {
        catalogue.collection: {"sha256": catalogue.sha256, "size": catalogue.size}
        for catalogue in published_catalogues(project_id)
    }
    return {
        "decision_points": points,
        "models": _models(points),
        "learners": bundle_learners(_named(points, "learner")),
        "catalogue": files.pop(ITEMS, None),
        **({"prices": files.pop(PRICES)} if PRICES in files else {}),
        "catalogues": [{"collection": collection, **file} for collection, file in files.items()],
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
        "most_age_minutes": row.most_age_minutes,
        "champions": [holder.to_dict() for holder in holders],
        "learner": row.learner_id,
        "shadow": None if row.model_id is None else holder_of(row.model_id, AliasName.SHADOW),
        **({"settings": row.settings} if row.settings else {}),
        "experiments": [{"id": entry.experiment_id, "variants": _variants(entry.experiment_id)} for entry in bound],
    }


def _variants(experiment_id: int) -> dict[str, Any]:
    rows = VariantPolicy.objects.select_related("variant").filter(experiment_id=experiment_id)
    return {row.variant.key: _policy(row) for row in rows.order_by("variant__position", "variant_id")}


def _policy(row: VariantPolicy) -> dict[str, Any]:
    """Return what a variant does; a recipe stands for the newest version of its schedule that its gate let pass."""
    version = row.version_id
    if row.schedule_id is not None:
        newest = newest_passed(row.schedule_id)
        version = None if newest is None else newest.id
    return {"policy": row.policy, "version": version, "actions": list(row.actions), "learner": row.learner_id}


def _named(points: list[dict[str, Any]], member: str) -> set[int]:
    """Return the ids of the versions, or learners, that points, their champions and their variants name."""
    parts = [part for point in points for part in (point, *point["champions"])]
    parts += [
        variant
        for point in points
        for experiment in point["experiments"]
        for variant in experiment["variants"].values()
    ]
    return {part[member] for part in parts if part.get(member) is not None}


def _models(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = versions_by_id(_named(points, "version") | _named(points, "shadow"))
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
        for _, version in sorted(found.items())
    ]
