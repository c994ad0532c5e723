"""What the shop says has become of decisions: noted once, replaced by a later word, refused where it says nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from decisions.actions.acknowledging import Acknowledged, acknowledge
from decisions.actions.batches import make_batch
from decisions.actions.catalogue import put_items
from decisions.actions.ledger_lock import lock_ledger
from decisions.models import BatchDecision, DecisionBatch, PriceOffer
from decisions.queries.batches import BatchUnknown
from decisions.vocabulary import AppliedState
from foundation.models import JournalEntry
from tests.fixtures.batches import made, make_batch_point, make_priced, make_stocked, waits_for_the_ledger
from tests.fixtures.records import make_project

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
LATER = MIDNIGHT + timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def batch() -> DecisionBatch:
    project = make_project()
    make_priced(project, {"mug": 20.0, "pan": 30.0})
    return made(project, make_batch_point(project), due_at=MIDNIGHT)


def say(batch: DecisionBatch, *items: Any, now: datetime = LATER) -> Acknowledged:
    project_id = batch.point.project_id
    return acknowledge(batch_id=batch.pk, project_id=project_id, items=items, actor="shop", now=now)


def word(subject: str, status: str = "applied", **more: Any) -> dict[str, Any]:
    return {"subject": subject, "status": status, **more}


def noted() -> dict[str, tuple]:
    rows = BatchDecision.objects.values_list("subject", "state", "applied", "note")
    return {subject: tuple(rest) for subject, *rest in rows}


def entries() -> list[dict[str, Any]]:
    return list(
        JournalEntry.objects.filter(action="batch.acknowledge").order_by("sequence").values_list("after", flat=True)
    )


def test_acknowledge__each_status__is_noted_with_what_was_done(batch):
    done = say(batch, word("mug"), word("pan", "overridden", value="28.50", note="Fair price"))
    assert done.taken == {AppliedState.APPLIED: 1, AppliedState.OVERRIDDEN: 1}
    assert noted() == {
        "mug": ("APPLIED", 20_000_000, ""),
        "pan": ("OVERRIDDEN", 28_500_000, "Fair price"),
    }
    assert set(BatchDecision.objects.values_list("acknowledged_at", flat=True)) == {LATER}
    assert entries() == [{"applied": 1, "overridden": 1, "replaced": 0}]


def test_acknowledge__same_words_again__change_nothing(batch):
    say(batch, word("mug"))
    again = say(batch, word("mug"), now=LATER + timedelta(hours=1))
    assert (again.taken, again.unchanged, again.refused) == ({}, 1, ())
    assert BatchDecision.objects.get(subject="mug").acknowledged_at == LATER
    assert len(entries()) == 1


def test_acknowledge__later_word__takes_the_place_of_the_earlier_one(batch):
    say(batch, word("mug"))
    done = say(batch, word("mug", "overridden", value=19), word("mug", "failed", note="Refused by the till"))
    assert done.taken == {AppliedState.FAILED: 1}
    assert noted()["mug"] == ("FAILED", None, "Refused by the till")
    assert entries() == [{"applied": 1, "replaced": 0}, {"failed": 1, "replaced": 1}]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (word("cup"), "The batch has no such subject."),
        (word("mug", "pending"), "status must be one of: applied, overridden, failed."),
        (word("mug", "APPLIED"), "status must be one of"),
        (word("mug", 3), "status must be one of"),  # type: ignore[arg-type]
        ({"subject": "mug"}, "status must be one of"),
        (word("mug", "overridden"), "value is missing"),
        (word("mug", "overridden", value="a lot"), "value must be a plain decimal number."),
        (word("mug", "overridden", value=True), "value must be a plain decimal number."),
        (word("mug", "overridden", value=-1), "value must not be negative."),
        (word("mug", "overridden", value="1e30"), "value must be a plain decimal number."),
        (word("mug", value=20), "value belongs to overridden"),
        (word("mug", note="n" * 501), "note must be a text"),
        (word("mug", note="\0"), "note must be a text"),
        (word(""), "subject must be a text"),
        (word("\0"), "subject must be a text"),
        (word("mug", price=3), "'price' is not known"),
        ("mug", "Each item must be an object"),
        (None, "Each item must be an object"),
    ],
)
def test_acknowledge__word_that_says_nothing__is_refused_and_the_others_are_taken(batch, item, reason):
    done = say(batch, item, word("pan"))
    assert [(fault.index, fault.reason.startswith(reason)) for fault in done.refused] == [(0, True)]
    assert noted()["mug"] == ("PENDING", None, "")
    assert noted()["pan"][0] == "APPLIED"


def test_acknowledge__orders__are_whole_pieces():
    project = make_project()
    make_stocked(project, ["north"], ["mug"], at=MIDNIGHT)
    batch = made(project, make_batch_point(project, "restock", key="orders"), due_at=MIDNIGHT)
    refused = say(batch, word("north|mug", "overridden", value=2.5)).refused
    assert [fault.reason for fault in refused] == ["value must be a whole number of pieces."]
    assert say(batch, word("north|mug", "overridden", value=12)).taken == {AppliedState.OVERRIDDEN: 1}
    assert noted()["north|mug"][1] == 12_000_000


def test_acknowledge__batch_of_another_project__does_not_exist(batch):
    other = make_project(key="other")
    with pytest.raises(BatchUnknown):
        acknowledge(batch_id=batch.pk, project_id=other, items=[word("mug")], actor="shop", now=LATER)
    assert noted()["mug"][0] == "PENDING"


def test_acknowledge__price_that_was_overridden__is_what_the_ledger_says_from_then_on(batch):
    say(batch, word("mug", "overridden", value=18))
    offers = PriceOffer.objects.filter(item_id="mug").order_by("valid_from")
    first, second = offers.values_list("price", "valid_from", "valid_until")
    assert (first[0], second[0], second[2]) == (20_000_000, 18_000_000, None)
    assert first[2] == second[1] == LATER + timedelta(seconds=15)


def test_acknowledge__of_an_older_batch__leaves_the_ledger_to_the_newer_one(batch):
    made(batch.point.project_id, batch.point_id, due_at=MIDNIGHT + timedelta(days=1))
    say(batch, word("mug", "overridden", value=18), now=MIDNIGHT + timedelta(days=2))
    assert BatchDecision.objects.get(batch=batch, subject="mug").applied == 18_000_000
    assert set(PriceOffer.objects.values_list("price", flat=True)) == {20_000_000, 30_000_000}


@pytest.mark.parametrize("item", [word("mu\ud800g"), word("mug", note="\udfff")])
def test_acknowledge__text_that_cannot_be_stored__is_refused_and_the_rest_taken(batch, item):
    done = say(batch, item, word("pan"))
    assert [fault.index for fault in done.refused] == [0]
    assert done.taken == {AppliedState.APPLIED: 1}


@pytest.mark.parametrize("status", ["applied", "overridden", "failed"])
def test_acknowledge__price_that_the_shop_has_set_since__stands(batch, status):
    project = batch.point.project_id
    PriceOffer.objects.filter(project_id=project).delete()
    put_items(project_id=project, items=[{"item_id": "mug", "price": 25}])
    say(batch, word("mug", status, **({"value": 18} if status == "overridden" else {})))
    assert list(PriceOffer.objects.filter(item_id="mug").values_list("price", flat=True)) == [25_000_000]


@pytest.mark.django_db(transaction=True)
def test_acknowledge__while_a_newer_batch_is_written__leaves_the_ledger_to_that():
    project = make_project()
    make_priced(project, {"mug": 20.0})
    point = make_batch_point(project)
    older = made(project, point, due_at=MIDNIGHT)
    with ThreadPoolExecutor(max_workers=1) as pool:
        with transaction.atomic():
            make_batch(point_id=point, due_at=MIDNIGHT + DAY, now=MIDNIGHT + DAY)(MIDNIGHT + DAY)
            lock_ledger(project)
            said = pool.submit(_say_apart, older)
            while not waits_for_the_ledger():
                assert not said.done()
        said.result()
    newest = PriceOffer.objects.get(item_id="mug", valid_until=None)
    assert newest.price == 20_000_000


def _say_apart(batch: DecisionBatch) -> None:
    try:
        say(batch, word("mug", "overridden", value=18), now=MIDNIGHT + 2 * DAY)
    finally:
        connection.close()
