"""A file from an address of the shop: fetched within limits of time and size, and only from where it may be."""

import http.client
import tempfile
import time
import zlib
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO, Final
from urllib.parse import urljoin

from decisions.actions.feed_addresses import Address, FeedHostUnknown, read_address, resolve
from decisions.actions.pinned_connection import Patience, PinnedConnection
from foundation.errors import DomainError

MOST_REDIRECTS: Final = 3
PIECE: Final = 256 * 1024
LONGEST_TAG: Final = 500

_GZIP: Final = b"\x1f\x8b"
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_PASSING: Final = (408, 425, 429)


class FeedUnavailable(DomainError):
    """The server did not give the file now; it may later."""

    code = "FEED_UNAVAILABLE"
    hint = "It is tried again. If it stays so, look at the server that the address names."


class FeedRefused(DomainError):
    """The server does not give the file."""

    code = "FEED_REFUSED"
    hint = "Open the address from the worker's machine; it must answer 200 without a log-in."


class FeedTooLarge(DomainError):
    """The file is larger than is taken."""

    code = "FEED_TOO_LARGE"
    hint = "Send fewer columns or items."


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much. silence: seconds without a byte. whole: seconds for everything. size: bytes, inflated."""

    silence: float = 20.0
    whole: float = 600.0
    size: int = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the server gave. file: inflated, None where it is as it was. etag: what the server calls this state."""

    file: BinaryIO | None
    size: int
    etag: str


def fetch(url: str, *, etag: str, allowed_hosts: Collection[str], limits: Limits) -> Fetched:
    """Return the file at an address, unless the server says that it is still the one with this tag.

    Raises FeedAddressInvalid, FeedAddressForbidden, FeedUnavailable, FeedRefused, FeedTooLarge.
    """
    address = read_address(url)
    until = time.monotonic() + limits.whole
    try:
        numbers = resolve(address, allowed_hosts=allowed_hosts)
        for _ in range(MOST_REDIRECTS + 1):
            connection = PinnedConnection(address, numbers, Patience(limits.silence, until))
            try:
                found = _ask(connection, address, etag, limits.size)
            finally:
                connection.hang_up()
            if isinstance(found, Fetched):
                return found
            address = found
    except FeedHostUnknown as error:
        raise FeedUnavailable(error.message, hint=error.hint) from error
    except (OSError, http.client.HTTPException) as error:
        raise FeedUnavailable(f"{address.host} did not send it: {_said(error)}") from error
    raise FeedRefused(f"{address.host} points elsewhere more than {MOST_REDIRECTS} times.")


def _ask(connection: PinnedConnection, address: Address, etag: str, most: int) -> Fetched | Address:
    """Return the file, or where the server says that it is."""
    headers = {"User-Agent": "Tiltyard", "Accept": "text/csv, */*", "Accept-Encoding": "gzip"}
    connection.request("GET", address.target, headers=headers | ({"If-None-Match": etag} if etag else {}))
    response = connection.getresponse()
    if response.status in _REDIRECTS:
        return _elsewhere(address, response.headers.get("Location", ""))
    if response.status == 304 and etag:
        return Fetched(None, 0, etag)
    if response.status >= 500 or response.status in _PASSING:
        raise FeedUnavailable(f"{address.host} answered {response.status}.")
    if response.status != 200:
        raise FeedRefused(f"{address.host} answered {response.status}.")
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", ""):
        raise FeedRefused(f"{address.host} sent it packed as {encoding[:20]!r}; gzip is understood.")
    file, size = _store(_inflated(_body(response, most)), most)
    return Fetched(file, size, _tag(response.headers.get("ETag", "")))


def _tag(said: str) -> str:
    """Return what the server calls the state of the file, "" where it can neither be stored nor sent back."""
    return said if said.isascii() and said.isprintable() and len(said) <= LONGEST_TAG else ""


def _elsewhere(address: Address, location: str) -> Address:
    """Return where to ask instead: on the same host, and never from a protected connection to an open one."""
    old = f"{address.scheme}://{address.host}:{address.port}{address.target}"
    try:
        new = read_address(urljoin(old, location))
    except ValueError as error:
        raise FeedRefused(f"{address.host} points to an address that cannot be read.") from error
    is_lift = address.origin == ("http", new.host, 80) and new.origin == ("https", address.host, 443)
    if new.origin != address.origin and not is_lift:
        raise FeedRefused(
            f"{address.host} points to {new.scheme}://{new.host}:{new.port}, which is not followed.",
            hint="If the file has moved, change the feed's address.",
        )
    return new


def _body(response: http.client.HTTPResponse, most: int) -> Iterator[bytes]:
    """Yield the pieces of a whole body; one that ends early is none. Raises FeedUnavailable, FeedTooLarge."""
    if response.length is not None and response.length > most:
        raise FeedTooLarge(f"It has {response.length} bytes; {most} are taken.")
    total = 0
    while piece := response.read(PIECE):
        total += len(piece)
        if total > most:
            raise FeedTooLarge(f"It has more than {most} bytes.")
        yield piece
    if response.length:
        raise FeedUnavailable(f"The connection ended {response.length} bytes early.")


def _inflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the pieces inflated if they begin as gzip does, however the server calls them; otherwise as they are."""
    first = next(pieces, b"")
    while len(first) < len(_GZIP) and (more := next(pieces, b"")):
        first += more
    if not first.startswith(_GZIP):
        yield first
        yield from pieces
        return
    try:
        yield from _members(first, pieces)
    except zlib.error as error:
        raise FeedRefused("It begins as gzip does and cannot be inflated.") from error


def _members(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what gzip members one after another hold, never more than a piece at once."""
    inflater, waiting = zlib.decompressobj(wbits=31), first
    while True:
        part = inflater.decompress(waiting, PIECE)
        yield part
        if inflater.eof:
            rest = inflater.unused_data
            while len(rest) < len(_GZIP) and (more := next(pieces, b"")):
                rest += more
            if not rest.startswith(_GZIP):
                return
            inflater, waiting = zlib.decompressobj(wbits=31), rest
            continue
        waiting = inflater.unconsumed_tail or next(pieces, b"")
        if not waiting and not part:
            raise FeedUnavailable("It is packed and ends early.")


def _store(pieces: Iterator[bytes], most: int) -> tuple[BinaryIO, int]:
    """Return a file without a name that holds the pieces, and its size. Raises FeedTooLarge."""
    size = 0
    with ExitStack() as unfinished:
        file: BinaryIO = unfinished.enter_context(tempfile.TemporaryFile())
        for piece in pieces:
            size += len(piece)
            if size > most:
                raise FeedTooLarge(f"Inflated it has more than {most} bytes.")
            file.write(piece)
        unfinished.pop_all()
    file.seek(0)
    return file, size


def _said(error: Exception) -> str:
    """Return what an error of the connection says, in one line."""
    text = "it stayed silent for too long." if isinstance(error, TimeoutError) else str(error) or type(error).__name__
    return " ".join(text.split())[:300]
