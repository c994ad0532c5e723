"""Fixtures that the tests of this folder share."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.experiments.reports import stored


@pytest.fixture
def project() -> int:
    """Return the id of a shop."""
    return stored.shop()


@pytest.fixture
def reader() -> Client:
    """Return a logged-in person of the console who may view experiments."""
    user = User.objects.create(username="reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_experiment"))
    client = Client()
    client.force_login(user)
    return client
