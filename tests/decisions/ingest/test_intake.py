"""Messages through the real edge: every one has a figure, poison is isolated, and nothing counts twice."""

import gzip
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.edge import Edge
from config.edge.events import EventDesk
from decisions.actions.projection import project_events
from decisions.actions.publishing import publish_bundle
from decisions.queries.intake import IntakeDay, intake_days, noted_at_the_door, set_aside
from decisions.vocabulary import IntakeKind
from foundation.actions.projects import issue_api_key
from tests.config.edges import call, start_edge
from tests.fixtures.records import ACTOR, make_project, make_running

pytestmark = pytest.mark.django_db(transaction=True)


class Door:
    """An edge with a project, its keys and an experiment, and what the database says of it."""

    def __init__(self, edge: Edge, project_id: int, client: str, server: str) -> None:
        self.edge, self.project_id, self.client, self.server = edge, project_id, client, server

    def send(self, messages: list[Any], *, key: str = "", zipped: bool = False, **envelope: Any) -> dict[str, Any]:
        parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in messages]
        head = "".join(f",{json.dumps(name)}:{json.dumps(value)}" for name, value in envelope.items()).encode()
        body = b'{"batch":[' + b",".join(parts) + b"]" + head + b"}"
        headers = {"HTTP_CONTENT_ENCODING": "gzip"} if zipped else {}
        answer = call(
            self.edge, "/v1/batch", gzip.compress(body) if zipped else body, key=key or self.client, **headers
        )
        assert answer.status == 202, answer.body
        return dict(answer.json)

    def project(self) -> None:
        """Let the receipts be old enough, and project them."""
        since_midnight = (datetime.now(UTC) - datetime.combine(datetime.now(UTC), time(), UTC)).total_seconds()
        if since_midnight < 100:  # Receipts would fall on another day than what was counted.
            sleep(100 - since_midnight)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE decisions_eventlog SET received_at = received_at - interval '90 seconds'")
            cursor.execute("DELETE FROM decisions_projectionstate")
        project_events(project_id=self.project_id)

    def figures(self) -> list[IntakeDay]:
        """Return the figures of all days, once everything counted is written."""
        (desk,) = (desk for desk in self.edge.desks if isinstance(desk, EventDesk))
        assert desk._counts is not None
        assert desk._counts.flush()  # what a thread would do in two seconds
        today = datetime.now(UTC).date()
        return intake_days(self.project_id, first=today - timedelta(days=3), last=today + timedelta(days=1))


@pytest.fixture
def door(database_url: str, tmp_path: Path) -> Iterator[Door]:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE decisions_eventlog, experiments_outcome")
    now = datetime.now(UTC)
    project_id = make_project(now=now)
    make_running(project_id, now=now - timedelta(days=1))
    keys = [
        issue_api_key(project_id=project_id, kind=kind, name=kind, acting_user=ACTOR, now=now).secret
        for kind in ("client", "server")
    ]
    publish_bundle(project_id=project_id)
    edge = start_edge(database_url, tmp_path)
    yield Door(edge, project_id, *keys)
    edge.close()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE decisions_eventlog, experiments_outcome")


def stamp(ago: timedelta = timedelta(0)) -> str:
    return (datetime.now(UTC) - ago).isoformat()


def track(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "messageId": f"m-{number}",
        "anonymousId": f"v-{number % 7}",
        "event": "Product Viewed",
        "timestamp": stamp(),
        "properties": {"product_id": "p", "price": 5},
    } | changes


ODD = st.one_of(
    st.builds(track, st.integers(0, 5)),
    st.builds(lambda number: track(number, event=None), st.integers(0, 5)),
    st.builds(lambda number: track(number, timestamp="yesterday"), st.integers(6, 9)),
    st.builds(lambda number: track(number, timestamp=stamp(timedelta(days=9))), st.integers(10, 12)),
    st.builds(lambda number: track(number, timestamp=stamp(timedelta(days=-3))), st.integers(13, 15)),
    st.builds(lambda number: track(number, event="Order Completed", properties={}), st.integers(16, 18)),
    st.builds(
        lambda number: track(number, event="Experiment Viewed", properties={"experiment": "x"}), st.integers(19, 21)
    ),
    st.builds(lambda number: track(number, properties={"email": "a", "price": 1}), st.integers(22, 24)),
    st.sampled_from([b"NaN", b"[1", b'"', b"1e400", b'{"type":"track"}', b"[" * 1_000, b'{"a":"\\ud800"}', b"5"]),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(ODD, min_size=1, max_size=12), min_size=1, max_size=4), is_server=st.booleans())
def test_intake__whatever_is_sent__accepted_quarantined_and_rejected_are_what_was_received(
    door: Door, batches: list[list[Any]], is_server: bool
) -> None:
    before = sum(day.received for day in door.figures())

    answers = [door.send(batch, key=door.server if is_server else door.client) for batch in batches if _parses(batch)]
    door.project()

    days = door.figures()
    assert [day.unaccounted for day in days] == [0] * len(days)
    assert sum(day.received for day in days) - before == sum(len(answer["results"]) for answer in answers)
    for day in days:
        assert day.accepted >= 0
        assert day.accepted + day.quarantined + day.rejected == day.received


def _parses(batch: list[Any]) -> bool:
    """Return whether the batch can be taken apart: text that is cut off swallows its neighbours."""
    return not any(part in (b"[1", b'"', b"[" * 1_000) for part in batch)


def test_intake__one_of_a_thousand_is_poison__the_others_are_stored_and_the_index_is_told(door: Door) -> None:
    poison = {
        "NUL_CHARACTER": track(5_000, properties={"coupon": "a\0b"}),
        "MALFORMED": b'{"type":"track","messageId":"x","anonymousId":"v","event":"e","properties":{"price":1e400}}',
        "TOO_DEEP": b'{"type":"track","messageId":"x","anonymousId":"v","event":"e","properties":'
        + b'{"a":' * 1_000
        + b"1"
        + b"}" * 1_001,
        "TOO_LARGE": track(5_001, properties={"coupon": "x" * 32_769}),
    }
    surrogate = b'{"type":"track","messageId":"x","anonymousId":"v","event":"e","properties":{"coupon":"\\ud800"}}'
    for start, (reason, bad) in enumerate([*poison.items(), ("MALFORMED", surrogate)]):
        batch: list[Any] = [track(10_000 * (start + 1) + number) for number in range(999)]
        batch.insert(499, bad)
        answer = door.send(batch)
        assert (answer["accepted"], answer["duplicate"], answer["rejected"]) == (999, 0, 1)
        (refused,) = [result for result in answer["results"] if result["status"] == "rejected"]
        assert (refused["index"], refused["reason"]) == (499, reason)
    (day,) = door.figures()
    assert (day.received, day.accepted, day.rejected) == (5_000, 4_995, 5)


def test_intake__the_whole_log_sent_again_shuffled_plain_and_compressed__stores_nothing_twice(door: Door) -> None:
    messages = [track(number, timestamp=stamp(timedelta(hours=number % 40))) for number in range(600)]
    first = [door.send(messages[start : start + 100]) for start in range(0, 600, 100)]
    assert sum(answer["accepted"] for answer in first) == 600
    with connection.cursor() as cursor:
        cursor.execute("UPDATE decisions_eventlog SET received_at = received_at - interval '1 day'")
    for seed in (1, 2):
        random.Random(seed).shuffle(messages)
        again = [door.send(messages[start : start + 150], zipped=seed == 2) for start in range(0, 600, 150)]
        assert {(answer["accepted"], answer["duplicate"]) for answer in again} == {(0, 150)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM decisions_eventlog WHERE project_id = %s", [door.project_id])
        assert cursor.fetchone() == (600,)
    assert [(day.received, day.duplicates) for day in door.figures()] == [(1_800, 1_200)]


def test_intake__things_worth_a_warning__are_noted_with_an_example_and_without_ids(door: Door) -> None:
    door.send(
        [
            track(1, properties={"email": "someone@example.org", "price": 1}),
            track(2, timestamp=stamp(timedelta(hours=5))),
            track(3, event="Experiment Viewed", properties={"experiment": "button", "variant": "control"}),
            track(4, anonymousId=5),
        ],
        key=door.server,
        sentAt=stamp(timedelta(hours=2)),
    )
    door.project()
    door.figures()

    noted = {note.kind: note for note in noted_at_the_door(door.project_id, first=datetime.now(UTC).date())}

    assert {kind: note.count for kind, note in noted.items()} == {
        IntakeKind.REJECTED: 1,
        IntakeKind.DROPPED: 1,
        IntakeKind.LATE: 1,
        IntakeKind.SKEWED: 3,
        IntakeKind.UNVERIFIED: 1,
    }
    assert noted[IntakeKind.REJECTED].reason == "UNIT_INVALID"
    assert noted[IntakeKind.REJECTED].key_kinds == {"server": 1}
    assert all(note.example is not None for note in noted.values())
    assert "someone" not in json.dumps([note.example for note in noted.values()])


@pytest.mark.parametrize(
    ("skew", "reason"),
    [
        (timedelta(hours=24), None),
        (timedelta(hours=-24), None),
        (timedelta(hours=3), None),
        (timedelta(0), None),
    ],
)
def test_intake__client_with_a_wrong_clock__is_corrected_to_the_round_trip(
    door: Door, skew: timedelta, reason: str | None
) -> None:
    happened = datetime.now(UTC) - timedelta(minutes=10)
    sent = datetime.now(UTC)
    door.send([track(1, timestamp=(happened + skew).isoformat())], sentAt=(sent + skew).isoformat())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT corrected_at, occurred_at FROM decisions_eventlog WHERE project_id = %s", [door.project_id]
        )
        corrected, occurred = cursor.fetchone()
    assert occurred == happened + skew
    assert timedelta(0) <= corrected - happened <= datetime.now(UTC) - sent
    door.project()
    assert [entry.reason for entry in set_aside(door.project_id, first=happened.date() - timedelta(days=1))] == []


def test_intake__history__needs_a_server_key_and_counts_only_outside_experiments(door: Door) -> None:
    old = track(
        1, timestamp=stamp(timedelta(days=300)), event="Order Completed", properties={"order_id": "a", "revenue": 5}
    )
    inside = track(2, timestamp=stamp(timedelta(hours=20)))
    exposure = track(3, event="Experiment Viewed", timestamp=stamp(timedelta(days=300)))
    ancient = track(4, timestamp=stamp(timedelta(days=500)))
    own_words = track(5, timestamp=stamp(timedelta(days=100)), context={"backfill": True})

    refused = door.send([old], backfill=True)
    assert [result["reason"] for result in refused["results"]] == ["BACKFILL_FORBIDDEN"]
    assert door.send([old, inside, exposure, ancient], key=door.server, backfill=True)["accepted"] == 4
    assert door.send([own_words, track(6, timestamp=stamp(timedelta(days=100)))], key=door.server)["accepted"] == 2
    door.project()

    first = datetime.now(UTC).date() - timedelta(days=1)
    assert {entry.reason: entry.count for entry in set_aside(door.project_id, first=first)} == {
        "HISTORY_EXPOSURE": 1,
        "HISTORY_INSIDE_EXPERIMENT": 1,
        "TOO_LATE": 2,
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT message_id FROM experiments_outcome WHERE line = 0 ORDER BY 1")
        assert cursor.fetchall() == [("m-1",), ("m-5",)]
