"""What the edge loads by its SHA-256: written once, removed when no bundle that may still be served names it."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from django.db import connection, transaction

from decisions.models import PublishedCatalogue, PublishedChunk
from decisions.queries.catalogue import published_catalogue
from foundation.actions.projects import bump_revision

CHUNK = 1024 * 1024
BUNDLES_KEPT = 20
"""Of each project: an edge process that was away serves one of these until it has caught up."""

FORGETTING = 7_205_002
"""The advisory lock between those who name files and the one who forgets files that nobody names."""

_FORGET = """
WITH recent AS (
    SELECT content::jsonb AS bundle FROM (
        SELECT content, row_number() OVER (PARTITION BY project_id ORDER BY version DESC) AS place
        FROM decisions_publishedbundle
    ) ranked WHERE place <= %s
), named AS (
    SELECT model->>'sha256' AS sha256
    FROM recent, jsonb_array_elements(coalesce(bundle->'models', '[]')) AS model
    UNION SELECT bundle->'catalogue'->>'sha256' FROM recent WHERE jsonb_typeof(bundle->'catalogue') = 'object'
    UNION SELECT catalogue->>'sha256'
    FROM recent, jsonb_array_elements(coalesce(bundle->'catalogues', '[]')) AS catalogue
    UNION SELECT bundle->'prices'->>'sha256' FROM recent WHERE jsonb_typeof(bundle->'prices') = 'object'
    UNION SELECT learner->>'sha256' FROM recent, jsonb_array_elements(coalesce(bundle->'learners', '[]')) AS learner
    UNION SELECT sha256 FROM decisions_publishedcatalogue
)
DELETE FROM decisions_publishedchunk WHERE sha256 NOT IN (SELECT sha256 FROM named WHERE sha256 IS NOT NULL)
"""


def publish_chunks(sha256: str, content: bytes) -> None:
    """Store bytes under their digest, unless they are there; in the transaction that names them.

    Until it ends nothing is forgotten, so that what is there stays there.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [FORGETTING])
    if PublishedChunk.objects.filter(sha256=sha256).exists():
        return
    PublishedChunk.objects.bulk_create(_cut(sha256, content), ignore_conflicts=True)


def publish_file(*, project_id: int, collection: str, content: bytes, items: int, now: datetime) -> bool:
    """Publish the bytes of a catalogue and let bundles name them; return whether they differ from the last ones.

    In a transaction that lets nobody else publish this collection. `now` is wall time.
    """
    digest = sha256(content).hexdigest()
    known = published_catalogue(project_id, collection)
    if known is not None and known.sha256 == digest:
        return False
    publish_chunks(digest, content)
    PublishedCatalogue.objects.update_or_create(
        project_id=project_id,
        collection=collection,
        defaults={"sha256": digest, "size": len(content), "items": items, "published_at": now},
    )
    bump_revision(project_id=project_id)
    return True


@transaction.atomic
def forget_unnamed_chunks() -> int:
    """Delete what none of the newest bundles names; return how many pieces."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FORGETTING])
        cursor.execute(_FORGET, [BUNDLES_KEPT])
        return int(cursor.rowcount)


def _cut(sha256: str, content: bytes) -> Iterable[PublishedChunk]:
    return [
        PublishedChunk(sha256=sha256, position=number, content=content[start : start + CHUNK])
        for number, start in enumerate(range(0, len(content), CHUNK))
    ]
