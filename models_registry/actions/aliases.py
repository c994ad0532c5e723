"""Moving aliases: every move is kept with what it replaced, so that it can be taken back exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from foundation.actions.journal import write_journal
from foundation.actions.projects import bump_revision
from foundation.errors import DomainError
from foundation.queries import project_facts
from models_registry.models import Alias, AliasMove, ModelVersion, RegisteredModel
from models_registry.queries.aliases import Holder
from models_registry.queries.versions import ArtifactDropped, ModelUnknown, VersionUnknown, dropped_artifacts
from models_registry.vocabulary import AliasName


class MoveNotLatest(DomainError):
    """The alias has moved again since, so this move cannot be taken back."""

    code = "MOVE_NOT_LATEST"
    hint = "Take back the newest move first, or move the alias to the version you want."


class ReasonMissing(DomainError):
    """The move needs a reason."""

    code = "REASON_MISSING"
    hint = "Write down why; readers of the journal will ask."


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom a version was shown to be better: None for everybody, else an audience and the unit that was tested."""

    audience: Mapping[str, Any] | None = None
    unit_kind: str | None = None


def hold_alias(*, model_id: int, name: AliasName) -> None:
    """Keep others from moving an alias until the caller's transaction ends. Raises ModelUnknown."""
    _locked(model_id, name)


@transaction.atomic
def move_alias(*, version_id: int, name: AliasName, scope: Scope, acting_user: str, now: datetime, reason: str) -> int:
    """Let a version hold an alias of its model, for the scope alone, and return the move's id.

    Outside a scope with an audience, whoever held the alias before goes on holding it.
    Raises ArtifactDropped, ReasonMissing, VersionUnknown.
    """
    version = ModelVersion.objects.filter(pk=version_id).first()
    if version is None:
        raise VersionUnknown(f"There is no model version {version_id}.")
    alias = _locked(version.model_id, name)
    holder = Holder(version_id, scope.audience, scope.unit_kind if scope.audience is not None else None)
    kept = [entry for entry in alias.holders if entry["version"] != version_id] if scope.audience is not None else []
    return _store(alias, [holder.to_dict(), *kept], acting_user, now, reason)


@transaction.atomic
def clear_alias(*, model_id: int, name: AliasName, acting_user: str, now: datetime, reason: str) -> int:
    """Let nobody hold an alias any more, and return the move's id. Raises ReasonMissing, VersionUnknown."""
    alias = _locked(model_id, name)
    if not alias.holders:
        raise VersionUnknown(f"Nobody holds the alias {name}.")
    return _store(alias, [], acting_user, now, reason)


@transaction.atomic
def widen_alias(*, model_id: int, name: AliasName, acting_user: str, now: datetime, reason: str) -> int:
    """Let the version with the first claim to an alias hold it for everybody and return the move's id.

    This goes beyond what was tested, so it needs a reason. Raises ReasonMissing, VersionUnknown.
    """
    alias = _locked(model_id, name)
    if not alias.holders:
        raise VersionUnknown(f"Nobody holds the alias {name}.")
    holder = Holder(int(alias.holders[0]["version"]), None, None)
    return _store(alias, [holder.to_dict()], acting_user, now, reason)


@transaction.atomic
def take_back(*, move_id: int, acting_user: str, now: datetime, reason: str) -> int:
    """Restore what an alias pointed at before its newest move and return the new move's id.

    Raises ArtifactDropped, ReasonMissing, MoveNotLatest where the alias has moved since.
    """
    move = AliasMove.objects.get(pk=move_id)
    alias = _locked(move.model_id, AliasName(move.name))
    newest = AliasMove.objects.filter(model_id=move.model_id, name=move.name).order_by("-pk").first()
    if newest is None or newest.pk != move_id:
        raise MoveNotLatest(f"The alias {move.name} of {move.model} has moved again since.")
    return _store(alias, move.before, acting_user, now, reason, undoes=move)


def _locked(model_id: int, name: AliasName) -> Alias:
    if not RegisteredModel.objects.filter(pk=model_id).exists():
        raise ModelUnknown(f"There is no model {model_id}.")
    Alias.objects.get_or_create(model_id=model_id, name=name)
    return Alias.objects.select_for_update(of=("self",)).select_related("model").get(model_id=model_id, name=name)


def _store(
    alias: Alias,
    holders: Sequence[Mapping[str, Any]],
    acting_user: str,
    now: datetime,
    reason: str,
    undoes: AliasMove | None = None,
) -> int:
    if not reason.strip():
        raise ReasonMissing("An alias moves for a reason.")
    before, after = list(alias.holders), [dict(holder) for holder in holders]
    _ensure_stored([int(holder["version"]) for holder in after])
    at = project_facts(alias.model.project_id).clock.at(now)
    move = AliasMove.objects.create(
        model_id=alias.model_id,
        name=alias.name,
        before=before,
        after=after,
        at=at,
        actor=acting_user,
        reason=reason,
        undoes=undoes,
    )
    Alias.objects.filter(pk=alias.pk).update(holders=after, version_id=after[0]["version"] if after else None)
    write_journal(
        project_id=alias.model.project_id,
        at=at,
        actor=acting_user,
        action="alias.move" if undoes is None else "alias.take_back",
        subject=f"model:{alias.model.key}",
        reason=reason,
        before={alias.name: before},
        after={alias.name: after},
    )
    bump_revision(project_id=alias.model.project_id)
    return int(move.pk)


def _ensure_stored(version_ids: Sequence[int]) -> None:
    """Let pass versions whose artifacts are there, and keep these from being dropped until the transaction ends.

    Raises:
        ArtifactDropped: what one of them would serve with is gone.
    """
    rows = ModelVersion.objects.select_for_update(of=("self",)).filter(pk__in=version_ids).order_by("pk")
    versions = {row.sha256: row.number for row in rows}
    gone = dropped_artifacts(versions)
    if gone:
        numbers = ", ".join(f"v{versions[sha]}" for sha in gone)
        raise ArtifactDropped(f"The artifact of {numbers} was dropped, so it cannot hold an alias.")
