"""Needs of the services: Postgres, Redis, workers."""

import time
from collections.abc import Iterator

import redis
from celery import Celery
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from foundation.management.needs.need import Need, not_ok, ok, optional

OLDEST_POSTGRES = 15
OLDEST_REDIS = (6, 2)
LARGEST_SKEW_SECONDS = 2.0


def postgres() -> Iterator[Need]:
    """Examine server, version, encoding, privileges and clock of the database."""
    with connection.cursor() as cursor:
        before = time.time()
        cursor.execute(
            "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_version'),"
            " current_setting('server_encoding'), extract(epoch FROM clock_timestamp())::float8,"
            " coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),"
            " has_database_privilege(current_database(), 'TEMPORARY'),"
            " current_user, current_database()"
        )
        major, version, encoding, clock, may_create, may_use_temporary, user, database = cursor.fetchone()
        after = time.time()
    yield _judge("Postgres", major >= OLDEST_POSTGRES, version, f"use PostgreSQL {OLDEST_POSTGRES} or newer.")
    fix = f"create the database with ENCODING 'UTF8' ({database} has {encoding})."
    yield _judge("Postgres encoding", encoding == "UTF8", encoding, fix)
    missing = [word for word, may in (("CREATE", may_create), ("TEMPORARY", may_use_temporary)) if not may]
    fix = f'as owner: GRANT CREATE ON SCHEMA public TO "{user}"; GRANT TEMPORARY ON DATABASE "{database}" TO "{user}";'
    found = f"{user} lacks {' and '.join(missing)}" if missing else f"{user} may create tables in {database}"
    yield _judge("Postgres privileges", not missing, found, fix)
    skew = max(0.0, before - clock, clock - after)
    fix = "let both machines keep time (chrony or systemd-timesyncd)."
    yield _judge("clock of Postgres and this host", skew <= LARGEST_SKEW_SECONDS, f"{skew:.3f} s apart", fix)


def migrations() -> Iterator[Need]:
    """Examine whether every migration has been applied."""
    executor = MigrationExecutor(connection)
    waiting = [migration for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    found = f"{len(waiting)} not applied, first {waiting[0]}" if waiting else "all applied"
    yield _judge("migrations", not waiting, found, "run bin/manage migrate.")


def redis_server() -> Iterator[Need]:
    """Examine server, version, persistence and eviction policy of Redis or Valkey."""
    with _redis_client() as client:
        about = client.info("server")
        version = str(about["redis_version"])
        name = f"{about.get('server_name', 'redis')} {about.get('valkey_version', version)}"
        recent = tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_REDIS
        yield _judge("Redis", recent, name, "use Redis 6.2 or newer, or Valkey.")
        appends = client.info("persistence").get("aof_enabled") == 1
        fix = "CONFIG SET appendonly yes (and in redis.conf): a restart must not lose what waits."
        yield _judge("Redis persistence", appends, f"appendonly {'yes' if appends else 'no'}", fix)
        policy = str(client.info("memory").get("maxmemory_policy", "unknown"))
        fix = "CONFIG SET maxmemory-policy noeviction (and in redis.conf): queues must not be evicted."
        yield _judge("Redis eviction", policy == "noeviction", policy, fix)


def workers() -> Iterator[Need]:
    """Examine whether a worker answers; there is none while the site is not being served."""
    with _redis_client() as client:
        client.ping()
    with Celery(broker=settings.REDIS_URL) as messenger:
        names = [name for reply in messenger.control.ping(timeout=1.0) or () for name in reply]
    if names:
        yield ok("workers", ", ".join(sorted(names)))
    else:
        yield optional("workers", "none answers; no analysis runs", "run bin/serve (or celery -A workers worker).")


def _redis_client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=3, socket_timeout=3, decode_responses=True)


def _judge(name: str, met: object, found: str, fix: str) -> Need:
    return ok(name, found) if met else not_ok(name, found, fix)
