"""The same answer through Django and REST framework: the same engine behind the framework's parser and renderer.

The experiments lie in the file BUNDLE, all members but the assignments in the file ANSWER. Default middleware, no
database, no authentication, and the token is not signed anew: so the comparison flatters the framework.
"""

import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.urls import path

from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.engine import assign
from experiments.assignment.snapshot import Assignment

settings.configure(
    SECRET_KEY=secrets.token_urlsafe(50),
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    REST_FRAMEWORK={
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from rest_framework.request import Request  # noqa: E402 - only once the settings are known
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

_ANSWER = json.loads(Path(os.environ["ANSWER"]).read_text())
_SNAPSHOT = compile_snapshot(json.loads(Path(os.environ["BUNDLE"]).read_text()))
_MEMBERS = ("unit_kind", "variant", "enrolled", "reason", "epoch", "probability")


class Assignments(APIView):  # type: ignore[misc]  # the framework has no types
    """Assigns the units of a request."""

    def post(self, request: Request) -> Response:
        """Return what each experiment gives them."""
        found = assign(request.data["units"], request.data["attributes"], datetime.now(UTC), None, _SNAPSHOT)
        return Response(_ANSWER | {"assignments": [_members(one) for one in found]})

    def get(self, _request: Request) -> Response:
        """Return that it answers."""
        return Response({})


def _members(assignment: Assignment) -> dict[str, object]:
    answer = assignment.answer
    return {
        "experiment": answer.experiment_key,
        "experiment_id": answer.experiment_id,
        **{name: getattr(answer, name) for name in _MEMBERS},
        "parameters": dict(answer.parameters),
        "slots": [assignment.layer_slot, assignment.coverage_slot, assignment.variant_slot],
    }


urlpatterns = [path("v1/assignments", Assignments.as_view()), path("healthz/ready", Assignments.as_view())]
application: WSGIHandler = get_wsgi_application()
