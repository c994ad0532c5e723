"""HTTP to the edge, with the standard library: one request a connection, no redirects, so that the key stays here."""

import gzip
import http.client
import ssl
import zlib
from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

LARGEST_ANSWER = 64_000_000
LONGEST_PAUSE = 300.0
"""Seconds that a Retry-After is obeyed for at most."""


class Unreachable(Exception):
    """The server did not answer, or not with HTTP."""


class Reply(NamedTuple):
    """An answer. The names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after(self) -> float | None:
        """How many seconds the server asks to be left alone, where it does."""
        text = self.headers.get("retry-after", "")
        return min(float(text), LONGEST_PAUSE) if text.isdecimal() else None


class Connection:
    """Sends requests with the API key. May be used by several threads."""

    def __init__(self, url: str, key: str, *, timeout_seconds: float) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port
        self._base = parts.path.rstrip("/")
        self._timeout = timeout_seconds
        self._authorization = "Basic " + b64encode(f"{key}:".encode()).decode()
        self._context = ssl.create_default_context() if self._secure else None

    def get(self, path: str, headers: Mapping[str, str]) -> Reply:
        """Return the answer to a GET, inflated. Raises Unreachable."""
        return self._send("GET", path, None, {"Accept-Encoding": "gzip", **headers})

    def post(self, path: str, body: bytes) -> Reply:
        """Return the answer to JSON, which travels compressed where that is worth it. Raises Unreachable."""
        headers = {"Content-Type": "application/json"}
        if len(body) > 1_000:
            body, headers["Content-Encoding"] = gzip.compress(body, 5), "gzip"
        return self._send("POST", path, body, headers)

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        connection = self._open()
        try:
            connection.request(method, self._base + path, body, {"Authorization": self._authorization, **headers})
            answer = connection.getresponse()
            received = answer.read(LARGEST_ANSWER + 1)
            sent = {name.lower(): value for name, value in answer.getheaders()}
            if sent.get("content-encoding") == "gzip":
                received = _inflate(received)
        except (OSError, http.client.HTTPException, zlib.error) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()
        if len(received) > LARGEST_ANSWER:
            raise Unreachable(f"the answer is larger than {LARGEST_ANSWER} bytes")
        return Reply(answer.status, sent, received)

    def _open(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._context)


def _inflate(body: bytes) -> bytes:
    """Return the content of gzip, cut off where it is larger than an answer may be."""
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
    return inflater.decompress(body, LARGEST_ANSWER + 1)
