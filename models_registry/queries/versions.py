"""Models, versions and artifacts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foundation.errors import DomainError
from foundation.ids import sought
from foundation.queries import project_facts
from models_registry.artifacts import Artifact, ArtifactDamaged, ArtifactRefused, open_artifact
from models_registry.models import ArtifactChunk, ArtifactDrop, ModelVersion, RegisteredModel
from models_registry.vocabulary import PredictorKind


class ModelUnknown(DomainError):
    """There is no such model."""

    code = "MODEL_UNKNOWN"
    hint = "Check the key; the admin lists the models of each project."


class VersionUnknown(DomainError):
    """There is no such model version."""

    code = "MODEL_VERSION_UNKNOWN"
    hint = "Check the number; the model's page lists its versions."


class ArtifactDropped(ArtifactRefused):
    """The bytes of the version were dropped to save room; its figures and its lineage are kept."""

    code = "ARTIFACT_DROPPED"
    hint = "Train it again with the same recipe, window and seed, or choose another version."


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A registered model."""

    id: int
    project_id: int
    key: str
    name: str
    domain: str
    description: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """A model version: `number` counts within its model, `id` is what bundles, tokens and decisions carry."""

    id: int
    model: ModelFacts
    number: int
    kind: PredictorKind
    sha256: str
    size: int
    seal: str
    signature: Mapping[str, Any]
    metrics: Mapping[str, float]
    gate: Mapping[str, Any]
    run_id: int
    data_start: datetime
    data_end: datetime
    code_revision: str
    created_at: datetime

    @property
    def gate_passed(self) -> bool:
        return self.gate.get("passed") is True


def models_of(project_id: int | None = None) -> Sequence[ModelFacts]:
    """Return the models of a project, or of all projects, newest first."""
    rows = (
        RegisteredModel.objects.all() if project_id is None else RegisteredModel.objects.filter(project_id=project_id)
    )
    return [model_facts(row) for row in rows]


def model_by_id(model_id: int) -> ModelFacts:
    """Return a model. Raises ModelUnknown."""
    row = RegisteredModel.objects.filter(pk=model_id).first()
    if row is None:
        raise ModelUnknown(f"There is no model {model_id}.")
    return model_facts(row)


def models_by_key(key: str, *, project_key: str | None = None) -> Sequence[ModelFacts]:
    """Return the models with this key, of one project or of all."""
    rows = RegisteredModel.objects.filter(key=key).order_by("project_id")
    if project_key is not None:
        rows = rows.filter(project__key=sought(project_key))
    return [model_facts(row) for row in rows]


def versions_of(model_id: int) -> Sequence[VersionFacts]:
    """Return the versions of a model, newest first."""
    rows = ModelVersion.objects.select_related("model").filter(model_id=model_id).order_by("-number")
    return [version_facts(row) for row in rows]


def version_by_id(version_id: int) -> VersionFacts:
    """Return a version. Raises VersionUnknown."""
    found = versions_by_id([version_id])
    if not found:
        raise VersionUnknown(f"There is no model version {version_id}.")
    return found[version_id]


def versions_by_id(ids: Iterable[int]) -> Mapping[int, VersionFacts]:
    """Return the versions with these ids, as far as there are any."""
    rows = ModelVersion.objects.select_related("model").filter(pk__in=set(ids))
    return {int(row.pk): version_facts(row) for row in rows}


def version_by_number(model_id: int, number: int) -> VersionFacts:
    """Return a version of a model. Raises VersionUnknown."""
    row = ModelVersion.objects.select_related("model").filter(model_id=model_id, number=number).first()
    if row is None:
        raise VersionUnknown(f"The model has no version {number}.")
    return version_facts(row)


def artifact_bytes(sha256: str) -> bytes:
    """Return the bytes of an artifact, unverified.

    Raises:
        ArtifactDropped: they were dropped.
        ArtifactDamaged: there are none.
    """
    chunks = ArtifactChunk.objects.filter(sha256=sha256).order_by("position").values_list("content", flat=True)
    content = b"".join(bytes(chunk) for chunk in chunks)
    if content:
        return content
    dropped_at = dropped_artifacts([sha256]).get(sha256)
    if dropped_at is None:
        raise ArtifactDamaged(f"The artifact {sha256[:12]} is not stored.")
    raise ArtifactDropped(f"The artifact {sha256[:12]} was dropped on {dropped_at:%Y-%m-%d}.")


def dropped_artifacts(sha256s: Iterable[str]) -> Mapping[str, datetime]:
    """Return when those of these artifacts were dropped that are not stored any more, by SHA-256 (wall time)."""
    named = set(sha256s)
    stored = ArtifactChunk.objects.filter(sha256__in=named, position=0).values_list("sha256", flat=True)
    rows = ArtifactDrop.objects.filter(sha256__in=named - set(stored)).order_by("pk")
    return dict(rows.values_list("sha256", "dropped_at"))


def verified_artifact(version: VersionFacts) -> Artifact:
    """Return what a version's artifact holds, after digest and seal have been checked.

    Raises:
        ArtifactDamaged, ArtifactDropped, ArtifactForged, ArtifactMalformed.
    """
    return open_artifact(
        artifact_bytes(version.sha256),
        sha=version.sha256,
        sealed=version.seal,
        key=project_facts(version.model.project_id).signing_key,
    )


def model_facts(row: RegisteredModel) -> ModelFacts:
    """Return a row as a record."""
    return ModelFacts(
        id=int(row.pk),
        project_id=row.project_id,
        key=row.key,
        name=row.name,
        domain=row.domain,
        description=row.description,
        created_at=row.created_at,
    )


def version_facts(row: ModelVersion) -> VersionFacts:
    """Return a row, selected with its model, as a record."""
    return VersionFacts(
        id=int(row.pk),
        model=model_facts(row.model),
        number=row.number,
        kind=PredictorKind(row.kind),
        sha256=row.sha256,
        size=row.size,
        seal=row.seal,
        signature=row.signature,
        metrics=row.metrics,
        gate=row.gate,
        run_id=row.run_id,
        data_start=row.data_start,
        data_end=row.data_end,
        code_revision=row.code_revision,
        created_at=row.created_at,
    )
