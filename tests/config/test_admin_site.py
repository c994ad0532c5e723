"""The admin as a whole: every page of every table answers, in both languages, and the sidebar keeps to permissions."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from decisions.actions.feeds import FeedDraft, create_feed
from decisions.models import (
    DecisionBatch,
    ItemCluster,
    ItemCost,
    PriceOffer,
    PublishedBundle,
    StockCount,
    Supplier,
)
from experiments.actions.design import create_holdout, create_layer
from experiments.actions.flags import FlagDefinition, create_flag
from experiments.models import Blackout, Quarantine
from foundation.actions.projects import issue_api_key
from tests.experiments.reports import material, stored
from tests.fixtures import registry

pytestmark = pytest.mark.django_db

TABLES = sorted(f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry)
EXPECTED = [
    "auth_group",
    "auth_user",
    "decisions_cataloguefeed",
    "decisions_decisionbatch",
    "decisions_decisionpoint",
    "decisions_item",
    "decisions_itemcluster",
    "decisions_itemcost",
    "decisions_learner",
    "decisions_pointexperiment",
    "decisions_priceoffer",
    "decisions_promotionproposal",
    "decisions_publishedbundle",
    "decisions_stockcount",
    "decisions_supplier",
    "experiments_blackout",
    "experiments_experiment",
    "experiments_filter",
    "experiments_flag",
    "experiments_holdout",
    "experiments_layer",
    "experiments_metric",
    "experiments_quarantine",
    "experiments_scorecard",
    "foundation_apikey",
    "foundation_job",
    "foundation_journalentry",
    "foundation_project",
    "models_registry_alias",
    "models_registry_aliasmove",
    "models_registry_modelversion",
    "models_registry_registeredmodel",
    "models_registry_trainingrun",
    "models_registry_trainingschedule",
]


def folder(table: str) -> str:
    """Return the part of a table's addresses that is its own."""
    return "/".join(table.rsplit("_", 1))


@pytest.fixture
def owner() -> Client:
    """Return a logged-in person who may do everything."""
    client = Client()
    client.force_login(User.objects.create(username="manager", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def rows() -> None:
    """Put at least one row into every table."""
    project = stored.shop()
    stored.keep(stored.running(project), material.scorecard(material.comparisons()), material.SHIP)
    who = {"project_id": project, "acting_user": "manager", "now": material.START}
    create_layer(key="checkout", name="Checkout", **who)
    create_flag(definition=FlagDefinition(key="banner", name="Banner", kind="BOOLEAN", default=False), **who)
    create_holdout(key="year", name="Year", unit_kind="visitor", share=50_000, **who)
    issue_api_key(kind="client", name="Web", **who)
    Quarantine.objects.create(project_id=project, origin="EVENT", reference="m", reason="LATE")
    PublishedBundle.objects.create(project_id=project, version=1, sha256="a" * 64, content="{}", companion="{}")
    model = registry.make_model(project)
    registry.make_champion(registry.make_version(model))
    point = registry.make_point(project, model)
    registry.make_proposal(project, point, registry.make_version(model, first=2.0))
    registry.make_learner(point)
    make_supply(project, point)
    registry.make_schedule(model)
    registry.make_items(project)
    draft = FeedDraft(url="https://shop.example/items.csv")
    create_feed(project_id=project, collection="items", draft=draft, acting_user="manager", now=material.START)
    User.objects.create(username="other").groups.create(name="Readers")


def make_supply(project: int, point: int) -> None:
    """Put a row into every table of batches and of what a shop tells of its supply."""
    since = {"project_id": project, "item_id": "mug", "valid_from": material.START}
    ItemCost.objects.create(cost=1_000_000, **since)
    ItemCluster.objects.create(cluster="cups", origin="GIVEN", **since)
    PriceOffer.objects.create(price=2_000_000, **since)
    counted = {"project_id": project, "store_id": "one", "item_id": "mug", "counted_at": material.START}
    StockCount.objects.create(on_hand=3, **counted)
    Supplier.objects.create(project_id=project, supplier_id="potter", lead_days=3.0)
    times = dict.fromkeys(("due_at", "made_at", "takes_effect_at"), material.START)
    DecisionBatch.objects.create(point_id=point, bundle_version=1, decisions=0, sha256="a" * 64, **times)
    day = material.START.date()
    Blackout.objects.create(project_id=project, name="Sale", first_day=day, last_day=day)


def test_tables__are_those_that_people_need() -> None:
    assert TABLES == EXPECTED


@pytest.mark.parametrize("table", EXPECTED)
def test_table__list_and_row_and_form__answer_in_both_languages(owner: Client, rows: None, table: str) -> None:
    for language in ("en", "zh-hans"):
        headers = {"accept-language": language}
        listing = owner.get(reverse(f"admin:{table}_changelist"), headers=headers)
        assert listing.status_code == 200
        assert f'lang="{language}"' in listing.content.decode()
        pages = set(re.findall(rf"/admin/{folder(table)}/\d+/change/", listing.content.decode()))
        assert pages
        for page in pages:
            assert owner.get(page, headers=headers).status_code == 200
        assert owner.get(reverse(f"admin:{table}_add"), headers=headers).status_code in (200, 403)


@pytest.mark.parametrize("table", EXPECTED)
def test_table__search__takes_any_text(owner: Client, rows: None, table: str) -> None:
    for text in ("free", "%_'\"\\", "实验", "x" * 500):
        assert owner.get(reverse(f"admin:{table}_changelist"), {"q": text}).status_code == 200


@pytest.mark.parametrize("table", EXPECTED)
@pytest.mark.parametrize("row", ["abc", "0", "-1", "9" * 30, "1%27", "_"])
def test_table__row_that_cannot_be__leads_back_to_the_admin(owner: Client, table: str, row: str) -> None:
    response = owner.get(f"/admin/{folder(table)}/{row}/change/")
    assert (response.status_code, response["Location"]) == (302, "/admin/")


BUTTONS = ["experiments/experiment/{}/stop", "foundation/apikey/{}/revoke", "foundation/job/{}/retry_one"]


@pytest.mark.parametrize("row", ["abc", "0", "9" * 30])
@pytest.mark.parametrize("button", BUTTONS)
def test_button__of_a_row_that_cannot_be__is_refused(owner: Client, button: str, row: str) -> None:
    fields = {"_form_submitted": "True", "reason": "x"}
    assert owner.post(f"/admin/{button.format(row)}/", fields).status_code == 403


def test_sidebar__shows_what_the_person_may_view(client: Client) -> None:
    user = User.objects.create(username="colleague", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_metric"))
    client.force_login(user)
    shown = client.get("/admin/experiments/metric/").content.decode()
    assert "/admin/experiments/metric/" in shown
    for hidden in ("/admin/foundation/apikey/", "/admin/foundation/job/", "/admin/auth/user/"):
        assert hidden not in shown


def test_login__right_password__leads_back_to_where_one_wanted_to_go(client: Client) -> None:
    User.objects.create_superuser("manager", password="a long enough one")
    fields = {"username": "manager", "password": "a long enough one", "next": "/x/"}
    response = client.post("/admin/login/?next=/x/", fields)
    assert (response.status_code, response["Location"]) == (302, "/x/")


def test_login__wrong_password__says_so_and_names_no_reason(client: Client) -> None:
    User.objects.create_superuser("manager", password="a long enough one")
    shown = client.post("/admin/login/", {"username": "manager", "password": "wrong"}).content.decode()
    assert "Please enter the correct username and password" in shown
    assert 'value="manager"' in shown
    assert "wrong" not in shown


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_login__foreign_target__is_not_followed(client: Client, target: str) -> None:
    User.objects.create_superuser("manager", password="a long enough one")
    fields = {"username": "manager", "password": "a long enough one", "next": target}
    assert client.post("/admin/login/", fields)["Location"].startswith("/")
    assert "evil" not in client.post("/admin/login/", fields)["Location"]
