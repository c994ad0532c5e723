"""`bin/manage replay_learner`: says of every state whether the log gives it, and ends with 1 where it does not."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from decisions.actions.learning import update_learner
from tests.fixtures.learning import CLOSED, log_choice, log_click, make_learner
from tests.fixtures.messages import minutes
from tests.fixtures.records import NOW, make_project
from tests.fixtures.registry import make_point

pytestmark = pytest.mark.django_db

UNTIL = NOW + timedelta(days=1)


@pytest.fixture
def learner():
    learner = make_learner(make_point(make_project()))
    log_choice(learner, "d1", at=NOW + minutes(1))
    log_click(learner.project_id, "c1", at=NOW + minutes(2))
    update_learner(learner_id=learner.id, until=UNTIL, now=UNTIL + CLOSED)
    return learner


def test_replay_learner__whole_history__is_as_the_log_has_it(learner, capsys):
    call_command("replay_learner", "shop", "home", "bandit")
    said = capsys.readouterr().out
    assert said.count("SAME") == 2
    assert "2 states are as the log has them, 0 are not, 0 are damaged" in said


def test_replay_learner__reward_missing_from_the_log__ends_with_one(learner, capsys):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM decisions_eventlog WHERE message_id = 'c1'")
    with pytest.raises(SystemExit) as ended:
        call_command("replay_learner", "shop", "home", "bandit")
    assert ended.value.code == 1
    assert "1\tDIFFERENT" in capsys.readouterr().out


@pytest.mark.parametrize("named", [("none", "home", "bandit"), ("shop", "none", "bandit"), ("shop", "home", "none")])
def test_replay_learner__what_is_not_there__says_so(learner, named):
    with pytest.raises(CommandError, match=r"There is no|has no"):
        call_command("replay_learner", *named)
