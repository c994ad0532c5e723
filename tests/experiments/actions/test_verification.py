"""A report verifies as long as nobody touched it, and names what was touched."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from experiments.actions.verification import verify_report
from experiments.analysis.plan import Gatekeeping
from experiments.models import AnalysisPlan, Scorecard
from experiments.queries.plans import plan_of
from tests.expert.population import arm, exposure, look, order, receive
from tests.fixtures.records import NOW, make_project, make_running

pytestmark = pytest.mark.django_db
UNITS = 600


@pytest.fixture
def experiment_id() -> int:
    """Return an experiment with two looks whose exposures have the slots of their variants."""
    project_id = make_project()
    experiment_id = make_running(project_id)
    messages = []
    for index in range(UNITS):
        variant, at = arm(index), NOW + timedelta(hours=index / 10)
        shown = exposure(experiment_id, f"u{index}", variant, at)
        slot = index + (500_000 if variant == "treatment" else 0)
        shown.enrolments[0]["slots"] = [None, None, slot]
        messages.append(shown)
        if index % 7 == 0:
            messages.append(order(f"u{index}", at + timedelta(hours=1)))
    receive(project_id, messages)
    look(experiment_id, days=10)
    look(experiment_id, days=11)
    return experiment_id


@contextmanager
def triggers_off() -> Iterator[None]:
    """Let a test do what only somebody with the rights of the database's owner could."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")


def parts(experiment_id: int) -> set[tuple[int | None, str]]:
    return {(difference.look, difference.part) for difference in verify_report(experiment_id).differences}


def test_verify__untouched_report__holds_and_writes_nothing(experiment_id):
    before = list(Scorecard.objects.order_by("pk").values())
    found = verify_report(experiment_id)
    assert (found.holds, found.looks, found.later) == (True, 2, 0)
    assert list(Scorecard.objects.order_by("pk").values()) == before


def without_later_fields(value: object) -> object:
    """Return a scorecard's values as they were stored before futility, final inference and segments existed."""
    if isinstance(value, list):
        return [without_later_fields(each) for each in value]
    if not isinstance(value, dict):
        return value
    later = {"futility", "final", "unfiltered", "segments", "filtered"}
    return {name: without_later_fields(each) for name, each in value.items() if name not in later}


def test_verify__plan_and_looks_of_the_first_schema__hold(experiment_id):
    plan = replace(plan_of(experiment_id), schema=1, futility=False, gatekeeping=Gatekeeping.GATE)
    with triggers_off():
        Scorecard.objects.filter(experiment_id=experiment_id).delete()
        AnalysisPlan.objects.filter(experiment_id=experiment_id).update(
            content=plan.to_json().decode(), sha256=plan.sha256()
        )
    assert "futility" not in AnalysisPlan.objects.get(experiment_id=experiment_id).content
    look(experiment_id, days=10)
    look(experiment_id, days=11)
    for row in Scorecard.objects.filter(experiment_id=experiment_id):
        text = json.dumps(without_later_fields(json.loads(row.content)), sort_keys=True, separators=(",", ":"))
        with triggers_off():
            Scorecard.objects.filter(pk=row.pk).update(content=text, sha256=hashlib.sha256(text.encode()).hexdigest())
    found = verify_report(experiment_id)
    assert (found.holds, found.looks) == (True, 2)
    last = Scorecard.objects.get(look=2)
    check = next(check for check in json.loads(last.content)["checks"] if check["code"] == "FROZEN_CHANGED")
    assert (check["outcome"], last.verdict_state) == ("PASSED", "CONTINUE"), "later defaults change no design"
    with triggers_off():
        Scorecard.objects.filter(look=1).update(plan_sha256="0" * 64)
    assert (1, "plan") in parts(experiment_id)


def test_verify__figures_edited_in_the_database__names_look_text_figures_and_verdict(experiment_id):
    row = Scorecard.objects.get(experiment_id=experiment_id, look=1)
    content = json.loads(row.content)
    content["variants"][0]["units"] += 1
    with triggers_off():
        Scorecard.objects.filter(pk=row.pk).update(content=json.dumps(content, sort_keys=True, separators=(",", ":")))
    assert {(1, "text"), (1, "figures")} <= parts(experiment_id)
    assert not {part for part in parts(experiment_id) if part[0] == 2}


def test_verify__verdict_edited__is_named(experiment_id):
    with triggers_off():
        Scorecard.objects.filter(look=2).update(verdict={**Scorecard.objects.get(look=2).verdict, "state": "SHIP"})
    assert parts(experiment_id) == {(2, "verdict")}


def test_verify__outcomes_removed__gives_other_figures(experiment_id):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM experiments_outcome WHERE message_id = 'o-u7'")
    assert parts(experiment_id) == {(1, "figures"), (2, "figures")}


def test_verify__unit_moved_to_the_other_variant__is_named_by_its_slot(experiment_id):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE experiments_firstexposure SET variant_id ="
            " (SELECT id FROM experiments_variant WHERE key = 'control') WHERE message_id = 'e-u1'"
        )
    assert (None, "assignment") in parts(experiment_id)


def test_verify__rows_that_came_later__change_no_look(experiment_id):
    late = exposure(experiment_id, "late", "control", NOW + timedelta(days=60))
    late.enrolments[0]["slots"] = [None, None, 5]
    receive(Scorecard.objects.first().experiment.project_id, [late])
    found = verify_report(experiment_id)
    assert (found.holds, found.later) == (True, 1)


def test_command__says_that_all_is_well_or_ends_with_an_error(experiment_id, capsys):
    call_command("verify_report", "button")
    assert "2 looks verified" in capsys.readouterr().out
    with triggers_off():
        Scorecard.objects.filter(look=2).update(sha256="0" * 64)
    with pytest.raises(CommandError):
        call_command("verify_report", "button")
    assert "look 2: text" in capsys.readouterr().out
    with pytest.raises(CommandError, match="nothing-of-that-name"):
        call_command("verify_report", "nothing-of-that-name")
