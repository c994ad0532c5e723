import json
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from decisions.ingest.receive import receive
from decisions.vocabulary import MessageStatus, Rejection
from foundation.ids import hash_unit
from tests.decisions.published import PEPPER, companion, intake, live, message, raws
from tests.experiments.assignment.builders import AT


def test_receive__good_message__becomes_a_row_without_the_plain_ids() -> None:
    received = receive(raws(message(userId="c-1", context={"sessionId": "s-1"})), None, intake())

    (row,) = received.rows
    assert (row.project_id, row.day, row.message_id, row.kind) == (1, AT.date(), "message-1", "track")
    assert row.visitor == hash_unit(PEPPER, "visitor", "v-1")
    assert row.customer == hash_unit(PEPPER, "customer", "c-1")
    assert row.session == hash_unit(PEPPER, "session", "s-1")
    assert (row.item, row.store, row.enrolments) == ("p-1", None, None)
    assert json.loads(row.properties) == {"product_id": "p-1", "price": 19.99}
    assert (row.occurred_at, row.corrected_at) == (AT, AT)


def test_receive__batch_with_poison__isolates_it_and_keeps_the_order() -> None:
    bodies = [*raws(message(1), message(2, event=None)), b"NaN", *raws(message(3), message(1))]

    received = receive(bodies, None, intake())
    results = received.results({(AT.date(), "message-1"), (AT.date(), "message-3")})

    assert [(r.index, r.message_id, r.status, r.reason) for r in results] == [
        (0, "message-1", MessageStatus.ACCEPTED, None),
        (1, "message-2", MessageStatus.REJECTED, Rejection.EVENT_MISSING),
        (2, None, MessageStatus.REJECTED, Rejection.MALFORMED),
        (3, "message-3", MessageStatus.ACCEPTED, None),
        (4, "message-1", MessageStatus.DUPLICATE, None),
    ]


def test_receive__message_that_was_there_before__is_a_duplicate() -> None:
    received = receive(raws(message(1)), None, intake())

    assert [r.status for r in received.results(set())] == [MessageStatus.DUPLICATE]


def test_receive__sent_at__corrects_the_clock_of_the_client() -> None:
    sent = (AT - timedelta(hours=3)).isoformat()
    early = (AT - timedelta(hours=4)).isoformat()
    own = (AT - timedelta(hours=2)).isoformat()

    received = receive(raws(message(1, timestamp=early), message(2, timestamp=early, sentAt=own)), sent, intake())

    assert [row.corrected_at for row in received.rows] == [AT - timedelta(hours=1), AT - timedelta(hours=2)]
    assert {row.occurred_at for row in received.rows} == {AT - timedelta(hours=4)}


def test_receive__simulation__keeps_days_by_the_clock_of_the_project() -> None:
    clock = {"kind": "SIMULATION", "origin": "2020-02-28T12:00:00Z", "speed": 1.0, "started_at": AT.isoformat()}
    bundle = live(secrets=companion(clock=clock))
    now = bundle.clock.at(AT + timedelta(hours=24))
    in_time = message(1, timestamp="2020-02-27T00:00:00Z")
    by_wall_clock = message(2, timestamp=AT.isoformat())

    received = receive(raws(in_time, by_wall_clock), None, intake(bundle, now=now))

    assert [row.day for row in received.rows] == [date(2020, 2, 27), date(2020, 2, 29)]
    assert received.rows[1].occurred_at == AT


def test_receive__exposure__carries_its_enrolments() -> None:
    claim = {"experiment": "experiment-1", "variant": "control", "decision_token": "forged"}

    (row,) = receive(raws(message(event="Experiment Viewed", properties=claim)), None, intake()).rows

    assert row.enrolments is not None
    (entry,) = json.loads(row.enrolments)
    assert (entry["experiment"], entry["reason"], entry["verification"]) == (1, "TOKEN_MALFORMED", "TOKEN")
    assert json.loads(row.properties) == {"experiment": "experiment-1", "variant": "control"}


def test_receive__other_kinds__have_no_event_and_no_enrolments() -> None:
    kinds = ["identify", "page", "screen", "group"]
    bodies = raws(*(message(n, type=kind, event="Experiment Viewed") for n, kind in enumerate(kinds)))

    rows = receive(bodies, None, intake()).rows

    assert [(row.kind, row.event, row.enrolments) for row in rows] == [(kind, None, None) for kind in kinds]


def test_receive__dropped_properties__are_counted() -> None:
    received = receive(raws(message(1, properties={"email": "e", "sku": "s"}), message(2)), None, intake())

    assert received.dropped_properties == 1


@given(st.lists(st.binary(max_size=40) | st.sampled_from(raws(*(message(n) for n in range(4)))), max_size=8))
def test_receive__whatever_is_sent__every_message_has_one_result(bodies: list[bytes]) -> None:
    received = receive(bodies, "no time", intake(now=datetime(2026, 6, 1, tzinfo=UTC)))
    results = received.results({row.key for row in received.rows})

    assert [result.index for result in results] == list(range(len(bodies)))
    accepted = {r.message_id for r in results if r.status is MessageStatus.ACCEPTED}
    assert accepted == {row.message_id for row in received.rows}
