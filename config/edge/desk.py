"""What the desks of an edge share: a route, whose key a request carries, and its body."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from decisions.ingest.bodies import read_body
from decisions.ingest.browsers import ATTRIBUTE, BrowserFamily, browser_family
from decisions.serving import http
from decisions.serving.bundle import ApiKey, LiveBundle
from decisions.serving.http import Response
from decisions.serving.runtime import BundleRuntime
from decisions.vocabulary import KeyKind
from foundation.errors import DomainError
from foundation.ids import digest_api_key, is_api_key

Environ = Mapping[str, Any]


Caller = tuple[LiveBundle, ApiKey]
"""Whose key a request carries: the project, and the key."""
CALLER = "tiltyard.caller"
"""The member of the environment under which a process leaves the caller for its desks."""


class Route(NamedTuple):
    """The one method of an address, who answers it, and the name under which its requests are counted.

    One that `takes_cookies` is open to the listed origins alone, all others to any.
    """

    method: str
    answer: Callable[[Environ], Response]
    name: str
    takes_cookies: bool = False


class Desk(Protocol):
    """Answers the routes of one concern.

    `routes` are whole addresses, `prefixes` beginnings (with the slash) of addresses whose last part is a key.
    `statuses` are the HTTP statuses of the errors that only this desk raises.
    """

    routes: Mapping[str, Route]
    prefixes: Mapping[str, Route]
    statuses: Mapping[type[DomainError], int]

    def start(self) -> None:
        """Begin the work in the background."""

    def close(self) -> None:
        """End threads and connections."""


def known_key(environ: Environ, runtime: BundleRuntime, key: str | None = None) -> Caller | None:
    """Return the project and the API key of a request; None where there is no bundle yet to check the key with.

    `key` is one that was found elsewhere than in the headers.

    Raises:
        KeyUnknown: the request carries no key, or one that is unknown or revoked.
    """
    caller: Caller | None = environ.get(CALLER)
    if caller is not None:
        return caller
    sent = http.api_key_of(environ) or key
    live = runtime.live
    found = live.by_key.get(digest_api_key(sent)) if sent else None
    if found is None and not (sent and is_api_key(sent) and not live.by_project):
        raise http.KeyUnknown("No valid API key was sent.")
    return found


def body_of(environ: Environ) -> bytes:
    """Return the body of a request, inflated. Raises BodyTooLarge, BodyEncodingUnknown, BodyDamaged."""
    return read_body(
        environ["wsgi.input"], length=environ.get("CONTENT_LENGTH"), encoding=environ.get("HTTP_CONTENT_ENCODING")
    )


def browser_of(environ: Environ, bundle: LiveBundle, key: ApiKey) -> BrowserFamily | None:
    """Return the family of the browser that asks; None for servers, and where the project does not store it."""
    agent = environ.get("HTTP_USER_AGENT")
    if key.kind is KeyKind.SERVER or ATTRIBUTE not in bundle.attributes or not agent:
        return None
    return browser_family(str(agent))
