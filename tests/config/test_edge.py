"""The edge as a WSGI callable on a real Postgres: what each route answers, and when."""

import gzip
import json
import subprocess
import sys
from base64 import b64encode
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.edge import Edge
from config.local.embedded import Postgres
from decisions.serving.token import milliseconds, verify_token
from foundation.ids import format_api_key, hash_unit
from tests.config.edges import call, log_of, start_edge
from tests.decisions.published import CLIENT_KEY, PEPPER, SERVER_KEY, companion, message, publish, text_of
from tests.experiments.assignment.builders import AT, experiment


def test_assignments__units_of_two_kinds__answers_each_with_a_token_that_verifies(edge: Edge) -> None:
    answer = call(edge, "/v1/assignments", {"units": {"visitor": "v-1", "customer": "c-1"}})

    assert answer.status == 200
    body = answer.json
    assert (body["bundle_version"], body["source"], body["metadata"]) == (12, "postgres", {})
    first, second = body["assignments"]
    assert first.keys() == {
        "experiment",
        "experiment_id",
        "unit_kind",
        "variant",
        "enrolled",
        "reason",
        "epoch",
        "probability",
        "parameters",
        "slots",
    }
    assert (first["experiment"], first["enrolled"], first["reason"]) == ("experiment-1", True, "SPLIT")
    assert (second["variant"], second["probability"], second["parameters"]) == ("control", 1.0, {"arm": "control"})
    bundle = edge.runtime.live.by_project[1]
    token = verify_token(
        body["decision_token"],
        project_id=1,
        keys=bundle.signing_keys,
        now=AT,
        age=edge.settings.token_age,
    )
    assert token.units == {
        "visitor": hash_unit(PEPPER, "visitor", "v-1"),
        "customer": hash_unit(PEPPER, "customer", "c-1"),
    }
    assert (token.decision_id, token.bundle_version) == (body["decision_id"], 12)
    assert [(e.experiment_id, e.variant, list(e.slots)) for e in token.entries] == [
        (1, first["variant"], first["slots"]),
        (2, second["variant"], second["slots"]),
    ]


def test_assignments__named_experiments__are_answered_in_order_unknown_ones_too(edge: Edge) -> None:
    body = call(
        edge, "/v1/assignments", {"units": {"visitor": "v"}, "experiments": ["gone", "experiment-2", "experiment-1"]}
    ).json

    assert [(a["experiment"], a["reason"]) for a in body["assignments"]] == [
        ("gone", "UNKNOWN_EXPERIMENT"),
        ("experiment-2", "UNIT_MISSING"),
        ("experiment-1", "SPLIT"),
    ]
    assert body["assignments"][0]["variant"] is None


def test_assignments__nobody_enrolled__has_no_token(edge: Edge) -> None:
    for units in ({}, {"visitor": 5}, {"visitor": ""}, {"visitor": None}):
        body = call(edge, "/v1/assignments", {"units": units, "experiments": ["experiment-1"]}).json
        assert body["decision_token"] is None
        assert body["assignments"][0]["variant"] == "control"


def test_assignments__same_request__gives_the_same_answer_and_a_new_decision(edge: Edge) -> None:
    first, second = (call(edge, "/v1/assignments", {"units": {"visitor": "v-1"}}).json for _ in range(2))

    assert first["assignments"] == second["assignments"]
    assert first["decision_id"] != second["decision_id"]


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, CLIENT_KEY),
        ({}, SERVER_KEY),
        ({"HTTP_X_API_KEY": CLIENT_KEY}, None),
        ({"HTTP_AUTHORIZATION": "Basic " + b64encode(f"{CLIENT_KEY}:".encode()).decode()}, None),
        ({"HTTP_AUTHORIZATION": f"bearer   {CLIENT_KEY}"}, None),
    ],
)
def test_assignments__valid_key_in_any_place__is_accepted(edge: Edge, headers: dict[str, str], key: str | None) -> None:
    assert call(edge, "/v1/assignments", {"units": {}}, key=key, **headers).status == 200


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, None),
        ({}, "nonsense"),
        ({}, format_api_key("client", b"x" * 32)),
        ({"HTTP_AUTHORIZATION": "Basic !!!"}, None),
        ({"HTTP_AUTHORIZATION": "Basic " + b64encode(f":{CLIENT_KEY}".encode()).decode()}, None),
        ({"HTTP_AUTHORIZATION": f"Digest {CLIENT_KEY}"}, None),
        ({"HTTP_X_API_KEY": ""}, None),
        ({"QUERY_STRING": f"key={CLIENT_KEY}"}, None),
    ],
)
@pytest.mark.parametrize("path", ["/v1/assignments", "/v1/batch", "/v1/track"])
def test_routes__without_a_valid_key__answer_401_as_a_problem(
    edge: Edge, path: str, headers: dict[str, str], key: str | None
) -> None:
    answer = call(edge, path, {"units": {}, "batch": []}, key=key, **headers)

    assert (answer.status, answer.json["code"]) == (401, "API_KEY_UNKNOWN")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "WWW-Authenticate" in answer.headers
    assert answer.json["hint"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        {},
        {"units": []},
        {"units": {}, "experiments": [5]},
        {"units": {}, "surprise": 1},
        {"units": {}, "personalised": "no"},
        {"units": {}, "experiments": ["x"] * 1_001},
        b'{"units":{"visitor":"\\ud800"}}',
    ],
)
def test_assignments__body_that_cannot_be_read__answers_400_with_what_to_send(edge: Edge, body: object) -> None:
    answer = call(edge, "/v1/assignments", body)

    assert (answer.status, answer.json["code"]) == (400, "REQUEST_MALFORMED")
    assert "units" in answer.json["hint"]


def test_batch__mixed_messages__stores_the_good_ones_and_says_what_became_of_each(
    edge: Edge, breakable_postgres: Postgres
) -> None:
    batch = {"batch": [message(1), message(2, event=None), message(1), message(3)], "sentAt": AT.isoformat()}

    first, second = call(edge, "/v1/batch", batch), call(edge, "/v1/batch", batch)

    assert (first.status, second.status) == (202, 202)
    assert first.json == {
        "accepted": 2,
        "duplicate": 1,
        "rejected": 1,
        "results": [
            {"index": 0, "message_id": "message-1", "status": "accepted", "reason": None},
            {"index": 1, "message_id": "message-2", "status": "rejected", "reason": "EVENT_MISSING"},
            {"index": 2, "message_id": "message-1", "status": "duplicate", "reason": None},
            {"index": 3, "message_id": "message-3", "status": "accepted", "reason": None},
        ],
    }
    assert (second.json["accepted"], second.json["duplicate"], second.json["rejected"]) == (0, 3, 1)
    assert [found[0] for found in log_of(breakable_postgres)] == ["message-1", "message-3"]
    assert log_of(breakable_postgres)[0][3] == hash_unit(PEPPER, "visitor", "v-1")


def test_batch__gzip_as_segment_sends_it__is_stored(edge: Edge, breakable_postgres: Postgres) -> None:
    body = gzip.compress(json.dumps({"batch": [message(1)]}).encode())
    basic = "Basic " + b64encode(f"{CLIENT_KEY}:".encode()).decode()

    answer = call(edge, "/v1/batch", body, key=None, HTTP_AUTHORIZATION=basic, HTTP_CONTENT_ENCODING="gzip")

    assert (answer.status, answer.json["accepted"]) == (202, 1)
    assert len(log_of(breakable_postgres)) == 1


def test_batch__write_key_in_the_body__is_accepted_as_beacons_send_it(edge: Edge) -> None:
    assert call(edge, "/v1/batch", {"batch": [message(1)], "writeKey": CLIENT_KEY}, key=None).status == 202
    assert call(edge, "/v1/track", message(2) | {"writeKey": CLIENT_KEY}, key=None).status == 202


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"nonsense", {}, 400, "BODY_MALFORMED"),
        ({"batch": {}}, {}, 400, "BODY_MALFORMED"),
        (b"plain", {"HTTP_CONTENT_ENCODING": "gzip"}, 400, "BODY_DAMAGED"),
        (gzip.compress(b"0" * 3_000_000, mtime=0), {"HTTP_CONTENT_ENCODING": "gzip"}, 413, "BODY_TOO_LARGE"),
        (b"x" * 1_000_001, {}, 413, "BODY_TOO_LARGE"),
        ({"batch": [{}] * 1_001}, {}, 413, "BATCH_TOO_LONG"),
        (b"x", {"HTTP_CONTENT_ENCODING": "br"}, 415, "BODY_ENCODING_UNKNOWN"),
    ],
)
def test_batch__body_at_fault__is_refused_as_a_problem(
    edge: Edge, body: object, headers: dict[str, str], status: int, code: str
) -> None:
    answer = call(edge, "/v1/batch", body, **headers)

    assert (answer.status, answer.json["code"], answer.json["status"]) == (status, code, status)
    assert answer.json["hint"]


def test_single_routes__good_messages__are_stored_under_their_kind(edge: Edge, breakable_postgres: Postgres) -> None:
    def without_type(number: int, **changes: Any) -> dict[str, Any]:
        return {name: value for name, value in message(number, **changes).items() if name != "type"}

    assert call(edge, "/v1/track", without_type(1)).status == 202
    assert call(edge, "/v1/identify", without_type(2, traits={"country": "DE", "email": "x"})).status == 202
    assert call(edge, "/v1/alias", without_type(3, previousId="v-1", userId="c-1")).status == 202

    assert [(kind, properties) for _, kind, _, _, properties, _ in log_of(breakable_postgres)] == [
        ("track", {"product_id": "p-1", "price": 19.99}),
        ("identify", {"country": "DE"}),
        ("alias", {"product_id": "p-1", "price": 19.99}),
    ]


def test_single_routes__bad_message__is_refused_with_its_reason(edge: Edge, breakable_postgres: Postgres) -> None:
    answer = call(edge, "/v1/track", message(1, messageId=""))

    assert (answer.status, answer.json["code"], answer.json["detail"]) == (
        400,
        "MESSAGE_REJECTED",
        "MESSAGE_ID_MISSING",
    )
    assert log_of(breakable_postgres) == []


def test_exposure__token_of_the_answer__enrols_the_visitor_and_nobody_else(
    edge: Edge, breakable_postgres: Postgres
) -> None:
    token = call(edge, "/v1/assignments", {"units": {"visitor": "v-1"}}).json["decision_token"]
    shown = {"decision_token": token, "experiment": "experiment-1"}
    exposures = [
        message(1, event="Experiment Viewed", properties=shown),
        message(2, event="Experiment Viewed", properties=shown, anonymousId="thief"),
        message(3, event="Experiment Viewed", properties={"experiment": "experiment-1", "variant": "control"}),
    ]

    assert call(edge, "/v1/batch", {"batch": exposures}).json["accepted"] == 3

    enrolments = [found[5][0] for found in log_of(breakable_postgres)]
    assert [(e["verification"], e["reason"]) for e in enrolments] == [
        ("TOKEN", None),
        ("TOKEN", "TOKEN_WRONG_UNIT"),
        ("UNVERIFIED", "TOKEN_MISSING"),
    ]
    assert enrolments[0]["unit"] == hash_unit(PEPPER, "visitor", "v-1")
    assert token not in json.dumps([found[4] for found in log_of(breakable_postgres)])


def test_simulation__project_clock__signs_tokens_and_dates_events(breakable_postgres: Postgres, tmp_path: Path) -> None:
    clock = {"kind": "SIMULATION", "origin": "2020-02-29T00:00:00Z", "speed": 1.0}
    clock["started_at"] = datetime.now(UTC).isoformat()
    started = experiment(1, epoch_opened_at="2019-01-01T00:00:00Z")
    publish(breakable_postgres.url, text_of(started, secrets=companion(clock=clock)))
    edge = start_edge(breakable_postgres.url, tmp_path)
    try:
        text = call(edge, "/v1/assignments", {"units": {"visitor": "v-1"}}).json["decision_token"]
        bundle = edge.runtime.live.by_project[1]
        origin = datetime(2020, 2, 29, tzinfo=UTC)
        token = verify_token(text, project_id=1, keys=bundle.signing_keys, now=origin, age=edge.settings.token_age)
        assert 0 <= token.time_ms - milliseconds(origin) < 60_000
        sent = message(1, timestamp="2020-02-28T00:00:00Z", sentAt="2020-02-28T00:00:00Z")
        assert call(edge, "/v1/track", sent, key=SERVER_KEY).status == 202
        with psycopg.connect(breakable_postgres.url) as connection:
            day, corrected = connection.execute("SELECT day, corrected_at FROM decisions_eventlog").fetchone() or ()
        assert day == date(2020, 2, 28)
        assert timedelta(0) <= corrected - origin < timedelta(minutes=1)
    finally:
        edge.close()


@pytest.mark.parametrize("path", ["/v1/assignments", "/v1/batch", "/v1/track", "/v1/identify", "/v1/alias"])
def test_cors__preflight_and_answers__are_open_without_credentials(edge: Edge, path: str) -> None:
    preflight = call(edge, path, key=None, method="OPTIONS")
    answer = call(edge, path, b"{")

    assert (preflight.status, preflight.body) == (204, b"")
    assert preflight.headers["Access-Control-Allow-Methods"] == "POST, OPTIONS"
    assert "X-API-Key" in preflight.headers["Access-Control-Allow-Headers"]
    for sent in (preflight.headers, answer.headers):
        assert sent["Access-Control-Allow-Origin"] == "*"
        assert "Retry-After" in sent["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in sent


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/assignments", 405),
        ("PUT", "/v1/batch", 405),
        ("POST", "/healthz/live", 405),
        ("GET", "/nowhere", 404),
    ],
)
def test_routes__other_method_or_address__answer_as_problems(edge: Edge, method: str, path: str, status: int) -> None:
    answer = call(edge, path, method=method)

    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert ("Allow" in answer.headers) == (status == 405)


def test_metrics__after_some_requests__everything_received_is_accounted_for(edge: Edge) -> None:
    call(edge, "/v1/batch", {"batch": [message(1), message(2, event=None), message(1)]})
    call(edge, "/v1/assignments", {"units": {}})
    call(edge, "/v1/assignments", b"{")

    answer = call(edge, "/metrics", key=None, method="GET")
    lines = dict(line.rsplit(" ", 1) for line in answer.body.decode().splitlines() if not line.startswith("#"))

    assert answer.headers["Content-Type"].startswith("text/plain")
    assert float(lines['tiltyard_events_received_total{project="shop"}']) == 3
    counted = [
        float(lines[f'tiltyard_events_total{{project="shop",status="{s}"}}'])
        for s in ("accepted", "duplicate", "rejected")
    ]
    assert counted == [1, 1, 1]
    assert float(lines['tiltyard_requests_total{route="/v1/assignments",status="400"}']) == 1
    assert float(lines['tiltyard_request_seconds_count{route="/v1/assignments"}']) == 2
    assert float(lines['tiltyard_bundle_version{project="shop",source="postgres"}']) == 12


def test_edge__once_imported__has_connected_to_nobody_and_loaded_nothing_slow() -> None:
    script = (
        "import sys, threading, config.edge;"
        "slow = {'django', 'pandas', 'scipy', 'statsmodels', 'tensorflow', 'rest_framework', 'celery'};"
        "print(sorted(slow & set(sys.modules)), threading.active_count())"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[] 1\n"
