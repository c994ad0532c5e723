"""docs/openapi.yaml says what the flags of the edge look like, answers and errors."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from config.edge import Edge
from config.edge.flags import PATH, PREFIX, ROUTE
from decisions.serving.flag_texts import NO_EXPERIMENT
from decisions.serving.limits import KeyLimit, LimitPolicy
from decisions.serving.ofrep_requests import PERSONALISED, PREVIEW, UNIT_MEMBERS
from decisions.serving.settings import EdgeSettings
from decisions.serving.store import BundleFile
from tests.config.edges import Answer, call, idle_edge
from tests.contracts.test_openapi import DOCUMENT, SCHEMAS, resolved
from tests.decisions.published import companion, published
from tests.experiments.assignment.builders import content
from tests.experiments.assignment.flag_builders import flag, setting


def ask(edge: Edge, path: str, body: object, **environ: Any) -> Answer:
    """Send a request and hold the answer against the document."""
    answer = call(edge, path, body, **environ)
    declared = resolved(DOCUMENT["paths"][ROUTE if path.startswith(PREFIX) else PATH]["post"]["responses"])
    response = declared[str(answer.status)]
    for name, header in response.get("headers", {}).items():
        if header.get("required") or name in answer.headers:
            Draft202012Validator(header["schema"]).validate(answer.headers[name])
    if answer.status != 304:
        kind = answer.headers["Content-Type"]
        Draft202012Validator(response["content"][kind]["schema"]).validate(answer.json)
    return answer


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    """Return an edge with a flag for every way to be answered."""
    designs = (
        setting(1, {"price": 20}, {"price": 25}),
        setting(2, {}, {"title": "Hi"}, status="PAUSED"),
        setting(3, {}, {"layout": {"dense": True}}, unit_kind="customer", coverage=500_000),
    )
    flags = [flag("price", "FLOAT", 20), flag("title", "STRING", ""), flag("layout", "OBJECT", {}), flag("search")]
    BundleFile(tmp_path).write([published(content(*designs) | {"flags": flags}, companion())])
    edge = Edge(EdgeSettings(database_url=None, redis_url=None, state_directory=tmp_path))
    edge.runtime.start()
    yield edge
    edge.close()


def test_flags__of_many_visitors__have_the_declared_shape(edge: Edge) -> None:
    reasons = set()
    for number in range(40):
        body = {"context": {"targetingKey": f"v-{number}", "userId": f"c-{number}", "preview": "nonsense"}}
        Draft202012Validator(resolved(SCHEMAS["FlagRequest"])).validate(body)
        for found in ask(edge, PATH, body).json["flags"]:
            reasons.add(found["metadata"]["reason"])
            assert ask(edge, PREFIX + found["key"], body).status == 200
    assert reasons == {"SPLIT", "NOT_RUNNING", "COVERAGE", NO_EXPERIMENT}


def test_flags__not_modified_or_without_a_visitor__have_the_declared_shape(edge: Edge) -> None:
    body = {"context": {"targetingKey": "v"}}
    tag = ask(edge, PATH, body).headers["ETag"]
    assert ask(edge, PATH, body, HTTP_IF_NONE_MATCH=tag).status == 304
    assert ask(edge, PATH, {"context": {}}).status == 200
    assert ask(edge, f"{PREFIX}price", {"context": {}}).status == 400


def test_refusals__of_every_kind__have_the_declared_shape(edge: Edge, tmp_path: Path) -> None:
    for path in (PATH, f"{PREFIX}price"):
        for body in (b"", {}, {"context": 5}, {"context": {"targetingKey": 5}}):
            assert ask(edge, path, body).status == 400
        assert ask(edge, path, {"context": {}}, key="nonsense").status == 401
        assert ask(idle_edge(tmp_path), path, {"context": {}}).status == 503
    assert ask(edge, f"{PREFIX}gone", {"context": {}}).status == 404


def test_document__members_of_a_context__are_those_that_are_read() -> None:
    declared = SCHEMAS["FlagRequest"]["properties"]["context"]["properties"]
    assert set(declared) == {*UNIT_MEMBERS, PERSONALISED, PREVIEW}


def test_refusal__key_that_asked_too_often__has_the_declared_shape(edge: Edge) -> None:
    edge._limit = KeyLimit(LimitPolicy("requests", 0.1, 1))
    for path in (PATH, f"{PREFIX}price"):
        statuses = [ask(edge, path, {"context": {"targetingKey": "limited"}}).status for _ in range(2)]
        assert statuses[-1] == 429
