"""What every endpoint of the management API shares: keys of servers, and errors as RFC 9457 says."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from foundation.errors import DomainError
from foundation.ids import digest_api_key
from foundation.queries import ProjectFacts, project_of_server_key

PROBLEM = "application/problem+json"
TOO_LARGE = 413
UNPROCESSABLE = 422
_MOST_TOLD: Final = 5
PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A problem as RFC 9457 says; `errors` names the field to mend.",
    "required": ["type", "status", "code", "detail", "hint"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable, for programs."},
        "detail": {"type": "string"},
        "hint": {"type": "string", "description": "What to do."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer into the request's body."},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
"""What a refusal looks like, for the documents of the interfaces."""


def problems(*statuses: int) -> dict[tuple[int, str], dict[str, Any]]:
    """Return the responses with these statuses, as documents describe them."""
    return {(status, PROBLEM): PROBLEM_SCHEMA for status in statuses}


def require_bodies(result: dict[str, Any], **_others: object) -> dict[str, Any]:
    """Return the document with bodies required where their members are: the generator forgets to say so."""
    for operations in result["paths"].values():
        for operation in operations.values():
            body = operation.get("requestBody", {})
            if any(media.get("schema", {}).get("required") for media in body.get("content", {}).values()):
                body["required"] = True
    return result


class ServerKeyAuthentication(BaseAuthentication):
    """Lets a project's server key in, as Bearer or X-API-Key; the project is `request.auth`."""

    def authenticate(self, request: Request) -> tuple[None, ProjectFacts] | None:
        """Return the project of the key; None where no key was sent. Raises AuthenticationFailed."""
        scheme, _, rest = get_authorization_header(request).decode("latin-1").partition(" ")
        key = rest.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "")
        if not key:
            return None
        project = project_of_server_key(digest_api_key(key))
        if project is None:
            raise exceptions.AuthenticationFailed("The key is unknown or revoked, or it is a client's.")
        return None, project

    def authenticate_header(self, request: Request) -> str:
        """Return how one authenticates, which makes a refusal a 401."""
        return "Bearer"


class ServerKeyScheme(OpenApiAuthenticationExtension):
    """How the schema describes a server key."""

    target_class = "foundation.api.ServerKeyAuthentication"
    name = "serverKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """Return the scheme."""
        return {"type": "http", "scheme": "bearer", "description": "An API key of kind server, or X-API-Key."}


class HasServerKey(BasePermission):
    """Admits requests that carry a server key."""

    def has_permission(self, request: Request, view: object) -> bool:
        """Return whether a key was found."""
        return isinstance(request.auth, ProjectFacts)


class JsonParser(JSONParser):
    """Reads a body of JSON; one that is nested deeper than Python recurses is unreadable, and no fault of ours."""

    def parse(self, *args: Any, **options: Any) -> Any:
        """Return the values of the body. Raises ParseError."""
        try:
            return super().parse(*args, **options)
        except RecursionError as error:
            raise exceptions.ParseError("JSON parse error - nested too deeply") from error


def handle_error(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Return an error as application/problem+json; None for what is unforeseen, which is a 500."""
    if isinstance(error, DomainError):
        return _problem(UNPROCESSABLE, error.code, error.message, error.hint)
    if isinstance(error, RequestDataTooBig):
        largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return _problem(TOO_LARGE, "BODY_TOO_LARGE", f"The body has more than {largest} bytes.", "Send it in parts.")
    found = exception_handler(error, dict(context))
    if found is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        return _invalid(error)
    code = error.get_codes() if isinstance(error, exceptions.APIException) else found.status_text
    detail = error.detail if isinstance(error, exceptions.APIException) else str(error)
    told = _problem(found.status_code, str(code).upper().replace(" ", "_"), str(detail), "")
    for name, value in found.items():
        if name.lower() != "content-type":
            told[name] = value
    return told


def _invalid(error: exceptions.ValidationError) -> Response:
    """Return the problem of a body that has not the documented form, with every place to mend."""
    places = [{"pointer": f"#{pointer}", "detail": text} for pointer, text in _faults(error.detail, "")]
    told = "; ".join(f"{place['pointer']}: {place['detail']}" for place in places[:_MOST_TOLD])
    answer = _problem(error.status_code, "BODY_INVALID", told, "Correct what `errors` names; see /api/schema.")
    answer.data["errors"] = places
    return answer


def _faults(detail: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _faults(inner, pointer if name == api_settings.NON_FIELD_ERRORS_KEY else f"{pointer}/{name}")
    elif isinstance(detail, list):
        for place, inner in enumerate(detail):
            yield from _faults(inner, pointer if isinstance(inner, str) else f"{pointer}/{place}")
    else:
        yield pointer, str(detail)


def _problem(status: int, code: str, detail: str, hint: str) -> Response:
    members = {"type": "about:blank", "status": status, "code": code, "detail": detail, "hint": hint}
    return Response(members, status=status, content_type=PROBLEM)
