"""`PUT /api/v1/filters/{key}/units`: units on the list of a filter, sent by the shop's own servers."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from experiments.actions.filters import MOST_UNITS, list_units
from experiments.api.base import ServerView
from experiments.api.schemas import JSON, PROBLEMS
from experiments.assignment.bucketing import LONGEST_UNIT_ID
from experiments.vocabulary import UnitKind

ACTOR = "server key"
"""The actor of what a server sends, for the journal."""


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": LONGEST_UNIT_ID})
class UnitField(serializers.JSONField):
    """An id; whether it is one is for the action to say, which judges ids everywhere alike."""


class ListBody(serializers.Serializer):
    """At most a thousand ids of one kind, as events carry them."""

    unit_kind = serializers.ChoiceField([kind.value for kind in UnitKind])
    units = serializers.ListField(child=UnitField(), max_length=MOST_UNITS)


class ListedBody(serializers.Serializer):
    """How many ids are new on the list, and how many were on it."""

    added = serializers.IntegerField()
    known = serializers.IntegerField()


class FilterUnits(ServerView):
    """The list of a filter."""

    @extend_schema(request=ListBody, responses={(200, JSON): ListedBody, **PROBLEMS})
    def put(self, request: Request, key: str) -> Response:
        """Put the units on the list; sending them again changes nothing."""
        body = ListBody(data=request.data)
        body.is_valid(raise_exception=True)
        listed = list_units(
            project_id=self.project(request).id,
            key=key,
            unit_kind=UnitKind(body.validated_data["unit_kind"]),
            units=body.validated_data["units"],
            acting_user=ACTOR,
            now=timezone.now(),
        )
        return Response({"added": listed.added, "known": listed.known})
