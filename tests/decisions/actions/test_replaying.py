"""Replaying the quarantine: what was mended counts from now on; a second time changes nothing more."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from decisions.actions.projection import project_events, rebuild
from decisions.actions.replaying import replay_quarantine
from decisions.models import ProjectionState, Replay, StaleLook
from experiments.actions.verification import verify_report
from experiments.models import FirstExposure, Outcome, Quarantine, Scorecard
from experiments.queries.evidence import evidence_facts
from foundation.models import JournalEntry
from tests.decisions.actions.test_stale_looks import vouched
from tests.expert.population import arm, exposure, look, order, receive
from tests.fixtures.messages import log, unit_of
from tests.fixtures.records import ACTOR, NOW, make_project, make_running

pytestmark = pytest.mark.django_db

CLAIM = {
    "experiment": None,
    "variant": "treatment",
    "epoch": None,
    "probability": None,
    "slots": [None, None, None],
    "unit": None,
    "unit_kind": None,
    "verification": "UNVERIFIED",
    "reason": "EXPERIMENT_UNKNOWN",
}


def claim(project_id: int, number: int, *, key: str = "button", at=NOW + timedelta(minutes=5), variant="treatment"):
    """Log an exposure of an experiment that the edge did not know when it came."""
    log(
        project_id,
        message_id=f"e{number}",
        event="Experiment Viewed",
        at=at,
        visitor=f"v{number}",
        properties={"experiment": key},
        enrolments=[CLAIM | {"variant": variant}],
    )


def replay(**changes):
    return replay_quarantine(project_key="shop", acting_user=ACTOR, now=NOW, **changes)


def test_replay__experiment_known_by_now__its_exposures_count_with_their_own_times():
    project_id = make_project()
    claim(project_id, 1)
    claim(project_id, 2, key="nothing")
    claim(project_id, 3, at=NOW - timedelta(minutes=5))
    claim(project_id, 4, variant="nobody")
    log(project_id, message_id="o", event="Order Completed", at=NOW, properties={})
    project_events(project_id=project_id)
    experiment_id = make_running(project_id)
    assert Quarantine.objects.count() == 5

    done = replay(why="the experiment was launched a moment later")

    assert (done.judged, done.released, done.exposures, done.outcomes) == (5, 1, 1, 0)
    assert done.before == {"AMOUNT_MISSING": 1, "EXPERIMENT_UNKNOWN": 4}
    assert done.after == {"AMOUNT_MISSING": 1, "EXPERIMENT_UNKNOWN": 3}
    (row,) = FirstExposure.objects.all()
    assert (row.experiment_id, row.unit, row.variant.key, row.epoch, row.probability, row.verification) == (
        experiment_id,
        unit_of(project_id, "v1"),
        "treatment",
        1,
        0.5,
        "UNVERIFIED",
    )
    assert row.exposed_at == NOW + timedelta(minutes=5)
    assert row.received_at > row.exposed_at
    entry = JournalEntry.objects.get(action="quarantine.replay")
    assert (entry.actor, entry.reason, entry.after["released"]) == (
        ACTOR,
        "the experiment was launched a moment later",
        1,
    )


def test_replay__second_time__changes_nothing_more():
    project_id = make_project()
    for number in range(4):
        claim(project_id, number, key="button" if number else "nothing")
    project_events(project_id=project_id)
    make_running(project_id)
    replay()
    before, rows = evidence_facts(project_id), list(Quarantine.objects.order_by("pk").values())

    again = replay()

    assert (again.released, again.exposures, again.before) == (0, 0, again.after)
    assert evidence_facts(project_id) == before
    assert list(Quarantine.objects.order_by("pk").values()) == rows
    assert Replay.objects.count() == 3


def test_replay__one_reason__leaves_the_others_alone():
    project_id = make_project()
    claim(project_id, 1)
    log(project_id, message_id="o", event="Order Completed", at=NOW, properties={})
    project_events(project_id=project_id)
    make_running(project_id)

    assert replay(reason="AMOUNT_MISSING").judged == 1
    assert not FirstExposure.objects.exists()
    assert replay(reason="EXPERIMENT_UNKNOWN").released == 1


@pytest.mark.parametrize("is_projected_on", [False, True])
def test_rebuild__after_a_replay__gives_the_same_rows(is_projected_on):
    project_id = make_project()
    claim(project_id, 1)
    project_events(project_id=project_id)
    ProjectionState.objects.update(watermark=NOW + timedelta(minutes=6))
    make_running(project_id)
    claim(project_id, 2, at=NOW + timedelta(minutes=10))
    replay()
    if is_projected_on:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE decisions_replay SET replayed_at = now() - interval '1 hour'")
            cursor.execute("UPDATE experiments_firstexposure SET received_at = now() - interval '1 hour'")
        project_events(project_id=project_id)
    before = evidence_facts(project_id)

    rebuild(project_id=project_id)

    assert before.exposures == 1
    assert evidence_facts(project_id) == before


def test_replay__after_a_look__keeps_the_look_and_marks_it_as_stale():
    project_id = make_project()
    experiment_id = make_running(project_id)
    messages = [
        vouched(exposure(experiment_id, f"u{index}", arm(index), NOW + timedelta(hours=index))) for index in range(60)
    ]
    messages += [order(f"u{index}", NOW + timedelta(hours=index + 1)) for index in range(0, 60, 3)]
    receive(project_id, messages)
    claim(project_id, 900, at=NOW + timedelta(hours=3))
    project_events(project_id=project_id)
    ProjectionState.objects.all().delete()
    project_events(project_id=project_id)
    look(experiment_id, days=12)
    Scorecard.objects.get()

    assert replay().released == 1

    assert verify_report(experiment_id).holds
    stale = StaleLook.objects.get()
    assert (stale.scorecard_id, stale.rows, stale.restated_rows) == (Scorecard.objects.get().pk, 1, 0)
    assert not Outcome.objects.filter(message_id="e900").exists()


def test_command__project_that_is_not_there__says_so(capsys):
    with pytest.raises(CommandError, match="no project"):
        call_command("replay_quarantine", "nothing")
    make_project()
    call_command("replay_quarantine", "shop")
    assert "0 messages judged again, 0 count from now on" in capsys.readouterr().out
