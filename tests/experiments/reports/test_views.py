"""Readout pages over HTTP, on stored looks: who may read them, what they carry, and that they run nothing foreign."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from django.contrib.auth.models import User
from django.test import Client

from config.csp import HEADER
from experiments.actions import lifecycle
from experiments.analysis.scorecard import Scorecard
from experiments.models import Experiment, Variant
from experiments.reports.forest import WIDTH
from experiments.reports.signals import interval_of
from foundation.actions.jobs import enqueue
from foundation.models import Job
from tests.experiments.reports import material, stored
from tests.experiments.reports.visits import shipped
from tests.fixtures.records import ACTOR

pytestmark = pytest.mark.django_db


EVIL = "</title><script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}"


LARGEST_PAGE = 60_000


class Elements(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def bars(page: str) -> list[ET.Element]:
    """Return the forest bars of a page as XML."""
    return [ET.fromstring(svg) for svg in re.findall(r'<svg class="bar.*?</svg>', page, re.DOTALL)]


@pytest.mark.parametrize(
    "path",
    ["/", "/x/", "/x/free-shipping", "/x/free-shipping.json", "/x/free-shipping.csv", "/x/free-shipping/segments.csv"],
)
def test_page__nobody_logged_in__leads_to_the_login_and_back(client: Client, project: int, path: str) -> None:
    shipped(project)
    response = client.get(path, follow=True)
    assert response.redirect_chain[-1] == (f"/admin/login/?next={'/x/' if path == '/' else path}", 302)


@pytest.mark.parametrize(
    "path",
    ["/x/", "/x/free-shipping", "/x/free-shipping.json", "/x/free-shipping.csv", "/x/free-shipping/segments.csv"],
)
def test_page__person_without_the_permission__is_refused(client: Client, project: int, path: str) -> None:
    shipped(project)
    client.force_login(User.objects.create(username="clerk", is_staff=True))
    response = client.get(path)
    assert response.status_code == 403
    assert b"Free from 39" not in response.content


def test_page__person_outside_the_console__is_sent_to_the_login(client: Client, project: int) -> None:
    shipped(project)
    client.force_login(User.objects.create(username="shopper"))
    assert client.get("/x/free-shipping").status_code == 302


@pytest.mark.parametrize("path", ["/x/", "/x/free-shipping"])
def test_page__post__is_not_allowed(reader: Client, project: int, path: str) -> None:
    shipped(project)
    assert reader.post(path).status_code == 405


def test_readout__ship__shows_verdict_health_scorecard_samples_and_decision_in_this_order(
    reader: Client, project: int
) -> None:
    shipped(project)
    page = reader.get("/x/free-shipping").content.decode()
    headings = re.findall(r'<h2 id="(\w+)"', page)
    assert headings == ["verdict", "health", "board", "samples", "excluded", "progress", "timeline", "decision"]
    assert "Ship “Free from 39”" in page
    assert page.index("Conversion") < page.index("Refunds per visitor") < page.index("Revenue per visitor")


@pytest.mark.parametrize("effect", ["relative", "absolute"])
def test_readout__bars__stand_where_the_figures_of_the_json_say(reader: Client, project: int, effect: str) -> None:
    shipped(project)
    body = json.loads(reader.get("/x/free-shipping.json").content)
    card = Scorecard.from_dict(body["scorecard"])
    found = bars(reader.get(f"/x/free-shipping?effect={effect}").content.decode())
    assert len(found) == len(card.comparisons) == 3
    for svg, comparison in zip(found, card.comparisons, strict=True):
        reach = float(svg.attrib["data-reach"])
        span = next(line for line in svg if line.attrib.get("class") == "span")
        zero = next(line for line in svg if line.attrib.get("class") == "zero")
        point = next(mark for mark in svg if mark.attrib.get("class") == "point")
        interval = interval_of(comparison, relative=effect == "relative")
        value = (comparison.lift if effect == "relative" else comparison.absolute).value
        assert interval.lower is not None
        assert interval.upper is not None
        assert value is not None
        drawn = [float(span.attrib["x1"]), float(span.attrib["x2"]), float(zero.attrib["x1"])]
        shown = [(x / WIDTH * 2.0 - 1.0) * reach for x in drawn]
        assert shown == pytest.approx([interval.lower, interval.upper, 0.0], abs=0.00011 * reach)
        x = float(re.findall(r"translate\(([\d.]+)", point.attrib["transform"])[0])
        assert (x / WIDTH * 2.0 - 1.0) * reach == pytest.approx(value, abs=0.00011 * reach)
        assert svg.attrib["role"] == "img"
        assert svg[0].tag == "title"
        assert svg.attrib["aria-labelledby"] == svg[0].attrib["id"]


def test_readout__untrusted__is_grey_and_says_so_above_the_figures(reader: Client, project: int) -> None:
    experiment_id = stored.running(project)
    card = material.scorecard(material.comparisons(), material.BROKEN_SPLIT)
    stored.keep(experiment_id, card, material.INVALID)
    page = reader.get("/x/free-shipping").content.decode()
    assert 'class="board untrusted"' in page
    assert page.index("must not decide anything") < page.index("<table")
    assert "+6.0%" in page


def test_readout__before_the_first_look__is_a_page_and_not_an_error(reader: Client, project: int) -> None:
    stored.running(project)
    page = reader.get("/x/free-shipping").content.decode()
    assert "No data yet" in page
    assert "<table" not in page
    assert json.loads(reader.get("/x/free-shipping.json").content)["scorecard"] is None


def test_readout__draft__is_a_page_too(reader: Client, project: int) -> None:
    stored.draft(project)
    assert "Finish the design" in reader.get("/x/free-shipping").content.decode()


def test_readout__concluded__tells_who_and_why(reader: Client, project: int) -> None:
    shipped(project)
    experiment_id = Experiment.objects.get().pk
    lifecycle.stop(experiment_id=experiment_id, acting_user="manager", now=material.END, reason="Enough seen")
    lifecycle.conclude(
        experiment_id=experiment_id, acting_user="reviewer", now=material.END, conclusion="WON", note="Say it earlier."
    )
    page = reader.get("/x/free-shipping").content.decode()
    for text in ("Enough seen", "manager, 2026-03-14", "reviewer, 2026-03-14", "Won", "Say it earlier."):
        assert text in page


def test_readout__key_in_two_projects__asks_which_and_takes_the_answer(reader: Client, project: int) -> None:
    shipped(project)
    stored.draft(stored.shop("pier"))
    asked = reader.get("/x/free-shipping")
    assert asked.status_code == 300
    assert "/x/free-shipping?project=harbour" in asked.content.decode()
    assert "Ship “" in reader.get("/x/free-shipping?project=harbour").content.decode()
    assert "Ship “" not in reader.get("/x/free-shipping?project=pier").content.decode()
    assert reader.get("/x/free-shipping.json").status_code == 404
    kept = reader.get("/x/free-shipping?project=harbour").content.decode()
    assert "/x/free-shipping?project=harbour&amp;effect=absolute" in kept


@pytest.mark.parametrize(
    "path",
    [
        "/x/nothing",
        "/x/nothing.json",
        "/x/nothing.csv",
        "/x/nothing/segments.csv",
        "/x/free-shipping?project=moon",
        "/x/free-shipping?project=%00",
    ],
)
def test_readout__unknown__is_404_in_our_own_page(reader: Client, project: int, path: str) -> None:
    shipped(project)
    response = reader.get(path)
    assert response.status_code == 404
    assert b"All experiments" in response.content


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("DEAD", "is tried no more (5 attempts): OperationalError: no room"),
        ("READY", "will be tried again (attempt 2)"),
    ],
)
def test_readout__analysis_failed__shows_the_last_good_look_and_the_error(
    reader: Client, project: int, state: str, told: str
) -> None:
    shipped(project)
    key = f"analyse:{Experiment.objects.get().pk}:2026-03-15"
    enqueue(kind="analyse", key=key, project_id=project, payload={})
    fault = {"state": state, "attempts": 5 if state == "DEAD" else 2}
    Job.objects.filter(key=key).update(last_error="Traceback\n  File\nOperationalError: no room\n", **fault)
    page = reader.get("/x/free-shipping").content.decode()
    assert told in page
    assert "Ship “Free from 39”" in page
    Job.objects.filter(key=key).update(state="DONE")
    assert "OperationalError" not in reader.get("/x/free-shipping").content.decode()


def test_csv__is_a_download_named_after_project_and_experiment(reader: Client, project: int) -> None:
    shipped(project)
    response = reader.get("/x/free-shipping.csv")
    assert response["Content-Disposition"] == 'attachment; filename="harbour-free-shipping.csv"'
    assert response.content.decode("utf-8-sig").count("\r\n") == 4


def test_segments_csv__is_a_download_of_its_own(reader: Client, project: int) -> None:
    shipped(project)
    response = reader.get("/x/free-shipping/segments.csv?project=harbour")
    assert response["Content-Disposition"] == 'attachment; filename="harbour-free-shipping-segments.csv"'
    assert response.content.decode("utf-8-sig").startswith("metric,variant,compared with,dimension")


def test_pages__policy__is_strict_with_a_fresh_nonce_that_the_page_uses(reader: Client, project: int) -> None:
    shipped(project)
    nonces = []
    for path in ("/x/", "/x/free-shipping", "/x/nothing"):
        response = reader.get(path)
        policy = response[HEADER]
        (nonce,) = set(re.findall(r"'nonce-([\w-]{20,})'", policy))
        assert policy == (
            "default-src 'none'; img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
            f"form-action 'self'; frame-ancestors 'none'; script-src 'self' 'nonce-{nonce}'; "
            f"style-src 'self' 'nonce-{nonce}'"
        )
        assert f'nonce="{nonce}"' in response.content.decode()
        nonces.append(nonce)
    assert len(set(nonces)) == 3


def test_pages__carry_no_inline_style_script_handler_or_foreign_address(reader: Client, project: int) -> None:
    shipped(project)
    for path in ("/x/", "/x/free-shipping", "/x/free-shipping?effect=absolute", "/admin/login/"):
        for tag, attributes in Elements(reader.get(path).content.decode()).found:
            assert tag not in ("script", "style", "iframe", "object", "embed"), path
            assert "style" not in attributes, (path, tag)
            assert not [name for name in attributes if name.startswith("on")], (path, tag)
            for name in ("src", "href", "action"):
                address = attributes.get(name) or "/"
                assert address.startswith(("/", "?", "#")), (path, tag, address)
                assert not address.startswith("//"), (path, tag, address)


def test_readout__hostile_text_in_every_field__is_shown_and_never_run(reader: Client, project: int) -> None:
    shipped(project)
    experiment = Experiment.objects.get()
    lifecycle.stop(experiment_id=experiment.pk, acting_user=EVIL[:140], now=material.END, reason=EVIL)
    lifecycle.conclude(
        experiment_id=experiment.pk, acting_user=ACTOR, now=material.END, conclusion="WON", note=EVIL, reason=EVIL
    )
    Experiment.objects.update(name=EVIL, hypothesis=EVIL)
    evil_draft = stored.draft(stored.shop("evil"), key="evil", hypothesis=EVIL)
    Variant.objects.filter(experiment_id=evil_draft).update(name=EVIL)
    for path in ("/x/", "/x/free-shipping", "/x/evil", "/x/?q=" + EVIL):
        page = reader.get(path).content.decode()
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page, path
        assert "<script" not in page, path
        assert "<img" not in page, path
        assert "49" not in page.split("{{7*7}}")[0][-10:], path


def test_readout__hostile_names_of_metrics_and_variants__are_escaped_in_the_picture(
    reader: Client, project: int
) -> None:
    definitions = tuple(replace(definition, name=EVIL, description=EVIL) for definition in stored.DEFINITIONS)
    variants = tuple(replace(variant, name=EVIL) for variant in stored.VARIANTS)
    shipped(project, definitions=definitions, variants=variants)
    page = reader.get("/x/free-shipping").content.decode()
    assert "<script" not in page
    assert "<img" not in page
    assert len(bars(page)) == 3


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ("Scorecard", "Guardrails", "Ship “Free from 39”")),
        ("zh-hans", ("结果快照", "护栏指标", "上线“Free from 39”")),
    ],
)
def test_readout__language_of_the_request__is_the_language_of_the_page(
    reader: Client, project: int, language: str, expected: tuple[str, ...]
) -> None:
    shipped(project)
    page = reader.get("/x/free-shipping", headers={"accept-language": language}).content.decode()
    assert f'<html lang="{language}">' in page
    for text in expected:
        assert text in page


def test_language_switch__chinese__is_remembered(reader: Client, project: int) -> None:
    shipped(project)
    response = reader.post("/i18n/setlang/", {"language": "zh-hans", "next": "/x/free-shipping"}, follow=True)
    assert response.redirect_chain == [("/x/free-shipping", 302)]
    assert "结果快照" in response.content.decode()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_readout__with_many_metrics__stays_small(reader: Client, project: int, language: str) -> None:
    experiment_id = stored.running(project)
    one, two, three = material.comparisons()
    arms = [replace(one, variant=f"arm-{number}") for number in range(12)]
    card = material.scorecard((*arms, two, three), material.BROKEN_SPLIT)
    for number in range(4, 0, -1):
        stored.keep(experiment_id, stored.earlier(card, number), material.CONTINUE)
    stored.keep(experiment_id, card, material.INVALID)
    content = reader.get("/x/free-shipping", headers={"accept-language": language}).content
    assert len(bars(content.decode())) == 14
    assert len(content) < LARGEST_PAGE


def test_pages__are_not_kept_by_caches(reader: Client, project: int) -> None:
    shipped(project)
    for path in ("/x/", "/x/free-shipping", "/x/free-shipping.csv"):
        response = reader.get(path)
        assert "private" in response["Cache-Control"]
        assert "no-cache" in response["Cache-Control"]
        assert {"Cookie", "Accept-Language"} <= {part.strip() for part in response["Vary"].split(",")}


def test_readout__reads_the_database_a_fixed_number_of_times(
    reader: Client, project: int, django_assert_max_num_queries: object
) -> None:
    shipped(project)
    with django_assert_max_num_queries(24):  # type: ignore[operator]
        reader.get("/x/free-shipping")
