"""Folding rewards in: what is known afterwards, what is left out, and that equal histories give equal states."""

import math

import numpy as np
import pytest

from decisions.learning import LearnerKind
from decisions.learning import updating as module
from decisions.learning.batches import digest_of
from decisions.learning.draws import COUNT
from decisions.learning.state import write_state
from decisions.learning.updating import TooManyArms, fold, prior_state
from tests.decisions.learning.states import FEATURES, batch, scheme

BETA, LINEAR, LOGISTIC, _ = LearnerKind
SHOWN = (BETA, LINEAR, LOGISTIC)
RNG = np.random.default_rng(11)
X = np.concatenate([np.ones((400, 1)), RNG.normal(size=(400, 2))], axis=1)
TRUE = np.array([-1.0, 0.8, -0.5])
CLICKS = (RNG.random(400) < 1.0 / (1.0 + np.exp(-X @ TRUE))).astype(float)


def learnt(kind, rows, **settings):
    chosen = scheme(kind, **settings)
    return fold(prior_state(chosen), rows, chosen)


def test_fold__rates__are_counted_for_each_item_in_the_order_of_ids():
    state, folded = learnt(BETA, batch([1, 0, 1, 1], items=["mug", "mug", "lamp", "mug"]), prior_misses=9.0)
    assert state.items == ("lamp", "mug")
    assert state.counts.tolist() == [[2.0, 9.0], [3.0, 10.0]]
    assert (folded.rows, folded.rewarded, folded.ignored) == (4, 3, {})
    assert state.best.sum() + state.best_unseen == pytest.approx(1.0)


def test_fold__an_item_that_is_new_in_a_later_batch__begins_with_the_prior():
    chosen = scheme(BETA)
    state, _ = fold(prior_state(chosen), batch([1], items=["mug"]), chosen)
    state, _ = fold(state, batch([0], items=["kettle"]), chosen)
    assert dict(zip(state.items, state.counts.tolist(), strict=True)) == {"kettle": [1, 2], "mug": [2, 1]}


@pytest.mark.parametrize("kind", [LINEAR, LOGISTIC])
def test_fold__weights__approach_the_truth_and_the_draws_follow(kind):
    state, folded = learnt(kind, batch(CLICKS, features=X))
    assert folded.rows == 400
    assert state.draws.shape == (COUNT, len(FEATURES))
    assert state.draws.mean(axis=0) == pytest.approx(state.posterior.mean[:3])
    if kind is LOGISTIC:
        spread = np.sqrt(np.diag(state.posterior.covariance))[:3]
        assert (np.abs(state.posterior.mean[:3] - TRUE) < 4.0 * spread).all()


@pytest.mark.parametrize("kind", [LINEAR, LOGISTIC])
def test_draws__of_a_posterior__have_its_covariance(kind):
    chosen = scheme(kind)
    state, _ = fold(prior_state(chosen), batch(CLICKS, features=X), chosen)
    expected = state.posterior.covariance[:3, :3]
    assert np.cov(state.draws.T) == pytest.approx(expected, abs=0.35 * float(np.abs(expected).max()))


def test_fold__linear_in_two_batches__is_exactly_that_of_one():
    chosen = scheme(LINEAR)
    whole, _ = fold(prior_state(chosen), batch(CLICKS, features=X), chosen)
    half, _ = fold(prior_state(chosen), batch(CLICKS[:150], features=X[:150]), chosen)
    both, _ = fold(half, batch(CLICKS[150:], features=X[150:]), chosen)
    assert both.posterior.mean == pytest.approx(whole.posterior.mean)
    assert both.posterior.precision == pytest.approx(whole.posterior.precision)


def test_fold__logistic_in_two_batches__is_near_that_of_one():
    chosen = scheme(LOGISTIC)
    whole, _ = fold(prior_state(chosen), batch(CLICKS, features=X), chosen)
    half, _ = fold(prior_state(chosen), batch(CLICKS[:150], features=X[:150]), chosen)
    both, _ = fold(half, batch(CLICKS[150:], features=X[150:]), chosen)
    assert both.posterior.mean == pytest.approx(whole.posterior.mean, abs=0.05)


def test_fold__places_of_a_slate__do_not_make_what_stands_at_the_top_look_better():
    """Both kinds of action are equally good, but one always stood where it was seen three times as often."""
    rng = np.random.default_rng(2)
    places = rng.integers(0, 2, 20_000)
    liked = np.where(rng.random(20_000) < 0.8, places == 0, places == 1)
    features = np.column_stack([np.ones(20_000), liked, np.zeros(20_000)])
    clicks = (rng.random(20_000) < np.where(places == 0, 0.3, 0.1)).astype(float)
    state, _ = learnt(LOGISTIC, batch(clicks, positions=places.tolist(), features=features))
    deviation = math.sqrt(state.posterior.covariance[1, 1])
    assert abs(state.posterior.mean[1]) < 4.0 * deviation
    assert state.posterior.mean[-1] < -10.0 * math.sqrt(state.posterior.covariance[-1, -1])
    blind, _ = learnt(LOGISTIC, batch(clicks, features=features))
    assert blind.posterior.mean[1] > 10.0 * math.sqrt(blind.posterior.covariance[1, 1])


@pytest.mark.parametrize("kind", SHOWN)
def test_fold__rows_that_cannot_be__leave_the_state_as_it_was(kind):
    chosen = scheme(kind)
    before = prior_state(chosen)
    features = None if kind is BETA else [[1.0, 0.0, 0.0]] * 3
    after, folded = fold(before, batch([math.nan, math.inf, -1.0], features=features), chosen)
    assert write_state(after) == write_state(before)
    assert (folded.rows, folded.ignored) == (0, {"REWARD_NOT_FINITE": 2, "REWARD_OUT_OF_RANGE": 1})


@pytest.mark.parametrize("strange", [math.nan, math.inf, -1e7])
def test_fold__features_that_cannot_be__leave_their_row_out(strange):
    rows = batch([1, 0], features=[[1.0, strange, 0.0], [1.0, 0.5, 0.0]])
    alone = batch([0], features=[[1.0, 0.5, 0.0]])
    state, folded = learnt(LINEAR, rows)
    assert folded.ignored == {"FEATURES_UNUSABLE": 1}
    assert write_state(state) == write_state(learnt(LINEAR, alone)[0])


def test_fold__more_than_the_first_places__are_left_out_for_rates():
    rows = batch([1, 1, 0], items=["a", "b", "c"], positions=[0, 1, 2])
    state, folded = learnt(BETA, rows)
    assert (state.items, folded.ignored) == (("a",), {"BEYOND_POSITIONS": 2})
    assert learnt(BETA, rows, positions=2)[0].items == ("a", "b")


@pytest.mark.parametrize("kind", SHOWN)
def test_fold__discount__halves_what_is_known_in_its_half_life(kind):
    chosen = scheme(kind, discount=0.5)
    features = None if kind is BETA else X
    state, _ = fold(prior_state(chosen), batch(CLICKS, features=features), chosen)
    nothing = batch([], features=None if kind is BETA else np.zeros((0, 3)))
    later, _ = fold(state, nothing, chosen, periods=1.0)
    prior = prior_state(chosen)
    if kind is BETA:
        assert later.counts - 1.0 == pytest.approx((state.counts - 1.0) / 2.0)
    else:
        expected = (state.posterior.precision + prior.posterior.precision) / 2.0
        assert later.posterior.precision == pytest.approx(expected)
    twice, _ = fold(later, nothing, chosen, periods=1.0)
    at_once, _ = fold(state, nothing, chosen, periods=2.0)
    same = (twice.counts, at_once.counts) if kind is BETA else (twice.posterior.mean, at_once.posterior.mean)
    assert same[0] == pytest.approx(same[1])


@pytest.mark.parametrize("kind", SHOWN)
def test_fold__equal_arguments__give_equal_bytes_and_another_salt_other_draws(kind):
    features = None if kind is BETA else X
    states = [learnt(kind, batch(CLICKS, features=features))[0] for _ in range(2)]
    assert write_state(states[0]) == write_state(states[1])
    other = scheme(kind, salt="other")
    differs = write_state(fold(prior_state(other), batch(CLICKS, features=features), other)[0]) != write_state(
        states[0]
    )
    assert differs is (kind is not BETA)


def test_fold__more_arms_than_can_be_kept__is_refused(monkeypatch):
    monkeypatch.setattr(module, "MOST_ARMS", 2)
    chosen = scheme(BETA)
    state, _ = fold(prior_state(chosen), batch([1, 1], items=["a", "b"]), chosen)
    with pytest.raises(TooManyArms):
        fold(state, batch([1], items=["c"]), chosen)


def test_digest__of_a_batch__changes_with_every_column():
    rows = batch([1, 0], features=[[1.0, 0.0, 0.0], [1.0, 0.0, 1.0]])
    others = [
        batch([0, 0], features=rows.features),
        batch([1, 0], positions=[0, 1], features=rows.features),
        batch([1, 0], items=["a", "b"], features=rows.features),
        batch([1, 0], features=rows.features * 2.0),
        batch([1, 0]),
    ]
    assert len({digest_of(rows), *map(digest_of, others)}) == 6
    assert digest_of(batch([1, 0], features=rows.features)) == digest_of(rows)
