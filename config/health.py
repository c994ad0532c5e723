"""Probes of the console: alive, and ready to serve."""

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from decisions.queries.publication import publications


@require_safe
def live(_request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process can answer at all."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def ready(_request: HttpRequest) -> HttpResponse:
    """Answer 200 when pages can be served, 503 while Postgres is away; Redis is reported but not needed.

    `refused_bundles` names the projects whose newest state failed to be published; *Published bundles* says why.
    """
    needs = {"postgres": _postgres_answers(), "redis": _redis_answers()}
    return JsonResponse(
        {"ready": needs["postgres"], **needs, "refused_bundles": _refused() if needs["postgres"] else None},
        status=200 if needs["postgres"] else 503,
        headers={"Cache-Control": "no-store"},
    )


def _refused() -> list[str] | None:
    """Return the keys of projects that cannot be published; None where that cannot be told, as before migrations."""
    try:
        return [found.project_key for found in publications() if found.fault is not None]
    except Error:
        return None


def _postgres_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def _redis_answers() -> bool:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
