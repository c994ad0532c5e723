"""Cookies of the edge: for which domain they are set, and from which origins browsers may send them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from decisions.serving import http

_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]{1,253}(:[0-9]{1,5})?")
_EXPOSED = next(header for header in http.CORS if header[0] == "Access-Control-Expose-Headers")


@dataclass(frozen=True, slots=True)
class CookiePolicy:
    """`domain` is the one that a cookie is set for, None for the host of the edge alone; `origins` may send cookies."""

    domain: str | None = None
    origins: frozenset[str] = frozenset()


def cookie_policy(environment: Mapping[str, str], faults: list[str]) -> CookiePolicy:
    """Return the policy that an environment describes; what is wrong with it is added to `faults`."""
    domain = environment.get("TILTYARD_COOKIE_DOMAIN", "").strip().lower().removeprefix(".") or None
    if domain is not None and not _DOMAIN.fullmatch(domain):
        faults.append(f"TILTYARD_COOKIE_DOMAIN must be a domain such as shop.example, not {domain!r}.")
    listed = environment.get("TILTYARD_COOKIE_ORIGINS", "").split(",")
    origins = frozenset(origin.strip().lower() for origin in listed if origin.strip())
    faults += [
        "TILTYARD_COOKIE_ORIGINS must be a list of origins such as https://www.shop.example,"
        f" without a path and never *; not {origin!r}."
        for origin in sorted(origins)
        if not _ORIGIN.fullmatch(origin)
    ]
    return CookiePolicy(domain, origins)


def cors_with_cookies(environ: Mapping[str, object], policy: CookiePolicy) -> tuple[tuple[str, str], ...]:
    """Return the CORS headers of a route that takes cookies: for the listed origins, by name, and for no other."""
    origin = environ.get("HTTP_ORIGIN")
    if not isinstance(origin, str) or origin not in policy.origins:
        return (("Vary", "Origin"),)
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        _EXPOSED,
        ("Vary", "Origin"),
    )
