"""Updaters that die at any moment of an update: there is one valid state, and it is the one that the log gives."""

import os
import random
import secrets
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.db import transaction

from decisions.actions.learning import update_learner
from decisions.actions.replaying_learners import Outcome, replay_learner
from decisions.learning import LearnerKind
from decisions.models import LearnerState, PublishedChunk
from decisions.queries.learners import latest_state
from foundation.models import JournalEntry, Project
from foundation.queries import project_facts
from tests.architecture.source import PROJECT
from tests.decisions.actions.test_learning_prices import ITEMS as PRICED
from tests.decisions.actions.test_learning_prices import MIDNIGHT, batch_at, make_bandit, order
from tests.fixtures.learning import CLOSED, log_choice, log_click, make_ad_point, make_learner
from tests.fixtures.messages import log
from tests.fixtures.records import NOW, make_project
from tests.fixtures.registry import make_point

UNTIL = NOW + timedelta(days=1)
DECISIONS = 600

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


class Updaters:
    """Processes that update a learning policy, children of one that has everything imported."""

    def __init__(self, learner, environment):
        arguments = [str(learner.id), UNTIL.isoformat(), (UNTIL + CLOSED).isoformat()]
        self.parent = subprocess.Popen(
            [sys.executable, "-m", "tests.decisions.actions.updater", *arguments],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.parent.stdout.readline() == "ready\n"

    def start(self) -> int:
        """Let one begin and return its process id."""
        return int(self._asked("go"))

    def wait(self, process) -> int:
        """Return the status with which one ended, minus the signal where it was killed."""
        return int(self._asked(f"wait {process}"))

    def _asked(self, command):
        self.parent.stdin.write(f"{command}\n")
        self.parent.stdin.flush()
        return self.parent.stdout.readline()


@pytest.fixture
def updaters_of(database_url):
    """Return a function that makes the updaters of a learning policy; none is left behind."""
    environment = {**os.environ, "DATABASE_URL": database_url, "SECRET_KEY": secrets.token_urlsafe(50)}
    made: list[Updaters] = []

    def make(learner):
        made.append(Updaters(learner, environment))
        return made[-1]

    yield make
    for updaters in made:
        updaters.parent.stdin.close()
        updaters.parent.wait(timeout=30)


def fill(learner):
    for number in range(DECISIONS):
        at, visitor = NOW + timedelta(seconds=number), f"v{number}"
        item = f"i{number % 40}"
        log_choice(learner, f"d{number}", at=at, visitor=visitor, items=(item,))
        if number % 7 == 0:
            log_click(learner.project_id, f"c{number}", at=at, visitor=visitor, item=item)


def fill_with_features(learner):
    rng = random.Random(4)
    for number in range(DECISIONS):
        at, visitor = NOW + timedelta(seconds=number), f"v{number}"
        row = [1.0, *(rng.random() for _ in learner.domain.hooks.feature_names[1:])]
        log_choice(learner, f"d{number}", at=at, visitor=visitor, items=("spring",), features=[row])
        if rng.random() < row[2]:
            named = {"promotion_id": "spring"}
            event = {"message_id": f"c{number}", "event": "Promotion Clicked", "visitor": visitor}
            log(learner.project_id, at=at, properties=named, **event)


def kill_at_random(updaters, learner, *, times, seed):
    """Kill so many updaters, each at a random point of the time that a whole update takes; return how many were."""
    began = time.monotonic()
    with transaction.atomic():
        update_learner(learner_id=learner.id, until=UNTIL, now=UNTIL + CLOSED)
        transaction.set_rollback(True)
    whole = 2.0 * (time.monotonic() - began)
    points = random.Random(seed)
    killed = 0
    for _ in range(times):
        process = updaters.start()
        time.sleep(points.random() * whole)
        os.kill(process, signal.SIGKILL)
        killed += updaters.wait(process) == -signal.SIGKILL
        assert LearnerState.objects.filter(learner_id=learner.id).count() <= 2
    return killed


def ensure_one_valid_state(learner):
    """Assert that there is the prior and one more state, published and journalled once, which the log gives too."""
    state = latest_state(learner.id)
    key = project_facts(learner.project_id).key
    outcomes = replay_learner(project_key=key, point_key=learner.point_key, key=learner.key)
    assert [found.outcome for found in outcomes] == [Outcome.SAME] * 2
    assert (state.number, LearnerState.objects.filter(learner_id=learner.id).count()) == (1, 2)
    assert PublishedChunk.objects.filter(sha256=state.sha256).count() == 1
    assert JournalEntry.objects.filter(action="learner.update").count() == 1


@pytest.mark.parametrize(("kind", "seed"), [(LearnerKind.BETA, 2), (LearnerKind.LOGISTIC, 3)])
def test_updaters__killed_at_twenty_random_points__leave_one_valid_state(updaters_of, kind, seed):
    project_id = make_project()
    if kind is LearnerKind.BETA:
        learner = make_learner(make_point(project_id))
        fill(learner)
    else:
        learner = make_learner(make_ad_point(project_id), kind)
        fill_with_features(learner)
    updaters = updaters_of(learner)
    revision = Project.objects.get().revision
    assert kill_at_random(updaters, learner, times=20, seed=seed) > 0
    assert [updaters.wait(updaters.start()) for _ in range(2)] == [0, 0]
    ensure_one_valid_state(learner)
    assert Project.objects.get().revision == revision + 1


def test_updaters_of_prices__killed_at_twenty_random_points__leave_one_valid_state(updaters_of):
    learner = make_bandit()
    batch = batch_at(learner, MIDNIGHT)
    for number in range(DECISIONS):
        item, at = PRICED[number % len(PRICED)], batch.takes_effect_at + timedelta(seconds=number)
        order(learner, f"o{number}", item, at=at)
    updaters = updaters_of(learner)
    revision = Project.objects.get().revision
    assert kill_at_random(updaters, learner, times=20, seed=4) > 0
    assert [updaters.wait(updaters.start()) for _ in range(2)] == [0, 0]
    ensure_one_valid_state(learner)
    assert Project.objects.get().revision == revision + 1


def test_updaters__two_processes_at_once__give_one_state(updaters_of):
    learner = make_learner(make_point(make_project()))
    fill(learner)
    updaters = updaters_of(learner)
    processes = [updaters.start() for _ in range(3)]
    assert [updaters.wait(process) for process in processes] == [0, 0, 0]
    ensure_one_valid_state(learner)
