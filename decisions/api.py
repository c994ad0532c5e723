"""The management API of decisions: catalogues in, the lineage of decisions out; for holders of a server key."""

from collections.abc import Sequence
from typing import Any, Final, cast

from django.http import Http404
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from decisions.actions.catalogue import MOST_ITEMS, ItemsTaken, put_actions
from decisions.ingest.collections import Collection, all_collections
from decisions.ingest.fields import LONGEST_ID
from decisions.ingest.item_schemas import action_schema, batch_schema
from decisions.queries.explained_decisions import explained_decision
from decisions.queries.lineage import version_lineage
from decisions.queries.made import DecisionUnknown
from foundation.api import HasServerKey, ServerKeyAuthentication, problems
from foundation.queries import ProjectFacts
from models_registry.queries.versions import ModelUnknown, VersionUnknown

JSON: Final = "application/json"


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


TAKEN: Final = {(200, JSON): TakenBody, **problems(400, 401, 413, 415, 422)}


class ServerView(APIView):
    """An endpoint for the shop's own servers."""

    authentication_classes = (ServerKeyAuthentication,)
    permission_classes = (HasServerKey,)

    def project(self, request: Request) -> ProjectFacts:
        """Return the project of the request's key."""
        return cast("ProjectFacts", request.auth)


def collection_view(collection: Collection) -> type[APIView]:
    """Return the endpoint of a collection: whole actions, created or replaced, as its domains declare their fields."""

    class Actions(ServerView):
        """`PUT /v1/<collection>`: whole actions of the collection, created or replaced."""

        @extend_schema(
            operation_id=f"v1_{collection.name.replace('-', '_')}_update",
            request={JSON: batch_schema(action_schema(collection), most=MOST_ITEMS)},
            responses=TAKEN,
        )
        def put(self, request: Request) -> Response:
            """Take the actions and say what became of each."""
            project, items = self.project(request), sent_items(request.data)
            return told(put_actions(project_id=project.id, collection=collection.name, items=items))

    return Actions


class Decision(ServerView):
    """`GET /api/v1/decisions/{id}`: one logged decision, the lineage of the version that made it, and why it is so."""

    @extend_schema(
        parameters=[OpenApiParameter("item", str, description="The id of an item that somebody misses in it.")],
        responses={(200, JSON): OpenApiTypes.OBJECT, **problems(401, 404)},
    )
    def get(self, request: Request, decision_id: str) -> Response:
        """Return the decision."""
        asked = request.query_params.get("item", "").strip()[:LONGEST_ID]
        try:
            return Response(explained_decision(decision_id, project_id=self.project(request).id, item=asked))
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


def told(taken: ItemsTaken) -> Response:
    """Return what became of the items of a request as its answer."""
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


def sent_items(body: Any) -> Sequence[Any]:
    """Return the items of a body, whatever they are. Raises ParseError."""
    items = body.get("items") if isinstance(body, dict) and set(body) == {"items"} else None
    if not isinstance(items, list):
        raise exceptions.ParseError('Send {"items": [...]}.')
    return items


urlpatterns = [
    *(
        path(f"v1/{name}", collection_view(collection).as_view(), name=f"put-{name}")
        for name, collection in all_collections().items()
    ),
    path("api/v1/decisions/<str:decision_id>", Decision.as_view(), name="api-decision"),
    path("api/v1/models/<str:key>/versions/<int:number>", ModelVersion.as_view(), name="api-model-version"),
]
