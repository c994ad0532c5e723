"""The Content-Security-Policy of every page: strict with a nonce, except in the admin, whose skin needs more."""

import secrets
from collections.abc import Callable, Mapping
from typing import Final

from django.http import HttpRequest, HttpResponse

HEADER: Final = "Content-Security-Policy"
NONCE_BYTES: Final = 16

_COMMON: Final[Mapping[str, str]] = {
    "default-src": "'none'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}

_ADMIN: Final[Mapping[str, str]] = {
    **_COMMON,
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "font-src": "'self'",
}
"""Unfold's Alpine evaluates the expressions of its templates and its theme is an inline style: a residual risk of the
admin alone, which docs/security.md names."""


def strict_policy(nonce: str) -> str:
    """Return the policy of everything outside the admin."""
    own = f"'self' 'nonce-{nonce}'"
    return _header({**_COMMON, "script-src": own, "style-src": own})


def admin_policy() -> str:
    """Return the policy of the admin behind its login."""
    return _header(_ADMIN)


class ContentSecurityPolicyMiddleware:
    """Gives each request a nonce (`request.csp_nonce`) and each response its policy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        request.csp_nonce = nonce  # type: ignore[attr-defined]
        response = self.get_response(request)
        policy = admin_policy() if _is_admin_page(request) else strict_policy(nonce)
        response.headers.setdefault(HEADER, policy)
        return response


def _is_admin_page(request: HttpRequest) -> bool:
    """Return whether the admin answered; its login page is ours and strict."""
    match = request.resolver_match
    return match is not None and match.app_name == "admin" and match.url_name != "login"


def _header(policy: Mapping[str, str]) -> str:
    return "; ".join(f"{directive} {sources}" for directive, sources in policy.items())
