import pytest
from django.core.management import CommandError, call_command

from foundation.models import Project
from foundation.queries import project_by_key

pytestmark = pytest.mark.django_db


def test_create_project__new_key__makes_a_project_that_can_be_imported_into():
    call_command("create_project", "shop-eu", currency="EUR", time_zone="Europe/Berlin")
    facts = project_by_key("shop-eu")
    assert (facts.currency, facts.time_zone, facts.name) == ("EUR", "Europe/Berlin", "shop-eu")


@pytest.mark.parametrize(
    ("key", "options", "named"),
    [
        ("Shop", {"currency": "EUR"}, "key"),
        ("shop", {"currency": "euro"}, "currency"),
        ("shop", {"currency": "EUR", "time_zone": "Berlin"}, "time_zone"),
    ],
)
def test_create_project__invalid_value__names_the_field_and_creates_nothing(key, options, named):
    with pytest.raises(CommandError, match=named):
        call_command("create_project", key, **options)
    assert not Project.objects.exists()


def test_create_project__key_taken__says_what_to_do():
    call_command("create_project", "shop", currency="EUR")
    with pytest.raises(CommandError, match="Choose another key"):
        call_command("create_project", "shop", currency="EUR")
    assert Project.objects.count() == 1
