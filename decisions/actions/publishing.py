"""Publishing: from the records to the bundle that every edge process serves."""

import json
import logging
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import redis
from django.conf import settings
from django.db import IntegrityError, transaction

from decisions.actions.chunks import publish_chunks
from decisions.actions.remembering import prepare_units
from decisions.models import PublishedBundle
from decisions.queries.bundles import decision_parts
from decisions.queries.learners import state_content
from decisions.serving.bundle import PublishedText
from decisions.serving.selftest import examine, write_content
from experiments.queries.bundles import bundle_parts
from experiments.vocabulary import Status
from foundation.queries import ProjectFacts, project_facts, valid_keys
from models_registry.queries.versions import artifact_bytes

SCHEMA = 3
COMPANION_SCHEMA = 1
HINT_CHANNEL = "tiltyard:bundle"

logger = logging.getLogger(__name__)


def publish_bundle(*, project_id: int) -> int:
    """Compile the project's records into the bundle of its revision, try it, publish it; return the version.

    A revision that is published already stays as it is. First the text is opened as an edge opens it and has to
    answer; only then is there a version that an edge could load.

    Raises:
        BundleInvalid: the content does not compile or does not pass its self-test. The last good bundle goes on being
            served, and the job keeps the message for *Published bundles* of the admin.
        ArtifactDamaged: a model version lacks its artifact.
    """
    with transaction.atomic():
        facts = project_facts(project_id)
        version = facts.revision
        if PublishedBundle.objects.filter(project_id=project_id, version=version).exists():
            return version
        parts = bundle_parts(project_id)
        decided = decision_parts(project_id, experiment_ids={int(entry["id"]) for entry in parts["experiments"]})
        text = _text(facts, {**_head(facts), **parts, **decided})
        examine(text)
        # One that is paused draws nobody: stopping it must not wait until its units are written.
        sticky = _sticky(entry for entry in parts["experiments"] if entry["status"] == Status.RUNNING)
        if sticky:
            prepare_units(project_id=project_id, experiments=sticky, published=_published(project_id))
        for model in decided["models"]:
            publish_chunks(model["sha256"], artifact_bytes(model["sha256"]))
        for learner in decided["learners"]:
            publish_chunks(learner["sha256"], state_content(learner["id"], learner["number"]))
        try:
            with transaction.atomic():
                PublishedBundle.objects.create(
                    project_id=project_id,
                    version=version,
                    sha256=text.sha256,
                    content=text.content,
                    companion=text.companion,
                )
        except IntegrityError:
            return version
        transaction.on_commit(lambda: _hint(project_id, version))
    return version


def _sticky(experiments: Iterable[Mapping[str, Any]]) -> list[int]:
    return [int(entry["id"]) for entry in experiments if entry.get("sticky")]


def _published(project_id: int) -> list[int]:
    """Return the experiments that the newest bundle calls sticky."""
    newest = PublishedBundle.objects.filter(project_id=project_id).order_by("-version").first()
    return [] if newest is None else _sticky(json.loads(newest.content)["experiments"])


def _text(facts: ProjectFacts, content: Mapping[str, Any]) -> PublishedText:
    """Return the texts to publish. Raises BundleInvalid where the content has something that JSON cannot say."""
    written = write_content(content)
    digest = sha256(written.encode()).hexdigest()
    return PublishedText(facts.id, facts.revision, digest, written, write_content(_companion(facts)))


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
