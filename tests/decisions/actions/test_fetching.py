"""Fetching a file: what it is packed in, how large it may be, how long it may take, where it may lead."""

import gzip
import time
from collections.abc import Iterator

import pytest

from decisions.actions.feed_addresses import FeedAddressForbidden, FeedAddressInvalid
from decisions.actions.fetching import FeedRefused, FeedTooLarge, FeedUnavailable, Fetched, Limits, fetch
from tests.fixtures.file_server import HOST, FileServer, raw_server

CSV = "item_id,title\nmug,杯子\n".encode()
SMALL = Limits(silence=2.0, whole=5.0, size=10_000)


@pytest.fixture
def server() -> Iterator[FileServer]:
    """Return a running server of files."""
    running = FileServer()
    yield running
    running.close()


def get(url: str, *, etag: str = "", limits: Limits = SMALL, hosts: tuple[str, ...] = (HOST,)) -> Fetched:
    return fetch(url, etag=etag, allowed_hosts=hosts, limits=limits)


def content(found: Fetched) -> bytes | None:
    if found.file is None:
        return None
    with found.file as file:
        return file.read()


def test_fetch__plain_file__has_its_bytes_and_tag(server):
    server.serve(CSV, ETag='"7"')
    found = get(server.url("/a%20b.csv?x=1"))
    assert (content(found), found.size, found.etag) == (CSV, len(CSV), '"7"')
    path, headers = server.asked[0]
    assert path == "/a%20b.csv?x=1"
    assert headers["Host"] == server.url("").removeprefix("http://")
    assert "If-None-Match" not in headers


def test_fetch__file_that_is_as_it_was__has_none(server):
    server.serve(CSV, ETag='W/"7"')
    found = get(server.url(), etag='W/"7"')
    assert (found.file, found.etag) == (None, 'W/"7"')
    server.refuse(304)
    with pytest.raises(FeedRefused, match="answered 304"):
        get(server.url())


@pytest.mark.parametrize("tag", ['"a\0b"', '"\xe9"', f'"{"x" * 500}"'], ids=["nul", "not ascii", "long"])
def test_fetch__tag_that_cannot_be_kept_or_sent_back__is_as_good_as_none(server, tag):
    server.serve(CSV, ETag=tag)
    found = get(server.url())
    assert (content(found), found.etag) == (CSV, "")


def test_fetch__packed__is_inflated_however_it_is_called(server):
    server.serve(gzip.compress(CSV), Content_Encoding="gzip")
    assert content(get(server.url())) == CSV
    server.serve(gzip.compress(CSV), Content_Type="application/gzip")
    assert content(get(server.url("/items.csv.gz"))) == CSV
    server.serve(gzip.compress(CSV) + gzip.compress(b"lamp,\n") + b"\0\0\0")
    assert content(get(server.url())) == CSV + b"lamp,\n"
    server.serve(CSV, Content_Encoding="br")
    with pytest.raises(FeedRefused, match="packed as 'br'"):
        get(server.url())


@pytest.mark.parametrize(
    ("packed", "error"), [(gzip.compress(CSV, mtime=0)[:-9], FeedUnavailable), (b"\x1f\x8b" + CSV, FeedRefused)]
)
def test_fetch__damaged_gzip__is_refused(server, packed, error):
    server.serve(packed)
    with pytest.raises(error):
        get(server.url())


def test_fetch__too_large__is_refused_whether_it_says_so_or_not(server):
    server.serve(b"x" * 10_001)
    with pytest.raises(FeedTooLarge):
        get(server.url())
    server.serve(gzip.compress(b"x" * 50_000_000))
    with pytest.raises(FeedTooLarge, match="Inflated"):
        get(server.url(), limits=Limits(2.0, 5.0, 100_000))
    assert content(get(server.url(), limits=Limits(2.0, 5.0, 50_000_000))) == b"x" * 50_000_000

    def endless(connection):
        connection.recv(4_096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 20_000)

    with raw_server(endless) as url, pytest.raises(FeedTooLarge):
        get(url)


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, FeedUnavailable), (503, FeedUnavailable), (429, FeedUnavailable), (404, FeedRefused), (401, FeedRefused)],
)
def test_fetch__answer_of_failure__is_told_and_tried_again_if_it_may_pass(server, status, error):
    server.refuse(status)
    with pytest.raises(error, match=str(status)):
        get(server.url())


def test_fetch__redirect_on_the_same_host__is_followed(server):
    server.answer = lambda path: (200, {}, CSV) if path == "/new.csv" else (302, {"Location": "/new.csv"}, b"")
    assert content(get(server.url())) == CSV


@pytest.mark.parametrize(
    "location",
    [
        "http://localhost:1/secret",
        "https://127.0.0.1/items.csv",
        "http://127.0.0.1:1/items.csv",
        "//169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "http://[",
        "",
    ],
)
def test_fetch__redirect_to_elsewhere__is_not_followed(server, location):
    server.refuse(302, Location=location)
    with pytest.raises((FeedRefused, FeedAddressInvalid)):
        get(server.url())
    assert {path for path, _ in server.asked} == {"/items.csv"}


def test_fetch__redirects_without_end__are_given_up(server):
    server.answer = lambda path: (302, {"Location": f"{path}x"}, b"")
    with pytest.raises(FeedRefused, match="more than 3 times"):
        get(server.url())
    assert len(server.asked) == 4


def test_fetch__host_that_nobody_allows__is_never_connected_to(server):
    server.serve(CSV)
    with pytest.raises(FeedAddressForbidden):
        get(server.url(), hosts=())
    assert server.asked == []


def test_fetch__nobody_listens_or_no_such_host__may_pass(server):
    url = server.url()
    server._server.socket.close()
    with pytest.raises(FeedUnavailable):
        get(url)
    with pytest.raises(FeedUnavailable, match="cannot be looked up"):
        get("http://nowhere.invalid/items.csv")


HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nitem_id\n"


@pytest.mark.parametrize(
    "said", [b"", b"nonsense\r\n\r\n", HALF, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nit"]
)
def test_fetch__connection_that_ends_early__may_pass(said):
    def talk(connection):
        connection.recv(4_096)
        connection.sendall(said)

    with raw_server(talk) as url, pytest.raises(FeedUnavailable):
        get(url)


def test_fetch__silence_and_dripping__end_in_time():
    def silent(connection):
        connection.recv(4_096)
        time.sleep(0.6)

    def dripping(connection):
        connection.recv(4_096)
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    with raw_server(silent) as url, pytest.raises(FeedUnavailable, match="silent"):
        get(url, limits=Limits(0.2, 5.0, 100))
    with raw_server(dripping) as url, pytest.raises(FeedUnavailable):
        get(url, limits=Limits(0.4, 0.5, 100))
