"""The journal: one sealed entry for every change that a person or a rule makes."""

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from foundation.models import JournalEntry, Project

GENESIS: Final = "0" * 64


def write_journal(
    *,
    project_id: int,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    reason: str = "",
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> int:
    """Append an entry to the project's journal and return its number; must run inside a transaction.

    The project's row is locked, so that concurrent entries get consecutive numbers. The seal is
    HMAC-SHA256(secret key, previous seal + canonical entry).
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("A journal entry belongs in the transaction of its change.")
    Project.objects.select_for_update(no_key=True).get(pk=project_id)
    last = JournalEntry.objects.filter(project_id=project_id).order_by("-sequence").first()
    entry = JournalEntry(
        project_id=project_id,
        sequence=last.sequence + 1 if last else 1,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        reason=reason,
        before=dict(before or {}),
        after=dict(after or {}),
        previous_seal=last.seal if last else GENESIS,
    )
    entry.seal = seal(entry)
    entry.save(force_insert=True)
    return entry.sequence


def seal(entry: JournalEntry) -> str:
    """Return the seal of an entry: it covers every field and the seal of the entry before."""
    fields = [
        entry.project_id,
        entry.sequence,
        entry.at.isoformat(),
        entry.actor,
        entry.action,
        entry.subject,
        entry.reason,
        entry.before,
        entry.after,
    ]
    text = entry.previous_seal + json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hmac.digest(settings.SECRET_KEY.encode(), b"journal\0" + text.encode(), "sha256").hex()


def first_broken_entry(project_id: int) -> int | None:
    """Return the number of the first entry that was changed, removed or moved; None when the chain is whole."""
    previous, expected = GENESIS, 1
    for entry in JournalEntry.objects.filter(project_id=project_id).order_by("sequence").iterator():
        if entry.sequence != expected or entry.previous_seal != previous or seal(entry) != entry.seal:
            return expected
        previous, expected = entry.seal, expected + 1
    return None
