"""Creating learning policies: what does not fit is refused with its reason, and nothing is written."""

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from decisions.actions import learners as actions
from decisions.actions.learners import LearnerExists, LearnerInvalid, rename_learner, start_learning, stop_learning
from decisions.learning import LearnerKind
from decisions.learning.settings import LearnerSettingsInvalid
from decisions.learning.state import BetaSnapshot, WeightsSnapshot, open_state
from decisions.models import Learner, LearnerState, PublishedChunk
from decisions.queries.learners import (
    LearnerUnknown,
    bundle_learners,
    learner_by_id,
    learner_by_key,
    learners_of,
    state_content,
    states_of,
)
from decisions.queries.points import PointUnknown
from foundation.models import JournalEntry
from foundation.queries import project_facts
from tests.fixtures.learning import make_ad_point, make_learner
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import make_point

pytestmark = pytest.mark.django_db


@pytest.fixture
def project_id():
    return make_project()


@pytest.fixture
def point_id(project_id):
    return make_point(project_id)


def opened(learner, number=0):
    (entry,) = bundle_learners([learner.id])
    key = project_facts(learner.project_id).signing_key
    return open_state(state_content(learner.id, number), sha256=entry["sha256"], seal=entry["seal"], key=key)


def test_create_learner__beta__begins_with_its_prior(project_id, point_id):
    learner = make_learner(point_id, settings={"prior_rewards": 1, "prior_misses": 19})
    assert learner == learner_by_key(project_id, "home", "bandit")
    assert [found.id for found in learners_of(project_id)] == [learner.id]
    (state,) = states_of(learner.id)
    assert (state.number, state.batch, state.rewards_from, state.rewards_until) == (0, "prior", None, NOW)
    snapshot = opened(learner)
    assert isinstance(snapshot, BetaSnapshot)
    assert (snapshot.items, snapshot.best_unseen, snapshot.unseen_rate) == ((), 1.0, 0.05)
    assert PublishedChunk.objects.filter(sha256=state.sha256).exists()
    assert JournalEntry.objects.filter(action="learner.create", subject="learner:home/bandit").count() == 1


def test_create_learner__kind_with_features__begins_with_draws_of_its_prior(project_id):
    learner = make_learner(make_ad_point(project_id), LearnerKind.LOGISTIC, settings={"prior_mean": {"one": -3.0}})
    snapshot = opened(learner)
    assert isinstance(snapshot, WeightsSnapshot)
    assert snapshot.features == learner.domain.hooks.feature_names
    assert snapshot.posterior.mean[snapshot.features.index("one")] == -3.0
    assert snapshot.draws.mean(axis=0).tolist() == pytest.approx(snapshot.posterior.mean[:-1].tolist())


def test_bundle_learners__several__are_as_bundles_name_them(project_id, point_id):
    first, second = make_learner(point_id, key="first", floor=0.1, holdback=0.2), make_learner(point_id, key="second")
    entries = bundle_learners({second.id, first.id, 10**6})
    assert [entry["key"] for entry in entries] == ["first", "second"]
    state = states_of(first.id)[0]
    assert entries[0] == {
        "id": first.id,
        "key": "first",
        "kind": "beta",
        "number": 0,
        "floor": 0.1,
        "holdback": 0.2,
        "salt": first.salt,
        "sha256": state.sha256,
        "size": len(state_content(first.id, 0)),
        "seal": state.seal,
    }


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"floor": 0.0}, LearnerInvalid, "floor"),
        ({"floor": 1.01}, LearnerInvalid, "floor"),
        ({"floor": float("nan")}, LearnerInvalid, "floor"),
        ({"holdback": 0.0}, LearnerInvalid, "holdback"),
        ({"holdback": 0.95}, LearnerInvalid, "holdback"),
        ({"update_minutes": 0}, LearnerInvalid, "minute"),
        ({"reward": "smiled"}, LearnerInvalid, "clicked, added, ordered"),
        ({"settings": {"noise_variance": 1.0}}, LearnerSettingsInvalid, "no setting noise_variance"),
        ({"settings": {"discount": 0.4}}, LearnerSettingsInvalid, "discount"),
        ({"settings": {"discount": True}}, LearnerSettingsInvalid, "discount"),
        ({"settings": {"positions": 0}}, LearnerSettingsInvalid, "positions"),
        ({"settings": {"prior_rewards": -1}}, LearnerSettingsInvalid, "prior_rewards"),
        ({"settings": {"prior_misses": float("inf")}}, LearnerSettingsInvalid, "prior_misses"),
    ],
)
def test_create_learner__what_does_not_fit__is_refused_and_nothing_is_written(point_id, changes, error, says):
    with pytest.raises(error, match=says) as raised:
        make_learner(point_id, **changes)
    assert raised.value.hint
    assert (Learner.objects.count(), LearnerState.objects.count()) == (0, 0)
    assert not JournalEntry.objects.filter(action="learner.create").exists()


@pytest.mark.parametrize(
    ("kind", "settings", "error", "says"),
    [
        (LearnerKind.LINEAR, {"target": "value"}, LearnerSettingsInvalid, "noise_variance and prior_variance"),
        (LearnerKind.LINEAR, {"target": "joy"}, LearnerSettingsInvalid, "reward or value"),
        (
            LearnerKind.LINEAR,
            {"target": "value", "noise_variance": 4, "prior_variance": 4},
            LearnerInvalid,
            "orders alone",
        ),
        (LearnerKind.LOGISTIC, {"prior_mean": {"charm": 1.0}}, LearnerSettingsInvalid, "no feature charm"),
        (LearnerKind.LOGISTIC, {"prior_mean": [1.0]}, LearnerSettingsInvalid, "prior_mean"),
        (LearnerKind.LOGISTIC, {"prior_variance": 0}, LearnerSettingsInvalid, "prior_variance"),
    ],
)
def test_create_learner__settings_of_weights_that_do_not_fit__are_refused(project_id, kind, settings, error, says):
    point_id = make_ad_point(project_id)
    with pytest.raises(error, match=says):
        make_learner(point_id, kind, settings=settings)
    assert Learner.objects.count() == 0


def test_create_learner__key_that_is_taken__is_refused(point_id):
    make_learner(point_id)
    with pytest.raises(LearnerExists):
        make_learner(point_id)
    assert LearnerState.objects.count() == 1


def test_create_learner__point_that_is_not_there__is_refused(project_id):
    with pytest.raises(PointUnknown):
        make_learner(10**6)


def test_stop_and_start__twice_each__are_journalled_once(point_id):
    learner = make_learner(point_id)
    said = {"learner_id": learner.id, "acting_user": ACTOR, "now": NOW, "reason": "Season is over"}
    assert [stop_learning(**said), stop_learning(**said)] == [True, False]
    assert learner_by_id(learner.id).is_learning is False
    assert [start_learning(**said), start_learning(**said)] == [True, False]
    assert learner_by_id(learner.id).is_learning is True
    entries = JournalEntry.objects.filter(action__in=["learner.stop", "learner.start"])
    assert [(entry.action, entry.reason) for entry in entries.order_by("sequence")] == [
        ("learner.stop", "Season is over"),
        ("learner.start", "Season is over"),
    ]


def test_stop__policy_that_is_not_there__is_refused():
    with pytest.raises(LearnerUnknown):
        actions.stop_learning(learner_id=10**6, acting_user=ACTOR, now=NOW, reason="")


def test_rename_learner__another_name__is_journalled_once(point_id):
    learner = make_learner(point_id)
    values = {"learner_id": learner.id, "name": "Scout", "acting_user": ACTOR, "now": NOW}
    assert rename_learner(**values)
    assert not rename_learner(**values)
    entry = JournalEntry.objects.get(action="learner.rename")
    assert (entry.before, entry.after) == ({"name": "Bandit"}, {"name": "Scout"})
    assert (learner_by_id(learner.id).name, len(states_of(learner.id))) == ("Scout", 1)


def test_rename_learner__that_is_not_there_or_to_nothing__changes_nothing(point_id):
    learner = make_learner(point_id)
    with pytest.raises(LearnerUnknown):
        rename_learner(learner_id=learner.id + 1, name="Scout", acting_user=ACTOR, now=NOW)
    with pytest.raises(ValidationError):
        rename_learner(learner_id=learner.id, name="", acting_user=ACTOR, now=NOW)
    assert learner_by_id(learner.id).name == "Bandit"
    assert not JournalEntry.objects.filter(action="learner.rename").exists()


def test_states__as_facts__have_their_size_and_leave_their_bytes_where_they_are():
    learner = make_learner(make_point(make_project()))
    with CaptureQueriesContext(connection) as asked:
        (state,) = states_of(learner.id)
    assert state.size == len(state_content(learner.id, 0)) > 0
    assert [query["sql"].count('"content"') for query in asked] == [1]
    assert 'LENGTH("decisions_learnerstate"."content")' in asked[0]["sql"]
