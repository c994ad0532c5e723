"""The management API of decisions: the catalogue in, the lineage of decisions out; for holders of a server key."""

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from django.http import Http404
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from decisions.actions.catalogue import MOST_ITEMS, ItemsTaken, put_items, put_stock
from decisions.ingest.items import LARGEST_STOCK, LONGEST_ID, LONGEST_TEXT
from decisions.queries.lineage import decision_lineage, version_lineage
from decisions.queries.made import DecisionUnknown
from foundation.api import HasServerKey, ServerKeyAuthentication, problems
from foundation.queries import ProjectFacts
from models_registry.queries.versions import ModelUnknown, VersionUnknown

_Schema = dict[str, Any]
JSON: Final = "application/json"
_STOCK: Final[_Schema] = {
    "type": ["integer", "null"],
    "minimum": 0,
    "maximum": LARGEST_STOCK,
    "description": "How many pieces there are; null where the shop does not count.",
}
_STOCK_OF_ITEM: Final[_Schema] = {
    "type": "object",
    "required": ["item_id", "stock"],
    "properties": {"item_id": {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}, "stock": _STOCK},
}
_WHOLE_ITEM: Final[_Schema] = {
    "type": "object",
    "required": ["item_id"],
    "properties": {
        **_STOCK_OF_ITEM["properties"],
        "title": {"type": "string", "maxLength": LONGEST_TEXT},
        "category": {"type": "string", "maxLength": LONGEST_ID},
        "price": {"type": ["number", "string", "null"], "description": "In the currency of the project."},
        "rating": {"type": ["number", "null"], "minimum": 0, "maximum": 5},
    },
}


def _items_body(item: _Schema) -> _Schema:
    """Return the schema of a body whose items are judged one by one."""
    return {
        "type": "object",
        "required": ["items"],
        "additionalProperties": False,
        "properties": {
            "items": {
                "type": "array",
                "maxItems": MOST_ITEMS,
                "items": {
                    "description": "An item of another form is refused alone; the others are taken.",
                    "anyOf": [item, {}],
                },
            }
        },
    }


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


_TAKEN: Final = {(200, JSON): TakenBody, **problems(400, 401, 413, 415, 422)}


class ServerView(APIView):
    """An endpoint for the shop's own servers."""

    authentication_classes = (ServerKeyAuthentication,)
    permission_classes = (HasServerKey,)

    def project(self, request: Request) -> ProjectFacts:
        """Return the project of the request's key."""
        return cast("ProjectFacts", request.auth)


class Items(ServerView):
    """`PUT /v1/items`: whole items, created or replaced."""

    @extend_schema(request={JSON: _items_body(_WHOLE_ITEM)}, responses=_TAKEN)
    def put(self, request: Request) -> Response:
        """Take the items and say what became of each."""
        return _taken(put_items, self.project(request), request)


class Stock(ServerView):
    """`PUT /v1/stock`: how many pieces there are of items that the catalogue has."""

    @extend_schema(request={JSON: _items_body(_STOCK_OF_ITEM)}, responses=_TAKEN)
    def put(self, request: Request) -> Response:
        """Take the stock and say what became of each."""
        return _taken(put_stock, self.project(request), request)


class Decision(ServerView):
    """`GET /api/v1/decisions/{id}`: one logged decision with the lineage of the version that made it."""

    @extend_schema(responses={(200, JSON): OpenApiTypes.OBJECT, **problems(401, 404)})
    def get(self, request: Request, decision_id: str) -> Response:
        """Return the decision."""
        try:
            return Response(decision_lineage(decision_id, project_ids=[self.project(request).id]))
        except DecisionUnknown as error:
            raise Http404(error.message) from error


class ModelVersion(ServerView):
    """`GET /api/v1/models/{key}/versions/{number}`: a model version with its lineage."""

    @extend_schema(responses={(200, JSON): OpenApiTypes.OBJECT, **problems(401, 404)})
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
