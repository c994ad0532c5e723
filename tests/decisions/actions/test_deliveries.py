"""Deliveries to a real server: signed, repeated until it takes the batch, and never to where they may not go."""

import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from django.db import transaction

from decisions.actions.deliveries import MOST_ATTEMPTS, deliver_batch
from decisions.actions.posting import signature, webhook_secret
from decisions.models import BatchDecision, DecisionBatch, DecisionPoint
from foundation.models import Job
from foundation.queries import project_facts
from tests.fixtures.batches import made, make_batch_point, make_priced
from tests.fixtures.file_server import HOST, Answer, FileServer
from tests.fixtures.records import make_project

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
TAKEN: Answer = (200, {}, b"")


@pytest.fixture
def server(settings):
    """Return a server that workers may send to."""
    settings.FEED_HOSTS = (HOST,)
    running = FileServer()
    yield running
    running.close()


@pytest.fixture
def batch(server) -> DecisionBatch:
    """Return a batch of two prices whose point delivers to the server."""
    project = make_project()
    make_priced(project, {"mug": 20.0, "pan": 30.0})
    return made(project, make_batch_point(project, webhook=server.url("/batches")), due_at=MIDNIGHT)


def deliver(batch: DecisionBatch, *, now: datetime = MIDNIGHT) -> DecisionBatch:
    effect = deliver_batch(batch_id=batch.pk, project_id=batch.point.project_id, now=now)
    with transaction.atomic():
        effect(now)
    return DecisionBatch.objects.get(pk=batch.pk)


def promised() -> dict[str, datetime]:
    return dict(Job.objects.filter(kind="deliver_batch").values_list("key", "run_after"))


def test_signature__known_secret_and_body__is_the_hmac_of_time_and_body():
    wanted = hmac.new(b"whsec_x", b'1700000000.{"a":1}', sha256).hexdigest()
    assert signature("whsec_x", b'{"a":1}', at=1_700_000_000) == f"t=1700000000,v1={wanted}"


def test_secret__of_two_projects__differs_and_stays():
    assert webhook_secret(b"a" * 32) == webhook_secret(b"a" * 32) != webhook_secret(b"b" * 32)
    assert webhook_secret(b"a" * 32).startswith("whsec_")


def test_deliver__server_that_takes_it__has_the_signed_document(server, batch):
    server.answer = lambda _path: TAKEN
    assert set(promised()) == {f"deliver_batch:{batch.pk}:1"}
    found = deliver(batch, now=MIDNIGHT + timedelta(seconds=9))
    assert (found.state, found.attempts, found.fault) == ("DELIVERED", 1, "")
    assert found.delivered_at == MIDNIGHT + timedelta(seconds=9)
    (body,), ((path, headers),) = server.sent, server.asked
    assert (path, headers["Content-Type"]) == ("/batches", "application/json")
    assert sha256(body).hexdigest() == batch.sha256
    secret = webhook_secret(project_facts(batch.point.project_id).signing_key)
    told = int(MIDNIGHT.timestamp()) + 9
    assert headers["Tiltyard-Signature"] == signature(secret, body, at=told)
    document = json.loads(body)
    assert (document["batch"], document["point"], document["currency"]) == (batch.pk, "prices", "USD")
    assert [(entry["subject"], entry["value"]) for entry in document["decisions"]] == [
        ("mug", "20.00"),
        ("pan", "30.00"),
    ]


def test_deliver__answer_with_acknowledgements__notes_them(server, batch):
    words = [{"subject": "mug", "status": "applied"}, {"subject": "cup", "status": "applied"}, 7]
    server.answer = lambda _path: (201, {}, json.dumps({"items": words}).encode())
    assert deliver(batch).state == "DELIVERED"
    assert dict(BatchDecision.objects.values_list("subject", "state")) == {"mug": "APPLIED", "pan": "PENDING"}


@pytest.mark.parametrize("answer", [b"thank you", b"[1]", b'{"items": 3}', b"[" * 100_000, b"\xff"])
def test_deliver__answer_that_is_no_acknowledgement__delivers_all_the_same(server, batch, answer):
    server.answer = lambda _path: (200, {}, answer)
    assert deliver(batch).state == "DELIVERED"
    assert set(BatchDecision.objects.values_list("state", flat=True)) == {"PENDING"}


def test_deliver__server_that_refuses__is_asked_again_later_each_time_and_at_last_no_more(server, batch):
    server.refuse(503)
    pauses = []
    for attempt in range(1, MOST_ATTEMPTS):
        found = deliver(batch)
        assert (found.state, found.attempts) == ("MADE", attempt)
        assert found.fault == f"Delivery: DELIVERY_FAILED: {HOST} answered 503."
        pauses.append((promised()[f"deliver_batch:{batch.pk}:{attempt + 1}"] - MIDNIGHT).total_seconds())
    assert pauses == [30.0 * 2**n for n in range(7)]
    found = deliver(batch)
    assert (found.state, found.attempts) == ("UNDELIVERABLE", MOST_ATTEMPTS)
    assert len(promised()) == MOST_ATTEMPTS
    deliver(batch)
    assert len(server.asked) == MOST_ATTEMPTS


def test_deliver__server_that_takes_it_later__forgets_the_fault_of_the_delivery_alone(server, batch):
    DecisionBatch.objects.filter(pk=batch.pk).update(fault="2 batches were not made.")
    server.refuse(500)
    assert deliver(batch).fault == f"2 batches were not made. Delivery: DELIVERY_FAILED: {HOST} answered 500."
    server.answer = lambda _path: TAKEN
    found = deliver(batch)
    assert (found.state, found.attempts, found.fault) == ("DELIVERED", 2, "2 batches were not made.")


def test_deliver__redirect__is_not_followed(server, batch):
    server.refuse(302, Location=server.url("/elsewhere"))
    assert deliver(batch).fault.endswith("answered 302.")
    assert [path for path, _ in server.asked] == ["/batches"]


def test_deliver__host_that_is_not_in_the_open_net__is_never_connected_to(server, batch, settings):
    settings.FEED_HOSTS = ()
    found = deliver(batch)
    assert (found.state, found.attempts) == ("MADE", 1)
    assert "FEED_ADDRESS_FORBIDDEN" in found.fault
    assert server.asked == []


def test_deliver__server_that_is_away__is_noted(server, batch):
    server.close()
    assert "DELIVERY_FAILED" in deliver(batch).fault


def test_deliver__batch_that_was_fetched_meanwhile__is_not_sent(server, batch):
    DecisionBatch.objects.filter(pk=batch.pk).update(state="DELIVERED")
    assert deliver(batch).attempts == 0
    DecisionBatch.objects.filter(pk=batch.pk).update(state="MADE")
    DecisionPoint.objects.update(webhook="")
    assert deliver(batch).state == "MADE"
    assert server.asked == []
