"""Who may read a page, and which record it is about."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast

from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views.decorators.http import require_POST, require_safe

from foundation.errors import DomainError
from foundation.queries import all_projects

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponse]


class Keyed(Protocol):
    """A record that a key names within its project."""

    @property
    def project_id(self) -> int:
        """Its project."""


KeyedT = TypeVar("KeyedT", bound=Keyed)


class KeyAmbiguous(DomainError):
    """Several projects have a record with this key; `projects` holds their keys."""

    code = "KEY_AMBIGUOUS"
    hint = "Name the project: ?project=key."

    def __init__(self, key: str, projects: Sequence[str]) -> None:
        super().__init__(f"The key {key} occurs in the projects {', '.join(projects)}.")
        self.projects = tuple(projects)


def console_page(permission: str) -> Callable[[View[Arguments]], View[Arguments]]:
    """Let people of the console with a permission read the page, and nobody keep a copy of it."""

    def decorate(view: View[Arguments]) -> View[Arguments]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            response = view(request, *args, **kwargs)
            patch_cache_control(response, private=True, no_cache=True)
            patch_vary_headers(response, ["Cookie", "Accept-Language"])
            return response

        return cast("View[Arguments]", require_safe(staff_member_required(guarded, login_url="admin:login")))

    return decorate


def console_step(permission: str) -> Callable[[View[Arguments]], View[Arguments]]:
    """Let people of the console with a permission take a step by a form of a page."""

    def decorate(view: View[Arguments]) -> View[Arguments]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return cast("View[Arguments]", require_POST(staff_member_required(guarded, login_url="admin:login")))

    return decorate


def only(found: Sequence[KeyedT], key: str) -> KeyedT:
    """Return the one record with a key. Raises KeyAmbiguous where several projects have one, Http404 where none has."""
    if not found:
        raise Http404(f"There is nothing with the key {key}.")
    if len(found) > 1:
        keys = {project.id: project.key for project in all_projects()}
        raise KeyAmbiguous(key, [keys[record.project_id] for record in found])
    return found[0]
