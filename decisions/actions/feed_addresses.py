"""Where a feed may be fetched from: hosts of the open net, and those that the operator names."""

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from foundation.errors import DomainError

PORTS: Final = {"http": 80, "https": 443}

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_ASSIGNED: Final = ipaddress.IPv6Network("2000::/3")
"""Where the public addresses of IPv6 are."""
_KEPT_IN_PATHS: Final = "%/:=&?~#+!$,;'@()*[]"


class FeedAddressInvalid(DomainError):
    """The text is no address that a file can be fetched from."""

    code = "FEED_ADDRESS_INVALID"
    hint = "Use an address such as https://shop.example/items.csv, without a user name or password in it."


class FeedAddressForbidden(DomainError):
    """The host is not in the open net, so that fetching from it could reach what is meant for insiders."""

    code = "FEED_ADDRESS_FORBIDDEN"
    hint = "If the file is meant to be fetched from there, name the host in TILTYARD_FEED_HOSTS of the workers."


class FeedHostUnknown(DomainError):
    """The host has no address; it may be that the name service is away."""

    code = "FEED_HOST_UNKNOWN"
    hint = "Check the host's name, and that the worker can look names up."


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address. host: in lower case, ASCII. target: path and query, as they are sent."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Return what must not change when a server points elsewhere."""
        return self.scheme, self.host, self.port


def read_address(url: str) -> Address:
    """Return the parts of an http or https address. Raises FeedAddressInvalid."""
    if not url.isprintable() or " " in url:
        raise FeedAddressInvalid("The address has a space or a character that cannot be seen.")
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        port = parts.port
        if not host.isascii():
            host = host.encode("idna").decode()
    except ValueError as error:
        raise FeedAddressInvalid("The address cannot be read.") from error
    if parts.scheme not in PORTS or not host:
        raise FeedAddressInvalid("The address has to begin with http:// or https:// and a host.")
    if parts.username is not None or parts.password is not None:
        raise FeedAddressInvalid("The address must not carry a user name or password: it is shown and logged.")
    query = f"?{parts.query}" if parts.query else ""
    target = quote((parts.path or "/") + query, safe=_KEPT_IN_PATHS)
    return Address(parts.scheme, host, PORTS[parts.scheme] if port is None else port, target)


def resolve(address: Address, *, allowed_hosts: Collection[str]) -> tuple[str, ...]:
    """Return the network addresses of a host, looked up once: these are connected to, whatever the name says later.

    Of a host that the operator does not name, all of them have to be public. Raises FeedHostUnknown,
    FeedAddressForbidden.
    """
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FeedHostUnknown(f"The host {address.host} cannot be looked up.") from error
    numbers = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    if address.host in {name.lower().rstrip(".") for name in allowed_hosts}:
        return numbers
    hidden = [number for number in numbers if not is_public(number)]
    if hidden or not numbers:
        raise FeedAddressForbidden(f"The host {address.host} is {', '.join(hidden)}, which is not in the open net.")
    return numbers


def is_public(number: str) -> bool:
    """Return whether a network address is of the open net; one that wraps an IPv4 address is what it wraps."""
    found = ipaddress.ip_address(number)
    if isinstance(found, ipaddress.IPv6Address):
        teredo = found.teredo
        wrapped = found.ipv4_mapped or found.sixtofour or (teredo[1] if teredo else None)
        if found in _NAT64:
            wrapped = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        if wrapped is not None or found not in _ASSIGNED:
            return wrapped is not None and is_public(str(wrapped))
    hidden = found.is_private or found.is_multicast or found.is_reserved or found.is_unspecified
    return found.is_global and not hidden and not found.is_link_local and not found.is_loopback
