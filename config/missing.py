"""Addresses of the console that are not there: a problem document for programs, a page for people."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import page_not_found

from foundation.api import PROBLEM

FOR_PROGRAMS = ("/api/", "/v1/")


def answer(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return 404, in the form that whoever asked can read."""
    if not request.path.startswith(FOR_PROGRAMS):
        return page_not_found(request, exception)
    members = {
        "type": "about:blank",
        "status": 404,
        "code": "NOT_FOUND",
        "detail": f"There is no {request.path[:100]}.",
        "hint": "See /api/schema for the addresses there are.",
    }
    return JsonResponse(members, status=404, content_type=PROBLEM)
