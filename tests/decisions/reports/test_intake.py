"""The page of what arrives: a sentence for every reason, who may read and replay, and what is told."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from decisions.actions import projection_sql
from decisions.actions.projection import project_events
from decisions.actions.supply import put_supply
from decisions.ingest.counting import COUNT, parameters_of
from decisions.ingest.notes import Told
from decisions.models import ProjectionState
from decisions.reports.intake_wording import FAULTS, KINDS, NOTED, REJECTIONS, UNBOOKED, fix_of
from decisions.vocabulary import ExposureFault, IntakeKind, ProjectionFault, Rejection, TokenFault
from experiments.actions import evidence
from experiments.models import Quarantine
from tests.architecture.test_docs import in_statements
from tests.decisions.reports.pages import text_of
from tests.fixtures.messages import log
from tests.fixtures.records import make_project

EVIL = "</title><script>alert(1)</script>"


def test_wording__every_reason_and_kind__has_its_sentence():
    assert set(REJECTIONS) == set(Rejection)
    assert set(FAULTS) == {*ProjectionFault, *ExposureFault, *TokenFault}
    statements = [
        text
        for module in (projection_sql, evidence)
        for text in vars(module).values()
        if isinstance(text, str) and "SELECT" in text
    ]
    assert in_statements(*statements) <= {fault.value for fault in FAULTS}
    observed = set(IntakeKind) - {IntakeKind.RECEIVED, IntakeKind.ACCEPTED, IntakeKind.DUPLICATE, IntakeKind.REJECTED}
    assert set(NOTED) == observed
    assert set(KINDS) == {kind.value for kind in observed} | {"REJECTED", "QUARANTINED", "UNBOOKED"}
    told: list[tuple[str, list[str]]] = [("REJECTED", [str(reason) for reason in REJECTIONS])]
    told += [
        ("QUARANTINED", [str(reason) for reason in FAULTS]),
        *((str(kind), [""]) for kind in NOTED),
        ("UNBOOKED", list(UNBOOKED)),
    ]
    for kind, reasons in told:
        for reason in reasons:
            sentence = str(fix_of(kind, reason))
            assert sentence.endswith("."), reason
            assert len(sentence) > 20


@pytest.fixture
def shop(db: None) -> int:
    """Return a project of which something was rejected, quarantined and dropped."""
    project_id = make_project()
    now = timezone.now()
    counts = {
        (IntakeKind.RECEIVED, ""): 1,
        (IntakeKind.REJECTED, "MALFORMED"): 1,
        (IntakeKind.DROPPED, ""): 3,
    }
    told = Told(project_id, "client", counts, {(IntakeKind.DROPPED, ""): json.dumps({"event": EVIL})})
    with connection.cursor() as cursor:
        for slot, rows in ((0, 2), (5, 1)):
            cursor.execute(COUNT, parameters_of(told, slot=slot, stored=rows, rows=rows))
    at = now - timedelta(minutes=5)
    log(project_id, message_id="o-1", event="Order Completed", at=at, properties={"coupon": EVIL})
    project_events(project_id=project_id)
    return project_id


@pytest.fixture
def reader(person: Callable[..., Client]) -> Client:
    return person("view_quarantine")


def test_page__of_a_shop_with_faults__groups_them_with_what_to_do(shop: int, reader: Client):
    text = text_of(reader.get("/ops/intake").content.decode())

    assert "The message is no JSON object" in text
    assert "The order has no amount" in text
    assert "Properties outside the allow-list were dropped" in text
    assert "does not add up" not in text


def test_page__texts_of_strangers__are_escaped(shop: int, reader: Client):
    answer = reader.get("/ops/intake/shop")
    assert EVIL not in answer.content.decode()
    assert "&lt;/title&gt;" in answer.content.decode()


def test_json__has_the_same_facts_and_every_message_a_figure(shop: int, reader: Client):
    document = reader.get("/ops/intake/shop.json").json()

    (day,) = document["days"]
    assert (day["received"], day["accepted"], day["quarantined"], day["rejected"], day["unaccounted"]) == (
        5,
        2,
        1,
        2,
        0,
    )
    told = {(warned["kind"], warned["reason"]): warned["count"] for warned in document["warnings"]}
    assert told == {("REJECTED", "MALFORMED"): 2, ("QUARANTINED", "AMOUNT_MISSING"): 1, ("DROPPED", None): 6}
    example = next(warned["example"] for warned in document["warnings"] if warned["kind"] == "QUARANTINED")
    assert example["properties"] == {"coupon": EVIL}
    assert "visitor" not in json.dumps(example)


def test_page__lines_whose_item_has_no_cost__are_told_where_the_shop_tells_costs(shop: int, reader: Client):
    at = timezone.now() - timedelta(minutes=5)
    sold = {"order_id": "o-2", "revenue": 5, "products": [{"product_id": "mug", "price": 5}]}
    log(shop, message_id="o-2", event="Order Completed", at=at, properties=sold)
    ProjectionState.objects.update(watermark=at - timedelta(hours=1))
    project_events(project_id=shop)
    assert "Without contribution" not in text_of(reader.get("/ops/intake/shop").content.decode())
    put_supply(project_id=shop, name="costs", items=[{"item_id": "lamp", "cost": 1}])
    text = text_of(reader.get("/ops/intake/shop").content.decode())
    assert "Without contribution" in text
    assert "send costs" in text
    warned = {entry["kind"]: entry for entry in reader.get("/ops/intake/shop.json").json()["warnings"]}["UNBOOKED"]
    assert (warned["reason"], warned["count"], warned["example"]["item"]) == ("COST_MISSING", 1, "mug")


@pytest.mark.parametrize("path", ["/ops/intake", "/ops/intake/shop", "/ops/intake/shop.json"])
def test_pages__without_the_permission__are_refused(shop: int, person: Callable[..., Client], path: str):
    assert person("view_experiment").get(path).status_code == 403
    assert Client().get(path).status_code == 302


def test_page__unknown_project__is_not_there(shop: int, reader: Client):
    assert reader.get("/ops/intake/nothing").status_code == 404


def test_replay__by_somebody_who_may__judges_again_and_tells(shop: int, person: Callable[..., Client]):
    operator = person("view_quarantine", "change_quarantine", name="operator")
    assert "Replay" in text_of(operator.get("/ops/intake/shop").content.decode())

    answer = operator.post("/ops/intake/shop/replay", {"reason": "AMOUNT_MISSING"}, follow=True)

    assert "1 messages were judged again; 0 count from now on." in text_of(answer.content.decode())
    assert Quarantine.objects.count() == 1


def test_replay__by_a_reader_or_by_a_link__is_refused_and_changes_nothing(shop: int, reader: Client):
    assert "Replay" not in text_of(reader.get("/ops/intake/shop").content.decode())
    assert reader.post("/ops/intake/shop/replay", {"reason": "AMOUNT_MISSING"}).status_code == 403
    assert reader.get("/ops/intake/shop/replay").status_code == 405
    assert Quarantine.objects.count() == 1
