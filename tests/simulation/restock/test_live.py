"""Stores that live by batches: what they order, sell, count and say is what was decided and what happened."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest

from simulation.live import TrafficBehind
from simulation.restock.live import LINES, Office, OwnRule, StoreDriver, orders, past
from simulation.restock.truth import RestockTruth, Shelves, draw_shelves

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
RULE = OwnRule(reorder=1.0, level=3.0)


@dataclass
class Papers:
    """Both sides of the product as a store meets them: it keeps what it is told, and hands out what was put into it."""

    at: datetime = MONDAY
    tables: dict[str, list[list[dict[str, Any]]]] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    made: list[dict[str, Any]] = field(default_factory=list)
    words: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    def now(self) -> datetime:
        return self.at

    def put(self, table: str, records: list[dict[str, Any]]) -> dict[str, Any]:
        self.tables.setdefault(table, []).append(records)
        return {"refused": []}

    def send(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        self.messages += messages
        return {"results": [{"status": "accepted"} for _ in messages]}

    def batches(self, point: str) -> list[dict[str, Any]]:
        assert point == "orders"
        return [{name: batch[name] for name in ("batch", "due_at", "takes_effect_at")} for batch in reversed(self.made)]

    def batch(self, number: int) -> dict[str, Any]:
        return self.made[number - 1]

    def acknowledge(self, number: int, words: list[dict[str, Any]]) -> dict[str, Any]:
        self.words[number] = words
        return {"refused": []}

    def decide(self, shelves: Shelves, pieces: int | None, *, at: datetime, variant: str | None = None) -> None:
        """Make a batch that orders so many pieces of everything, from a time on."""
        decided = [
            {
                "subject": subject,
                "value": None if pieces is None else str(pieces),
                "variant": variant,
                "reason": "MODEL",
            }
            for subject in shelves.subjects
        ]
        due = datetime.combine(at.date(), time(), tzinfo=UTC).isoformat()
        batch = {"batch": len(self.made) + 1, "due_at": due, "takes_effect_at": at.isoformat(), "decisions": decided}
        self.made.append(batch)

    def counts(self, name: str) -> list[int]:
        """Return a column of the newest count."""
        return [count[name] for count in self.tables["stock"][-1]]


@pytest.fixture
def shelves() -> Shelves:
    return draw_shelves(RestockTruth(stores=3, items=20, leads=((2, 1.0),)), 5)


@pytest.fixture
def papers() -> Papers:
    return Papers()


@pytest.fixture
def driver(shelves: Shelves, papers: Papers) -> StoreDriver:
    office = Office(edge=papers, console=papers, clock=papers, point="orders")
    return StoreDriver(office=office, shelves=shelves, rule=RULE, settled=2)


def test_open__tells_who_delivers_what_items_cost_and_what_is_there(driver, shelves, papers):
    driver.open(since=MONDAY - timedelta(days=9))
    assert papers.tables["suppliers"] == [
        [{"supplier_id": "wholesaler", "name": "Wholesaler", "lead_days": 2.0, "lead_sd": 0.0}]
    ]
    assert {item["supplier"] for item in papers.tables["items"][0]} == {"wholesaler"}
    assert {cost["from"] for cost in papers.tables["costs"][0]} == {"2026-02-21T00:00:00+00:00"}
    assert papers.counts("stock") == shelves.up_to(1.0, 3.0)[1].tolist()


def test_keep_up__before_the_count_is_due__lives_no_day(driver, papers):
    papers.at = MONDAY + timedelta(hours=16)
    driver.keep_up()
    assert (driver.run.days, papers.messages, papers.tables) == (0, [], {})


def test_keep_up__a_day__sells_what_is_there_and_counts_what_is_left(driver, shelves, papers):
    papers.at = MONDAY + timedelta(hours=29)
    driver.keep_up()
    begun = shelves.up_to(1.0, 3.0)[1]
    sold = np.minimum(begun, shelves.asked(MONDAY.toordinal()))
    assert papers.counts("stock") == (begun - sold).tolist()
    lines = [line for message in papers.messages for line in message["properties"]["products"]]
    assert sum(line["quantity"] for line in lines) == sold.sum()
    assert {count["counted_at"] for count in papers.tables["stock"][0]} == {"2026-03-02T16:30:00+00:00"}


def test_keep_up__batch__is_on_order_once_it_takes_effect_and_on_the_shelf_after_the_lead_time(driver, shelves, papers):
    papers.decide(shelves, 100, at=MONDAY + timedelta(hours=20))
    found = []
    for day in range(4):
        papers.at = MONDAY + timedelta(days=day, hours=29)
        driver.keep_up()
        found.append((max(papers.counts("on_order")), max(papers.counts("stock")) >= 75))
    assert found == [(0, False), (100, False), (0, True), (0, True)]


def test_keep_up__batch_of_the_night_is_late__waits_for_it_and_then_counts_with_it(driver, shelves, papers):
    papers.at = MONDAY + timedelta(hours=17)
    driver.keep_up()
    assert driver.run.days == 0
    papers.decide(shelves, 100, at=MONDAY + timedelta(hours=16))
    driver.keep_up()
    assert driver.run.days == 1
    assert 100 in papers.counts("on_order")
    assert {count["counted_at"] for count in papers.tables["stock"][0]} == {"2026-03-02T16:30:00+00:00"}


def test_keep_up__some_orders__are_halved_or_fail_and_that_is_what_is_ordered_and_said(shelves, papers):
    many = draw_shelves(RestockTruth(stores=30, items=20), 5)
    office = Office(edge=papers, console=papers, clock=papers, point="orders")
    driver = StoreDriver(office=office, shelves=many, rule=RULE, settled=2)
    papers.decide(many, 101, at=MONDAY + timedelta(hours=1))
    papers.at = MONDAY + timedelta(hours=17)
    driver.keep_up()
    done = {"applied": 101, "overridden": 50, "failed": 0}
    assert papers.counts("on_order") == [done[word["status"]] for word in papers.words[1]]
    assert [word.get("value") for word in papers.words[1]] == [
        "50" if word["status"] == "overridden" else None for word in papers.words[1]
    ]
    assert driver.run.words.total() == 600
    assert 10 <= driver.run.words["overridden"] <= 40
    assert 3 <= driver.run.words["failed"] <= 25


def test_keep_up__nothing_to_order__is_applied_as_it_is(driver, shelves, papers):
    papers.decide(shelves, None, at=MONDAY + timedelta(hours=1))
    papers.decide(shelves, 0, at=MONDAY + timedelta(hours=2))
    papers.at = MONDAY + timedelta(hours=17)
    driver.keep_up()
    assert {word["status"] for words in papers.words.values() for word in words} == {"applied"}
    assert set(papers.counts("on_order")) == {0}


def test_keep_up__variant__counts_once_what_came_before_has_settled(driver, shelves, papers):
    for day in range(4):
        papers.decide(shelves, 5, at=MONDAY + timedelta(days=day, hours=1), variant="treatment")
        papers.at = MONDAY + timedelta(days=day, hours=17)
        driver.keep_up()
    assert driver.run.profits["treatment"][0] == 2 * len(shelves.subjects)
    assert driver.run.reasons == {("treatment", "MODEL"): 4 * len(shelves.subjects)}
    assert driver.run.true_profit("control") is None


def test_keep_up__days_behind_the_clock__says_so(driver, papers):
    papers.at = MONDAY + timedelta(days=5)
    with pytest.raises(TrafficBehind):
        driver.keep_up()
    assert papers.messages == []


def test_orders__of_a_day__have_every_piece_once_in_orders_of_one_store_with_few_lines(shelves):
    sold = shelves.asked(MONDAY.toordinal())
    found = list(orders(shelves, MONDAY.date(), sold))
    pieces = dict.fromkeys(shelves.subjects, 0)
    for event in found:
        said = event.properties
        assert 1 <= len(said["products"]) <= LINES
        assert said["revenue"] == sum(line["price"] * line["quantity"] for line in said["products"])
        assert 9 <= event.at.hour < 16
        for line in said["products"]:
            pieces[f"{said['store_id']}|{line['product_id']}"] += line["quantity"]
    assert list(pieces.values()) == sold.tolist()
    assert len({event.properties["order_id"] for event in found}) == len(found)


def test_past__of_some_days__is_all_that_was_asked_for_and_the_same_again(shelves):
    found = list(past(shelves, until=date(2026, 3, 2), days=3))
    assert found == list(past(shelves, until=date(2026, 3, 2), days=3))
    assert {message["timestamp"][:10] for message in found} == {"2026-02-27", "2026-02-28", "2026-03-01"}
    sold = sum(line["quantity"] for message in found for line in message["properties"]["products"])
    assert sold == sum(shelves.asked(date(2026, 3, 2).toordinal() - ago).sum() for ago in (1, 2, 3))
    assert len({message["messageId"] for message in found}) == len(found)
