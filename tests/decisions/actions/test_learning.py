"""Updates: each batch is folded in once and in one piece, whoever does it and however often."""

import threading
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection, transaction

from decisions.actions.learner_states import verified_state
from decisions.actions.learners import stop_learning
from decisions.actions.learning import UPDATE, BatchOpen, promise_updates, update_learner, waits
from decisions.actions.replaying_learners import Outcome, replay_learner
from decisions.learning import LearnerKind
from decisions.learning.arrays import LearnerStateDamaged, LearnerStateForged
from decisions.learning.settings import LearnerSettings
from decisions.models import Learner, LearnerState, PublishedChunk
from decisions.queries.learners import LearnerUnknown, latest_state, states_of
from foundation.models import Job, JournalEntry, Project
from foundation.queries import project_facts
from tests.fixtures.learning import CLOSED, log_choice, log_click, make_ad_point, make_learner
from tests.fixtures.messages import log, minutes
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import make_point
from workers.handlers import HANDLERS

DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def learner():
    return make_learner(make_point(make_project()))


def fill(learner, *, start=NOW, decisions=10, clicked=3, prefix="d"):
    """Log decisions for different visitors, a minute apart, the first of which are clicked."""
    for number in range(decisions):
        at, visitor = start + minutes(number + 1), f"{prefix}{number}"
        log_choice(learner, f"{prefix}{number}", at=at, visitor=visitor, items=("mug" if number % 2 else "lamp",))
        if number < clicked:
            item = "mug" if number % 2 else "lamp"
            log_click(learner.project_id, f"{prefix}c{number}", at=at + minutes(1), visitor=visitor, item=item)


def update(learner, *, until=NOW + DAY, now=None):
    return update_learner(learner_id=learner.id, until=until, now=now or until + CLOSED)


def counts(learner):
    snapshot = verified_state(learner, latest_state(learner.id))
    return dict(zip(snapshot.items, snapshot.counts.tolist(), strict=True))


def test_update__closed_batch__appends_the_next_state_published_and_journalled(learner):
    fill(learner)
    revision = Project.objects.get().revision
    assert update(learner) == 1
    assert counts(learner) == {"lamp": [3.0, 4.0], "mug": [2.0, 5.0]}
    state = latest_state(learner.id)
    assert (state.number, state.rows, state.rewards_from, state.rewards_until) == (1, 10, NOW, NOW + DAY)
    assert state.figures["rewarded"] == 3
    assert PublishedChunk.objects.filter(sha256=state.sha256).exists()
    assert Project.objects.get().revision == revision + 1
    assert JournalEntry.objects.get(action="learner.update").after["sha256"] == state.sha256


def test_update__same_batch_three_times__changes_nothing_more(learner):
    fill(learner)
    assert [update(learner), update(learner), update(learner)] == [1, None, None]
    assert update(learner, until=NOW + timedelta(hours=5), now=NOW + DAY) is None
    assert LearnerState.objects.count() == 2
    assert JournalEntry.objects.filter(action="learner.update").count() == 1


def test_update__equal_histories__give_equal_states():
    found = []
    for key in ("one", "two"):
        learner = make_learner(make_point(make_project(key=key)))
        fill(learner)
        update(learner)
        found.append(latest_state(learner.id))
    assert found[0].sha256 == found[1].sha256
    assert found[0].rewards_sha256 == found[1].rewards_sha256


def test_update__in_one_piece_or_in_two__knows_the_same(learner):
    other = make_learner(learner.point_id, key="other")
    for number, chosen in enumerate((learner, other)):
        fill(chosen, prefix=f"{number}-", decisions=20, clicked=9)
    update(learner)
    update(other, until=NOW + minutes(8))
    update(other)
    assert counts(learner) == counts(other)
    assert latest_state(other.id).sha256 == latest_state(learner.id).sha256


def test_update__rewards_may_still_come__is_refused_and_nothing_is_learnt(learner):
    fill(learner)
    with pytest.raises(BatchOpen):
        update(learner, now=NOW + DAY + timedelta(hours=3))
    assert LearnerState.objects.count() == 1


def test_update__reward_that_came_after_its_time__biases_nothing(learner):
    fill(learner, decisions=4, clicked=0)
    log_click(learner.project_id, "late", at=NOW + minutes(90), visitor="d1", item="mug")
    update(learner)
    assert counts(learner) == {"lamp": [1.0, 3.0], "mug": [1.0, 3.0]}
    assert latest_state(learner.id).figures["late"] == 1


def test_update__stopped_policy__learns_nothing(learner):
    fill(learner)
    stop_learning(learner_id=learner.id, acting_user=ACTOR, now=NOW, reason="Enough")
    assert update(learner) is None
    assert LearnerState.objects.count() == 1


def test_update__nothing_happened__goes_on_with_what_it_knows_and_publishes_nothing(learner):
    revision = Project.objects.get().revision
    assert update(learner) == 1
    first, second = reversed(states_of(learner.id))
    assert (first.sha256, second.rows) == (second.sha256, 0)
    assert Project.objects.get().revision == revision
    assert not JournalEntry.objects.filter(action="learner.update").exists()


def test_update__discount__forgets_towards_the_prior():
    settings = {"discount": 0.5, "prior_rewards": 1, "prior_misses": 9}
    learner = make_learner(make_point(make_project()), settings=settings)
    fill(learner, decisions=2, clicked=0)
    update(learner)
    assert counts(learner) == {"lamp": [1.0, 10.0], "mug": [1.0, 10.0]}
    update(learner, until=NOW + 3 * DAY)
    assert counts(learner) == {"lamp": [1.0, 9.25], "mug": [1.0, 9.25]}


def test_update__rewards_that_are_no_numbers__leave_the_posterior_untouched():
    settings = {"target": "value", "noise_variance": 100.0, "prior_variance": 25.0}
    learner = make_learner(make_ad_point(make_project()), LearnerKind.LINEAR, reward="ordered", settings=settings)
    width = len(learner.domain.hooks.feature_names)
    log_choice(learner, "d1", at=NOW + minutes(1), items=("spring",), features=[[1.0] * width])
    log_choice(learner, "d2", at=NOW + minutes(1), visitor="v2", items=("spring",), features=[[None] * width])
    named = {"promotion_id": "spring"}
    log(learner.project_id, message_id="c", event="Promotion Clicked", at=NOW + minutes(2), properties=named)
    order = {"order_id": "o", "total": "NaN"}
    log(learner.project_id, message_id="o", event="Order Completed", at=NOW + minutes(3), properties=order)
    before = latest_state(learner.id)
    assert update(learner, now=NOW + 9 * DAY) == 1
    after = latest_state(learner.id)
    assert (after.sha256, after.rows) == (before.sha256, 0)
    assert after.figures["ignored"] == {"REWARD_NOT_FINITE": 1, "FEATURES_UNUSABLE": 1}


def test_update__weights__learn_which_feature_is_liked():
    learner = make_learner(make_ad_point(make_project()), LearnerKind.LOGISTIC)
    names = learner.domain.hooks.feature_names
    rng = np.random.default_rng(5)
    for number in range(200):
        row = [1.0, *rng.uniform(size=len(names) - 1).tolist()]
        at, visitor = NOW + minutes(number), f"v{number}"
        log_choice(learner, f"d{number}", at=at, visitor=visitor, items=("spring",), features=[row])
        if rng.random() < row[names.index("baseline")]:
            named = {"promotion_id": "spring"}
            event = {"message_id": f"c{number}", "event": "Promotion Clicked", "visitor": visitor}
            log(learner.project_id, at=at + minutes(1), properties=named, **event)
    update(learner)
    posterior = verified_state(learner, latest_state(learner.id)).posterior
    weight = posterior.mean[names.index("baseline")]
    assert weight > 2.0 * np.sqrt(posterior.covariance[names.index("baseline"), names.index("baseline")])
    assert [state.outcome for state in replayed(learner)] == [Outcome.SAME, Outcome.SAME]


def test_update__policy_that_is_not_there__is_refused():
    with pytest.raises(LearnerUnknown):
        update_learner(learner_id=10**6, until=NOW, now=NOW)


def overwrite(**values):
    """Change a stored state in spite of its trigger."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE decisions_learnerstate DISABLE TRIGGER learner_states_are_append_only")
        LearnerState.objects.filter(number=1).update(**values)
        cursor.execute("ALTER TABLE decisions_learnerstate ENABLE TRIGGER learner_states_are_append_only")


@pytest.mark.parametrize(
    ("values", "error"), [({"seal": "0" * 64}, LearnerStateForged), ({"content": b"x"}, LearnerStateDamaged)]
)
def test_update__state_before_that_cannot_be_trusted__is_not_built_upon(learner, values, error):
    fill(learner)
    update(learner)
    overwrite(**values)
    with pytest.raises(error):
        update(learner, until=NOW + 2 * DAY)
    assert LearnerState.objects.count() == 2
    assert [state.outcome for state in replayed(learner)] == [Outcome.SAME, Outcome.DAMAGED]


def replayed(learner):
    key = project_facts(learner.project_id).key
    return list(replay_learner(project_key=key, point_key=learner.point_key, key=learner.key))


def test_replay__after_many_updates__gives_the_same_hashes(learner):
    for day in range(4):
        fill(learner, start=NOW + day * DAY, prefix=f"{day}-", decisions=8, clicked=day)
        update(learner, until=NOW + (day + 1) * DAY)
    states = replayed(learner)
    assert [state.outcome for state in states] == [Outcome.SAME] * 5
    assert [state.found for state in states] == [state.sha256 for state in reversed(states_of(learner.id))]


def test_replay__messages_that_came_after_the_update__change_no_hash(learner):
    fill(learner)
    update(learner)
    late = NOW + 3 * DAY
    log(
        learner.project_id,
        message_id="late",
        event="Product Viewed",
        at=NOW + minutes(9),
        received_at=late,
        visitor="d8",
        properties={"product_id": "lamp"},
    )
    assert [state.outcome for state in replayed(learner)] == [Outcome.SAME] * 2


def test_replay__log_that_was_changed__differs_and_goes_on_from_what_is_stored(learner):
    fill(learner)
    update(learner)
    fill(learner, start=NOW + DAY, prefix="second")
    update(learner, until=NOW + 2 * DAY)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM decisions_eventlog WHERE message_id = 'dc0'")
    assert [state.outcome for state in replayed(learner)] == [Outcome.SAME, Outcome.DIFFERENT, Outcome.SAME]


def jobs():
    return list(Job.objects.filter(kind=UPDATE).order_by("pk"))


def test_promise_updates__nothing_is_complete_yet__promises_nothing(learner):
    facts = project_facts(learner.project_id)
    assert promise_updates(facts=facts, now=NOW + DAY + waits(learner)) == 0
    assert jobs() == []


def test_promise_updates__a_period_is_complete__promises_it_once_and_the_handler_learns(learner):
    fill(learner)
    facts, now = project_facts(learner.project_id), NOW + DAY + waits(learner) + minutes(1)
    assert [promise_updates(facts=facts, now=now), promise_updates(facts=facts, now=now)] == [1, 0]
    (job,) = jobs()
    assert job.payload == {"learner_id": learner.id, "until": (NOW + DAY).isoformat()}
    with transaction.atomic():
        HANDLERS[UPDATE](job, now)
    assert latest_state(learner.id).rows == 10
    job.state = Job.State.DONE
    job.save()
    assert promise_updates(facts=facts, now=now) == 0


def test_promise_updates__several_periods_are_complete__come_at_once_but_no_more_than_a_day():
    learner = make_learner(make_point(make_project()), update_minutes=60)
    facts = project_facts(learner.project_id)
    promise_updates(facts=facts, now=NOW + timedelta(hours=5, minutes=1) + waits(learner))
    assert jobs()[0].payload["until"] == (NOW + timedelta(hours=5)).isoformat()
    Job.objects.filter(kind=UPDATE).update(state=Job.State.DONE)
    promise_updates(facts=facts, now=NOW + timedelta(days=5) + waits(learner))
    assert jobs()[1].payload["until"] == (NOW + DAY).isoformat()


def test_promise_updates__stopped_policy__is_passed_over(learner):
    stop_learning(learner_id=learner.id, acting_user=ACTOR, now=NOW, reason="")
    assert promise_updates(facts=project_facts(learner.project_id), now=NOW + 9 * DAY) == 0


@pytest.mark.django_db(transaction=True)
def test_update__two_updaters_at_once__give_one_state():
    learner = make_learner(make_point(make_project()))
    fill(learner)
    found, gate = [], threading.Barrier(4)

    def run():
        try:
            gate.wait()
            found.append(update(learner))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found, key=str) == [1, None, None, None]
    assert LearnerState.objects.count() == 2
    assert [state.outcome for state in replayed(learner)] == [Outcome.SAME] * 2


def test_settings__as_usual__learn_of_the_first_place_alone_for_rates(learner):
    assert learner.scheme().settings == LearnerSettings(positions=1)


def test_promise__policy_whose_reward_is_gone__is_passed_over_and_the_others_are_promised(learner):
    gone = {"name": "Gone", "kind": "beta", "reward": "gone", "floor": 0.1, "holdback": 0.1, "update_minutes": 60}
    Learner.objects.create(point_id=learner.point_id, key="a-gone", salt="0" * 32, **gone)
    promised = promise_updates(facts=project_facts(learner.project_id), now=NOW + DAY + CLOSED)
    assert promised == Job.objects.filter(kind=UPDATE).count() == 1
    assert Job.objects.get(kind=UPDATE).payload["learner_id"] == learner.id


def test_promise_updates__job_that_ended_for_good__is_tried_again_the_next_day_and_not_before(learner):
    facts, now = project_facts(learner.project_id), NOW + DAY + waits(learner) + minutes(1)
    assert promise_updates(facts=facts, now=now) == 1
    Job.objects.filter(kind=UPDATE).update(state=Job.State.DEAD, finished_at=now)
    assert promise_updates(facts=facts, now=now) == 0
    assert promise_updates(facts=facts, now=now + DAY) == 1
