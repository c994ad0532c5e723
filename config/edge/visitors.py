"""The edge's handler of `POST /v1/visitor`: the id of this browser, kept in a cookie that the server sets.

Safari deletes what scripts store after seven days without a visit, which is just the default window: the same shopper
would come back as a new one. A cookie that the server sets under the shop's own domain stays. It is set with consent
only, and scripts cannot read it: they are told the id in the answer.
"""

import re
import secrets
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from config.edge.desk import Environ, Route, body_of, known_key
from decisions.serving import http
from decisions.serving.http import Response
from decisions.serving.runtime import BundleRuntime
from decisions.serving.settings import EdgeSettings
from foundation.errors import DomainError

PATH = "/v1/visitor"
COOKIE = "ty_visitor"
SECONDS = 400 * 86_400
"""The longest life that browsers give a cookie; every answer begins it anew."""
LONGEST_COOKIES = 16_384
"""Characters of a Cookie header that are looked at."""

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{7,63}")
"""Ids of our own, and those that a shop had before: no character that a cookie, an address or a table would change."""

_encode = msgspec.json.Encoder().encode


class VisitorMalformed(DomainError):
    """The body of a request for a visitor id cannot be read."""

    code = "VISITOR_REQUEST_MALFORMED"
    hint = (
        'Send {"consent": true}; a known id may stand beside it as "visitor": 8 to 64 letters, digits, - and _,'
        " not beginning with -."
    )


class IdSource(StrEnum):
    """Where the id of an answer comes from."""

    COOKIE = "cookie"
    SENT = "sent"
    NEW = "new"


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    consent: bool
    visitor: str | None = None


_decode = msgspec.json.Decoder(_Request).decode


class VisitorDesk:
    """Gives browsers their ids, without any database."""

    prefixes: Mapping[str, Route] = {}
    statuses: Mapping[type[DomainError], int] = {VisitorMalformed: 400}

    def __init__(self, settings: EdgeSettings, runtime: BundleRuntime) -> None:
        self._runtime = runtime
        self._domain = settings.cookies.domain
        self.routes: Mapping[str, Route] = {PATH: Route("POST", self.answer, PATH, takes_cookies=True)}

    def start(self) -> None:
        """Need no work in the background."""

    def close(self) -> None:
        """Hold nothing that would have to be let go."""

    def answer(self, environ: Environ) -> Response:
        """Return the visitor's id: of the cookie, else the one that is sent, else a new one.

        Without consent it is a new one for this page alone, nothing is stored and what was stored is deleted.

        Raises:
            KeyUnknown, VisitorMalformed: and those of reading the body.
        """
        known_key(environ, self._runtime)
        request = _read(body_of(environ))
        held = cookie_of(environ)
        if not request.consent:
            forget = (self._set_cookie("", 0, environ),) if held is not None else ()
            return _answered(new_visitor(), IdSource.NEW, forget)
        if held is not None and _ID.fullmatch(held):
            visitor, source = held, IdSource.COOKIE
        elif request.visitor is not None:
            visitor, source = request.visitor, IdSource.SENT
        else:
            visitor, source = new_visitor(), IdSource.NEW
        return _answered(visitor, source, (self._set_cookie(visitor, SECONDS, environ),), seconds=SECONDS)

    def _set_cookie(self, value: str, seconds: int, environ: Environ) -> tuple[str, str]:
        parts = [f"{COOKIE}={value}", "Path=/", f"Max-Age={seconds}", "HttpOnly", "SameSite=Lax"]
        if self._domain is not None:
            parts.append(f"Domain={self._domain}")
        if _is_secure(environ):
            parts.append("Secure")
        return "Set-Cookie", "; ".join(parts)


def new_visitor() -> str:
    """Return a new id: 128 random bits, url-safe, never with a - in front, which a spreadsheet would calculate with."""
    while True:
        visitor = secrets.token_urlsafe(16)
        if _ID.fullmatch(visitor):
            return visitor


def cookie_of(environ: Environ) -> str | None:
    """Return what the visitor's cookie holds, whatever it is; None where there is none."""
    header = str(environ.get("HTTP_COOKIE", ""))
    if COOKIE not in header:
        return None
    if len(header) > LONGEST_COOKIES:
        return ""
    found = re.search(rf"(?:^|;)\s*{COOKIE}=([^;]*)", header)
    return None if found is None else found[1].strip()


def _read(body: bytes) -> _Request:
    try:
        request = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise VisitorMalformed(f"The body cannot be read: {str(error).rstrip('.')}.") from error
    if request.visitor is not None and not _ID.fullmatch(request.visitor):
        raise VisitorMalformed("The member visitor is no id that a cookie can keep.")
    return request


def _answered(
    visitor: str, source: IdSource, cookies: tuple[tuple[str, str], ...], *, seconds: int | None = None
) -> Response:
    members: dict[str, Any] = {
        "visitor": visitor,
        "source": source.value,
        "stored": seconds is not None,
        "seconds": seconds,
    }
    return Response(200, _encode(members), (http.JSON, http.NOT_STORED, *cookies))


def _is_secure(environ: Environ) -> bool:
    """Return whether the browser speaks https, to us or to the proxy before us."""
    forwarded = str(environ.get("HTTP_X_FORWARDED_PROTO", "")).partition(",")[0].strip().lower()
    return (forwarded or environ.get("wsgi.url_scheme")) == "https"
