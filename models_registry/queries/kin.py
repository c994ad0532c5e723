"""Versions and runs that belong together: trained on the same data, or resting on the same bytes."""

from collections.abc import Sequence
from typing import Final

from models_registry.models import ModelVersion, TrainingRun
from models_registry.queries.runs import RunFacts, run_by_id
from models_registry.queries.versions import VersionFacts, version_facts

MOST: Final = 20


def runs_on_data(project_id: int, sha256: str) -> Sequence[RunFacts]:
    """Return the newest runs of a project that learnt from data with this digest, newest first; none for ""."""
    if not sha256:
        return ()
    rows = TrainingRun.objects.filter(model__project_id=project_id, dataset__sha256=sha256).order_by("-pk")
    return [run_by_id(run_id) for run_id in rows.values_list("pk", flat=True)[:MOST]]


def versions_with_bytes(project_id: int, sha256: str) -> Sequence[VersionFacts]:
    """Return the versions of a project that rest on an artifact, newest first."""
    rows = ModelVersion.objects.select_related("model").filter(model__project_id=project_id, sha256=sha256)
    return [version_facts(row) for row in rows.order_by("-pk")[:MOST]]
