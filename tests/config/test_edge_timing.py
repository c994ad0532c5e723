"""Who asks for it learns which configuration answered, which process, and how long it took."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.edge import Edge
from decisions.serving.settings import EdgeSettings
from decisions.serving.store import BundleFile
from tests.config.edges import BOTH, call
from tests.decisions.published import SERVER_KEY, message, text_of

TIMING = re.compile(r'eval;dur=\d+\.\d{3}, cfg;desc="v(\d+)", proc;desc="(\d+)"')
ASKING = {"HTTP_X_TILTYARD_DEBUG": "1"}


@pytest.fixture
def make_edge(tmp_path: Path) -> Iterator[Edge]:
    """Return an edge that serves version 12 from its file."""
    BundleFile(tmp_path).write([text_of(*BOTH, version=12)])
    edge = Edge(EdgeSettings(database_url=None, redis_url=None, state_directory=tmp_path))
    edge.runtime.start()
    yield edge
    edge.close()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/assignments", {"units": {"visitor": "v"}}),
        ("/v1/assignments", {"wrong": 1}),
        ("/v1/decisions/nowhere", {"units": {}}),
        ("/v1/batch", {"batch": [message(1)]}),
        ("/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "v"}}),
        ("/ofrep/v1/evaluate/flags/colour", {"context": {"targetingKey": "v"}}),
    ],
)
def test_server_timing__server_key_or_header__is_on_every_answer_whatever_its_status(
    make_edge: Edge, path: str, body: object
) -> None:
    for answer in (call(make_edge, path, body, key=SERVER_KEY), call(make_edge, path, body, **ASKING)):
        found = TIMING.fullmatch(answer.headers["Server-Timing"])
        assert found is not None
        assert (found[1], found[2]) == ("12", str(os.getpid()))
        assert "Server-Timing" in answer.headers["Access-Control-Expose-Headers"]


def test_server_timing__client_key_that_does_not_ask__or_no_valid_key__is_not_told(make_edge: Edge) -> None:
    asked = {"units": {"visitor": "v"}}

    assert "Server-Timing" not in call(make_edge, "/v1/assignments", asked).headers
    assert "Server-Timing" not in call(make_edge, "/v1/assignments", asked, key="unknown", **ASKING).headers
    assert "Server-Timing" not in call(make_edge, "/healthz/ready", method="GET", key=SERVER_KEY, **ASKING).headers


def test_ready__a_process__tells_its_id_and_the_version_of_each_project(make_edge: Edge) -> None:
    ready = call(make_edge, "/healthz/ready", method="GET").json

    assert (ready["process"], ready["versions"]) == (os.getpid(), {"shop": 12})


def test_metrics__one_of_several_processes_on_a_port__every_sample_names_its_process(tmp_path: Path) -> None:
    BundleFile(tmp_path).write([text_of(*BOTH, version=12)])
    edge = Edge(EdgeSettings(database_url=None, redis_url=None, state_directory=tmp_path, workers=2))
    edge.runtime.start()
    call(edge, "/v1/assignments", {"units": {"visitor": "v"}})

    lines = call(edge, "/metrics", method="GET").body.decode().splitlines()
    edge.close()

    samples = [line for line in lines if line and not line.startswith("#")]
    assert all(f'{{process="{os.getpid()}"' in line for line in samples)
    assert f'tiltyard_bundle_version{{process="{os.getpid()}",project="shop",source="file"}} 12.0' in samples
    assert f'tiltyard_decision_rows_queued{{process="{os.getpid()}"}} 0.0' in samples
