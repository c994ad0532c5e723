"""What the endpoints of this package share."""

from typing import cast

from rest_framework.request import Request
from rest_framework.views import APIView

from foundation.api import HasServerKey, ServerKeyAuthentication
from foundation.queries import ProjectFacts


class ServerView(APIView):
    """An endpoint for the shop's own servers."""

    authentication_classes = (ServerKeyAuthentication,)
    permission_classes = (HasServerKey,)

    def project(self, request: Request) -> ProjectFacts:
        """Return the project of the request's key."""
        return cast("ProjectFacts", request.auth)
