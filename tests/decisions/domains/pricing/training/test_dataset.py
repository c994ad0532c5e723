"""Sales logs split in time, and those that teach nothing refused with what is wrong with them."""

from datetime import datetime

import numpy as np
import pytest

from decisions.domains.pricing.training.dataset import LEAST_DAYS, fingerprint, split_log
from models_registry.pipeline import TrainingDataInsufficient, TrainingDataInvalid
from tests.decisions.domains.pricing.training.shops import START, changed, of_tables, shop

SMALL = shop(items=12, days=70, clusters=3).log
DAY = 86_400.0


def test_split__a_log__judges_whole_weeks_of_its_latest_days():
    found = split_log(SMALL, test_share=0.2)
    split = datetime.fromisoformat(found.facts["split_at"])
    assert split.timestamp() == START.timestamp() + 56 * DAY
    assert np.bincount(found.weeks).tolist() == [7] * 24
    assert found.learnt.day.max() == found.judged.day.min() - 1
    assert (len(found.learnt), len(found.judged), found.facts["rows"]) == (56 * 12, 14 * 12, 70 * 12)
    assert found.facts["item_weeks"] == 24
    assert (found.learnt.units.sum() + found.judged.units.sum()) == SMALL.units.sum() == found.facts["units"]


def test_split__clusters_and_categories__are_places_and_minus_one_for_none():
    log = changed(SMALL, clusters=("b", "a", "") * 4, categories=("",) * 12)
    found = split_log(log, test_share=0.2)
    assert found.cluster.tolist() == [1, 0, -1] * 4
    assert found.group.tolist() == [-1] * 12


def test_split__days_without_a_price__have_the_one_before_them():
    price = SMALL.price.copy()
    price[(SMALL.series == 3) & (SMALL.at > START.timestamp() + 60 * DAY)] = np.nan
    price[(SMALL.series == 4)] = np.nan
    price[(SMALL.series == 5) & (SMALL.at < START.timestamp() + 10 * DAY)] = 0.0
    found = split_log(changed(SMALL, price=price), test_share=0.2)
    known = SMALL.price[SMALL.series == 3]
    third = found.judged.price[found.judged.item == found.item_ids.index("item-3")]
    assert np.exp(third[-9:]) == pytest.approx(np.full(9, known[60]))
    assert "item-4" not in found.item_ids
    fifth = np.exp(found.learnt.price[found.learnt.item == found.item_ids.index("item-5")])
    assert fifth[:10] == pytest.approx(np.full(10, SMALL.price[SMALL.series == 5][10]))


def test_split__days_on_which_an_item_was_not_there__are_neither_learnt_nor_judged():
    gone = np.where((SMALL.series == 2) & (SMALL.at > START.timestamp() + 65 * DAY), 0.4, 1.0)
    half = np.where(SMALL.series == 1, 0.75, gone)
    found = split_log(changed(SMALL, in_stock=half), test_share=0.2)
    judged = found.judged
    assert np.count_nonzero(judged.item == found.item_ids.index("item-2")) == 7
    assert (found.learnt.open[found.learnt.item == found.item_ids.index("item-1")] == 0.75).all()


def test_split__an_item_that_was_first_sold_late__is_not_judged():
    units = SMALL.units.copy()
    units[(SMALL.series == 0) & (SMALL.at < START.timestamp() + 60 * DAY)] = 0.0
    found = split_log(changed(SMALL, units=units), test_share=0.2)
    assert found.item_ids == tuple(f"item-{n}" for n in range(1, 12))
    assert found.learnt.items == 11
    assert np.unique(found.judged.item).tolist() == list(range(11))


def flat(days: int, items: int = 3, units: float = 2.0):
    return of_tables(np.full((days, items), units), np.full((days, items), 9.5))


@pytest.mark.parametrize(
    ("log", "told"),
    [
        (changed(flat(0)), "no whole day with a sale"),
        (flat(60), "No item changed its price"),
        (flat(60, units=0.0), "Nothing was sold"),
        (shop(items=5, days=30).log, f"there must be {LEAST_DAYS}"),
        (changed(SMALL, price=np.full(len(SMALL.at), np.nan)), "No item has a known price"),
        (changed(SMALL, in_stock=np.zeros(len(SMALL.at))), "No item has a known price"),
    ],
)
def test_split__a_log_that_teaches_nothing__is_refused_with_a_reason(log, told: str):
    with pytest.raises(TrainingDataInsufficient, match=told):
        split_log(log, test_share=0.2)


def test_split__prices_that_changed_only_lately__teach_nothing_yet():
    log = flat(60)
    price = np.where(log.at > START.timestamp() + 55 * DAY, 8.0, log.price)
    with pytest.raises(TrainingDataInsufficient, match="in an experiment"):
        split_log(changed(log, price=price), test_share=0.2)


def test_split__nothing_on_sale_for_a_whole_week__leaves_nothing_to_judge_by():
    late = SMALL.at >= START.timestamp() + 50 * DAY
    away = late & ((SMALL.at / DAY).astype(int) % 3 == 0)
    with pytest.raises(TrainingDataInsufficient, match="judge by"):
        split_log(changed(SMALL, in_stock=np.where(away, 0.0, 1.0)), test_share=0.2)


ONE = np.arange(len(SMALL.at)) == 17


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"units": np.where(ONE, -1.0, SMALL.units)}, "units has negative"),
        ({"units": np.where(ONE, np.nan, SMALL.units)}, "units has values that are not finite"),
        ({"units": SMALL.units[:-1]}, "units has not the length"),
        ({"price": np.where(ONE, -2.0, SMALL.price)}, "price has negative"),
        ({"price": np.where(ONE, np.inf, SMALL.price)}, "price has values out of bounds"),
        ({"paid": np.where(ONE, 1e15, SMALL.paid)}, "paid has values out of bounds"),
        ({"in_stock": np.where(ONE, 1.5, SMALL.in_stock)}, "in_stock has values above 1"),
        ({"series": np.where(ONE, 99, SMALL.series)}, "series has codes out of bounds"),
        ({"series": SMALL.series[::-1]}, "not in the order"),
        ({"at": SMALL.at[::-1]}, "not in the order"),
        ({"clusters": ("a",)}, "clusters has not one entry"),
        ({"series_ids": ("a",) * 12}, "same id"),
    ],
)
def test_split__columns_that_cannot_be__are_refused_by_name(changes, told: str):
    with pytest.raises(TrainingDataInvalid, match=told):
        split_log(changed(SMALL, **changes), test_share=0.2)


def test_fingerprint__other_figures__are_other_data():
    assert fingerprint(SMALL) == fingerprint(shop(items=12, days=70, clusters=3).log)
    assert fingerprint(SMALL) != fingerprint(changed(SMALL, units=np.where(ONE, 1e3, SMALL.units)))
    assert fingerprint(SMALL) != fingerprint(changed(SMALL, clusters=("z",) * 12))
