"""People of the console, logged in."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.experiments.reports import stored


@pytest.fixture
def project(db: None) -> int:
    """Return the id of a shop."""
    return stored.shop()


@pytest.fixture
def owner(db: None) -> Client:
    """Return a logged-in person who may do everything."""
    client = Client()
    client.force_login(User.objects.create(username="manager", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def person(db: None) -> Callable[..., Client]:
    """Return a function that logs in a person with these permissions on experiments."""

    def log_in(*permissions: str) -> Client:
        user = User.objects.create(username="colleague", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(user)
        return client

    return log_in
