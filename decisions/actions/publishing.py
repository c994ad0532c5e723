"""Publishing: from the records to the bundle that every edge process serves."""

import json
import logging
from base64 import b64encode
from hashlib import sha256
from typing import Any

import redis
from django.conf import settings
from django.db import IntegrityError, transaction

from decisions.actions.chunks import publish_chunks
from decisions.models import PublishedBundle
from decisions.queries.bundles import decision_parts
from decisions.serving.points import compile_points
from experiments.assignment.compiler import compile_snapshot
from experiments.queries.bundles import bundle_parts
from foundation.queries import ProjectFacts, project_facts, valid_keys
from models_registry.queries.versions import artifact_bytes

SCHEMA = 3
COMPANION_SCHEMA = 1
HINT_CHANNEL = "tiltyard:bundle"

logger = logging.getLogger(__name__)


def publish_bundle(*, project_id: int) -> int:
    """Compile the project's records into the bundle of its revision and publish it; return the version.

    A revision that is published already stays as it is. Content that the engine cannot compile is refused with
    BundleInvalid, a model version without its artifact with ArtifactDamaged; the last good bundle goes on being
    served.
    """
    with transaction.atomic():
        facts = project_facts(project_id)
        version = facts.revision
        if PublishedBundle.objects.filter(project_id=project_id, version=version).exists():
            return version
        parts = bundle_parts(project_id)
        decided = decision_parts(project_id, experiment_ids={int(entry["id"]) for entry in parts["experiments"]})
        content = canonical({**_head(facts), **parts, **decided})
        compiled = json.loads(content)
        compile_points(compiled, compile_snapshot(compiled))
        for model in decided["models"]:
            publish_chunks(model["sha256"], artifact_bytes(model["sha256"]))
        try:
            with transaction.atomic():
                PublishedBundle.objects.create(
                    project_id=project_id,
                    version=version,
                    sha256=sha256(content.encode()).hexdigest(),
                    content=content,
                    companion=canonical(_companion(facts)),
                )
        except IntegrityError:
            return version
        transaction.on_commit(lambda: _hint(project_id, version))
    return version


def canonical(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _head(facts: ProjectFacts) -> dict[str, Any]:
    return {"schema": SCHEMA, "project": {"id": facts.id, "key": facts.key}, "version": facts.revision}


def _companion(facts: ProjectFacts) -> dict[str, Any]:
    clock = facts.clock
    return {
        "schema": COMPANION_SCHEMA,
        "project_id": facts.id,
        "pepper": b64encode(facts.pepper).decode(),
        "signing_keys": [{"kid": "1", "secret": b64encode(facts.signing_key).decode()}],
        "api_keys": [{"id": key.id, "kind": key.kind, "sha256": key.digest} for key in valid_keys(facts.id)],
        "clock": {
            "kind": clock.kind.value,
            "origin": clock.origin.isoformat() if clock.origin else None,
            "speed": clock.speed,
            "started_at": clock.started_at.isoformat() if clock.started_at else None,
        },
        "attributes": list(facts.attributes),
        "currency": facts.currency,
    }


def _hint(project_id: int, version: int) -> None:
    """Tell the edge at once; it polls Postgres anyway, so a silent Redis costs two seconds and nothing else."""
    try:
        client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
        client.publish(HINT_CHANNEL, f"{project_id}:{version}")
        client.close()
    except redis.RedisError as error:
        logger.warning("bundle hint not sent: %s", error)
