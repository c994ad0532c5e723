"""Aliases and their moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models_registry.models import Alias, AliasMove
from models_registry.vocabulary import AliasName


@dataclass(frozen=True, slots=True)
class Holder:
    """A version that holds an alias for an audience of a unit kind; for everybody where both are None."""

    version: int
    audience: Mapping[str, Any] | None
    unit_kind: str | None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> "Holder":
        """Return the holder that a stored entry stands for."""
        return cls(version=int(entry["version"]), audience=entry["audience"], unit_kind=entry["unit_kind"])

    def to_dict(self) -> dict[str, Any]:
        """Return the entry that is stored."""
        return {"version": self.version, "audience": self.audience, "unit_kind": self.unit_kind}


@dataclass(frozen=True, slots=True)
class MoveFacts:
    """One move of an alias, with those who held it before and after, first claim first."""

    id: int
    name: AliasName
    before: tuple[Holder, ...]
    after: tuple[Holder, ...]
    at: datetime
    actor: str
    reason: str
    undoes: int | None


def holders_of(model_id: int, name: AliasName) -> tuple[Holder, ...]:
    """Return who holds an alias, first claim first; empty where nobody does."""
    row = Alias.objects.filter(model_id=model_id, name=name).first()
    return tuple(map(Holder.of, row.holders)) if row else ()


def holder_of(model_id: int, name: AliasName) -> int | None:
    """Return the version with the first claim to an alias."""
    held = holders_of(model_id, name)
    return held[0].version if held else None


def aliases_of(model_id: int) -> Mapping[AliasName, tuple[Holder, ...]]:
    """Return the aliases of a model that somebody holds."""
    rows = Alias.objects.filter(model_id=model_id, version__isnull=False).order_by("name")
    return {AliasName(row.name): tuple(map(Holder.of, row.holders)) for row in rows}


def moves_of(model_id: int) -> Sequence[MoveFacts]:
    """Return the moves of a model's aliases, newest first."""
    return [_facts(row) for row in AliasMove.objects.filter(model_id=model_id).order_by("-pk")]


def latest_move(model_id: int, name: AliasName) -> MoveFacts | None:
    """Return the newest move of an alias."""
    row = AliasMove.objects.filter(model_id=model_id, name=name).order_by("-pk").first()
    return _facts(row) if row else None


def _facts(row: AliasMove) -> MoveFacts:
    return MoveFacts(
        id=int(row.pk),
        name=AliasName(row.name),
        before=tuple(map(Holder.of, row.before)),
        after=tuple(map(Holder.of, row.after)),
        at=row.at,
        actor=row.actor,
        reason=row.reason,
        undoes=row.undoes_id,
    )
