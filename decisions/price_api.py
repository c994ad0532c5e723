"""The management API of prices: what everybody was offered when and why, and which price may be struck through."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.http import Http404
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from decisions.api import JSON, ServerView
from decisions.ingest.fields import LONGEST_ID, is_storable
from decisions.queries.prices import Offered, PriceDecision, history, lowest, offered, price_decision, struck
from decisions.strike_through import Judged, Stretch, Struck
from foundation.api import PROBLEM, PROBLEM_SCHEMA, UNPROCESSABLE, problems
from foundation.money import MICROS

MOST_HISTORY: Final = 100
YEARS: Final = (1970, 9_000)
"""Within which a moment can be asked for."""
DEAREST: Final = 1e12
"""Currency units: what fits into millionths."""
REFUSALS: Final[Mapping[Struck, tuple[str, str]]] = {
    Struck.NOT_OFFERED: (
        "The item has no price now that is known.",
        "Send the item with its price; what is not offered cannot be reduced.",
    ),
    Struck.HISTORY_UNKNOWN: (
        "The prices of the 30 days before the present one began are not all known.",
        "Show the price without a former one until the ledger reaches back 30 days before it.",
    ),
    Struck.NOT_REDUCED: (
        "The present price is not below the one to be struck through.",
        "Strike nothing through: there is no reduction.",
    ),
    Struck.WAS_PRICE_TOO_HIGH: (
        "The price was lower within the 30 days before the present one began.",
        "Strike through at most the lowest price that `lowest` names (Directive 98/6/EC, Article 6a).",
    ),
}


class OfferBody(serializers.Serializer):
    """A price that everybody was offered; `offered_until` is null where no end is known."""

    price = serializers.FloatField()
    offered_since = serializers.DateTimeField()
    offered_until = serializers.DateTimeField(allow_null=True)
    origin = serializers.ChoiceField(["shop", "batch"])
    batch = serializers.IntegerField(allow_null=True)


class PriceDecisionBody(serializers.Serializer):
    """The newest decision about the price that was in force then; `cell` is the unit in its period."""

    batch = serializers.IntegerField()
    decision_point = serializers.CharField()
    decision_id = serializers.CharField()
    price = serializers.FloatField()
    reason = serializers.CharField()
    experiment = serializers.CharField(allow_blank=True)
    variant = serializers.CharField(allow_blank=True)
    cell = serializers.CharField(allow_blank=True)
    takes_effect_at = serializers.DateTimeField()


class PriceBody(serializers.Serializer):
    """What everybody was offered at a moment."""

    item = serializers.CharField()
    at = serializers.DateTimeField()
    currency = serializers.CharField()
    offer = OfferBody(allow_null=True)
    decision = PriceDecisionBody(allow_null=True)
    lowest_30_days = OfferBody(allow_null=True)
    history = OfferBody(many=True)


class StrikeThroughBody(serializers.Serializer):
    """A former price that is to be shown struck through beside the present one."""

    item = serializers.CharField(min_length=1, max_length=LONGEST_ID, allow_blank=True, trim_whitespace=False)
    price = serializers.FloatField(min_value=0, max_value=DEAREST)


class LowestBody(serializers.Serializer):
    """The lowest price of the 30 days before the present one began."""

    price = serializers.FloatField()
    offered_since = serializers.DateTimeField()
    offered_until = serializers.DateTimeField(allow_null=True)


class StruckBody(serializers.Serializer):
    """A former price that may be shown struck through."""

    item = serializers.CharField()
    price = serializers.FloatField()
    price_now = serializers.FloatField()
    currency = serializers.CharField()
    reduced_at = serializers.DateTimeField()
    lowest = LowestBody()


class Price(ServerView):
    """`GET /api/v1/prices/{item}`: what everybody was offered at a moment, and what decided it."""

    @extend_schema(
        parameters=[
            OpenApiParameter("at", datetime, description="A moment with its offset; now where it is left out.")
        ],
        responses={(200, JSON): PriceBody, **problems(400, 401, 404)},
    )
    def get(self, request: Request, item: str) -> Response:
        """Return the offer, the decision behind it and the newest offers before and after."""
        project = self.project(request)
        at = _moment(request.query_params.get("at")) or project.clock.at(datetime.now(UTC))
        offers = history(project.id, item, most=MOST_HISTORY) if is_storable(item) else []
        if not offers:
            raise Http404("Nothing is known of the prices of such an item.")
        return Response(
            {
                "item": item,
                "at": at,
                "currency": project.currency,
                "offer": _offer(offered(project.id, item, at=at)),
                "decision": _decision(price_decision(project.id, item, at=at)),
                "lowest_30_days": _offer(lowest(project.id, item, before=at)),
                "history": [_offer(offer) for offer in offers],
            }
        )


class StrikeThrough(ServerView):
    """`POST /api/v1/prices/strike-through`: whether a former price may be struck through beside the present one."""

    @extend_schema(
        request={JSON: StrikeThroughBody},
        responses={(200, JSON): StruckBody, (UNPROCESSABLE, PROBLEM): PROBLEM_SCHEMA, **problems(400, 401)},
    )
    def post(self, request: Request) -> Response:
        """Return the former price with what it rests on, or why it may not be shown."""
        project = self.project(request)
        body = StrikeThroughBody(data=request.data)
        body.is_valid(raise_exception=True)
        item, price = str(body.validated_data["item"]), round(body.validated_data["price"] * MICROS)
        judged = struck(project.id, item, price=price, at=project.clock.at(datetime.now(UTC)))
        if judged.verdict is not Struck.ALLOWED or judged.now is None:
            return _refused(judged)
        return Response(
            {
                "item": item,
                "price": price / MICROS,
                "price_now": judged.now.price / MICROS,
                "currency": project.currency,
                "reduced_at": judged.now.since,
                "lowest": _stretch(judged.lowest),
            }
        )


def _refused(judged: Judged) -> Response:
    """Return the problem of a former price that may not be shown, with the lowest price and its dates where known."""
    detail, hint = REFUSALS[judged.verdict]
    members = {
        "type": "about:blank",
        "status": UNPROCESSABLE,
        "code": judged.verdict.value,
        "detail": detail,
        "hint": hint,
        "lowest": _stretch(judged.lowest),
        "price_now": None if judged.now is None else judged.now.price / MICROS,
        "known_since": judged.known_since,
    }
    return Response(members, status=UNPROCESSABLE, content_type=PROBLEM)


def _moment(text: str | None) -> datetime | None:
    """Return the moment that a parameter names. Raises ParseError where it is none, or has no offset."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise exceptions.ParseError("at must be a moment such as 2026-03-02T12:00:00+01:00.") from error
    if moment.tzinfo is None:
        raise exceptions.ParseError("at needs its offset, such as 2026-03-02T12:00:00+01:00.")
    if not YEARS[0] <= moment.year <= YEARS[1]:
        raise exceptions.ParseError(f"at must lie in the years {YEARS[0]} to {YEARS[1]}.")
    return moment


def _offer(found: Offered | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "price": found.price / MICROS,
        "offered_since": found.since,
        "offered_until": found.until,
        "origin": "shop" if found.batch is None else "batch",
        "batch": found.batch,
    }


def _decision(found: PriceDecision | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "batch": found.batch,
        "decision_point": found.point,
        "decision_id": found.decision_id,
        "price": found.price / MICROS,
        "reason": found.reason,
        "experiment": found.experiment,
        "variant": found.variant,
        "cell": found.cell,
        "takes_effect_at": found.takes_effect_at,
    }


def _stretch(found: Stretch | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"price": found.price / MICROS, "offered_since": found.since, "offered_until": found.until}


urlpatterns = [
    path("api/v1/prices/strike-through", StrikeThrough.as_view(), name="api-strike-through"),
    path("api/v1/prices/<path:item>", Price.as_view(), name="api-price"),
]
