"""What was ordered after a count is on order, until the next count has it."""

from datetime import timedelta

import numpy as np
import pytest

from decisions.models import BatchDecision, DecisionBatch, StockCount
from decisions.queries.placed_orders import LONGEST, pieces_placed
from decisions.queries.subjects import subjects_of
from decisions.registry import domain_of
from tests.fixtures.batches import made, make_batch_point, make_stocked
from tests.fixtures.records import NOW, make_project

pytestmark = pytest.mark.django_db

RESTOCK = domain_of("restock")
DAY = timedelta(days=1)
SUBJECTS = ("north|mug", "north|pan", "south|mug")


@pytest.fixture
def point() -> int:
    return make_batch_point(make_project(), "restock", key="orders")


def batch(point: int, *, at, pieces: dict[str, int | None], **changes) -> None:
    """Write a batch that orders so many pieces from a time on."""
    made_at = changes.pop("made_at", at - timedelta(minutes=1))
    row = DecisionBatch.objects.create(
        point_id=point, due_at=at, made_at=made_at, takes_effect_at=at, bundle_version=1, decisions=len(pieces)
    )
    for subject, count in pieces.items():
        BatchDecision.objects.create(
            batch=row,
            subject=subject,
            decision_id=f"{row.pk}-{subject}",
            value=None if count is None else count * 1_000_000,
            reason="BASELINE",
            **changes,
        )


def placed(point: int, *, counted=NOW - DAY, domain: str = "restock", at=NOW) -> list[float]:
    """Return what has been ordered of the subjects since they were counted."""
    project = DecisionBatch.objects.values_list("point__project_id", flat=True).first()
    counts = np.full(len(SUBJECTS), counted.timestamp())
    found = pieces_placed(project, domain, subjects=SUBJECTS, counted_at=counts, at=at)
    return found.tolist()


def test_placed__orders_after_the_count__add_up_by_subject(point):
    batch(point, at=NOW - DAY / 2, pieces={"north|mug": 4, "south|mug": 3, "north|pan": None})
    batch(point, at=NOW - DAY / 4, pieces={"north|mug": 2, "south|mug": 0, "elsewhere|mug": 9})
    assert placed(point) == [6.0, 0.0, 3.0]


def test_placed__order_that_takes_effect_later_than_now__is_there_already(point):
    batch(point, at=NOW + DAY / 2, made_at=NOW - DAY / 4, pieces={"north|mug": 4})
    assert placed(point) == [4.0, 0.0, 0.0]
    assert placed(point, at=NOW - DAY / 4) == [0.0, 0.0, 0.0]


def test_placed__order_before_the_count__is_not_added_again(point):
    batch(point, at=NOW - DAY, pieces={"north|mug": 4})
    assert placed(point) == [4.0, 0.0, 0.0]
    assert placed(point, counted=NOW - DAY + timedelta(seconds=1)) == [0.0, 0.0, 0.0]


def test_placed__count_from_long_ago__adds_the_orders_of_late_alone(point):
    batch(point, at=NOW - LONGEST - DAY, pieces={"north|mug": 4})
    batch(point, at=NOW - LONGEST + DAY, pieces={"north|mug": 1})
    assert placed(point, counted=NOW - 2 * LONGEST) == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("state", "applied", "pieces"),
    [
        ("PENDING", None, 4.0),
        ("APPLIED", 4, 4.0),
        ("OVERRIDDEN", 7, 7.0),
        ("OVERRIDDEN", 0, 0.0),
        ("FAILED", None, 0.0),
    ],
)
def test_placed__what_the_shop_says_of_it__counts(point, state, applied, pieces):
    done = None if applied is None else applied * 1_000_000
    batch(point, at=NOW - DAY / 2, pieces={"north|mug": 4}, state=state, applied=done)
    assert placed(point) == [pieces, 0.0, 0.0]


def test_placed__other_domain_or_nothing_counted__is_nothing(point):
    batch(point, at=NOW - DAY / 2, pieces={"north|mug": 4})
    assert placed(point, domain="pricing") == [0.0, 0.0, 0.0]
    assert pieces_placed(1, "restock", subjects=(), counted_at=np.zeros(0), at=NOW).tolist() == []


def test_batches__two_between_counts__order_the_same_need_once():
    project = make_project()
    point = make_batch_point(project, "restock", key="orders", every_minutes=720)
    make_stocked(project, ["north"], ["mug"], on_hand=2, at=NOW - DAY)
    StockCount.objects.update(reorder_point=10, order_up_to=30)
    first = made(project, point, due_at=NOW)
    assert BatchDecision.objects.get(batch=first).value == 28_000_000
    later = NOW + DAY / 2
    assert subjects_of(project, RESTOCK, at=later).fields["on_order"].tolist() == [28.0]
    second = made(project, point, due_at=later)
    assert second.pk != first.pk
    assert BatchDecision.objects.get(batch=second).value == 0
