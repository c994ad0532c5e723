"""The management API of decisions: the catalogue in, the lineage of decisions out; for holders of a server key."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from django.http import Http404
from django.urls import path
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from decisions.actions.catalogue import ItemsTaken, put_items, put_stock
from decisions.queries.lineage import decision_lineage, version_lineage
from decisions.queries.made import DecisionUnknown
from foundation.api import HasServerKey, ServerKeyAuthentication
from foundation.queries import ProjectFacts
from models_registry.queries.versions import ModelUnknown, VersionUnknown


class ServerView(APIView):
    """An endpoint for the shop's own servers."""

    authentication_classes = (ServerKeyAuthentication,)
    permission_classes = (HasServerKey,)

    def project(self, request: Request) -> ProjectFacts:
        """Return the project of the request's key."""
        return cast("ProjectFacts", request.auth)


class Items(ServerView):
    """`PUT /v1/items`: whole items, created or replaced."""

    def put(self, request: Request) -> Response:
        """Take the items and say what became of each."""
        return _taken(put_items, self.project(request), request)


class Stock(ServerView):
    """`PUT /v1/stock`: how many pieces there are of items that the catalogue has."""

    def put(self, request: Request) -> Response:
        """Take the stock and say what became of each."""
        return _taken(put_stock, self.project(request), request)


class Decision(ServerView):
    """`GET /api/v1/decisions/{id}`: one logged decision with the lineage of the version that made it."""

    def get(self, request: Request, decision_id: str) -> Response:
        """Return the decision."""
        try:
            return Response(decision_lineage(decision_id, project_ids=[self.project(request).id]))
        except DecisionUnknown as error:
            raise Http404(error.message) from error


class ModelVersion(ServerView):
    """`GET /api/v1/models/{key}/versions/{number}`: a model version with its lineage."""

    def get(self, request: Request, key: str, number: int) -> Response:
        """Return the version."""
        try:
            return Response(version_lineage(self.project(request).key, key, number))
        except (ModelUnknown, VersionUnknown) as error:
            raise Http404(error.message) from error


def _taken(put: Callable[..., ItemsTaken], project: ProjectFacts, request: Request) -> Response:
    taken = put(project_id=project.id, items=_items(request.data))
    return Response(
        {
            "created": taken.created,
            "updated": taken.updated,
            "unchanged": taken.unchanged,
            "refused": [
                {"index": fault.index, "item_id": fault.item_id, "reason": fault.reason} for fault in taken.refused
            ],
        }
    )


def _items(body: Any) -> Sequence[Any]:
    items = body.get("items") if isinstance(body, dict) and set(body) == {"items"} else None
    if not isinstance(items, list):
        raise exceptions.ParseError('Send {"items": [...]}.')
    return items


urlpatterns = [
    path("v1/items", Items.as_view(), name="put-items"),
    path("v1/stock", Stock.as_view(), name="put-stock"),
    path("api/v1/decisions/<str:decision_id>", Decision.as_view(), name="api-decision"),
    path("api/v1/models/<str:key>/versions/<int:number>", ModelVersion.as_view(), name="api-model-version"),
]
