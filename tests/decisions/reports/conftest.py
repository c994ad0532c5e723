"""People of the console, logged in, and a shop in the middle of its work."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from tests.decisions.reports.scene import Scene, busy_shop

VIEWING = ("view_registeredmodel", "view_decisionpoint", "view_promotionproposal", "view_experiment")


@pytest.fixture
def person(db: None) -> Callable[..., Client]:
    """Return a function that logs in a person with these permissions."""

    def log_in(*permissions: str, name: str = "reader") -> Client:
        user = User.objects.create(username=name, is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def reader(person: Callable[..., Client]) -> Client:
    """Return a person who may view everything on these pages and change nothing."""
    return person(*VIEWING)


@pytest.fixture
def shop(db: None) -> Scene:
    """Return a shop in full use, whose decisions were made within the last day."""
    return busy_shop(timezone.now())
