"""Requests that are wrong below HTTP's surface, sent to a real edge process: it refuses them and goes on serving."""

import json
import os
import secrets
import socket
from collections.abc import Iterator

import pytest

from config.local import processes
from decisions.serving.store import BundleFile
from tests.chaos.edges import Client, EdgeProcess
from tests.decisions.published import CLIENT_KEY, text_of
from tests.experiments.assignment.builders import experiment

BODY = json.dumps({"units": {"visitor": "v-1"}}).encode()
START = b"POST /v1/assignments HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + CLIENT_KEY.encode() + b"\r\n"


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeProcess]:
    """Return a running edge process that has its configuration from its file and no servers."""
    directory = tmp_path_factory.mktemp("edge")
    BundleFile(directory).write([text_of(experiment(1))])
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    environment |= {"SECRET_KEY": secrets.token_urlsafe(50), "TILTYARD_STATE_DIR": str(directory)}
    process = EdgeProcess("edge", directory, environment)
    process.start()
    process.wait_until_ready()
    yield process
    processes.end_all([process.process], seconds=20)


def sent(edge: EdgeProcess, raw: bytes) -> int:
    """Return the status that bytes are answered with, 0 where the connection is closed without one."""
    with socket.create_connection(("127.0.0.1", edge.port), timeout=20) as connection:
        try:
            connection.sendall(raw)
            return int((connection.recv(4_096)[9:12]) or 0)
        except ConnectionError:
            return 0


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"


def test_body__in_chunks_without_a_length__is_read(edge: EdgeProcess):
    assert sent(edge, CHUNKED + chunked(BODY[:5], BODY[5:])) == 200


def test_body__in_chunks_beyond_the_limit__is_413(edge: EdgeProcess):
    assert sent(edge, CHUNKED + chunked(*[b" " * 100_000] * 11)) == 413


@pytest.mark.parametrize(
    ("raw", "statuses"),
    [
        (b"nonsense\r\n\r\n", {400, 0}),
        (b"POST /v1/assignments HTTP/9.9\r\n\r\n", {400, 505, 0}),
        (START + b"Content-Length: many\r\n\r\n" + BODY, {400, 0}),
        (START + b"Content-Length: -5\r\n\r\n" + BODY, {400, 0}),
        (START + b"Content-Length: 99999999999999999999999\r\n\r\n" + BODY, {400, 413, 0}),
        (CHUNKED + b"zz\r\nnonsense\r\n0\r\n\r\n", {400, 0}),
        (START + b"X-Long: " + b"x" * 1_000_000 + b"\r\n\r\n", {400, 431, 0}),
        (START + b"".join(b"X-%d: y\r\n" % n for n in range(5_000)) + b"\r\n", {400, 431, 0}),
        (START + b"X-Bad\x00: y\r\n\r\n", {400, 0}),
        (START.replace(b"/v1/assignments", b"/" + b"x" * 100_000) + b"\r\n", {400, 404, 414, 0}),
    ],
    ids=["no HTTP", "version", "length", "below 0", "huge", "chunk", "header", "flood", "NUL", "address"],
)
def test_request__that_is_no_http__is_refused_and_the_process_goes_on(
    edge: EdgeProcess, raw: bytes, statuses: set[int]
):
    assert sent(edge, raw) in statuses

    assert Client(edge.port, CLIENT_KEY).post("/v1/assignments", BODY).status == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "nonsense", ""])
def test_body__of_another_content_type__is_read_as_json(edge: EdgeProcess, kind: str):
    """Beacons of browsers can send nothing but simple types."""
    answer = Client(edge.port, CLIENT_KEY).post("/v1/assignments", BODY, **{"Content-Type": kind})
    assert answer.status == 200


def test_connections__opened_and_left_alone__keep_nobody_out(edge: EdgeProcess):
    idle = [socket.create_connection(("127.0.0.1", edge.port)) for _ in range(200)]
    try:
        for connection in idle[:100]:
            connection.sendall(START[:40])
        assert Client(edge.port, CLIENT_KEY).post("/v1/assignments", BODY).status == 200
    finally:
        for connection in idle:
            connection.close()


def test_clients__gone_before_their_answer__leave_the_process_serving(edge: EdgeProcess):
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", edge.port)) as connection:
            connection.sendall(START + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
    with socket.create_connection(("127.0.0.1", edge.port)) as connection:
        connection.sendall(START + b"Content-Length: 500000\r\n\r\n" + BODY)
    assert Client(edge.port, CLIENT_KEY).post("/v1/assignments", BODY).status == 200
