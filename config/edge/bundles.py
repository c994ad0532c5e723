"""The edge's handler of `GET /v1/bundle`: the configuration for clients that evaluate by themselves.

It holds salts, audiences and overrides: for servers of the shop, never for browsers. Secrets, the keys and the
pepper, are in the companion, which no route gives away.
"""

import gzip
from collections.abc import Mapping
from datetime import UTC, datetime

from config.edge.desk import Environ, Route, known_key
from decisions.serving import http
from decisions.serving.bundle import LiveBundle
from decisions.serving.http import Response
from decisions.serving.runtime import BundleRuntime
from decisions.vocabulary import KeyKind
from foundation.errors import DomainError

PATH = "/v1/bundle"
COMPRESSION = 6
TIME_HEADER = "Tiltyard-Time"
SPEED_HEADER = "Tiltyard-Speed"
"""The project's time at the answer, and how many of its seconds pass in a second."""
_KEPT_BY_CLIENTS_ALONE = (
    ("Cache-Control", "private, no-cache"),
    ("Vary", "Authorization, X-API-Key, Accept-Encoding"),
)


class ServerKeyNeeded(DomainError):
    """The API key is a client key."""

    code = "SERVER_KEY_NEEDED"
    hint = "Ask with a server key, from a server of the shop. Browsers use POST /v1/assignments."


class BundleNotLoaded(DomainError):
    """The process has no bundle yet."""

    code = "BUNDLE_NOT_LOADED"
    hint = "Ask again after the seconds of Retry-After; until then use what was downloaded before."


class BundleDesk:
    """Gives the live bundle to holders of a server key."""

    prefixes: Mapping[str, Route] = {}
    statuses: Mapping[type[DomainError], int] = {ServerKeyNeeded: 403, BundleNotLoaded: 503}

    def __init__(self, runtime: BundleRuntime) -> None:
        self._runtime = runtime
        self._packed: dict[str, bytes] = {}
        self.routes: Mapping[str, Route] = {PATH: Route("GET", self.answer, PATH)}

    def start(self) -> None:
        """Need no work in the background."""

    def close(self) -> None:
        """Hold nothing that would have to be let go."""

    def answer(self, environ: Environ) -> Response:
        """Return the content of the bundle, or 304 where the caller has it.

        Raises:
            KeyUnknown, ServerKeyNeeded: the key may not see it.
            BundleNotLoaded: there is none yet.
        """
        found = known_key(environ, self._runtime)
        if found is None:
            raise BundleNotLoaded("No bundle could be loaded yet.")
        bundle, key = found
        if key.kind is not KeyKind.SERVER:
            raise ServerKeyNeeded("The bundle is for server keys only.")
        is_packed = _accepts_gzip(str(environ.get("HTTP_ACCEPT_ENCODING", "")))
        headers = (*_KEPT_BY_CLIENTS_ALONE, *_time_of(bundle), ("ETag", _etag(bundle, is_packed=is_packed)))
        if _names(str(environ.get("HTTP_IF_NONE_MATCH", "")), bundle.text.sha256):
            return Response(304, b"", headers)
        if is_packed:
            return Response(200, self._pack(bundle), (http.JSON, ("Content-Encoding", "gzip"), *headers))
        return Response(200, bundle.text.content.encode(), (http.JSON, *headers))

    def _pack(self, bundle: LiveBundle) -> bytes:
        """Return the content in gzip, compressed once for each bundle that is live."""
        digest = bundle.text.sha256
        packed = self._packed.get(digest)
        if packed is None:
            packed = gzip.compress(bundle.text.content.encode(), COMPRESSION, mtime=0)
            live = {held.text.sha256 for held in self._runtime.live.by_project.values()}
            self._packed = {name: kept for name, kept in self._packed.items() if name in live} | {digest: packed}
        return packed


def _time_of(bundle: LiveBundle) -> tuple[tuple[str, str], ...]:
    now = bundle.clock.at(datetime.now(UTC)).isoformat(timespec="milliseconds")
    return (TIME_HEADER, now), (SPEED_HEADER, repr(float(bundle.clock.speed)))


def _etag(bundle: LiveBundle, *, is_packed: bool) -> str:
    """Return a strong tag: two representations of one content have different ones."""
    return f'"{bundle.text.sha256}-gzip"' if is_packed else f'"{bundle.text.sha256}"'


def _names(header: str, digest: str) -> bool:
    """Return whether If-None-Match names the digest, whichever representation it was of."""
    tags = {tag.strip().removeprefix("W/").strip('"').removesuffix("-gzip") for tag in header.split(",")}
    return bool(tags & {digest, "*"})


def _accepts_gzip(header: str) -> bool:
    for part in header.lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
