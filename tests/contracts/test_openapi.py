"""docs/openapi.yaml says what the edge does: its routes, its codes, and the shape of every answer."""

import gzip
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from jsonschema import Draft202012Validator

from config.edge import Edge
from config.edge.decisions import PREFIX, ROUTE
from decisions.domain import PolicyKind
from decisions.serving.artifacts import FileCache
from decisions.serving.decision_requests import MOST_CANDIDATES, MOST_EXCLUDED, MOST_RECENT, DecisionRequest
from decisions.serving.settings import EdgeSettings
from decisions.serving.store import BundleFile
from decisions.vocabulary import BundleSource, DecisionReason, MessageKind, MessageStatus, Rejection
from experiments.vocabulary import Reason, UnitKind
from tests.architecture.source import PROJECT
from tests.config.edges import idle_edge
from tests.decisions.published import (
    CLIENT_KEY,
    ab_point,
    catalogue_bytes,
    companion,
    decision_content,
    file_record,
    message,
    model_record,
    policy,
    popularity_bytes,
    published,
    text_of,
)
from tests.experiments.assignment.builders import arms, experiment

DOCUMENT: dict[str, Any] = yaml.safe_load((PROJECT / "docs" / "openapi.yaml").read_text())
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = [(path, method, found) for path, item in DOCUMENT["paths"].items() for method, found in item.items()]


def resolved(node: Any) -> Any:
    """Return the node with every reference replaced by what it points at."""
    if isinstance(node, list):
        return [resolved(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {name: resolved(value) for name, value in node.items()}
    found: Any = DOCUMENT
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return resolved(found)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from ([node["$ref"]] if "$ref" in node else ())
        node = list(node.values())
    if isinstance(node, list):
        for entry in node:
            yield from references(entry)


def test_document__as_written__is_openapi_3_1_without_loose_ends():
    assert DOCUMENT["openapi"].startswith("3.1.")
    for reference in references(DOCUMENT):
        assert reference.startswith("#/components/"), reference
        assert resolved({"$ref": reference}), reference
    assert len({found["operationId"] for _, _, found in OPERATIONS}) == len(OPERATIONS)
    used = {reference.rpartition("/")[2] for reference in references(DOCUMENT)}
    assert set(SCHEMAS) <= used
    for schema in resolved(SCHEMAS).values():
        Draft202012Validator.check_schema(schema)


def test_document__routes_and_methods__are_those_of_the_edge(tmp_path: Path):
    assert {(path, method.upper()) for path, method, _ in OPERATIONS} == set(idle_edge(tmp_path).routes.items())


def test_document__every_status_of_the_edge__is_declared_by_some_route(tmp_path: Path):
    known = {int(status) for _, _, found in OPERATIONS for status in found["responses"]}
    assert set(idle_edge(tmp_path).statuses.values()) - {405} <= known


def test_document__codes__are_those_of_the_code(tmp_path: Path):
    problems = {error.code for error in idle_edge(tmp_path).statuses}
    assert set(SCHEMAS["Problem"]["properties"]["code"]["enum"]) == problems
    results = SCHEMAS["Received"]["properties"]["results"]["items"]["properties"]
    assert set(results["reason"]["enum"]) == {*(entry.value for entry in Rejection), None}
    assert results["status"]["enum"] == [status.value for status in MessageStatus]
    degraded = set(SCHEMAS["Assignments"]["properties"]["metadata"]["properties"]["degraded"]["enum"])
    assert degraded == {Reason.BUNDLE_STALE, Reason.BUNDLE_MISSING, Reason.ENGINE_ERROR}
    by_clients = {Reason.BUNDLE_STALE, Reason.BUNDLE_MISSING, Reason.REMOTE_ONLY}
    answered = {reason.value for reason in Reason} - by_clients
    assert set(SCHEMAS["AssignmentReason"]["enum"]) == answered
    decision = SCHEMAS["Decision"]["properties"]
    assert decision["reason"]["enum"] == [reason.value for reason in DecisionReason]
    assert set(decision["policy"]["enum"]) == {*(kind.value for kind in PolicyKind), None}
    assert decision["source"] == SCHEMAS["Assignments"]["properties"]["source"]
    assert set(decision["metadata"]["properties"]["degraded"]["enum"]) == degraded
    asked = SCHEMAS["DecisionRequest"]["properties"]
    assert asked["units"] == SCHEMAS["AssignmentRequest"]["properties"]["units"]
    assert set(asked) == set(DecisionRequest.__struct_fields__)
    assert asked["candidates"]["maxItems"] == MOST_CANDIDATES
    assert asked["context"]["properties"]["recent_items"]["maxItems"] == MOST_RECENT
    assert asked["context"]["properties"]["exclude"]["maxItems"] == MOST_EXCLUDED
    assert set(SCHEMAS["Assignments"]["properties"]["source"]["enum"]) == {*(s.value for s in BundleSource), None}
    assert set(SCHEMAS["AssignmentRequest"]["properties"]["units"]["properties"]) == {k.value for k in UnitKind}
    assert set(SCHEMAS["Message"]["properties"]["type"]["enum"]) == {kind.value for kind in MessageKind}


Answer = tuple[int, dict[str, str], bytes]


class Caller:
    """Calls an edge as a WSGI server would, and holds every answer against the document."""

    def __init__(self, edge: Edge) -> None:
        self.edge = edge

    def __call__(self, path: str, body: Any = None, *, key: str | None = CLIENT_KEY, **environ: str) -> Answer:
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        method = "get" if body is None else "post"
        caught: list[tuple[str, list[tuple[str, str]]]] = []
        request = {
            "REQUEST_METHOD": method.upper(),
            "PATH_INFO": path,
            "CONTENT_LENGTH": str(len(raw)),
            "wsgi.input": io.BytesIO(raw),
            **({"HTTP_X_API_KEY": key} if key else {}),
            **environ,
        }
        answer = b"".join(self.edge(request, lambda status, headers: caught.append((status, headers))))
        status, headers = int(caught[0][0][:3]), dict(caught[0][1])
        declared = ROUTE if path.startswith(PREFIX) else path
        _agree(DOCUMENT["paths"][declared][method], status, headers, answer)
        return status, headers, answer


def _agree(operation: Mapping[str, Any], status: int, headers: Mapping[str, str], body: bytes) -> None:
    declared = resolved(operation["responses"])
    assert str(status) in declared, f"{operation['operationId']} does not declare {status}"
    response = declared[str(status)]
    for name, header in response.get("headers", {}).items():
        Draft202012Validator(header["schema"]).validate(headers[name])
    kind = headers["Content-Type"].partition(";")[0]
    assert kind in response["content"], (operation["operationId"], status, kind)
    value = body.decode() if kind == "text/plain" else json.loads(body)
    Draft202012Validator(response["content"][kind]["schema"]).validate(value)


@pytest.fixture
def cut_off(tmp_path: Path) -> Iterator[Caller]:
    """Return a caller of an edge that has a configuration from its file and no servers."""
    several = experiment(2, variants=arms(200_000, 300_000, 500_000), coverage=500_000)
    BundleFile(tmp_path).write([text_of(experiment(1), several, experiment(3, unit_kind="customer"))])
    edge = Edge(EdgeSettings(database_url=None, redis_url=None, state_directory=tmp_path))
    edge.runtime.start()
    yield Caller(edge)
    edge.close()


def test_assignments__of_a_hundred_visitors__have_the_declared_shape(cut_off: Caller):
    reasons = set()
    for number in range(100):
        _, _, body = cut_off("/v1/assignments", {"units": {"visitor": f"v-{number}"}})
        reasons |= {entry["reason"] for entry in json.loads(body)["assignments"]}
    assert {"SPLIT", "COVERAGE", "UNIT_MISSING"} <= reasons


def test_assignments__asked_for_wrongly__have_the_declared_shape(cut_off: Caller):
    _, _, body = cut_off("/v1/assignments", {"units": {"visitor": 42}, "experiments": ["experiment-1", "unheard-of"]})
    assert [entry["reason"] for entry in json.loads(body)["assignments"]] == ["UNIT_INVALID", "UNKNOWN_EXPERIMENT"]


def test_assignments__without_any_configuration__have_the_declared_shape(tmp_path: Path):
    caller = Caller(Edge(EdgeSettings(database_url=None, redis_url=None, state_directory=tmp_path)))
    status, _, body = caller("/v1/assignments", {"units": {"visitor": "v"}})
    assert (status, json.loads(body)["metadata"]) == (200, {"degraded": "BUNDLE_MISSING"})
    status, _, body = caller("/v1/decisions/home", {"units": {"visitor": "v"}})
    assert (status, json.loads(body)["reason"]) == (200, "BUNDLE_MISSING")
    assert caller("/healthz/ready")[0] == 503


@pytest.fixture
def deciding(tmp_path: Path) -> Iterator[Caller]:
    """Return a caller of an edge with two decision points, one of them personal, and no servers."""
    catalogue, artifact = catalogue_bytes(), popularity_bytes()
    for raw in (catalogue, artifact):
        FileCache(tmp_path).write(file_record(raw)["sha256"], raw)
    points = [
        ab_point(policy("model_ranked", version=12)),
        ab_point(policy("fixed", actions=["item-09"]), experiment_id=2, id=8, key="cart", personal=False),
    ]
    content = decision_content(
        experiment(1),
        experiment(2, variants=arms(0, 1_000_000)),
        points=points,
        models=[model_record(12, artifact)],
        catalogue=file_record(catalogue),
    )
    BundleFile(tmp_path).write([published(content, companion())])
    edge = Edge(EdgeSettings(database_url=None, redis_url=None, state_directory=tmp_path))
    edge.start()
    yield Caller(edge)
    edge.close()


def test_decisions__of_every_shape__agree_with_the_document(deciding: Caller):
    bodies = [
        {"units": {"visitor": "v"}},
        {"units": {"visitor": "v"}, "expose": True, "size": 20, "context": {"recent_items": ["item-01", "gone"]}},
        {"units": {"visitor": "v"}, "personalised": False},
        {"units": {"visitor": 5}, "candidates": []},
        {"units": {}, "attributes": {"country": "DE"}},
    ]
    for body in bodies:
        Draft202012Validator(resolved(SCHEMAS["DecisionRequest"])).validate(
            body | ({"units": {}} if body["units"] == {"visitor": 5} else {})
        )
        for key in ("home", "cart"):
            assert deciding(f"/v1/decisions/{key}", body)[0] == 200
    fixed = json.loads(deciding("/v1/decisions/cart", {"units": {"visitor": "v"}})[2])
    assert (fixed["reason"], fixed["policy"], fixed["decision_token"] is None) == ("FIXED", "fixed", False)
    status, _, body = deciding("/v1/decisions/nowhere", {"units": {}})
    assert (status, json.loads(body)["code"]) == (404, "DECISION_POINT_UNKNOWN")
    assert deciding("/v1/decisions/home", {"units": {}, "size": 0})[0] == 400
    assert json.loads(deciding("/healthz/ready")[2])["faults"] == []


@pytest.mark.parametrize(
    ("path", "body", "environ", "expected"),
    [
        ("/v1/assignments", {"units": {"visitor": "v"}}, {"HTTP_X_API_KEY": "wrong"}, (401, "API_KEY_UNKNOWN")),
        ("/v1/assignments", {"unit": "v"}, {}, (400, "REQUEST_MALFORMED")),
        ("/v1/assignments", b"x", {"HTTP_CONTENT_ENCODING": "br"}, (415, "BODY_ENCODING_UNKNOWN")),
        ("/v1/assignments", b"x", {"HTTP_CONTENT_ENCODING": "gzip"}, (400, "BODY_DAMAGED")),
        ("/v1/assignments", b" " * 1_000_001, {}, (413, "BODY_TOO_LARGE")),
        ("/v1/batch", {"messages": []}, {}, (400, "BODY_MALFORMED")),
        ("/v1/batch", {"batch": [{}] * 1_001}, {}, (413, "BATCH_TOO_LONG")),
        ("/v1/batch", {"batch": [message()]}, {}, (503, "INGEST_UNAVAILABLE")),
        ("/v1/track", message(), {}, (503, "INGEST_UNAVAILABLE")),
    ],
)
def test_refusals__of_every_kind__are_declared_problems(cut_off: Caller, path, body, environ, expected):
    status, _, answer = cut_off(path, body, **environ)
    assert (status, json.loads(answer)["code"]) == expected


def test_probes__of_an_edge_with_a_configuration__have_the_declared_shape(cut_off: Caller):
    assert cut_off("/healthz/live")[0] == 200
    assert json.loads(cut_off("/healthz/ready")[2])["bundles"] == 1
    assert b"tiltyard_requests_total" in cut_off("/metrics")[2]


@pytest.fixture
def connected(tmp_path: Path, database_url: str) -> Iterator[Caller]:
    """Return a caller of an edge that can store events; what it stored is removed, since no model knows of it."""
    BundleFile(tmp_path).write([text_of(experiment(1))])
    edge = Edge(EdgeSettings(database_url=database_url, redis_url=None, state_directory=tmp_path))
    edge.runtime._load_file()
    yield Caller(edge)
    edge.close()
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM decisions_eventlog WHERE project_id = 1")


def test_events__that_are_stored_repeated_or_rejected__have_the_declared_shape(connected: Caller):
    batch = {"batch": [message(1), message(1), message(2, event="")]}
    status, _, body = connected("/v1/batch", gzip.compress(json.dumps(batch).encode()), HTTP_CONTENT_ENCODING="gzip")
    assert status == 202
    assert [entry["status"] for entry in json.loads(body)["results"]] == ["accepted", "duplicate", "rejected"]
    assert connected("/v1/track", message(3))[0] == 202
    assert connected("/v1/identify", message(4))[0] == 202
    status, _, body = connected("/v1/alias", message(5))
    assert (status, json.loads(body)["detail"]) == (400, "PREVIOUS_ID_MISSING")
