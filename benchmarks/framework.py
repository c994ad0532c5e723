"""The same answer through Django and REST framework, already computed: what the frameworks alone cost.

The view reads the body with the framework's parser and gives an answer that lies in the file FIXED_ANSWER to its
renderer; default middleware, no database, no authentication. So the comparison flatters the framework.
"""

import json
import os
import secrets
from pathlib import Path

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.urls import path

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

_ANSWER = json.loads(Path(os.environ["FIXED_ANSWER"]).read_text())


class Assignments(APIView):  # type: ignore[misc]  # the framework has no types
    """Answers every request with the same assignments."""

    def post(self, request: Request) -> Response:
        """Return them, once the body has been read."""
        assert "units" in request.data
        return Response(_ANSWER)

    def get(self, _request: Request) -> Response:
        """Return that it answers."""
        return Response({})


urlpatterns = [path("v1/assignments", Assignments.as_view()), path("healthz/ready", Assignments.as_view())]
application: WSGIHandler = get_wsgi_application()
