"""Both views of advertising on a decision point's page, and none of them where nothing is advertised."""

from datetime import timedelta

import pytest
from django.test import Client

from decisions.actions.pacing import pace_campaigns
from decisions.queries.ad_figures import ad_record
from decisions.queries.point_records import point_record
from decisions.queries.points import PointFacts, point_by_id
from decisions.reports.ads import ad_panel
from tests.decisions.ads import MORNING, POINT, click, make_ads, order, show
from tests.fixtures.messages import minutes
from tests.fixtures.records import NOW, make_project, simulation_clock
from tests.fixtures.registry import make_point

pytestmark = pytest.mark.django_db


@pytest.fixture
def point() -> PointFacts:
    """Return a decision point of advertising whose creatives were clicked and ordered after."""
    project = make_project()
    point = point_by_id(make_ads(project))
    for number, (creative, variant) in enumerate((("shoe-a", None), ("tea-a", "b"), ("shoe-b", "b"))):
        at, visitor = MORNING + minutes(10 * number), f"v{number}"
        show(project, creative, number=number, at=at, visitor=visitor, experiment=variant and "split", variant=variant)
        click(project, creative, number=number, at=at + minutes(1), visitor=visitor)
        order(project, number=number, at=at + minutes(5), visitor=visitor)
    show(project, "shoe-a", number=9, at=MORNING, visitor="v9")
    pace_campaigns(project_id=project, now=NOW)
    return point


def test_ad_record__clicks_and_orders__are_worth_their_bids_by_variant_and_campaign(point):
    record = ad_record(point, now=NOW)
    assert record is not None
    assert record.served == {("", ""): 500_000, ("split", "b"): 4_750_000}
    assert record.decisions == {("", ""): 2, ("split", "b"): 2}
    assert [(one.campaign, one.clicks, one.orders, one.spent, one.sales) for one in record.campaigns] == [
        ("tea", 1, 1, 4_000_000, 40_000_000),
        ("shoes", 2, 2, 1_250_000, 80_000_000),
    ]
    assert [(one.campaign, one.pace.spent) for one in record.today] == [("shoes", 1_250_000), ("tea", 4_000_000)]


def test_ad_record__of_another_domain__is_none(point):
    other = point_by_id(make_point(point.project_id))
    assert ad_record(other, now=NOW) is None
    assert ad_panel(point_record(other, now=NOW), None) is None


def test_ad_panel__both_views__have_values_of_decisions_and_returns_on_spend(point):
    panel = ad_panel(point_record(point, now=NOW), ad_record(point, now=NOW))
    assert panel is not None
    assert [(line.variant, line.decisions, line.value, line.each) for line in panel.served] == [
        ("outside experiments", "2", "0.50", "0.25"),
        ("b", "2", "4.75", "2.375"),
    ]
    assert [(line.campaign, line.spent, line.sales, line.returned) for line in panel.campaigns] == [
        ("tea", "4.00", "40.00", "10.00"),
        ("shoes", "1.25", "80.00", "64.00"),
    ]
    assert [(line.campaign, line.share, line.error) for line in panel.today] == [
        ("shoes", "12.50%", "–"),
        ("tea", "20.00%", "–"),
    ]


def test_ad_panel__variants_of_two_experiments_with_one_key__stay_apart(point):
    show(point.project_id, "shoe-a", number=20, at=MORNING, visitor="v20", experiment="other", variant="b")
    panel = ad_panel(point_record(point, now=NOW), ad_record(point, now=NOW))
    assert [(line.variant, line.decisions, line.value) for line in panel.served] == [
        ("outside experiments", "2", "0.50"),
        ("other: b", "1", "0.00"),
        ("split: b", "2", "4.75"),
    ]


def test_ad_panel__in_a_project_whose_time_flies__counts_the_decisions_of_the_same_day_as_their_clicks():
    clock = simulation_clock(origin=NOW, started_at=NOW, speed=2_000.0)
    project = make_project(clock=clock)
    point = point_by_id(make_ads(project))
    for day in range(3):
        show(project, "shoe-a", number=day, at=NOW + timedelta(days=day), visitor=f"v{day}")
        click(project, "shoe-a", number=day, at=NOW + timedelta(days=day) + minutes(1), visitor=f"v{day}")
    wall = clock.wall(NOW + timedelta(days=2, hours=1))
    panel = ad_panel(point_record(point, now=wall), ad_record(point, now=wall))
    assert [(line.decisions, line.value, line.each) for line in panel.served] == [("1", "0.50", "0.50")]


def test_ad_panel__days_that_are_over__tell_their_spend_error(point):
    tomorrow = NOW.replace(day=NOW.day + 1)
    panel = ad_panel(point_record(point, now=tomorrow), ad_record(point, now=tomorrow))
    assert panel is not None
    assert [(line.campaign, line.error) for line in panel.past] == [("shoes", "87.50%"), ("tea", "80.00%")]


def test_point_page__of_advertising__has_both_views(point, reader: Client):
    page = reader.get(f"/d/{POINT}").content.decode()
    assert "What the shop earns" in page
    assert "What campaigns get for their spend" in page
    assert "though it is not charged" in page


def test_point_page__of_recommendation__has_neither(point, reader: Client):
    make_point(point.project_id)
    assert "What the shop earns" not in reader.get("/d/home").content.decode()
