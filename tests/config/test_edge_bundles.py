"""GET /v1/bundle: the configuration for those who evaluate by themselves, and for nobody else."""

import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pytest

from config.edge import Edge
from decisions.serving.store import BundleFile
from tests.config.edges import call, idle_edge
from tests.decisions.published import CLIENT_KEY, PEPPER, SECRET, SERVER_KEY, companion, text_of
from tests.experiments.assignment.builders import experiment

TEXT = text_of(experiment(1), version=3)
TAG = f'"{TEXT.sha256}"'


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    BundleFile(tmp_path).write([TEXT])
    edge = idle_edge(tmp_path)
    edge.runtime._load_file()
    yield edge
    edge.close()


def get(edge: Edge, **headers: str):
    return call(edge, "/v1/bundle", key=SERVER_KEY, method="GET", **headers)


def test_bundle__by_server_key__is_the_published_content_and_no_secret(edge: Edge) -> None:
    answer = get(edge)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.body.decode() == TEXT.content
    assert answer.headers["ETag"] == TAG
    assert answer.headers["Cache-Control"] == "private, no-cache"
    secrets = [entry["sha256"] for entry in companion()["api_keys"]] + [companion()["pepper"]]
    assert not any(secret.encode() in answer.body for secret in secrets)
    assert PEPPER not in answer.body
    assert SECRET not in answer.body
    assert datetime.fromisoformat(answer.headers["Tiltyard-Time"]).tzinfo is not None
    assert answer.headers["Tiltyard-Speed"] == "1.0"


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "*"])
def test_bundle__asked_for_in_gzip__comes_in_gzip_with_a_tag_of_its_own(edge: Edge, accepted: str) -> None:
    answer = get(edge, HTTP_ACCEPT_ENCODING=accepted)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert sha256(gzip.decompress(answer.body)).hexdigest() == TEXT.sha256
    assert answer.headers["ETag"] == f'"{TEXT.sha256}-gzip"'
    assert get(edge, HTTP_ACCEPT_ENCODING=accepted).body == answer.body


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity, gzip; q=0.0"])
def test_bundle__gzip_not_accepted__comes_plain(edge: Edge, accepted: str) -> None:
    assert "Content-Encoding" not in get(edge, HTTP_ACCEPT_ENCODING=accepted).headers


@pytest.mark.parametrize("known", [TAG, f'W/{TAG}, "other"', f'"{TEXT.sha256}-gzip"', "*"])
def test_bundle__that_the_caller_has__is_304_without_a_body(edge: Edge, known: str) -> None:
    answer = get(edge, HTTP_IF_NONE_MATCH=known)
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["ETag"] == TAG
    assert "Tiltyard-Time" in answer.headers


def test_bundle__of_another_version__is_sent_again(edge: Edge) -> None:
    assert get(edge, HTTP_IF_NONE_MATCH='"0123"').status == 200


def test_bundle__by_client_key__is_403_and_by_none_401(edge: Edge) -> None:
    refused = call(edge, "/v1/bundle", key=CLIENT_KEY, method="GET", HTTP_IF_NONE_MATCH=TAG)
    assert (refused.status, refused.json["code"]) == (403, "SERVER_KEY_NEEDED")
    assert "ETag" not in refused.headers
    assert call(edge, "/v1/bundle", key=None, method="GET").status == 401
    assert call(edge, "/v1/bundle", key=SERVER_KEY + "x", method="GET").status == 401


def test_bundle__from_a_browser__is_refused_before_it_asks(edge: Edge) -> None:
    answer = call(edge, "/v1/bundle", method="OPTIONS", HTTP_ORIGIN="https://shop.example.com")
    assert answer.status == 405
    assert "Access-Control-Allow-Headers" not in answer.headers
    assert call(edge, "/v1/bundle", key=SERVER_KEY).status == 405


def test_bundle__before_there_is_one__is_503_with_retry_after(tmp_path: Path) -> None:
    answer = get(idle_edge(tmp_path))
    assert (answer.status, answer.json["code"]) == (503, "BUNDLE_NOT_LOADED")
    assert int(answer.headers["Retry-After"]) > 0


def test_bundle__content__is_readable_by_the_schema_number(edge: Edge) -> None:
    assert json.loads(get(edge).body)["version"] == 3
