"""Sending a document to an address of the shop: signed, and only to where it may go."""

import hmac
import http.client
import time
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from decisions.actions.feed_addresses import Address, read_address, resolve
from decisions.actions.pinned_connection import Patience, PinnedConnection
from foundation.errors import DomainError
from foundation.ids import keyed_digest

SIGNATURE: Final = "Tiltyard-Signature"
SILENCE: Final = 20.0
WHOLE: Final = 120.0
"""Seconds: without a byte, and for everything."""
LARGEST_ANSWER: Final = 32 * 1024 * 1024

_PURPOSE: Final = b"webhook\0"


class DeliveryFailed(DomainError):
    """The shop's address did not take the document."""

    code = "DELIVERY_FAILED"
    hint = "It is tried again; the document can also be fetched."


@dataclass(frozen=True, slots=True)
class Posted:
    """What a server answered to a document that it took."""

    status: int
    body: bytes


def webhook_secret(signing_key: bytes) -> str:
    """Return the secret with which a project's deliveries are signed, for the shop to check them."""
    return "whsec_" + urlsafe_b64encode(keyed_digest(signing_key, _PURPOSE)).rstrip(b"=").decode()


def signature(secret: str, body: bytes, *, at: int) -> str:
    """Return `t=<seconds since 1970>,v1=<hex HMAC-SHA256 of "<t>.<body>">`, keyed by the text of the secret."""
    signed = hmac.new(secret.encode(), b"%d." % at + body, sha256).hexdigest()
    return f"t={at},v1={signed}"


def post(url: str, body: bytes, *, headers: Mapping[str, str], allowed_hosts: Collection[str]) -> Posted:
    """Send JSON to an address and return the answer of 2xx. Nothing is followed elsewhere.

    Raises DeliveryFailed, FeedAddressInvalid, FeedAddressForbidden, FeedHostUnknown.
    """
    address = read_address(url)
    numbers = resolve(address, allowed_hosts=allowed_hosts)
    connection = PinnedConnection(address, numbers, Patience(SILENCE, time.monotonic() + WHOLE))
    try:
        return _ask(connection, address, body, headers)
    except (OSError, http.client.HTTPException) as error:
        said = "it stayed silent for too long." if isinstance(error, TimeoutError) else str(error)
        raise DeliveryFailed(f"{address.host}: {' '.join(said.split())[:300] or type(error).__name__}") from error
    finally:
        connection.hang_up()


def _ask(connection: PinnedConnection, address: Address, body: bytes, headers: Mapping[str, str]) -> Posted:
    sent = {"User-Agent": "Tiltyard", "Content-Type": "application/json", "Accept": "application/json", **headers}
    connection.request("POST", address.target, body=body, headers=sent)
    response = connection.getresponse()
    if not 200 <= response.status < 300:
        raise DeliveryFailed(f"{address.host} answered {response.status}.")
    found = response.read(LARGEST_ANSWER + 1)
    if len(found) > LARGEST_ANSWER:
        raise DeliveryFailed(f"{address.host} answered with more than {LARGEST_ANSWER} bytes.")
    return Posted(response.status, found)
