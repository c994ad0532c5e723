"""The management API of batches: which there are, what they decided, and what the shop says has become of that."""

from typing import Any, Final

from django.http import Http404, HttpResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from decisions.actions.acknowledging import STATUSES, Acknowledged, acknowledge
from decisions.actions.deliveries import mark_delivered
from decisions.actions.posting import webhook_secret
from decisions.api import JSON, ServerView
from decisions.queries.batch_documents import batch_document, batch_summary
from decisions.queries.batches import BatchFacts, BatchUnknown, batch_by_id, batches_of
from decisions.queries.points import points_by_key
from decisions.reports.batch_files import batch_csv
from foundation.api import problems

CSV: Final = "text/csv"
MOST_WORDS: Final = 10_000
ACTOR: Final = "server key"


class BatchBody(serializers.Serializer):
    """A batch without its decisions."""

    batch = serializers.IntegerField()
    point = serializers.CharField()
    domain = serializers.CharField()
    due_at = serializers.DateTimeField()
    made_at = serializers.DateTimeField()
    takes_effect_at = serializers.DateTimeField()
    decisions = serializers.IntegerField()
    degraded = serializers.IntegerField(help_text="Decisions that were left to the baseline.")
    state = serializers.ChoiceField(choices=["MADE", "DELIVERED", "UNDELIVERABLE"])
    delivered_at = serializers.DateTimeField(allow_null=True)
    attempts = serializers.IntegerField()
    fault = serializers.CharField()
    sha256 = serializers.CharField(help_text="Of the document.")
    acknowledged = serializers.DictField(child=serializers.IntegerField())


class BatchesBody(serializers.Serializer):
    """Batches, newest first; `next` is what to send as `before` for older ones."""

    batches = BatchBody(many=True)
    next = serializers.IntegerField(allow_null=True)


class DecidedBody(serializers.Serializer):
    """One decision of a batch; values are decimal texts, null where nothing is to change."""

    subject = serializers.CharField()
    item = serializers.CharField()
    store = serializers.CharField(allow_blank=True)
    value = serializers.CharField(allow_null=True)
    before = serializers.CharField(allow_null=True)
    reason = serializers.CharField()
    experiment = serializers.CharField(allow_null=True)
    variant = serializers.CharField(allow_null=True)
    decision_id = serializers.CharField()


class DocumentBody(serializers.Serializer):
    """A batch as it is delivered: the same bytes whenever it is asked for."""

    schema = serializers.IntegerField()
    batch = serializers.IntegerField()
    project = serializers.CharField()
    point = serializers.CharField()
    domain = serializers.CharField()
    currency = serializers.CharField()
    due_at = serializers.DateTimeField()
    made_at = serializers.DateTimeField()
    takes_effect_at = serializers.DateTimeField()
    decisions = DecidedBody(many=True)


class WordBody(serializers.Serializer):
    """What became of one decision. `value` is what was done instead, where it was overridden."""

    subject = serializers.CharField()
    status = serializers.ChoiceField(choices=list(STATUSES))
    value = serializers.CharField(required=False)
    note = serializers.CharField(required=False)


class WordsBody(serializers.Serializer):
    """At most 10 000 words."""

    items = WordBody(many=True)


class RefusedWordBody(serializers.Serializer):
    """Why a word was not taken."""

    index = serializers.IntegerField()
    subject = serializers.CharField(allow_null=True)
    reason = serializers.CharField()


class AcknowledgedBody(serializers.Serializer):
    """What became of the words of a request."""

    applied = serializers.IntegerField()
    overridden = serializers.IntegerField()
    failed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = RefusedWordBody(many=True)


class SecretBody(serializers.Serializer):
    """The secret of the project's deliveries."""

    secret = serializers.CharField()


class BatchView(ServerView):
    """An endpoint about one batch."""

    def batch(self, request: Request, batch_id: int) -> BatchFacts:
        """Return the batch, which does not exist for other projects. Raises Http404."""
        try:
            return batch_by_id(batch_id, project_id=self.project(request).id)
        except BatchUnknown as error:
            raise Http404(error.message) from error


class Batches(ServerView):
    """`GET /api/v1/batches?point=`: the batches of a decision point, newest first."""

    @extend_schema(
        operation_id="api_v1_batches_list",
        parameters=[
            OpenApiParameter("point", str, required=True, description="The key of the decision point."),
            OpenApiParameter("before", int, description="Only batches with a smaller id."),
        ],
        responses={(200, JSON): BatchesBody, **problems(400, 401, 404)},
    )
    def get(self, request: Request) -> Response:
        """Return the batches."""
        key = request.query_params.get("point", "")
        found = points_by_key(key, project_key=self.project(request).key) if "\0" not in key else ()
        if not found:
            raise Http404(f"The project has no decision point {key[:64]!r}.")
        batches = batches_of(found[0].id, before=_whole(request.query_params.get("before")))
        older = batches[-1].id if batches else None
        return Response({"batches": [batch_summary(batch) for batch in batches], "next": older})


class Batch(BatchView):
    """`GET /api/v1/batches/{id}`: the document of a batch; fetching it delivers it."""

    @extend_schema(responses={(200, JSON): DocumentBody, **problems(401, 404)})
    def get(self, request: Request, batch_id: int) -> HttpResponse:
        """Return the document, and note that the shop has it."""
        batch = self.batch(request, batch_id)
        answer = HttpResponse(batch_document(batch), content_type=JSON)
        mark_delivered(batch_id=batch.id, now=timezone.now())
        return answer


class BatchFile(BatchView):
    """`GET /api/v1/batches/{id}.csv`: the decisions of a batch as a table; fetching it delivers the batch."""

    @extend_schema(
        responses={(200, CSV): OpenApiResponse(OpenApiTypes.STR, "One line for each decision."), **problems(401, 404)}
    )
    def get(self, request: Request, batch_id: int) -> HttpResponse:
        """Return the table, and note that the shop has it."""
        batch = self.batch(request, batch_id)
        answer = HttpResponse(batch_csv(batch), content_type=f"{CSV}; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="batch-{batch.id}.csv"'
        mark_delivered(batch_id=batch.id, now=timezone.now())
        return answer


class Acknowledgements(BatchView):
    """`POST /api/v1/batches/{id}/acknowledgements`: what has become of the decisions of a batch."""

    @extend_schema(
        request={JSON: WordsBody},
        responses={(200, JSON): AcknowledgedBody, **problems(400, 401, 404, 413)},
    )
    def post(self, request: Request, batch_id: int) -> Response:
        """Note what was done, each word by itself; the same words again change nothing."""
        batch = self.batch(request, batch_id)
        body: Any = request.data
        items = body.get("items") if isinstance(body, dict) and set(body) == {"items"} else None
        if not isinstance(items, list) or len(items) > MOST_WORDS:
            raise exceptions.ParseError(f'Send {{"items": [...]}} with at most {MOST_WORDS} items.')
        done = acknowledge(batch_id=batch.id, project_id=batch.project_id, items=items, actor=ACTOR, now=timezone.now())
        return Response(_told(done))


class WebhookSecret(ServerView):
    """`GET /api/v1/webhook-secret`: the secret by which the shop checks that a delivery is ours."""

    @extend_schema(responses={(200, JSON): SecretBody, **problems(401)})
    def get(self, request: Request) -> Response:
        """Return the secret."""
        return Response({"secret": webhook_secret(self.project(request).signing_key)})


def _told(done: Acknowledged) -> dict[str, Any]:
    return {
        **{name: done.taken.get(state, 0) for name, state in STATUSES.items()},
        "unchanged": done.unchanged,
        "refused": [{"index": fault.index, "subject": fault.subject, "reason": fault.reason} for fault in done.refused],
    }


def _whole(text: str | None) -> int | None:
    """Return the number that a text says, None for none. Raises ParseError."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise exceptions.ParseError("before must be a whole number.")
    return int(text)


urlpatterns = [
    path("api/v1/batches", Batches.as_view(), name="api-batches"),
    path("api/v1/batches/<int:batch_id>", Batch.as_view(), name="api-batch"),
    path("api/v1/batches/<int:batch_id>.csv", BatchFile.as_view(), name="api-batch-csv"),
    path(
        "api/v1/batches/<int:batch_id>/acknowledgements",
        Acknowledgements.as_view(),
        name="api-batch-acknowledgements",
    ),
    path("api/v1/webhook-secret", WebhookSecret.as_view(), name="api-webhook-secret"),
]
