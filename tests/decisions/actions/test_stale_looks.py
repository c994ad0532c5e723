"""Events that come after a look: it is marked as stale at once, restated, and the end is what it would have been."""

import random
from datetime import timedelta

import pytest

from decisions.actions.projection import project_events
from decisions.actions.stale_looks import promise_restatements, restate
from decisions.models import ProjectionState, StaleLook
from decisions.queries.stale_looks import stale_looks
from decisions.reports.related import related_lateness
from experiments.actions.analysis import analyse
from experiments.actions.verification import verify_report
from experiments.models import Scorecard
from experiments.reports.related import NOTHING
from foundation.models import Job
from foundation.queries import project_facts
from tests.expert.population import Message, arm, exposure, look, order, receive
from tests.fixtures.cells import live_through, make_by_period, planned
from tests.fixtures.messages import log
from tests.fixtures.records import NOW, make_project, make_running
from workers.runner import run

pytestmark = pytest.mark.django_db

END = NOW + timedelta(days=9)
LOOKED = END + timedelta(hours=1)
LATER = END + timedelta(days=5)


def vouched(message: Message) -> Message:
    """Return an exposure with a slot that gives its variant."""
    assert message.enrolments is not None
    (entry,) = message.enrolments
    entry["slots"] = [None, None, 500_000 if entry["variant"] == "treatment" else 0]
    return message


def story(experiment_id: int) -> list[Message]:
    """Return what 120 visitors do in seven days, each thing received a minute later."""
    messages = [vouched(exposure(experiment_id, f"u{n}", arm(n), NOW + timedelta(minutes=48 * n))) for n in range(120)]
    ordering = [n for n in range(120) if n % 3 == 0 or n % 8 == 1]
    return messages + [order(f"u{n}", NOW + timedelta(days=3, minutes=48 * n), revenue=10 + n) for n in ordering]


def arrive(messages: list[Message], *, late: set[int]) -> list[Message]:
    """Return the messages with some of them received after the look."""
    return [
        Message(
            m.id,
            m.unit,
            m.at,
            m.event,
            m.properties,
            m.enrolments,
            LOOKED + timedelta(minutes=n) if n in late else None,
        )
        for n, m in enumerate(messages)
    ]


def take_look(experiment_id: int) -> Scorecard:
    analyse(experiment_id=experiment_id, window_end=END, received_before=LOOKED, now=LOOKED)
    return Scorecard.objects.get(experiment_id=experiment_id)


def test_stale__out_of_order_arrival__is_marked_and_restated_to_the_bytes_of_in_order_arrival():
    contents = []
    for key, shuffled in (("shop", False), ("other", True)):
        project_id = make_project(key=key)
        experiment_id = make_running(project_id)
        messages = story(experiment_id)
        in_time = [n for n, m in enumerate(messages) if m.at > LOOKED - timedelta(days=6)]
        late = set(random.Random(7).sample(in_time, 30)) if shuffled else set()
        arriving = arrive(messages, late=late)
        receive(project_id, [m for n, m in enumerate(arriving) if n not in late])
        ProjectionState.objects.filter(project_id=project_id).update(watermark=LOOKED)
        before = take_look(experiment_id)
        if not shuffled:
            assert not StaleLook.objects.exists()
            StaleLook.objects.create(scorecard=before, rows=1, newest=LOOKED)
        else:
            mixed = [m for n, m in enumerate(arriving) if n in late]
            random.Random(8).shuffle(mixed)
            receive(project_id, mixed)
            stale = StaleLook.objects.get(scorecard=before)
            # Of a unit whose exposure came late too, the outcome concerns the look from the exposure on.
            assert stale.rows == 30
            assert stale.restated_rows == 0
        ProjectionState.objects.filter(project_id=project_id).update(watermark=LATER)
        restate(scorecard_id=before.pk, now=LATER + timedelta(minutes=2))
        found = StaleLook.objects.get(scorecard=before)
        assert found.restated_rows == found.rows
        assert verify_report(experiment_id).holds
        contents.append(found.content)
        if shuffled:
            assert found.content != before.content
    assert contents[0] == contents[1]


def test_stale__rows_that_do_not_concern_the_look__leave_it_alone():
    project_id = make_project()
    experiment_id = make_running(project_id)
    messages = story(experiment_id)
    receive(project_id, messages)
    take_look(experiment_id)
    received = LOOKED + timedelta(minutes=1)
    receive(
        project_id,
        [
            Message("after", "u1", END + timedelta(minutes=1), "Product Viewed", received_at=received),
            Message("stranger", "nobody", END - timedelta(days=1), "Product Viewed", received_at=received),
            Message("before", "u1", NOW - timedelta(minutes=1), "Product Viewed", received_at=NOW),
        ],
    )
    assert not StaleLook.objects.exists()
    assert related_lateness(experiment_id) == NOTHING
    receive(project_id, [Message("its", "u1", END - timedelta(days=1), "Product Viewed", received_at=received)])
    assert StaleLook.objects.get().rows == 1
    (link,) = related_lateness(experiment_id).links
    assert (str(link.text), link.url) == ("1 row came after this look", "/ops/intake/shop")


def test_stale__line_about_a_cluster__concerns_the_look_at_clusters():
    project_id = make_project()
    experiment_id = make_by_period(project_id, unit_kind="cluster")
    cells = planned(experiment_id, [f"c{n}" for n in range(12)], 14)
    live_through(project_id, experiment_id, cells, lambda cell: 1.0, kind="cluster")
    take_look(experiment_id)
    ProjectionState.objects.update(watermark=LOOKED)
    at, received = END - timedelta(days=1), LOOKED + timedelta(hours=1)
    for number, line in enumerate(({"cluster_id": "c1"}, {})):
        order_of = {"order_id": f"late-{number}", "revenue": 1, "products": [{"product_id": "p", "price": 1, **line}]}
        name = f"late-{number}"
        log(project_id, message_id=name, event="Order Completed", at=at, received_at=received, properties=order_of)
    project_events(project_id=project_id)
    assert [stale.rows for stale in StaleLook.objects.all()] == [1], "only the line that names a cluster"


def test_promise__stale_look__is_restated_once_in_a_stretch_and_only_when_its_rows_may_be_counted():
    project_id = make_project()
    experiment_id = make_running(project_id)
    receive(project_id, story(experiment_id))
    look(experiment_id, days=9)
    card = Scorecard.objects.get()
    StaleLook.objects.create(scorecard=card, rows=3, newest=LOOKED)
    facts = project_facts(project_id)
    ProjectionState.objects.update(watermark=LOOKED)
    assert promise_restatements(facts=facts, now=LATER) == 0
    ProjectionState.objects.update(watermark=LATER)
    assert promise_restatements(facts=facts, now=LOOKED + timedelta(seconds=59)) == 0
    assert promise_restatements(facts=facts, now=LATER) == 1
    assert promise_restatements(facts=facts, now=LATER + timedelta(seconds=1)) == 0
    assert run(job_id=Job.objects.get(kind="restate").pk)

    assert restate(scorecard_id=card.pk, now=LATER) is False

    (told,) = stale_looks(project_id)
    assert (told.experiment_key, told.look, told.is_restated, told.verdict_state) == (
        "button",
        1,
        True,
        card.verdict_state,
    )
    assert promise_restatements(facts=facts, now=LATER + timedelta(hours=1)) == 0
    assert project_events(project_id=project_id).messages == 0
