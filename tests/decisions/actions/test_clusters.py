"""Deriving clusters of a shop: from its log to intervals, never against what the shop gives or an experiment uses."""

from datetime import timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from decisions.actions.catalogue import put_items
from decisions.actions.clusters import ClustersInUse, derive_for_project
from decisions.models import ItemCluster
from decisions.queries import trade as trade_module
from decisions.queries.trade import TooManyToCluster, trade_of
from foundation.models import JournalEntry
from tests.decisions.trades import adjusted_rand, simulated
from tests.fixtures.cells import make_by_period
from tests.fixtures.messages import log
from tests.fixtures.records import ACTOR, NOW, make_project

pytestmark = pytest.mark.django_db
DAYS = 120
ASKED = {"project_key": "shop", "days": DAYS, "largest": 6, "acting_user": ACTOR, "now": NOW}


@pytest.fixture
def shop() -> tuple[int, dict[str, int]]:
    """Return a shop that sold for four months, and the true cluster of each item; it never sold `new`."""
    truth, trade = simulated(clusters=6, size=2, days=DAYS, categories=2, seed=4)
    project = make_project()
    items = [{"item_id": item, "category": kind} for item, kind in zip(trade.items, trade.categories, strict=True)]
    put_items(project_id=project, items=[*items, {"item_id": "new", "category": "c9"}])
    for day in range(DAYS):
        lines = [
            {"product_id": item, "quantity": int(units), "price": round(float(price), 2)}
            for item, units, price in zip(trade.items, trade.units[:, day], trade.prices[:, day], strict=True)
            if units
        ]
        at = NOW.replace(hour=9) - timedelta(days=DAYS - day)
        properties = {"order_id": f"o{day}", "revenue": 1, "products": lines}
        log(project, message_id=f"o{day}", event="Order Completed", at=at, properties=properties)
    return project, dict(zip(trade.items, truth.tolist(), strict=True))


def test_derive__of_a_shop__writes_the_clusters_and_a_journal_entry_and_again_nothing(shop):
    _, truth = shop
    seen = derive_for_project(**ASKED, dry_run=True)
    assert (seen.written, seen.changed, seen.priced) == (False, 13, 12)
    assert not ItemCluster.objects.exists()
    found = derive_for_project(**ASKED, dry_run=False)
    assert (found.clusters, found.changed, found.written) == (seen.clusters, 13, True)
    derived = dict(ItemCluster.objects.filter(valid_until=None).values_list("item_id", "cluster"))
    assert derived.pop("new") == "derived:new"
    items = sorted(truth)
    assert adjusted_rand(np.array([truth[item] for item in items]), np.array([derived[item] for item in items])) > 0.7
    entry = JournalEntry.objects.get(action="clusters.derive")
    assert (entry.after["items"], entry.after["changed"], entry.actor) == (13, 13, ACTOR)
    before = list(ItemCluster.objects.order_by("pk").values())
    assert derive_for_project(**ASKED, dry_run=False).changed == 0
    assert list(ItemCluster.objects.order_by("pk").values()) == before


def test_derive__items_with_a_given_cluster__are_left_out_and_keep_it(shop):
    project, truth = shop
    first = min(truth)
    put_items(project_id=project, items=[{"item_id": first, "cluster": "mine"}])
    found = derive_for_project(**ASKED, dry_run=False)
    assert first not in [item for items in found.clusters.values() for item in items]
    row = ItemCluster.objects.get(item_id=first)
    assert (row.cluster, row.origin, row.valid_until) == ("mine", "GIVEN", None)


def test_derive__another_result_later__closes_and_opens_rows(shop):
    project, _ = shop
    derive_for_project(**ASKED, dry_run=False)
    ItemCluster.objects.filter(item_id="new").update(cluster="derived:gone")
    assert derive_for_project(**ASKED, dry_run=False).changed == 0
    derive_for_project(**{**ASKED, "largest": 1}, dry_run=False)
    rows = ItemCluster.objects.filter(project_id=project)
    assert rows.filter(valid_until=None).count() == 13
    assert len(set(rows.filter(valid_until=None).values_list("cluster", flat=True))) == 13
    assert rows.exclude(valid_until=None).exists()


def test_derive__while_an_experiment_randomises_clusters__is_refused_but_may_be_looked_at(shop):
    project, _ = shop
    make_by_period(project, unit_kind="cluster")
    with pytest.raises(ClustersInUse, match="button randomises clusters"):
        derive_for_project(**ASKED, dry_run=False)
    assert not ItemCluster.objects.exists()
    assert not JournalEntry.objects.filter(action="clusters.derive").exists()
    assert derive_for_project(**ASKED, dry_run=True).changed == 13


def test_derive__more_items_than_can_be_compared__is_refused(shop, monkeypatch):
    monkeypatch.setattr(trade_module, "MOST_ITEMS", 12)
    with pytest.raises(TooManyToCluster, match="13 items"):
        derive_for_project(**ASKED, dry_run=False)


def test_trade__of_a_shop__has_units_prices_and_baskets_in_the_order_of_the_items(shop):
    project, truth = shop
    trade = trade_of(project, start=NOW - timedelta(days=10), end=NOW)
    assert trade.items == (*sorted(truth), "new")
    assert trade.categories[-1] == "c9"
    assert np.isnan(trade.units[-1]).all()
    assert np.nansum(trade.units[0]) > 0
    assert np.nanmin(trade.prices) > 5
    assert set(trade.basket_item.tolist()) == set(range(12))
    assert trade.basket.max() == 8


def test_command__shows_a_table_and_says_whether_it_wrote(shop, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    out = StringIO()
    call_command("derive_clusters", "shop", "--days", str(DAYS), "--dry-run", stdout=out)
    assert "13 items in" in out.getvalue()
    assert "lies within clusters" in out.getvalue()
    assert "Nothing was written." in out.getvalue()
    call_command("derive_clusters", "shop", "--days", str(DAYS), stdout=out)
    assert "They hold from now on." in out.getvalue()
    with pytest.raises(CommandError, match="no project"):
        call_command("derive_clusters", "nobody")
    with pytest.raises(CommandError, match="at least 1"):
        call_command("derive_clusters", "shop", "--days", "0")
