"""The blackout calendar: frozen at launch, refused where a schedule is fixed already."""

from datetime import UTC, date, datetime, timedelta

import pytest

from experiments.actions import lifecycle
from experiments.actions.blackouts import (
    BlackoutInvalid,
    BlackoutTooLate,
    BlackoutUnknown,
    add_blackout,
    remove_blackout,
)
from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.engine import assign
from experiments.launch_checks import LaunchRefused
from experiments.models import AnalysisPlan, Blackout, Experiment
from experiments.queries.bundles import bundle_parts
from experiments.vocabulary import Reason
from foundation.models import JournalEntry, Project
from tests.fixtures.cells import make_by_period, planned
from tests.fixtures.records import ACTOR, NOW, make_draft, make_project, make_running

pytestmark = pytest.mark.django_db

TODAY = NOW.date()


def kept_out(project_id: int, first: int, last: int, name: str = "Sale") -> int:
    """Keep out days that are counted from the day of the launch; return the id."""
    days = {"first_day": TODAY + timedelta(days=first), "last_day": TODAY + timedelta(days=last)}
    return add_blackout(project_id=project_id, name=name, **days, acting_user=ACTOR, now=NOW)


def test_launch__days_of_the_calendar__are_frozen_and_served_as_the_control():
    project_id = make_project()
    Project.objects.filter(pk=project_id).update(time_zone="Asia/Shanghai")
    kept_out(project_id, -9, -8, "Long ago")
    sale = kept_out(project_id, 3, 4)
    experiment_id = make_by_period(project_id)  # the first period is the day after the launch
    row = Experiment.objects.get(pk=experiment_id)
    assert row.blackouts == [["2026-03-04T16:00:00+00:00", "2026-03-06T16:00:00+00:00"]]
    remove_blackout(blackout_id=sale, acting_user=ACTOR, now=NOW)
    Project.objects.filter(pk=project_id).update(time_zone="UTC")
    parts = bundle_parts(project_id)
    assert parts["experiments"][0]["period"]["blackouts"] == [[2, 4]]
    snapshot = compile_snapshot({"schema": 3, "version": 1, "project": {"id": project_id, "key": "shop"}} | parts)
    begun = datetime(2026, 3, 2, 16, tzinfo=UTC)
    answers = [assign({"item": "mug"}, {}, begun + timedelta(days=day, hours=2), None, snapshot)[0] for day in range(6)]
    assert [found.reason is Reason.BLACKOUT for found in answers] == [False, False, True, True, False, False]
    assert {(found.variant, found.enrolled) for found in answers[2:4]} == {("control", False)}


def test_launch__once_and_for_all__has_no_blackouts():
    project_id = make_project()
    kept_out(project_id, 3, 4)
    make_running(project_id)
    assert Experiment.objects.get().blackouts == []


def test_schedule__days_of_the_calendar__are_not_handed_out():
    project_id = make_project()
    kept_out(project_id, 2, 3)
    cells = planned(make_by_period(project_id), ["mug", "lamp"], days=5)
    assert [cell.period for cell in cells if cell.unit == "mug"] == [0, 3, 4]


def test_launch__every_planned_period_kept_out__is_refused_and_freezes_nothing():
    project_id = make_project()
    kept_out(project_id, 0, 30)
    experiment_id = make_draft(
        project_id, unit_kind="item", period_minutes=1440, period_design="BALANCED", horizon_days=14
    )
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    with pytest.raises(LaunchRefused) as refusal:
        lifecycle.launch(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    assert [problem.code for problem in refusal.value.problems] == ["BLACKOUT_ALL"]
    assert not AnalysisPlan.objects.exists()
    assert Experiment.objects.get().status == "IN_REVIEW"


def test_add__days_within_a_fixed_schedule__are_too_late():
    project_id = make_project()
    make_by_period(project_id, horizon_days=14)  # from the day after the launch
    with pytest.raises(BlackoutTooLate, match="button"):
        kept_out(project_id, 14, 20)
    assert not Blackout.objects.exists()
    assert not JournalEntry.objects.filter(action="blackout.create").exists()
    kept_out(project_id, 15, 20, "After it")
    kept_out(project_id, -3, 0, "Before it")
    assert Blackout.objects.count() == 2


def test_add__experiment_without_an_end__is_too_late_for_ever_until_it_stops():
    project_id = make_project()
    experiment_id = make_by_period(project_id, horizon_days=None)
    with pytest.raises(BlackoutTooLate):
        kept_out(project_id, 1_000, 1_001)
    lifecycle.stop(experiment_id=experiment_id, acting_user=ACTOR, now=NOW + timedelta(days=2), reason="Enough")
    assert kept_out(project_id, 1_000, 1_001)


def test_add__experiment_of_another_project_or_of_visitors__is_no_obstacle():
    project_id = make_project()
    make_by_period(make_project(key="pier"))
    make_running(project_id)
    assert kept_out(project_id, 1, 2)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        (" ", date(2026, 1, 1), date(2026, 1, 2)),
        ("Sale", date(2026, 1, 2), date(2026, 1, 1)),
        ("Sale", date(1, 1, 1), date(2026, 1, 1)),
        ("Sale", date(2026, 1, 1), date(9999, 12, 31)),
    ],
)
def test_add__days_that_cannot_be__are_refused(name, first, last):
    project_id = make_project()
    with pytest.raises(BlackoutInvalid):
        add_blackout(project_id=project_id, name=name, first_day=first, last_day=last, acting_user=ACTOR, now=NOW)
    assert not Blackout.objects.exists()


def test_remove__is_journalled_and_happens_once():
    blackout_id = kept_out(make_project(), 1, 2)
    remove_blackout(blackout_id=blackout_id, acting_user=ACTOR, now=NOW, reason="Cancelled")
    with pytest.raises(BlackoutUnknown):
        remove_blackout(blackout_id=blackout_id, acting_user=ACTOR, now=NOW)
    entry = JournalEntry.objects.get(action="blackout.remove")
    assert (entry.reason, entry.before["name"]) == ("Cancelled", "Sale")
