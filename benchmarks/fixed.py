"""The least that the edge's server can do: read the request, return fixed bytes of a given length."""

import os
from collections.abc import Callable, Iterable
from typing import Any

_BODY = b"x" * int(os.environ.get("FIXED_BYTES", "1000"))
_HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(_BODY)))]


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer any request with the same bytes (WSGI)."""
    environ["wsgi.input"].read(1_000_000)
    start_response("200 OK", _HEADERS)
    return [_BODY]
