"""Projects and their API keys."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db import IntegrityError, transaction
from django.db.models import F

from foundation.actions.jobs import enqueue
from foundation.actions.journal import write_journal
from foundation.clock import ProjectClock
from foundation.errors import DomainError
from foundation.ids import digest_api_key, format_api_key
from foundation.models import ApiKey, Project


class ProjectExists(DomainError):
    """The project key is taken."""

    code: ClassVar[str] = "PROJECT_EXISTS"
    hint = "Choose another key; a project's key is never reused."


@dataclass(frozen=True, slots=True)
class NewKey:
    """A freshly issued API key; `secret` is shown once and never stored."""

    id: int
    secret: str


Furnishing = Callable[[int], None]
_furnishings: list[Furnishing] = []


def furnish_with(furnishing: Furnishing) -> None:
    """Let an app above give each new project, by its id, what it begins with; adding it again changes nothing."""
    if furnishing not in _furnishings:
        _furnishings.append(furnishing)


def create_project(
    *,
    key: str,
    name: str,
    currency: str,
    acting_user: str,
    now: datetime,
    time_zone: str = "UTC",
    clock: ProjectClock | None = None,
) -> int:
    """Create a project, publish its first bundle and return its id. Raises ProjectExists, ValidationError."""
    clock = clock or ProjectClock()
    project = Project(
        key=key,
        name=name,
        currency=currency,
        time_zone=time_zone,
        clock_kind=clock.kind.value,
        clock_origin=clock.origin,
        clock_speed=clock.speed,
        clock_started_at=clock.started_at,
    )
    project.clean_fields()
    try:
        with transaction.atomic():
            project.save(force_insert=True)
            record_creation(project_id=project.pk, acting_user=acting_user, now=now)
    except IntegrityError as error:
        if "project_key" in str(error):
            raise ProjectExists(f"There is already a project with the key {key}.") from error
        raise
    return int(project.pk)


def record_creation(*, project_id: int, acting_user: str, now: datetime) -> None:
    """Journal a new project, furnish it and promise its first bundle, in the transaction that inserted it."""
    project = Project.objects.get(pk=project_id)
    write_journal(
        project_id=project_id,
        at=now,
        actor=acting_user,
        action="project.create",
        subject=f"project:{project.key}",
        after={"name": project.name, "currency": project.currency, "clock": project.clock_kind},
    )
    for furnish in _furnishings:
        furnish(project_id)
    bump_revision(project_id=project_id)


@transaction.atomic
def edit_project(*, project_id: int, name: str, attributes: Sequence[str], acting_user: str, now: datetime) -> None:
    """Change a project's name and the event properties it keeps; what shapes stored numbers never changes."""
    row = Project.objects.select_for_update(no_key=True).get(pk=project_id)
    before = {"name": row.name, "attributes": row.attributes}
    after = {"name": name, "attributes": list(attributes)}
    if before == after:
        return
    Project.objects.filter(pk=project_id).update(**after)
    write_journal(
        project_id=project_id,
        at=now,
        actor=acting_user,
        action="project.edit",
        subject=f"project:{row.key}",
        before=before,
        after=after,
    )
    bump_revision(project_id=project_id)


def lock_project(*, project_id: int) -> None:
    """Let everything else that changes or journals something of the project wait until the transaction is over."""
    Project.objects.select_for_update(no_key=True).get(pk=project_id)


def bump_revision(*, project_id: int) -> int:
    """Move the project's revision and promise the publication of its bundle; return the new revision."""
    Project.objects.filter(pk=project_id).update(revision=F("revision") + 1)
    revision = int(Project.objects.values_list("revision", flat=True).get(pk=project_id))
    enqueue(
        kind="publish_bundle",
        key=f"publish_bundle:{project_id}:{revision}",
        project_id=project_id,
        payload={},
    )
    return revision


@transaction.atomic
def issue_api_key(*, project_id: int, kind: str, name: str, acting_user: str, now: datetime) -> NewKey:
    """Issue a key of kind client or server; the secret is only in the returned value."""
    secret = format_api_key(kind, secrets.token_bytes(32))
    row = ApiKey.objects.create(
        project_id=project_id,
        name=name,
        kind=kind,
        hint=secret[:14],
        digest=digest_api_key(secret),
    )
    write_journal(
        project_id=project_id,
        at=now,
        actor=acting_user,
        action="api_key.issue",
        subject=f"api_key:{row.pk}",
        after={"name": name, "kind": kind},
    )
    bump_revision(project_id=project_id)
    return NewKey(id=int(row.pk), secret=secret)


@transaction.atomic
def revoke_api_key(*, key_id: int, acting_user: str, now: datetime, reason: str = "") -> bool:
    """Revoke a key and return whether it was still valid; revoking twice changes nothing."""
    if not ApiKey.objects.filter(pk=key_id, revoked_at=None).update(revoked_at=now):
        return False
    row = ApiKey.objects.get(pk=key_id)
    write_journal(
        project_id=row.project_id,
        at=now,
        actor=acting_user,
        action="api_key.revoke",
        subject=f"api_key:{key_id}",
        reason=reason,
        before={"name": row.name, "kind": row.kind},
    )
    bump_revision(project_id=row.project_id)
    return True
