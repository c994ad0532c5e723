"""The policies of the console: strict everywhere but behind the admin's login."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from config.csp import HEADER, admin_policy, strict_policy


def test_strict_policy__allows_nothing_inline_and_nothing_foreign() -> None:
    policy = strict_policy("abc")
    assert "unsafe" not in policy
    assert "*" not in policy
    assert "http" not in policy
    assert policy.startswith("default-src 'none'; ")


def test_admin_policy__evaluates_but_runs_no_inline_script_and_nothing_foreign() -> None:
    directives = dict(part.split(" ", 1) for part in admin_policy().split("; "))
    assert directives["script-src"] == "'self' 'unsafe-eval'"
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    assert "http" not in admin_policy()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/login/", "/x/", "/", "/nowhere", "/healthz/live"])
def test_header__outside_the_admin_and_on_its_login__is_strict(client: Client, path: str) -> None:
    assert "'unsafe-eval'" not in client.get(path)[HEADER]
    assert "script-src 'self' 'nonce-" in client.get(path)[HEADER]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/admin/experiments/experiment/", "/admin/foundation/job/"])
def test_header__in_the_admin__is_the_admins(client: Client, path: str) -> None:
    client.force_login(User.objects.create(username="manager", is_staff=True, is_superuser=True))
    assert client.get(path)[HEADER] == admin_policy()
