"""Where a decision comes from: model version, training run, data window, code revision; as plain values for JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from decisions.queries.made import DecisionFacts, decision_by_id
from models_registry.queries.runs import RunFacts, run_by_id
from models_registry.queries.versions import (
    ModelUnknown,
    VersionFacts,
    models_by_key,
    version_by_id,
    version_by_number,
)


def decision_lineage(decision_id: str, *, project_ids: Sequence[int]) -> dict[str, Any]:
    """Return a logged decision and, where a model made it, all that version comes from. Raises DecisionUnknown."""
    decision = decision_by_id(decision_id, project_ids=project_ids)
    return {"decision": _plain(_decision(decision)), "model_version": lineage_of(decision.version)}


def version_lineage(project_key: str, model_key: str, number: int) -> dict[str, Any]:
    """Return a version and all it comes from. Raises ModelUnknown, VersionUnknown."""
    models = models_by_key(model_key, project_key=project_key)
    if not models:
        raise ModelUnknown(f"There is no model with the key {model_key}.")
    version = version_by_number(models[0].id, number)
    return _version(version, run_by_id(version.run_id))


def lineage_of(version_id: int | None) -> dict[str, Any] | None:
    """Return what a version id stands for; None for decisions without a model. Raises VersionUnknown."""
    if version_id is None:
        return None
    version = version_by_id(version_id)
    return _version(version, run_by_id(version.run_id))


def _decision(decision: DecisionFacts) -> dict[str, Any]:
    return {name: value for name, value in asdict(decision).items() if name != "project_id"}


def _version(version: VersionFacts, run: RunFacts) -> dict[str, Any]:
    told = {
        "id": version.id,
        "model": version.model.key,
        "number": version.number,
        "kind": version.kind,
        "sha256": version.sha256,
        "size": version.size,
        "signature": version.signature,
        "metrics": version.metrics,
        "gate": version.gate,
        "registered_at": version.created_at,
        "code_revision": version.code_revision,
        "data_window": {"start": version.data_start, "end": version.data_end},
        "training_run": {
            "id": run.id,
            "recipe": run.recipe,
            "parameters": run.parameters,
            "seed": run.seed,
            "dataset": run.dataset,
            "state": run.state,
            "attempts": run.attempts,
            "requested_by": run.requested_by,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
        },
    }
    return dict(_plain(told))


def _plain(value: Any) -> Any:
    """Return the value with times as ISO 8601 and tuples as lists."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
