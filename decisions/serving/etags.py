"""Entity tags: what an answer depends on, in a few characters."""

from base64 import urlsafe_b64encode
from hashlib import blake2b

DIGEST_BYTES = 15
"""A multiple of 3, so that the text needs no padding."""


def weak_tag(*parts: bytes) -> str:
    """Return the tag of an answer that depends on these parts, none of which has a NUL.

    It is weak: two answers with one tag mean the same, and may differ in the id of the decision.
    """
    digest = blake2b(b"\0".join(parts), digest_size=DIGEST_BYTES).digest()
    return f'W/"{urlsafe_b64encode(digest).decode()}"'


def is_named(tag: str, header: str) -> bool:
    """Return whether `If-None-Match` names a tag, by weak comparison (RFC 9110, 13.1.2).

    The asterisk names nothing here: whoever sends it may have no answer to keep.
    """
    if header == tag:
        return True
    opaque = tag.removeprefix("W/")
    return any(part.strip().removeprefix("W/") == opaque for part in header.split(","))
