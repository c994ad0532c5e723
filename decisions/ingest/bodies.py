"""Request bodies: read and inflated within limits, whatever the client says about their size."""

import zlib
from typing import Protocol

from foundation.errors import DomainError

LARGEST_BODY = 1_000_000
LARGEST_INFLATED = 5_000_000
LARGEST_RATIO = 100
SMALLEST_LIMIT = 10_000
"""Bytes that a body may always inflate to: the ratio means little for a short one."""

_GZIP = 16 + zlib.MAX_WBITS


class Readable(Protocol):
    """The part of a WSGI input that is used."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes."""


class BodyTooLarge(DomainError):
    """The body, or what it inflates to, is larger than allowed."""

    code = "BODY_TOO_LARGE"
    hint = "Send at most 1 MB a request, at most 5 MB once inflated; split the batch."


class BodyEncodingUnknown(DomainError):
    """The Content-Encoding is neither gzip nor identity."""

    code = "BODY_ENCODING_UNKNOWN"
    hint = "Send the body plain or with Content-Encoding: gzip."


class BodyDamaged(DomainError):
    """The body says that it is gzip and is not."""

    code = "BODY_DAMAGED"
    hint = "Compress the whole body as one gzip stream, or send it plain."


def read_body(source: Readable, *, length: str | None, encoding: str | None) -> bytes:
    """Return the body, inflated where `encoding` is gzip. `length` is what Content-Length says, if anything.

    Raises:
        BodyTooLarge: more than 1 MB, 5 MB inflated or a hundredfold.
        BodyEncodingUnknown: another encoding.
        BodyDamaged: not gzip though it says so.
    """
    if length is not None and length.isdigit() and int(length[:20]) > LARGEST_BODY:
        raise BodyTooLarge(f"The body has {length[:20]} bytes.")
    pieces = []
    missing = LARGEST_BODY + 1
    while missing > 0 and (piece := source.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    raw = b"".join(pieces)
    if len(raw) > LARGEST_BODY:
        raise BodyTooLarge(f"The body has more than {LARGEST_BODY} bytes.")
    name = (encoding or "identity").strip().lower()
    if name == "identity":
        return raw
    if name not in ("gzip", "x-gzip"):
        raise BodyEncodingUnknown(f"Content-Encoding {name[:40]!r} is not supported.")
    return _inflate(raw)


def _inflate(raw: bytes) -> bytes:
    limit = min(LARGEST_INFLATED, max(SMALLEST_LIMIT, len(raw) * LARGEST_RATIO))
    stream = zlib.decompressobj(_GZIP)
    try:
        body = stream.decompress(raw, limit + 1)
    except zlib.error as error:
        raise BodyDamaged("The body is not valid gzip.") from error
    if len(body) > limit:
        raise BodyTooLarge(f"The body inflates to more than {limit} bytes.")
    if not stream.eof or stream.unused_data:
        raise BodyDamaged("The gzip stream ends early or is followed by something else.")
    return body
