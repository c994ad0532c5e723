"""Demand over price: what is added to what, draws that never rise, and equal knowledge from equal sales."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisions.learning import LearnerKind, updating
from decisions.learning.batches import digest_of
from decisions.learning.demand import COUNT, LEAST_USUAL, DemandPrior, level_of, posterior
from decisions.learning.settings import LearnerSettingsInvalid, read_settings
from decisions.learning.state import write_state
from decisions.learning.updating import TooManyArms, fold, prior_state
from tests.decisions.learning.states import batch, scheme

PRIOR = DemandPrior(steps=5, span=0.2)
"""Steps of 0.8, 0.9, 1.0, 1.1 and 1.2."""
SALES = st.lists(
    st.tuples(st.sampled_from(["mug", "pan"]), st.floats(0.7, 1.4), st.integers(0, 50), st.floats(0.01, 10.0)),
    max_size=12,
)


def held(sales):
    """Return a batch of (item, share, pieces, days)."""
    features = [[share, share - 0.5, 2.0, 1.0] for _, share, _, _ in sales]
    return batch(
        [pieces for _, _, pieces, _ in sales],
        items=[item for item, *_ in sales],
        features=np.array(features).reshape(-1, 4),
        days=[days for *_, days in sales],
    )


def learnt(*batches, **changes):
    chosen = scheme(LearnerKind.DEMAND, **{"steps": 5, "span": 0.2} | changes)
    state = prior_state(chosen)
    for rows in batches:
        state, _folded = fold(state, rows, chosen)
    return state


def test_fold__sales_at_a_step__are_added_to_it_alone():
    state = learnt(held([("mug", 1.0, 3, 2.0), ("mug", 0.8, 5, 1.0), ("mug", 1.0, 1, 1.0)]))
    assert state.items == ("mug",)
    assert state.pieces[0] == pytest.approx([5.0, 0.0, 4.0, 0.0, 0.0])
    assert state.days[0] == pytest.approx([1.0, 0.0, 3.0, 0.0, 0.0])


def test_fold__price_between_steps__counts_for_both_by_nearness_and_elasticity():
    state = learnt(held([("mug", 0.92, 4, 2.0)]))
    assert state.pieces[0] == pytest.approx([0.0, 3.2, 0.8, 0.0, 0.0])
    assert state.days[0] == pytest.approx([0.0, 1.6 * (0.92 / 0.9) ** -2.0, 0.4 * 0.92**-2.0, 0.0, 0.0])


def test_fold__price_beyond_the_steps__counts_for_the_last_by_the_elasticity():
    state = learnt(held([("mug", 1.5, 4, 2.0)]))
    assert state.pieces[0] == pytest.approx([0.0, 0.0, 0.0, 0.0, 4.0])
    assert state.days[0] == pytest.approx([0.0, 0.0, 0.0, 0.0, 2.0 * (1.5 / 1.2) ** -2.0])


def test_fold__item_in_a_later_batch__keeps_the_level_that_it_was_met_with():
    first = held([("mug", 1.0, 3, 1.0)])
    later = batch([9], items=["mug"], features=[[1.0, 0.5, 900.0, 1.0]], days=[1.0])
    assert learnt(first, later).level.tolist() == [2.0]


@pytest.mark.parametrize(
    ("usual", "present", "level"), [(2.0, 1.0, 2.0), (2.0, 1.1, 2.0 * 1.21), (0.0, 1.0, LEAST_USUAL)]
)
def test_level__usual_sales_at_a_present_price__are_those_at_the_own_price(usual, present, level):
    assert level_of(usual, present, prior=PRIOR) == pytest.approx(level)


def test_posterior__nothing_seen__is_the_prior_with_the_declared_elasticity():
    known = posterior(3.0, np.zeros(5), np.zeros(5), prior=PRIOR)
    assert known.mean == pytest.approx(3.0 * PRIOR.shares**-2.0)
    assert known.shape.tolist() == [2.0] * 5


def test_posterior__much_seen__is_what_was_seen():
    known = posterior(3.0, np.array([9e4, 8e4, 7e4, 6e4, 5e4]), np.full(5, 1e4), prior=PRIOR)
    assert known.mean == pytest.approx([9.0, 8.0, 7.0, 6.0, 5.0], rel=1e-2)
    assert known.draws(salt="mug").mean(axis=0) == pytest.approx(known.mean, rel=1e-2)


def test_draws__of_gammas_that_hardly_meet__have_their_mean_and_variance():
    known = posterior(2.0, np.array([4e3, 0, 0, 0, 5e1]), np.array([1e3, 0, 0, 0, 1e3]), prior=PRIOR)
    drawn = known.draws(salt="mug")
    for place in (0, 4):
        mean, spread = known.shape[place] / known.rate[place], math.sqrt(known.shape[place]) / known.rate[place]
        assert abs(drawn[:, place].mean() - mean) < 5.0 * spread / math.sqrt(COUNT)
        assert drawn[:, place].std() == pytest.approx(spread, rel=0.25)


@settings(max_examples=60, deadline=None)
@given(SALES)
def test_draws__whatever_was_sold__never_rise_with_the_price_at_any_price(sales):
    state = learnt(held(sales)) if sales else None
    level, pieces, days = (
        (2.0, np.zeros(5), np.zeros(5)) if state is None else (state.level[0], state.pieces[0], state.days[0])
    )
    known = posterior(level, pieces, days, prior=PRIOR)
    drawn = known.draws(salt="mug")
    assert drawn.shape == (COUNT, 5)
    asked = np.linspace(0.5, 1.6, 60)
    curves = known.at(drawn, asked)
    assert np.isfinite(curves).all()
    assert (curves >= 0.0).all()
    assert (np.diff(curves, axis=1) <= 1e-12 * curves[:, :-1]).all()
    assert known.at(drawn, PRIOR.shares) == pytest.approx(drawn)


@settings(max_examples=60, deadline=None)
@given(SALES, st.integers(0, 12))
def test_fold__equal_sales_in_one_batch_or_two__give_equal_posteriors(sales, cut):
    at_once = learnt(held(sales))
    in_two = learnt(held(sales[:cut]), held(sales[cut:]))
    assert in_two.items == at_once.items
    assert in_two.level.tolist() == at_once.level.tolist()
    assert in_two.pieces == pytest.approx(at_once.pieces)
    assert in_two.days == pytest.approx(at_once.days)


def test_fold__two_items_with_equal_sales__are_equally_known():
    state = learnt(held([("mug", 1.1, 3, 2.0), ("pan", 1.1, 3, 2.0)]))
    assert state.pieces[0].tolist() == state.pieces[1].tolist()
    assert state.days[0].tolist() == state.days[1].tolist()


def test_fold__equal_arguments__give_equal_bytes():
    rows = held([("mug", 1.1, 3, 2.0), ("pan", 0.9, 0, 1.0)])
    assert write_state(learnt(rows)) == write_state(learnt(rows))


def test_fold__discount__fades_towards_the_prior():
    chosen = scheme(LearnerKind.DEMAND, steps=5, span=0.2, discount=0.5)
    state, _ = fold(prior_state(chosen), held([("mug", 1.0, 8, 4.0)]), chosen)
    later, _ = fold(state, held([]), chosen, periods=2.0)
    assert (later.pieces[0, 2], later.days[0, 2]) == (2.0, 1.0)


@pytest.mark.parametrize(
    ("pieces", "features", "days", "reason"),
    [
        (math.nan, [1.0, 0.5, 2.0, 1.0], 1.0, "REWARD_NOT_FINITE"),
        (-1.0, [1.0, 0.5, 2.0, 1.0], 1.0, "REWARD_OUT_OF_RANGE"),
        (1.0, [0.0, 0.5, 2.0, 1.0], 1.0, "FEATURES_UNUSABLE"),
        (1.0, [1.0, math.nan, 2.0, 1.0], 1.0, "FEATURES_UNUSABLE"),
        (1.0, [1.0, 0.5, -1.0, 1.0], 1.0, "FEATURES_UNUSABLE"),
        (1.0, [1.0, 0.5, 2.0, 0.0], 1.0, "FEATURES_UNUSABLE"),
        (1.0, [1.0, 0.5, 2.0, 1.0], 0.0, "FEATURES_UNUSABLE"),
        (1.0, [1.0, 0.5, 2.0, 1.0], math.inf, "FEATURES_UNUSABLE"),
    ],
)
def test_fold__row_that_cannot_be__leaves_the_state_as_it_was(pieces, features, days, reason):
    chosen = scheme(LearnerKind.DEMAND)
    before = prior_state(chosen)
    after, folded = fold(before, batch([pieces], features=[features], days=[days]), chosen)
    assert write_state(after) == write_state(before)
    assert (folded.rows, folded.ignored) == (0, {reason: 1})


def test_fold__more_items_than_can_be_kept__is_refused(monkeypatch):
    monkeypatch.setattr(updating, "MOST_PRICED", 1)
    with pytest.raises(TooManyArms):
        learnt(held([("mug", 1.0, 1, 1.0), ("pan", 1.0, 1, 1.0)]))


def test_digest__of_a_batch__changes_with_the_days():
    rows = held([("mug", 1.0, 1, 1.0)])
    other = held([("mug", 1.0, 1, 2.0)])
    assert digest_of(rows) != digest_of(other)


@pytest.mark.parametrize(
    "said",
    [
        {"elasticity": 0.5},
        {"elasticity": -20},
        {"prior_pieces": 0},
        {"steps": 2},
        {"steps": 16},
        {"steps": 7.5},
        {"span": 1.0},
        {"positions": 1},
        {"target": "value"},
    ],
)
def test_settings__that_make_no_sense__are_refused_by_name(said):
    with pytest.raises(LearnerSettingsInvalid, match=next(iter(said))):
        read_settings(LearnerKind.DEMAND, said, ())
