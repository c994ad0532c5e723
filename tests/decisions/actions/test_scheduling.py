from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from decisions.actions.catalogue import publish_catalogue, put_items
from decisions.actions.projection import project_events
from decisions.actions.scheduling import enqueue_due_work, latest_window_end
from decisions.models import DecisionPoint, ProjectionState
from foundation.actions.projects import create_project
from foundation.models import Job
from foundation.queries import project_facts
from tests.fixtures.learning import make_learner
from tests.fixtures.messages import log, log_exposure
from tests.fixtures.records import ACTOR, NOW, make_project, make_running, simulation_clock
from tests.fixtures.registry import make_point

pytestmark = pytest.mark.django_db


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        return cursor.fetchone()[0]


def looks() -> list[str]:
    return sorted(Job.objects.filter(kind="analyse").values_list("key", flat=True))


@pytest.fixture
def running():
    """Return (project, experiment, now) of a simulated project three of whose days have passed."""
    now = database_now()
    started = now - timedelta(seconds=90)
    clock = simulation_clock(origin=datetime(2026, 1, 1, tzinfo=UTC), started_at=started, speed=86_400 / 30)
    project_id = make_project(clock=clock, now=started)
    return project_id, make_running(project_id, now=started + timedelta(seconds=1)), now


def receive_until(project_id: int, experiment_id: int, seconds: list[float], now: datetime) -> None:
    """Log an exposure received so many seconds before now, at its own project time."""
    clock = project_facts(project_id).clock
    for number in seconds:
        received = now - timedelta(seconds=number)
        at = clock.at(received)
        log_exposure(
            project_id, experiment_id, message_id=f"e{number}", at=at, received_at=received, visitor=f"v{number}"
        )


def test_enqueue_due_work__messages_wait__promises_one_projection(running):
    project_id, experiment_id, now = running
    receive_until(project_id, experiment_id, [80, 40], now)
    enqueue_due_work(now=now)
    enqueue_due_work(now=now)
    assert Job.objects.filter(kind="project_events").count() == 1
    assert looks() == []


def test_enqueue_due_work__window_is_projected_while_new_messages_keep_coming__promises_its_look_once(running):
    project_id, experiment_id, now = running
    receive_until(project_id, experiment_id, [80, 40], now)
    project_events(project_id=project_id)
    window_end = latest_window_end(facts=project_facts(project_id), now=now)
    ends = project_facts(project_id).clock.wall(window_end)
    ProjectionState.objects.update(watermark=ends + timedelta(seconds=3))
    receive_until(project_id, experiment_id, [(now - ends).total_seconds() - 4], now)
    enqueue_due_work(now=now)
    enqueue_due_work(now=now)
    assert Job.objects.filter(kind="project_events").count() == 1
    assert looks() == [f"analyse:{experiment_id}:{window_end.isoformat()}"]


def test_enqueue_due_work__projector_is_behind_the_windows_end__waits_with_the_look(running):
    project_id, experiment_id, now = running
    receive_until(project_id, experiment_id, [80, 40], now)
    ProjectionState.objects.create(project_id=project_id, watermark=now - timedelta(seconds=85))
    enqueue_due_work(now=now)
    assert looks() == []


def test_enqueue_due_work__nothing_waits__promises_the_look(running):
    project_id, experiment_id, now = running
    receive_until(project_id, experiment_id, [80], now)
    project_events(project_id=project_id)
    enqueue_due_work(now=now)
    assert len(looks()) == 1


def test_enqueue_due_work__experiment_launched_after_the_windows_end__has_no_look_yet():
    project_id = make_project(now=database_now())
    make_running(project_id, now=database_now())
    log(project_id, message_id="m", event="Product Viewed", at=database_now() - timedelta(minutes=2))
    project_events(project_id=project_id)
    enqueue_due_work(now=database_now())
    assert looks() == []


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        ("UTC", "2026-06-10T12:00:00+00:00", "2026-06-10T00:00:00+00:00"),
        ("UTC", "2026-06-10T00:01:00+00:00", "2026-06-09T00:00:00+00:00"),
        ("Asia/Shanghai", "2026-06-10T12:00:00+00:00", "2026-06-09T16:00:00+00:00"),
        ("Asia/Shanghai", "2026-06-10T16:02:00+00:00", "2026-06-10T16:00:00+00:00"),
        ("Europe/Berlin", "2026-03-29T12:00:00+00:00", "2026-03-28T23:00:00+00:00"),
        ("Europe/Berlin", "2026-03-30T12:00:00+00:00", "2026-03-29T22:00:00+00:00"),
        ("Europe/Berlin", "2026-10-25T23:30:00+00:00", "2026-10-25T23:00:00+00:00"),
    ],
)
def test_latest_window_end__time_zones_and_clock_changes__is_the_last_local_midnight(zone, now, expected):
    moment = datetime.fromisoformat(now)
    project_id = create_project(
        key="zoned", name="Zoned", currency="USD", time_zone=zone, acting_user=ACTOR, now=moment
    )
    found = latest_window_end(facts=project_facts(project_id), now=moment)
    assert found.astimezone(UTC) == datetime.fromisoformat(expected)


def test_enqueue_due_work__catalogue__is_published_once_a_day_and_when_a_point_begins_to_ask_how_old_it_is():
    project_id = make_project()
    make_point(project_id)
    put_items(project_id=project_id, items=[{"item_id": "mug"}])
    publish_catalogue(project_id=project_id, now=NOW)
    Job.objects.filter(kind="publish_catalogue").delete()

    def promised(now: datetime) -> int:
        enqueue_due_work(now=now)
        return Job.objects.filter(kind="publish_catalogue").count()

    assert [promised(NOW + timedelta(hours=hour)) for hour in (0, 1, 13, 14)] == [1, 1, 2, 2]
    DecisionPoint.objects.update(most_age_minutes=30)
    assert [promised(NOW + timedelta(hours=hour)) for hour in (15, 16)] == [3, 3]


def test_enqueue_due_work__point_of_a_domain_that_is_gone__keeps_no_other_project_waiting(running):
    project_id, experiment, now = running
    other = make_project(key="other")
    make_learner(make_point(other))
    DecisionPoint.objects.filter(project_id=other).update(domain="gone")
    receive_until(project_id, experiment, [60.0, 10.0], now)
    enqueue_due_work(now=now)
    assert Job.objects.filter(kind="project_events", project_id=project_id).count() == 1
