import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from experiments.actions import lifecycle
from experiments.actions.analysis import analyse, differing_looks
from experiments.analysis.scorecard import Crossing
from experiments.models import Experiment, Scorecard
from experiments.queries.looks import latest_look
from experiments.vocabulary import VerdictState
from foundation.models import JournalEntry
from tests.expert.population import arm, exposure, look, order, receive
from tests.fixtures.records import ACTOR, CONVERSION, NOW, make_project, make_running

UNITS = 4000


def populate(project_id: int, experiment_id: int, rates: dict[str, float], *, days: float = 8) -> None:
    """Expose units over some days, of which the given share of each variant orders."""
    messages = []
    for index in range(UNITS):
        variant, at = arm(index), NOW + timedelta(days=days * index / UNITS)
        messages.append(exposure(experiment_id, f"u{index}", variant, at))
        if (index // 2) % 100 < rates[variant] * 100:
            messages.append(order(f"u{index}", at + timedelta(hours=1)))
    receive(project_id, messages)


@pytest.mark.django_db
def test_analyse__nobody_exposed__is_no_scorecard():
    project_id = make_project()
    experiment_id = make_running(project_id)
    end = NOW + timedelta(days=1)
    assert analyse(experiment_id=experiment_id, window_end=end, received_before=end, now=end) is None
    assert not Scorecard.objects.exists()


@pytest.mark.django_db
def test_analyse__same_window_twice__keeps_the_first_scorecard():
    project_id = make_project()
    experiment_id = make_running(project_id)
    populate(project_id, experiment_id, {"control": 0.1, "treatment": 0.1})
    look(experiment_id, days=9)
    look(experiment_id, days=9)
    assert Scorecard.objects.count() == 1
    with pytest.raises(DatabaseError), transaction.atomic():
        Scorecard.objects.update(content="{}")


@pytest.mark.django_db
def test_analyse__harm_by_the_frozen_rule__stops_the_experiment_in_the_same_transaction():
    project_id = make_project()
    experiment_id = make_running(project_id)
    populate(project_id, experiment_id, {"control": 0.4, "treatment": 0.1})
    _, verdict = look(experiment_id, days=12)
    experiment = Experiment.objects.get(pk=experiment_id)
    assert verdict.state is VerdictState.STOP_FOR_HARM
    assert experiment.status == "STOPPED"
    entry = JournalEntry.objects.get(action="experiment.stop")
    assert (entry.actor, entry.reason) == ("tiltyard", "Harm: treatment")


@pytest.mark.django_db
def test_analyse__effect_found_at_the_horizon__is_told_with_an_interval_that_agrees_at_every_later_look():
    project_id = make_project()
    experiment_id = make_running(project_id, horizon_days=14)
    populate(project_id, experiment_id, {"control": 0.10, "treatment": 0.13}, days=6)
    for day in (8, 10, 12, 14.5, 15.5):
        scorecard, verdict = look(experiment_id, days=day)
    assert verdict.state is VerdictState.SHIP
    seen = scorecard.comparison("conversion", "treatment").sequential
    assert seen is not None
    assert seen.crossed is Crossing.BETTER
    assert seen.absolute.lower is not None
    assert seen.absolute.lower > 0.0
    assert seen.lift.lower is not None
    assert seen.lift.lower > 0.0


@pytest.mark.django_db
def test_analyse__stopped_without_an_effect__is_inconclusive_once_every_window_is_closed():
    project_id = make_project()
    experiment_id = make_running(project_id)
    populate(project_id, experiment_id, {"control": 0.1, "treatment": 0.1}, days=3)
    lifecycle.stop(experiment_id=experiment_id, acting_user=ACTOR, now=NOW + timedelta(days=4), reason="campaign over")
    assert look(experiment_id, days=10)[1].state is VerdictState.CONTINUE
    scorecard, verdict = look(experiment_id, days=11)
    assert scorecard.is_last
    assert verdict.state is VerdictState.INCONCLUSIVE


@pytest.mark.django_db
def test_analyse__exposures_after_the_stop__do_not_count():
    project_id = make_project()
    experiment_id = make_running(project_id)
    populate(project_id, experiment_id, {"control": 0.1, "treatment": 0.1}, days=8)
    lifecycle.stop(experiment_id=experiment_id, acting_user=ACTOR, now=NOW + timedelta(days=4), reason="campaign over")
    scorecard, _ = look(experiment_id, days=20)
    assert sum(count.units for count in scorecard.variants) == UNITS // 2


@pytest.mark.django_db
def test_analyse__design_changed_behind_the_triggers__is_invalid():
    project_id = make_project()
    experiment_id = make_running(project_id)
    populate(project_id, experiment_id, {"control": 0.1, "treatment": 0.14})
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE experiments_metric DISABLE TRIGGER metric_is_append_only")
        cursor.execute("UPDATE experiments_metric SET window_hours = 24 WHERE key = %s", [CONVERSION.key])
    _, verdict = look(experiment_id, days=16)
    assert verdict.state is VerdictState.INVALID
    assert verdict.reasons[0].params["check"] == "FROZEN_CHANGED"


@pytest.mark.django_db
def test_differing_looks__late_messages_and_later_looks__leave_earlier_scorecards_derivable():
    project_id = make_project()
    experiment_id = make_running(project_id)
    populate(project_id, experiment_id, {"control": 0.1, "treatment": 0.12})
    end = NOW + timedelta(days=10)
    analyse(experiment_id=experiment_id, window_end=end, received_before=end, now=end)
    late = order("u1", NOW + timedelta(hours=2), name="late")
    receive(project_id, [late.__class__(**{**_fields(late), "received_at": end + timedelta(hours=1)})])
    look(experiment_id, days=12)
    assert differing_looks(experiment_id) == []
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM experiments_outcome WHERE message_id = 'o-u0'")
    assert differing_looks(experiment_id) == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_analyse__two_workers_at_once__give_one_scorecard():
    project_id = make_project()
    experiment_id = make_running(project_id)
    with transaction.atomic():
        populate(project_id, experiment_id, {"control": 0.1, "treatment": 0.1})
    end = NOW + timedelta(days=10)
    ids = []

    def work() -> None:
        ids.append(analyse(experiment_id=experiment_id, window_end=end, received_before=end, now=end))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 1
    found = latest_look(experiment_id)
    assert found is not None
    assert found.number == 1


def _fields(message) -> dict:
    return {name: getattr(message, name) for name in message.__slots__}
