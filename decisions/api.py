"""The management API of decisions: the catalogue in, the lineage of decisions out; for holders of a server key."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from django.http import Http404
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from decisions.actions.catalogue import ItemsTaken, put_items, put_stock
from decisions.ingest.items import LARGEST_STOCK, LONGEST_ID, LONGEST_TEXT
from decisions.queries.lineage import decision_lineage, version_lineage
from decisions.queries.made import DecisionUnknown
from foundation.api import HasServerKey, ServerKeyAuthentication
from foundation.queries import ProjectFacts
from models_registry.queries.versions import ModelUnknown, VersionUnknown


class StockOfItem(serializers.Serializer):
    """How many pieces there are of an item; null where the shop does not count."""

    item_id = serializers.CharField(max_length=LONGEST_ID)
    stock = serializers.IntegerField(min_value=0, max_value=LARGEST_STOCK, allow_null=True)


class WholeItem(StockOfItem):
    """An item of the catalogue."""

    title = serializers.CharField(max_length=LONGEST_TEXT, required=False, allow_blank=True)
    category = serializers.CharField(max_length=LONGEST_ID, required=False, allow_blank=True)
    price = serializers.FloatField(min_value=0, required=False, allow_null=True)
    rating = serializers.FloatField(min_value=0, max_value=5, required=False, allow_null=True)
    stock = serializers.IntegerField(min_value=0, max_value=LARGEST_STOCK, required=False, allow_null=True)


class ItemsBody(serializers.Serializer):
    """At most a thousand items."""

    items = WholeItem(many=True)


class StockBody(serializers.Serializer):
    """The stock of at most a thousand items."""

    items = StockOfItem(many=True)


class RefusedItem(serializers.Serializer):
    """Why one item was not taken; `index` is its place where it could not be read."""

    index = serializers.IntegerField(allow_null=True)
    item_id = serializers.CharField(allow_null=True)
    reason = serializers.CharField()


class TakenBody(serializers.Serializer):
    """What became of the items of a request."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = RefusedItem(many=True)


class ServerView(APIView):
    """An endpoint for the shop's own servers."""

    authentication_classes = (ServerKeyAuthentication,)
    permission_classes = (HasServerKey,)

    def project(self, request: Request) -> ProjectFacts:
        """Return the project of the request's key."""
        return cast("ProjectFacts", request.auth)


class Items(ServerView):
    """`PUT /v1/items`: whole items, created or replaced."""

    @extend_schema(request=ItemsBody, responses=TakenBody)
    def put(self, request: Request) -> Response:
        """Take the items and say what became of each."""
        return _taken(put_items, self.project(request), request)


class Stock(ServerView):
    """`PUT /v1/stock`: how many pieces there are of items that the catalogue has."""

    @extend_schema(request=StockBody, responses=TakenBody)
    def put(self, request: Request) -> Response:
        """Take the stock and say what became of each."""
        return _taken(put_stock, self.project(request), request)


class Decision(ServerView):
    """`GET /api/v1/decisions/{id}`: one logged decision with the lineage of the version that made it."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, decision_id: str) -> Response:
        """Return the decision."""
        try:
            return Response(decision_lineage(decision_id, project_ids=[self.project(request).id]))
        except DecisionUnknown as error:
            raise Http404(error.message) from error


class ModelVersion(ServerView):
    """`GET /api/v1/models/{key}/versions/{number}`: a model version with its lineage."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
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
