"""The price bandit: exact chances, and less regret than simpler ways to find a price."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from decisions.domains.pricing.features import FEATURES
from decisions.learning import LearnerKind
from decisions.learning.updating import fold, prior_state
from decisions.policies.contextual import FeaturesUnusable
from decisions.policies.learned import LearnerMismatch, fit_learner
from decisions.policy import Choices
from tests.decisions.learning.states import batch, scheme
from tests.decisions.policies.test_learned import catalogue

SURE = 1e-4
"""How rarely a test of frequencies may fail where everything is right."""
SHARES = np.linspace(0.75, 1.25, 11)
COST = 0.6
"""Of the own price."""


def choices(shares=SHARES, *, seed=0, usual=2.0, subject="mug", cost=COST):
    shares = np.asarray(shares, np.float64)
    features = np.column_stack([shares, shares - cost, np.tile([usual, 1.0], (len(shares), 1))])
    places = np.arange(10, 10 + len(shares))
    return Choices(places, np.zeros(len(shares), np.float32), None, features, seed, subject)


def policy(rows=None, *, floor=0.1, **said):
    chosen = scheme(LearnerKind.DEMAND, floor=floor, **said)
    state = prior_state(chosen)
    if rows is not None:
        state, _ = fold(state, rows, chosen)
    return fit_learner(state, catalogue(3), FEATURES)


def test_choose__frequencies_of_many_seeds__are_the_logged_probabilities():
    drawn = policy()
    slates = [drawn.choose(choices(seed=seed), size=1) for seed in range(4_000)]
    counts = Counter(int(slate.actions[0]) for slate in slates)
    logged = {int(slate.actions[0]): slate.propensities[0] for slate in slates}
    assert len({(int(slate.actions[0]), slate.propensities[0]) for slate in slates}) == len(logged)
    assert sum(logged.values()) == pytest.approx(1.0, abs=0.02 * (len(SHARES) - len(logged)) + 1e-9)
    statistic = sum((counts[place] - 4_000 * p) ** 2 / (4_000 * p) for place, p in logged.items())
    assert statistic < chi2.isf(SURE, len(logged))
    assert min(logged.values()) >= 0.1 / len(SHARES)


def test_choose__much_sold_at_one_price__chooses_it_but_for_the_floor():
    steps = np.linspace(0.7, 1.3, 15)
    sold = np.where(steps <= 1.001, 9.0, 0.5)
    features = np.column_stack([steps, steps - COST, np.tile([2.0, 1.0], (15, 1))])
    rows = batch((sold * 1_000).tolist(), features=features, days=[1_000.0] * 15)
    slate = policy(rows).choose(choices([0.9, 1.0, 1.1], seed=1), size=1)
    assert slate.actions.tolist() == [11]
    assert slate.propensities == pytest.approx((0.1 / 3 + 0.9,))
    assert slate.scores == pytest.approx([9.0 * (1.0 - COST)], rel=0.02)
    assert slate.features.tolist() == [[1.0, pytest.approx(0.4), 2.0, 1.0]]


def test_choose__equal_choices__are_equal_and_items_with_equal_knowledge_draw_by_themselves():
    first, again = (policy().choose(choices(seed=5), size=1) for _ in range(2))
    assert (first.actions.tolist(), first.propensities) == (again.actions.tolist(), again.propensities)
    chances = {policy().choose(choices([0.9, 1.1], seed=1, subject=item), size=2).propensities[0] for item in "abcdef"}
    assert len(chances) > 1


def test_choose__no_candidates__chooses_nothing():
    assert not len(policy().choose(choices([]), size=1).actions)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("strange", [np.nan, np.inf, -1e10])
def test_choose__features_that_cannot_be__are_refused(place, strange):
    asked = choices()
    asked.features[4, place] = strange
    with pytest.raises(FeaturesUnusable):
        policy().choose(asked, size=1)
    with pytest.raises(FeaturesUnusable):
        policy().choose(replace(asked, features=None), size=1)


def test_fit__domain_with_other_features__is_refused():
    with pytest.raises(LearnerMismatch):
        fit_learner(prior_state(scheme(LearnerKind.DEMAND)), catalogue(3), ("one",))


PERIODS, DAYS = 60, 7.0
OFFERED = np.linspace(0.8, 1.2, 41)
"""As many prices as a menu has at most."""
OWN = 20


def worths(elasticity, level):
    """Return what each price brings in a day, in own prices."""
    return (OFFERED - COST) * level * OFFERED**elasticity


def regret(choose, elasticity, level, *, seed):
    """Return what is lost in all periods against the best price, in shares of what that brings in a period."""
    rng = np.random.default_rng(seed)
    worth = worths(elasticity, level)
    lost = 0.0
    history: list[tuple[int, float]] = []
    for period in range(PERIODS):
        place = choose(history, period, rng)
        lost += 1.0 - worth[place] / worth.max()
        history.append((place, float(rng.poisson(level * OFFERED[place] ** elasticity * DAYS))))
    return lost


def bandit(*, floor=0.05):
    """Return a way to choose by the learning policy, which learns after every period."""
    chosen = scheme(LearnerKind.DEMAND, floor=floor)
    states = [prior_state(chosen)]

    def choose(history, period, rng):
        if history:
            place, sold = history[-1]
            share = OFFERED[place]
            rows = batch([sold], features=[[share, share - COST, 2.0, 1.0]], days=[DAYS])
            states.append(fold(states[-1], rows, chosen)[0])
        used = fit_learner(states[-1], catalogue(3), FEATURES)
        slate = used.choose(choices(OFFERED, seed=int(rng.integers(2**63))), size=1)
        return int(slate.actions[0]) - 10

    return choose


def epsilon_greedy(history, _period, rng):
    """Every price once, then the best so far, one time in ten any."""
    if len(history) < len(OFFERED):
        return len(history)
    if rng.random() < 0.1:
        return int(rng.integers(len(OFFERED)))
    sold, tried = np.zeros(len(OFFERED)), np.zeros(len(OFFERED))
    for place, pieces in history:
        sold[place] += pieces
        tried[place] += 1
    return int((sold / tried * (OFFERED - COST)).argmax())


@pytest.mark.parametrize(("elasticity", "level"), [(-4.0, 3.0), (-1.2, 2.0), (-5.0, 1.0), (-2.0, 2.0)])
def test_bandit__against_known_demand__loses_less_than_the_own_price_and_than_epsilon_greedy(elasticity, level):
    """Three demands that the prior does not expect, and the one that it does. Pieces are Poisson; periods are weeks."""
    runs = range(8)
    learnt = np.array([regret(bandit(), elasticity, level, seed=seed) for seed in runs])
    own = np.array([regret(lambda *_: OWN, elasticity, level, seed=seed) for seed in runs])
    greedy = np.array([regret(epsilon_greedy, elasticity, level, seed=seed) for seed in runs])
    assert learnt.mean() < own.mean()
    assert learnt.mean() < greedy.mean()
