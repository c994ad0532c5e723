"""Retention of artifacts: versions stay for ever, the bytes of those that nothing can need any more go."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from foundation.actions.journal import write_journal
from foundation.queries import project_facts
from models_registry.actions.aliases import ReasonMissing
from models_registry.models import Alias, AliasMove, ArtifactChunk, ArtifactDrop, ModelVersion


@dataclass(frozen=True, slots=True)
class Leaving:
    """An artifact that may go, and the versions that rest on it."""

    sha256: str
    size: int
    versions: tuple[int, ...]


def leaving_artifacts(*, before: datetime, kept: Collection[int]) -> Sequence[Leaving]:
    """Return the artifacts that may go, oldest first.

    before: versions that were registered since (wall time) keep theirs. kept: ids of versions that something above
    the registry needs. The registry itself keeps the newest version of each model and of each schedule, those that hold
    an alias, and those to which the newest move of an alias could be taken back.
    """
    needed = {*kept, *_held(), *_newest()}
    by_artifact: dict[str, list[ModelVersion]] = {}
    stored = ArtifactChunk.objects.filter(sha256=OuterRef("sha256"), position=0)
    for row in ModelVersion.objects.filter(Exists(stored)).order_by("pk"):
        by_artifact.setdefault(row.sha256, []).append(row)
    return [
        Leaving(sha, rows[0].size, tuple(int(row.pk) for row in rows))
        for sha, rows in by_artifact.items()
        if all(int(row.pk) not in needed and row.created_at < before for row in rows)
    ]


@transaction.atomic
def drop_artifact(
    leaving: Leaving,
    *,
    acting_user: str,
    now: datetime,
    reason: str,
    kept: Callable[[], Collection[int]] = frozenset,
) -> bool:
    """Drop the bytes of an artifact and note it in the journal of its project; False where something needs it by now.

    kept: asked once the versions are locked, for the ids of those that something above the registry needs. Whoever
    moves an alias or pins a version at the same time either comes first, and it stays, or finds it gone. Raises
    ReasonMissing.
    """
    if not reason.strip():
        raise ReasonMissing("An artifact is dropped for a reason.")
    rows = ModelVersion.objects.select_for_update(of=("self",)).filter(sha256=leaving.sha256).order_by("pk")
    versions = list(rows.select_related("model"))
    if {int(row.pk) for row in versions} != {*leaving.versions} or {*_held(), *kept()} & {*leaving.versions}:
        return False
    ArtifactDrop.objects.create(sha256=leaving.sha256, size=leaving.size, actor=acting_user, reason=reason)
    ArtifactChunk.objects.filter(sha256=leaving.sha256).delete()
    for row in versions:
        write_journal(
            project_id=row.model.project_id,
            at=project_facts(row.model.project_id).clock.at(now),
            actor=acting_user,
            action="artifact.drop",
            subject=f"model:{row.model.key}",
            reason=reason,
            after={"version": row.number, "sha256": leaving.sha256, "bytes": leaving.size},
        )
    return True


def _held() -> frozenset[int]:
    """Return the versions that hold an alias, or would hold it if its newest move were taken back."""
    entries: list[Iterable[dict[str, int]]] = list(Alias.objects.values_list("holders", flat=True))
    newest = AliasMove.objects.order_by("model_id", "name", "-pk").distinct("model_id", "name")
    entries += newest.values_list("before", flat=True)
    return frozenset(int(holder["version"]) for holders in entries for holder in holders)


def _newest() -> frozenset[int]:
    """Return the newest version of each model, and the newest that passed its gate of each schedule."""
    rows = ModelVersion.objects.order_by("model_id", "-number").distinct("model_id").values_list("pk", flat=True)
    passed = ModelVersion.objects.filter(run__schedule__isnull=False, gate__passed=True)
    scheduled = passed.order_by("run__schedule_id", "-pk").distinct("run__schedule_id").values_list("pk", flat=True)
    return frozenset({*rows, *scheduled})
