"""Responses of the edge: JSON, problems by RFC 9457, and whose key a request carries."""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from foundation.errors import DomainError

JSON = ("Content-Type", "application/json")
PROBLEM = ("Content-Type", "application/problem+json")
TEXT = ("Content-Type", "text/plain; charset=utf-8")
NOT_STORED = ("Cache-Control", "no-store")
CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "ETag, Retry-After, RateLimit, RateLimit-Policy, Server-Timing"),
)
_TAKEN = "Authorization, Content-Encoding, Content-Type, If-None-Match, X-API-Key, X-Tiltyard-Debug"
PREFLIGHT = (
    ("Access-Control-Allow-Methods", "POST, OPTIONS"),
    ("Access-Control-Allow-Headers", _TAKEN),
    ("Access-Control-Max-Age", "7200"),
)
CHALLENGE = ("WWW-Authenticate", 'Basic realm="Tiltyard", charset="UTF-8"')

_PHRASES = {
    200: "200 OK",
    202: "202 Accepted",
    204: "204 No Content",
    304: "304 Not Modified",
    400: "400 Bad Request",
    401: "401 Unauthorized",
    403: "403 Forbidden",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    409: "409 Conflict",
    413: "413 Content Too Large",
    415: "415 Unsupported Media Type",
    422: "422 Unprocessable Content",
    429: "429 Too Many Requests",
    500: "500 Internal Server Error",
    503: "503 Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Response:
    """A response, complete but for its Content-Length."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = field(default=(JSON, NOT_STORED))

    @property
    def status_line(self) -> str:
        return _PHRASES[self.status]


class KeyUnknown(DomainError):
    """The request carries no API key, or one that is unknown or revoked."""

    code = "API_KEY_UNKNOWN"
    hint = "Send an API key of the project as Authorization: Bearer, X-API-Key, or as the user of Basic."


class RouteUnknown(DomainError):
    """There is no such address here."""

    code = "ROUTE_UNKNOWN"
    hint = "Pages and the management API are served by the console."


class MethodUnknown(DomainError):
    """The address exists, the method does not."""

    code = "METHOD_NOT_ALLOWED"
    hint = "See the Allow header."


class InternalFault(DomainError):
    """Something unforeseen; the log has it under the id of the detail."""

    code = "INTERNAL_FAULT"
    hint = "Try again; if it stays, look for the id in the log of the edge."


def problem(status: int, error: DomainError, *more: tuple[str, str]) -> Response:
    """Return an error as RFC 9457 says, with its code and what to do."""
    members = {
        "type": "about:blank",
        "title": _PHRASES[status].partition(" ")[2],
        "status": status,
        "code": error.code,
        "detail": error.message,
        "hint": error.hint,
    }
    return Response(status, msgspec.json.encode(members), (PROBLEM, NOT_STORED, *more))


def api_key_of(environ: Mapping[str, object]) -> str | None:
    """Return the API key that the headers of a WSGI request carry, None where there is none."""
    scheme, _, rest = str(environ.get("HTTP_AUTHORIZATION", "")).strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip() or None
        case "basic":
            try:
                user = b64decode(rest.strip(), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError, ValueError):
                return None
            return user.partition(":")[0] or None
    key = environ.get("HTTP_X_API_KEY")
    return str(key) if key else None
