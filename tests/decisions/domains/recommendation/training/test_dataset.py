"""How a log is split, what is refused, and what is told of it."""

import math
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from decisions.domain import InteractionLog
from decisions.domains.recommendation.training.dataset import RecommendationData, fingerprint, split_log
from models_registry.pipeline import TrainingDataInsufficient, TrainingDataInvalid
from tests.decisions.domains.recommendation.training.shop import END, START, changed, log_of, shop


def split(log: InteractionLog, *, share: float = 0.5, most_users: int = 100) -> RecommendationData:
    return split_log(log, share=share, most_users=most_users, seed=1)


SMALL = log_of(
    units=[0, 0, 0, 1, 1, 0, 0, 1, 2, 1],
    items=[3, 1, 3, 1, 1, 2, 1, 0, 0, 2],
    at=[0.1, 0.2, 0.3, 0.31, 0.32, 0.5, 0.6, 0.7, 0.8, 0.9],
    kinds=[0, 0, 1, 0, 2, 0, 0, 0, 0, 1],
    item_count=4,
)
"""Unit 0 met 3, 1, 3 before the middle, and 2, 1 after it; unit 1 met 1, 1, then 0, 2; unit 2 came late."""


def test_split__rows_before_it__are_learnt_from_and_units_with_both_sides_judged_by():
    data = split(SMALL)
    assert data.train_rows == 5
    judged = sorted((user.history.tolist(), user.known.tolist(), user.targets.tolist()) for user in data.held_out)
    assert judged == [([1], [1], [0, 2]), ([3, 1], [1, 3], [2])]


def test_split__contacts__are_the_strongest_intent_before_it():
    assert split(SMALL).contacts.toarray().tolist() == [[0, 1, 0, 2], [0, 3, 0, 0], [0, 0, 0, 0]]
    assert split(SMALL).popularity.tolist() == [0.0, 1.0, 0.0, 0.5]


def test_split__facts__tell_the_lineage():
    facts = split(SMALL).facts
    assert {name: facts[name] for name in ("rows", "units", "items", "train_rows", "test_users")} == {
        "rows": 10,
        "units": 3,
        "items": 4,
        "train_rows": 5,
        "test_users": 2,
    }
    assert (facts["start"], facts["end"]) == (START.isoformat(), END.isoformat())
    assert facts["split_at"] == (START + timedelta(days=5)).isoformat()
    assert len(facts["sha256"]) == 64


def test_split__rows_of_the_same_time__stay_together():
    log = log_of(units=[0, 1, 0, 1, 0], items=[0, 1, 1, 0, 2], at=[0.1, 0.1, 0.5, 0.5, 0.5], item_count=3)
    assert split(log, share=0.2).train_rows == 2


def test_split__more_users_than_asked__draws_some_the_same_way_every_time():
    first, second = split(shop(), most_users=20), split(shop(), most_users=20)
    assert len(first.held_out) == 20
    assert [user.known.tolist() for user in first.held_out] == [user.known.tolist() for user in second.held_out]


@pytest.mark.parametrize(
    "log",
    [
        log_of(units=[], items=[], at=[], item_count=0),
        log_of(units=[], items=[], at=[], item_count=3),
        log_of(units=[0] * 6, items=[0, 1, 2, 0, 1, 2], at=np.linspace(0.1, 0.9, 6), item_count=3),
        log_of(units=[0, 1, 2] * 4, items=[0] * 12, at=np.linspace(0.1, 0.9, 12), item_count=1),
        log_of(units=[0, 1, 2, 3], items=[0, 1, 2, 0], at=[0.1, 0.2, 0.8, 0.9], item_count=3),
        log_of(units=[0, 1, 0, 1], items=[0, 1, 0, 1], at=[0.1, 0.2, 0.8, 0.9], item_count=2),
        log_of(units=[0, 1, 0, 1], items=[0, 1, 1, 0], at=[0.5] * 4, item_count=2),
        log_of(units=[0], items=[0], at=[0.5], item_count=1),
    ],
    ids=["empty", "no rows", "one unit", "one item", "nobody came back", "nothing new", "one moment", "one row"],
)
def test_split__too_little_to_learn_from__is_insufficient(log: InteractionLog):
    with pytest.raises(TrainingDataInsufficient):
        split(log)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"at": np.append(SMALL.at[:-1], math.nan)}, "at"),
        ({"at": np.append(SMALL.at[:-1], math.inf)}, "at"),
        ({"at": SMALL.at[::-1]}, "order of time"),
        ({"prices": np.array([1, math.nan, 1, 1], dtype=np.float32)}, "prices"),
        ({"prices": np.array([1, -1, 1, 1], dtype=np.float32)}, "prices"),
        ({"ratings": np.array([1, math.inf, 1, 1], dtype=np.float32)}, "ratings"),
        ({"ratings": SMALL.ratings[:2]}, "ratings"),
        ({"categories": ("a",)}, "categories"),
        ({"titles": ("a",)}, "titles"),
        ({"units": SMALL.units[1:]}, "units"),
        ({"items": np.full(10, 4, dtype=np.int32)}, "items"),
        ({"items": np.full(10, -1, dtype=np.int32)}, "items"),
        ({"kinds": np.full(10, 3, dtype=np.int8)}, "kinds"),
        ({"units": np.full(10, -1, dtype=np.int32)}, "units"),
        ({"item_ids": ("a", "b", "c", "a")}, "same id"),
        ({"end": START + timedelta(days=1)}, "outside the window"),
        ({"start": START + timedelta(days=2)}, "outside the window"),
    ],
)
def test_split__columns_that_cannot_be__are_invalid(changes: dict[str, Any], named: str):
    with pytest.raises(TrainingDataInvalid, match=named):
        split(changed(SMALL, **changes))


def test_fingerprint__any_changed_column__is_another():
    items = SMALL.items.copy()
    items[0] = 2
    changes: list[dict[str, Any]] = [
        {},
        {"items": items},
        {"at": SMALL.at + 1e-6},
        {"item_ids": ("a", "b", "c", "d")},
        {"ratings": SMALL.ratings + 1},
        {"titles": ("a", "b", "c", "d")},
        {"end": END + timedelta(days=1)},
    ]
    assert len({fingerprint(changed(SMALL, **change)) for change in changes}) == len(changes)


def test_fingerprint__the_same_numbers_in_another_layout__is_the_same():
    wide = np.repeat(SMALL.items, 2)[::2]
    assert fingerprint(changed(SMALL, items=wide, at=SMALL.at.astype(">f8"))) == fingerprint(SMALL)
