"""Pages about models, decision points, decisions and promotions over HTTP: who may read them and what they tell."""

import json
import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from decisions.actions.promotion import reject
from decisions.models import DecisionPoint, Item
from experiments.models import Experiment, Variant
from models_registry.models import RegisteredModel
from tests.decisions.reports.conftest import VIEWING
from tests.decisions.reports.pages import Elements, read, text_of
from tests.decisions.reports.scene import Scene, busy_shop
from tests.experiments.reports import material, stored
from tests.fixtures import registry

pytestmark = pytest.mark.django_db


EVIL = "</title><script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}"


PAGES = {
    "/m/": "view_registeredmodel",
    "/m/home-ranking": "view_registeredmodel",
    "/m/home-ranking.json": "view_registeredmodel",
    "/m/home-ranking/1": "view_registeredmodel",
    "/m/home-ranking/1.json": "view_registeredmodel",
    "/d/": "view_decisionpoint",
    "/d/home": "view_decisionpoint",
    "/d/home.json": "view_decisionpoint",
    "/d/home/decision-1": "view_decisionpoint",
    "/d/home/decision-1.json": "view_decisionpoint",
    "/promotions": "view_promotionproposal",
}


HTML = [path for path in PAGES if not path.endswith(".json")]


UNKNOWN = (
    "/m/nothing",
    "/m/nothing.json",
    "/m/home-ranking/9",
    "/m/home-ranking/9.json",
    "/m/home-ranking/0",
    "/m/home-ranking?project=moon",
    "/m/home-ranking?project=%00",
    "/d/home?project=%00",
    "/d/nothing",
    "/d/nothing.json",
    "/d/home?project=moon",
    "/d/home/never-made",
    "/d/home/never-made.json",
    "/d/cart/decision-1",
)


CHINESE = {
    "/m/home-ranking": ("v1 是冠军", "训练任务", "未获准入"),
    "/m/home-ranking/2": ("正在试用", "数据窗口", "模型"),
    "/d/home": ("决策点", "基线：模型超过时限", "模型版本"),
    "/d/home/decision-1": ("由模型版本排序", "倾向概率"),
    "/promotions": ("等待您处理", "取代"),
}


MOST_QUERIES = {
    "/m/": 12,
    "/m/home-ranking": 32,
    "/m/home-ranking/2": 22,
    "/d/": 18,
    "/d/home": 34,
    "/d/home/decision-1": 46,
    "/promotions": 46,
}


def test_page__stranger__is_sent_to_the_login(client: Client, shop: Scene) -> None:
    for path in PAGES:
        assert client.get(path)["Location"] == f"/admin/login/?next={path}"


def test_page__person_with_every_permission_but_the_fitting_one__is_refused(
    person: Callable[..., Client], shop: Scene
) -> None:
    for number, (path, needed) in enumerate(PAGES.items()):
        client = person(*(set(VIEWING) - {needed}), name=f"clerk-{number}")
        response = client.get(path)
        assert response.status_code == 403, path
        assert b"Stoneware" not in response.content
        assert b"New ranking" not in response.content


def test_page__person_outside_the_console__is_sent_to_the_login(client: Client, shop: Scene) -> None:
    client.force_login(User.objects.create(username="shopper"))
    assert {client.get(path).status_code for path in PAGES} == {302}


def test_page__post__is_not_allowed(reader: Client, shop: Scene) -> None:
    assert {reader.post(path).status_code for path in PAGES} == {405}


def test_pages__are_not_kept_by_caches(reader: Client, shop: Scene) -> None:
    for path in PAGES:
        response = reader.get(path)
        assert {"private", "no-cache"} <= set(response["Cache-Control"].split(", "))
        assert {"Cookie", "Accept-Language"} <= {part.strip() for part in response["Vary"].split(",")}


def test_page__unknown__is_404_in_our_own_page(reader: Client, shop: Scene) -> None:
    for path in UNKNOWN:
        response = reader.get(path)
        assert response.status_code == 404, path
        assert b"All experiments" in response.content


def test_page__key_in_two_projects__asks_which_and_takes_the_answer(reader: Client, shop: Scene) -> None:
    pier = stored.shop("pier")
    registry.make_point(pier, registry.make_model(pier))
    for path in ("/m/home-ranking", "/d/home"):
        asked = reader.get(path)
        assert asked.status_code == 300
        assert f"{path}?project=pier" in Elements(asked.content.decode()).links
        assert reader.get(f"{path}.json").status_code == 404
    assert "v1 is champion" in read(reader, "/m/home-ranking?project=harbour")
    assert "The baseline serves" in read(reader, "/m/home-ranking?project=pier")
    assert "5.17% of decisions fell back" in read(reader, "/d/home?project=harbour")
    assert "No decisions yet" in read(reader, "/d/home?project=pier")


def test_lists__before_anything_was_made__lead_to_the_first_step(person: Callable[..., Client]) -> None:
    client = person(*VIEWING)
    assert "/admin/models_registry/registeredmodel/add/" in Elements(read(client, "/m/")).links
    assert "/admin/decisions/decisionpoint/add/" in Elements(read(client, "/d/")).links
    assert "Nothing waits." in read(client, "/promotions")


def test_model__in_full_use__tells_champion_versions_runs_and_moves(reader: Client, shop: Scene) -> None:
    page = read(reader, "/m/home-ranking")
    told = text_of(page)
    assert re.findall(r'<h2 id="(\w+)"', page) == ["state", "holders", "versions", "runs", "moves"]
    for text in (
        "v1 is champion",
        "Outside experiments: v1 for everybody.",
        "A promotion waits for somebody to approve or reject it.",
        "“New ranking” of Two-Towers (Running)",
        "the most popular items: 0.152",
        "learning, 42%",
        "The window holds no interactions.",
        "Choose a longer data window",
        "Champion: v1 for everybody; before: nobody",
        "Better on orders, no guardrail moved",
    ):
        assert text in told, text
    assert f"/promotions#proposal-{shop.waiting}" in Elements(page).links


def test_model__runs_before_a_success__ask_for_nothing_any_more(reader: Client, shop: Scene) -> None:
    registry.make_version(shop.model, first=3.0)
    told = text_of(read(reader, "/m/home-ranking"))
    assert "The window holds no interactions." in told
    assert "Choose a longer data window" not in told


def test_version__tells_card_gate_and_lineage_both_ways(reader: Client, shop: Scene) -> None:
    page = read(reader, "/m/home-ranking/2")
    told = text_of(page)
    for text in (
        "Is being tried",
        "Passed its offline gate",
        "+0.032 to +0.033",
        "two_tower",
        "2026-02-01 00:00 to 2026-03-01 00:00",
        registry.REVISION,
        "epochs 12",
        "120,431",
        "c0ffee",
        "Waiting for approval",
    ):
        assert text in told, text
    links = Elements(page).links
    assert "/x/two-towers?project=harbour" in links
    assert "/d/home?project=harbour&version=2" in links
    assert {"training", "data", "code"} <= set(re.findall(r'id="(\w+)"', page))


def test_version__refused_by_its_gate__says_why_and_that_it_cannot_be_launched(reader: Client, shop: Scene) -> None:
    registry.make_version(shop.model, passed=False, first=4.0)
    told = text_of(read(reader, "/m/home-ranking/3"))
    assert "Not to be served" in told
    assert "the difference can be as low as −0.033" in told
    assert "Train another version" in told


def test_json__of_model_version_and_point__says_what_their_pages_say(reader: Client, shop: Scene) -> None:
    model = json.loads(reader.get("/m/home-ranking.json").content)
    assert model["aliases"]["champion"][0]["model_version"] == 1
    assert [run["state"] for run in model["training_runs"]] == [
        "RUNNING",
        "FAILED",
        "REFUSED",
        "SUCCEEDED",
        "SUCCEEDED",
    ]
    assert model["moves"][0]["reason"] == "Better on orders, no guardrail moved"
    version = json.loads(reader.get(model["versions"][0]["json"]).content)
    assert version["model_version"]["number"] == 2
    assert version["experiments"][0]["verdict"] == {"state": "SHIP", "winner": "treatment"}
    point = json.loads(reader.get(version["decisions"][0]["json"]).content)
    live = [trial for trial in point["experiments"] if trial["status"] == "RUNNING"]
    assert [(v["key"], v["weight"], v["model_version"]) for v in live[0]["variants"]] == [
        ("control", 500_000, 1),
        ("treatment", 500_000, 2),
    ]
    assert sum(count["decisions"] for count in point["last_24_hours"]) == 58


def test_page__language_of_the_request__is_the_language_of_the_page(reader: Client, shop: Scene) -> None:
    for path, texts in CHINESE.items():
        page = read(reader, path, headers={"accept-language": "zh-hans"})
        assert '<html lang="zh-hans">' in page
        for text in texts:
            assert text in page, text


def test_pages__carry_no_inline_style_script_handler_or_foreign_address(reader: Client, shop: Scene) -> None:
    for path in HTML:
        for tag, attributes in Elements(read(reader, path)).found:
            assert tag not in ("script", "style", "iframe", "object", "embed"), path
            assert "style" not in attributes, (path, tag)
            assert not [name for name in attributes if name.startswith("on")], (path, tag)
            for name in ("src", "href", "action"):
                address = attributes.get(name) or "/"
                assert address.startswith(("/", "?", "#")), (path, tag, address)
                assert not address.startswith("//"), (path, tag, address)


def test_pages__hostile_text_in_every_field__is_shown_and_never_run(reader: Client, shop: Scene) -> None:
    registry.log_decision(
        shop.project, decision_id="evil", at=material.NOW, reason=EVIL, policy=EVIL, variant=EVIL, experiment=EVIL
    )
    reject(proposal_id=shop.waiting, acting_user=EVIL[:140], now=material.NOW, reason=EVIL)
    registry.make_failed_run(shop.model, error=EVIL)
    RegisteredModel.objects.update(name=EVIL, description=EVIL)
    DecisionPoint.objects.update(name=EVIL)
    Item.objects.update(title=EVIL)
    Experiment.objects.update(name=EVIL)
    draft = registry.make_decision_draft(shop.project, shop.point, shop.challenger, key="evil")
    Variant.objects.filter(experiment_id=draft).update(name=EVIL)
    for path in (*HTML, "/d/home/evil"):
        page = read(reader, path)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page, path
        assert "<script" not in page, path
        assert "<img" not in page, path


def test_page__reads_the_database_a_bounded_number_of_times(reader: Client, shop: Scene) -> None:
    for path, most in MOST_QUERIES.items():
        with CaptureQueriesContext(connection) as asked:
            read(reader, path)
        assert len(asked) <= most, path


def test_lists__of_two_shops__name_both(reader: Client, shop: Scene) -> None:
    busy_shop(material.NOW, key="pier")
    for path in ("/m/", "/d/"):
        page = read(reader, path)
        assert page.count('<tr><th scope="row">') == (2 if path == "/m/" else 4)
        assert {"project=harbour", "project=pier"} <= set(re.findall(r"project=\w+", page))
