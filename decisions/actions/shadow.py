"""Which version is shadow or challenger, set by people with a reason; a champion comes by promotion alone."""

from datetime import datetime

from foundation.errors import DomainError
from models_registry.actions.aliases import Scope, clear_alias, move_alias
from models_registry.queries.aliases import holder_of
from models_registry.queries.versions import VersionFacts, version_by_id
from models_registry.vocabulary import AliasName


class AliasByPromotion(DomainError):
    """The champion is not set by hand."""

    code = "ALIAS_BY_PROMOTION"
    hint = "Let an experiment compare the version with what serves, and approve its promotion."


class VersionNotAccepted(DomainError):
    """The version has not passed its gate, so it is not meant to be tried on people."""

    code = "VERSION_NOT_ACCEPTED"
    hint = "Choose a version that passed its gate; as a shadow it may be watched without it."


class VersionServes(DomainError):
    """The version is champion, so there is nothing to compare it with."""

    code = "VERSION_SERVES"
    hint = "Choose another version."


def set_role(*, version_id: int, name: AliasName, acting_user: str, now: datetime, reason: str) -> int:
    """Let a version be the shadow or the challenger of its model, and return the move's id.

    Raises AliasByPromotion, VersionNotAccepted, VersionServes, ArtifactDropped, ReasonMissing, VersionUnknown.
    """
    version = version_by_id(version_id)
    _ensure_free(name)
    _ensure_fit(version, name)
    return move_alias(version_id=version_id, name=name, scope=Scope(), acting_user=acting_user, now=now, reason=reason)


def clear_role(*, model_id: int, name: AliasName, acting_user: str, now: datetime, reason: str) -> int:
    """Let no version be the shadow or the challenger of a model, and return the move's id.

    Raises AliasByPromotion, ModelUnknown, ReasonMissing, VersionUnknown.
    """
    _ensure_free(name)
    return clear_alias(model_id=model_id, name=name, acting_user=acting_user, now=now, reason=reason)


def _ensure_free(name: AliasName) -> None:
    if name is AliasName.CHAMPION:
        raise AliasByPromotion("A version becomes champion by a promotion.")


def _ensure_fit(version: VersionFacts, name: AliasName) -> None:
    told = f"{version.model.key} v{version.number}"
    if name is AliasName.CHALLENGER and not version.gate_passed:
        raise VersionNotAccepted(f"{told} has not passed its gate.")
    if holder_of(version.model.id, AliasName.CHAMPION) == version.id:
        raise VersionServes(f"{told} is champion.")
