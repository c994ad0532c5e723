"""Pacing: spend counted anew from the log, multipliers that move, arms of a budget split, and what edges learn."""

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection

from decisions.actions.catalogue import put_actions
from decisions.actions.pacing import PACE, pace_campaigns, promise_pacing
from decisions.actions.scheduling import enqueue_due_work
from decisions.domains.ad_placement.pacing import STEP
from decisions.models import CampaignPace
from decisions.queries.pacing import pace_columns, paces_on
from experiments.actions import lifecycle
from foundation.models import Job, Project
from foundation.queries import project_facts
from tests.decisions.ads import CREATIVES, MORNING, click, make_ads, make_split, order, show
from tests.fixtures.messages import minutes
from tests.fixtures.records import ACTOR, NOW, make_project
from workers.handlers import HANDLERS
from workers.queues import QUEUE_OF_KIND

pytestmark = pytest.mark.django_db
ITEMS = [str(creative["item_id"]) for creative in CREATIVES]
MICRO = 1_000_000


def spent(project_id: int) -> dict[tuple[str, str], float]:
    return {(one.campaign, one.arm): one.pace.spent / MICRO for one in paces_on(project_id, NOW.date())}


def clicked(project_id: int, creative: str, count: int, **changes: object) -> None:
    """Show a creative to so many visitors, who all click."""
    for number in range(count):
        visitor, at = f"{creative}-{number}", MORNING + minutes(number)
        show(project_id, creative, number=f"{creative}-{number}", at=at, visitor=visitor, **changes)  # type: ignore[arg-type]
        click(project_id, creative, number=f"{creative}-{number}", at=at + minutes(0.5), visitor=visitor)  # type: ignore[arg-type]


def test_pace_campaigns__clicks_and_orders__cost_their_bids_and_no_more():
    project = make_project()
    make_ads(project)
    clicked(project, "shoe-a", 3)
    clicked(project, "shoe-b", 1)
    clicked(project, "tea-a", 2)
    order(project, number=1, at=MORNING + minutes(30), visitor="tea-a-0")
    clicked(project, "house", 2)
    assert pace_campaigns(project_id=project, now=NOW)
    assert spent(project) == {("shoes", ""): 2.25, ("tea", ""): 4.0}


def test_pace_campaigns__three_times_at_one_moment__is_the_same_as_once():
    project = make_project()
    make_ads(project)
    clicked(project, "shoe-a", 6)
    pace_campaigns(project_id=project, now=NOW - minutes(10))
    pace_campaigns(project_id=project, now=NOW)
    rows = list(CampaignPace.objects.order_by("pk").values())
    assert not pace_campaigns(project_id=project, now=NOW)
    assert not pace_campaigns(project_id=project, now=NOW)
    assert list(CampaignPace.objects.order_by("pk").values()) == rows


def test_pace_campaigns__more_clicks_than_the_budget_pays_for__stops_the_campaign():
    project = make_project()
    make_ads(project)
    clicked(project, "shoe-a", 25)
    pace_campaigns(project_id=project, now=NOW)
    assert spent(project)[("shoes", "")] == 10.0
    columns = pace_columns(project, collection="creatives", items=ITEMS)
    assert columns["spent_out"] == [1.0, 1.0, 0.0, 0.0]
    assert pace_columns(project, collection="items", items=ITEMS) == {}


def test_pace_columns__a_campaign_whose_budget_was_taken_away__is_shown_again():
    project = make_project()
    make_ads(project)
    clicked(project, "shoe-a", 25)
    pace_campaigns(project_id=project, now=NOW)
    unlimited = {name: value for name, value in CREATIVES[0].items() if name != "budget"}
    assert not put_actions(project_id=project, collection="creatives", items=[unlimited]).refused
    columns = pace_columns(project, collection="creatives", items=ITEMS)
    assert (columns["spent_out"], columns["pace"]) == ([0.0] * 4, [0.0] * 4)


def test_pace_campaigns__spend_above_the_day__raises_the_multiplier_and_promises_a_catalogue():
    project = make_project()
    make_ads(project)
    pace_campaigns(project_id=project, now=MORNING)
    Job.objects.all().delete()
    clicked(project, "shoe-a", 6)
    assert pace_campaigns(project_id=project, now=MORNING + minutes(10))
    pace = next(one.pace for one in paces_on(project, NOW.date()) if one.campaign == "shoes")
    assert pace.multiplier > 0.0
    assert Job.objects.filter(kind="publish_catalogue", payload={"collection": "creatives"}).exists()
    columns = pace_columns(project, collection="creatives", items=["shoe-b", "house", "unknown"])
    assert columns["pace"] == [round(pace.multiplier, 2), 0.0, 0.0]


def test_pace_campaigns__nothing_changes__publishes_nothing():
    project = make_project()
    make_ads(project)
    pace_campaigns(project_id=project, now=MORNING)
    Job.objects.all().delete()
    assert not pace_campaigns(project_id=project, now=MORNING + minutes(1))
    assert not Job.objects.exists()


def test_pace_campaigns__a_budget_split__divides_budgets_and_counts_each_arm_by_itself():
    project = make_project()
    point = make_ads(project)
    experiment = make_split(project, point)
    clicked(project, "shoe-a", 4, experiment="split", variant="treatment")
    clicked(project, "shoe-b", 1)
    pace_campaigns(project_id=project, now=NOW)
    rows = {(one.campaign, one.arm): one.pace for one in paces_on(project, NOW.date())}
    arms = (f"{experiment}.control", f"{experiment}.treatment")
    assert [rows[("shoes", arm)].budget / MICRO for arm in ("", *arms)] == [5.0, 2.5, 2.5]
    assert [rows[("shoes", arm)].spent / MICRO for arm in ("", *arms)] == [0.75, 0.0, 2.0]
    columns = pace_columns(project, collection="creatives", items=ITEMS)
    assert columns[f"spent_out@{arms[1]}"] == [0.0, 0.0, 0.0, 0.0]
    assert set(columns) == {
        f"{name}{suffix}" for name in ("pace", "spent_out") for suffix in ("", *(f"@{arm}" for arm in arms))
    }


def test_pace_campaigns__a_split_that_ended__leaves_what_its_arms_spent_out_of_the_budget():
    project = make_project()
    experiment = make_split(project, make_ads(project))
    clicked(project, "shoe-a", 4, experiment="split", variant="treatment")
    pace_campaigns(project_id=project, now=MORNING + minutes(30))
    lifecycle.stop(experiment_id=experiment, acting_user=ACTOR, now=MORNING + minutes(40), reason="enough")
    pace_campaigns(project_id=project, now=NOW)
    rows = {(one.campaign, one.arm): one.pace for one in paces_on(project, NOW.date())}
    assert rows[("shoes", "")].budget / MICRO == 8.0
    assert rows[("shoes", f"{experiment}.treatment")].spent / MICRO == 2.0
    assert sum(pace.spent for (campaign, _), pace in rows.items() if campaign == "shoes") <= 10 * MICRO


def test_pace_campaigns__what_comes_late_after_midnight__is_still_counted_for_its_day():
    project = make_project()
    make_ads(project)
    evening = NOW.replace(hour=23, minute=50)
    pace_campaigns(project_id=project, now=evening)
    show(project, "shoe-a", number=1, at=evening)
    click(project, "shoe-a", number=1, at=evening + minutes(5))
    pace_campaigns(project_id=project, now=evening + minutes(20))
    assert spent(project)[("shoes", "")] == 0.5
    today = {one.campaign: one.pace.spent for one in paces_on(project, (NOW + timedelta(days=1)).date())}
    assert today == {"shoes": 0, "tea": 0}


def test_pace_campaigns__no_campaign_has_a_budget__does_nothing():
    project = make_project()
    make_ads(project, {"item_id": "a", "campaign": "x", "bid": 1})
    assert not pace_campaigns(project_id=project, now=NOW)
    assert promise_pacing(facts=project_facts(project), now=NOW) == 0
    assert not CampaignPace.objects.exists()


def test_promise_pacing__once_a_minute__and_never_beside_an_open_one():
    project = make_project()
    make_ads(project)
    enqueue_due_work(now=NOW)
    assert Job.objects.filter(kind=PACE).count() == 1
    assert promise_pacing(facts=project_facts(project), now=NOW + minutes(1)) == 0
    Job.objects.filter(kind=PACE).update(state="DONE")
    assert promise_pacing(facts=project_facts(project), now=NOW + minutes(0.5)) == 0
    assert promise_pacing(facts=project_facts(project), now=NOW + minutes(1)) == 1
    assert PACE in HANDLERS
    assert PACE in QUEUE_OF_KIND


@pytest.mark.django_db(transaction=True)
def test_pace_campaigns__two_at_once__leave_one_valid_state():
    project = make_project()
    make_ads(project)
    clicked(project, "shoe-a", 5)
    faults: list[Exception] = []

    def run() -> None:
        try:
            pace_campaigns(project_id=project, now=NOW)
        except Exception as error:  # noqa: BLE001 - told to the test
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert spent(project) == {("shoes", ""): 2.5, ("tea", ""): 0.0}


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_pace_campaigns__on_the_days_that_clocks_change__moves_by_the_time_that_has_passed(day):
    project = make_project()
    Project.objects.filter(pk=project).update(time_zone="Europe/Berlin")
    make_ads(project)
    noon = datetime.fromisoformat(f"{day}T12:00+00:00")
    for minute in range(3):
        pace_campaigns(project_id=project, now=noon + minutes(minute))
    fast = {one.campaign: one.pace for one in paces_on(project, noon.date())}["shoes"]
    CampaignPace.objects.update(multiplier=10.0)
    pace_campaigns(project_id=project, now=noon + minutes(3))
    slower = {one.campaign: one.pace for one in paces_on(project, noon.date())}["shoes"]
    assert fast.multiplier == 0.0
    # One minute without spend takes one step of a period off the multiplier, a little more or less where a day is not
    # 24 hours long.
    assert 10.0 - slower.multiplier == pytest.approx(STEP, rel=0.05)
