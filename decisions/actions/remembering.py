"""What units met, kept in Redis for the edge: written from first exposures and identity links, and watched over.

Only units of experiments whose allocation changed so that the hash no longer tells are kept, and what the visitors of
logged-in customers met. Redis holds nothing that the records do not: a mark says that everything is there, and without
it the edge serves the control. Writers of a project wait for each other, and each reads the records after it has
waited, so the last one to write has seen everything.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import redis
from django.conf import settings
from django.db import OperationalError, connection, transaction
from redis.client import Pipeline

from decisions.models import ProjectionState
from decisions.serving.unit_keys import (
    FRESH_SECONDS,
    MARKS_KEPT_SECONDS,
    UNITS_KEPT_SECONDS,
    filling_key,
    linked_key,
    linked_mark,
    met_key,
    met_mark,
    written_key,
)
from experiments.queries.met import (
    Stretch,
    first_met,
    first_met_through_links,
    sticky_experiments,
    visitor_experiments,
)
from foundation.actions.jobs import enqueue, has_open_job
from foundation.queries import all_projects

UPDATE = "remember_units"
"""The kind of the job that writes what was met in newly projected messages."""
FILL = "refill_units"
"""The kind of the job that writes everything again."""

LONGEST_WAIT = "2s"
"""For which a bundle waits until nobody else writes what units met; it may carry a kill switch."""

logger = logging.getLogger(__name__)


class StoreLost(redis.RedisError):
    """Redis was emptied or restarted while it was filled, so that nobody knows what of it is there."""


def promise_units(*, project_id: int, after: datetime, until: datetime) -> bool:
    """Promise to write what was met in the messages received in (after, until]; in the caller's transaction.

    What has to be kept is decided when the job runs: an allocation may change while this transaction is under way.
    """
    return enqueue(
        kind=UPDATE,
        key=f"{UPDATE}:{project_id}:{after.isoformat()}:{until.isoformat()}",
        project_id=project_id,
        payload={"after": after.isoformat(), "until": until.isoformat()},
    )


@transaction.atomic
def remember_units(*, project_id: int, after: datetime, until: datetime) -> int:
    """Write what was met in the messages received in (after, until]; return how many facts.

    It begins where the writing has got to, if that is before: a stretch that comes out of turn, or after one that was
    given up, leaves no hole. Raises redis.RedisError where Redis does not answer: the job is tried again.
    """
    _wait_for_others(project_id)
    client = _client()
    try:
        reached = client.get(written_key(project_id))
        received = Stretch(after if reached is None else min(after, datetime.fromisoformat(str(reached))), until)
        sticky, visitors = sticky_experiments(project_id), visitor_experiments(project_id)
        written = _write_met(client, project_id, sticky, received) if sticky else 0
        written += _write_linked(client, project_id, visitors, received) if visitors else 0
        if reached is not None:  # else nobody knows what of the stretches before is there
            client.set(written_key(project_id), max(str(reached), until.astimezone(UTC).isoformat()))
        return written
    finally:
        client.close()


@transaction.atomic
def refill_units(*, project_id: int) -> int:
    """Write everything that has to be kept of a project, mark it as whole, and return how many facts it is.

    Raises redis.RedisError where Redis does not answer.
    """
    _wait_for_others(project_id)
    reached = _watermark(project_id)
    client = _client()
    try:
        sticky = sticky_experiments(project_id)
        marks = [met_mark(project_id, experiment) for experiment in sticky]
        with _marking(client, project_id, [*marks, linked_mark(project_id)]):
            written = _write_met(client, project_id, sticky, None) if sticky else 0
            written += _write_linked(client, project_id, visitor_experiments(project_id), None)
        if reached is not None:
            client.set(written_key(project_id), reached)
        return written
    finally:
        client.close()


def prepare_units(*, project_id: int, experiments: Sequence[int], published: Sequence[int]) -> None:
    """Write the units of experiments that the next bundle is the first to call sticky, before it is published.

    `published` are those that the bundle before called so: a refill of theirs is not waited for, since a bundle may
    carry a kill switch, and neither is another writer for long. Where Redis does not answer the edge says so, until
    the refill comes through.
    """
    new = [experiment for experiment in experiments if experiment not in published]
    if not new:
        return
    if not _is_our_turn(project_id):
        logger.warning("units of experiments %s are not in Redis yet: others write there", new)
        return
    client = _client()
    try:
        with _marking(client, project_id, [met_mark(project_id, experiment) for experiment in new]):
            _write_met(client, project_id, new, None)
    except redis.RedisError as error:
        logger.warning("units of experiments %s are not in Redis yet: %s", new, error)
    finally:
        client.close()


def promise_refills(*, now: datetime) -> int:
    """Promise to write again what Redis has lost, was restarted under or will soon forget; return how many projects.

    Raises redis.RedisError where Redis does not answer; it is asked again at the next turn.
    """
    client = _client()
    try:
        server = _server(client)
        return sum(_promise_refill(client, server, project.id, now) for project in all_projects())
    finally:
        client.close()


def _promise_refill(client: redis.Redis, server: str, project_id: int, now: datetime) -> int:
    marks = [met_mark(project_id, experiment) for experiment in sticky_experiments(project_id)]
    if visitor_experiments(project_id):
        marks.append(linked_mark(project_id))
    if not marks or has_open_job(kind=FILL, project_id=project_id):
        return 0
    if all(_is_fresh(client, mark, server) for mark in marks) and not _has_hole(client, project_id):
        return 0
    return int(enqueue(kind=FILL, key=f"{FILL}:{project_id}:{now.isoformat()}", project_id=project_id, payload={}))


def _is_fresh(client: redis.Redis, mark: str, server: str) -> bool:
    """Return whether a mark was set by this very run of the server, which may have lost its last seconds at its end."""
    return client.get(mark) == server and client.ttl(mark) > FRESH_SECONDS


def _has_hole(client: redis.Redis, project_id: int) -> bool:
    """Return whether something projected has not been written, and no job is left that will write it."""
    reached, written = _watermark(project_id), client.get(written_key(project_id))
    # More may have been projected and written since the watermark was read.
    is_written = reached is None or (written is not None and str(written) >= reached)
    return not is_written and not has_open_job(kind=UPDATE, project_id=project_id)


def _watermark(project_id: int) -> str | None:
    """Return up to which receipt time messages have been projected, as it is kept in Redis."""
    state = ProjectionState.objects.filter(project_id=project_id).first()
    return None if state is None else state.watermark.astimezone(UTC).isoformat()


@contextmanager
def _marking(client: redis.Redis, project_id: int, marks: Sequence[str]) -> Iterator[None]:
    """Set marks when what they speak of has been written. Raises StoreLost where some of it may be gone already.

    A key that is there from the beginning to the end says that nothing was emptied in between.
    """
    server, filling = _server(client), filling_key(project_id)
    client.set(filling, server, ex=MARKS_KEPT_SECONDS)
    yield

    def finish(pipeline: Pipeline) -> None:
        if pipeline.get(filling) is None or _server(client) != server:
            raise StoreLost("Redis was emptied or restarted while it was filled.")
        pipeline.multi()
        for mark in marks:
            pipeline.set(mark, server, ex=MARKS_KEPT_SECONDS)
        pipeline.delete(filling)

    client.transaction(finish, filling)


def _write_met(client: redis.Redis, project_id: int, experiments: Sequence[int], received: Stretch | None) -> int:
    written = 0
    for batch in first_met(experiments, received):
        pipeline = client.pipeline(transaction=False)
        for met in batch:
            key = met_key(project_id, met.unit_kind, met.unit)
            pipeline.hset(key, str(met.experiment_id), f"{met.epoch} {met.variant}")
            pipeline.expire(key, UNITS_KEPT_SECONDS)
        pipeline.execute()
        written += len(batch)
    return written


def _write_linked(client: redis.Redis, project_id: int, experiments: Sequence[int], received: Stretch | None) -> int:
    written = 0
    for batch in first_met_through_links(project_id, experiments, received):
        pipeline = client.pipeline(transaction=False)
        for met in batch:
            key = linked_key(project_id, met.customer)
            pipeline.hset(key, str(met.experiment_id), f"{met.visitor} {met.variant}")
            pipeline.expire(key, UNITS_KEPT_SECONDS)
        pipeline.execute()
        written += len(batch)
    return written


def _wait_for_others(project_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('tiltyard.remembering'), %s)", [project_id])


def _is_our_turn(project_id: int) -> bool:
    """Wait for other writers as above, but not for long; return whether they are done."""
    with connection.cursor() as cursor:
        try:
            with transaction.atomic():
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LONGEST_WAIT])
                _wait_for_others(project_id)
        except OperationalError:
            return False
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    return True


def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=10, socket_connect_timeout=5, decode_responses=True)


def _server(client: redis.Redis) -> str:
    """Return what names this run of the server."""
    return str(client.info("server")["run_id"])
