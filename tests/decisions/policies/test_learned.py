"""Learning policies: the probability that is logged is the one that an action had, for every kind and every place."""

from collections import Counter
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from decisions.learning import LearnerKind
from decisions.learning.gaussian import Gaussian
from decisions.learning.state import BetaSnapshot, WeightsSnapshot
from decisions.moment import Catalogue
from decisions.policies.best_arm import BestArm
from decisions.policies.contextual import FeaturesUnusable
from decisions.policies.learned import LearnerMismatch, fit_learner
from decisions.policies.remaining import Remaining
from decisions.policy import Choices

NAMES = ("one", "x")
SEEDS = 4_000
SURE = 1e-4
"""How rarely a test of frequencies may fail where everything is right."""


def catalogue(size):
    items = tuple(f"i{place}" for place in range(size))
    places = MappingProxyType({item: place for place, item in enumerate(items)})
    return Catalogue(items, places, np.ones(size, dtype=np.bool_), np.zeros(size, dtype=np.float32))


def rates(best, *, floor=0.1, unseen=None):
    """Return a Beta state with these probabilities of being best for i0, i1, ..."""
    shares = np.array(best, dtype=np.float64)
    left = 1.0 - shares.sum() if unseen is None else unseen
    items = tuple(f"i{place}" for place in range(len(best)))
    return BetaSnapshot(floor, items, np.tile([1.0, 3.0], (len(best), 1)), shares, left, 0.5)


def weights(kind=LearnerKind.LINEAR, *, floor=0.1, spread=1.0, seed=1):
    draws = np.random.default_rng(seed).normal(size=(256, 2)) * spread
    return WeightsSnapshot(kind, floor, NAMES, Gaussian(np.array([0.1, 0.2, 0.0]), np.eye(3)), draws)


def choices(places, *, seed=0, features=None):
    candidates = np.array(places, dtype=np.int64)
    return Choices(candidates, np.zeros(len(candidates), dtype=np.float32), None, features, seed)


CONTEXT = np.column_stack([np.ones(5), [-1.0, -0.2, 0.1, 0.4, 1.3]])
CASES = {
    "rates": (rates([0.6, 0.25, 0.1, 0.04]), (), None),
    "rates, one nearly certain": (rates([1.0 - 3e-9, 1e-9, 1e-9, 1e-9], floor=0.3, unseen=0.0), (), None),
    "linear": (weights(), NAMES, CONTEXT),
    "logistic": (weights(LearnerKind.LOGISTIC, floor=0.02, spread=0.3, seed=9), NAMES, CONTEXT),
}


def slates(name, *, size):
    snapshot, names, features = CASES[name]
    policy = fit_learner(snapshot, catalogue(5), names)
    return [policy.choose(choices(range(5), seed=seed, features=features), size=size) for seed in range(SEEDS)]


def chi_square(observed: Counter, expected: dict) -> float:
    """Return the p-value of observed counts; cells that are expected less than five times are taken together."""
    large = {key: share for key, share in expected.items() if share * SEEDS >= 5.0}
    rest = 1.0 - sum(large.values())
    cells = [(observed[key], share * SEEDS) for key, share in large.items()]
    if rest * SEEDS >= 5.0:
        cells.append((SEEDS - sum(observed[key] for key in large), rest * SEEDS))
    statistic = sum((found - wanted) ** 2 / wanted for found, wanted in cells)
    return float(chi2.sf(statistic, max(1, len(cells) - 1)))


@pytest.mark.parametrize("name", CASES)
def test_learned__first_place_over_many_seeds__has_the_frequencies_that_are_logged(name):
    found = slates(name, size=1)
    logged = {int(slate.actions[0]): slate.propensities[0] for slate in found}
    assert chi_square(Counter(int(slate.actions[0]) for slate in found), logged) > SURE


@pytest.mark.parametrize("name", CASES)
def test_learned__slates_over_many_seeds__have_the_frequencies_that_are_logged(name):
    """A slate's probability is the product of its propensities, each given the places before it."""
    found = slates(name, size=3)
    logged = {tuple(slate.actions.tolist()): float(np.prod(slate.propensities)) for slate in found}
    assert chi_square(Counter(tuple(slate.actions.tolist()) for slate in found), logged) > SURE


@pytest.mark.parametrize("name", CASES)
def test_learned__every_prefix__has_probabilities_that_sum_up_to_one_over_what_may_follow(name):
    followers: dict[tuple[int, ...], dict[int, float]] = {}
    for slate in slates(name, size=4):
        actions = tuple(slate.actions.tolist())
        for place, propensity in enumerate(slate.propensities):
            known = followers.setdefault(actions[:place], {}).setdefault(actions[place], propensity)
            assert known == pytest.approx(propensity, rel=1e-12)
    whole = [sum(shares.values()) for before, shares in followers.items() if len(shares) == 5 - len(before)]
    assert whole
    assert whole == pytest.approx([1.0] * len(whole))


@pytest.mark.parametrize("name", CASES)
def test_learned__weighted_back_to_itself__gives_the_mean_reward_of_the_log(name):
    """Inverse propensity scores of the policy that logged: weights are 1; those of an even split are unbiased."""
    rewards = np.array([0.1, 0.5, 0.2, 0.9, 0.3])
    found = slates(name, size=1)
    policy = {int(slate.actions[0]): slate.propensities[0] for slate in found}
    logged = np.array([rewards[slate.actions[0]] for slate in found])
    own = np.array([policy[int(slate.actions[0])] / slate.propensities[0] for slate in found])
    assert float(np.mean(own * logged)) == pytest.approx(float(logged.mean()), rel=1e-12)
    even = np.array([(1 / 5) / slate.propensities[0] for slate in found]) * logged
    assert abs(even.mean() - rewards.mean()) < 4.0 * even.std() / np.sqrt(SEEDS)


@pytest.mark.parametrize("name", CASES)
def test_learned__any_place__gives_every_candidate_at_least_the_floor(name):
    floor = CASES[name][0].floor
    for slate in slates(name, size=5)[:500]:
        least = [floor / (5 - place) for place in range(5)]
        assert (np.array(slate.propensities) >= np.array(least) - 1e-12).all()
        assert sorted(slate.actions.tolist()) == [0, 1, 2, 3, 4]
        assert slate.propensities[4] == pytest.approx(1.0)


@pytest.mark.parametrize("name", CASES)
def test_learned__same_seed__chooses_the_same(name):
    snapshot, names, features = CASES[name]
    policy = fit_learner(snapshot, catalogue(5), names)
    first, second = (policy.choose(choices(range(5), seed=77, features=features), size=5) for _ in range(2))
    assert (first.actions.tolist(), first.propensities) == (second.actions.tolist(), second.propensities)


@pytest.mark.parametrize("name", CASES)
def test_learned__no_candidate_and_one__choose_nothing_and_that_one(name):
    snapshot, names, features = CASES[name]
    policy = fit_learner(snapshot, catalogue(5), names)
    none = policy.choose(choices([], features=None if features is None else features[:0]), size=3)
    assert (len(none.actions), none.propensities, len(none.scores)) == (0, (), 0)
    one = policy.choose(choices([3], features=None if features is None else features[3:4]), size=3)
    assert one.actions.tolist() == [3]
    assert one.propensities == pytest.approx((1.0,))


def test_rates__arms_added_and_removed_in_mid_flight__share_among_those_that_are_there():
    snapshot = BetaSnapshot(0.2, ("gone", "i0"), np.ones((2, 2)), np.array([0.7, 0.2]), 0.1, 0.5)
    policy = fit_learner(snapshot, catalogue(3), ())
    slate = policy.choose(choices([0, 1, 2]), size=3)
    known = {0: 0.2, 1: 0.1, 2: 0.1}
    expected = 0.2 / 3 + 0.8 * known[int(slate.actions[0])] / 0.4
    assert slate.propensities[0] == pytest.approx(expected)
    assert policy.choose(choices([1]), size=1).propensities == pytest.approx((1.0,))


def test_rates__nothing_that_is_left_has_a_share__draws_evenly():
    policy = fit_learner(rates([1.0, 0.0, 0.0], unseen=0.0), catalogue(3), ())
    assert policy.choose(choices([1, 2]), size=2).propensities == pytest.approx((0.5, 1.0))


def test_rates__scores__are_the_expected_rates():
    snapshot = BetaSnapshot(0.2, ("i0",), np.array([[2.0, 6.0]]), np.array([0.4]), 0.6, 0.05)
    slate = fit_learner(snapshot, catalogue(2), ()).choose(choices([0, 1]), size=2)
    by_action = dict(zip(slate.actions.tolist(), slate.scores.tolist(), strict=True))
    assert by_action == {0: pytest.approx(0.25), 1: pytest.approx(0.05)}


def test_weights__features_of_the_chosen__come_back_in_their_order():
    slate = fit_learner(weights(), catalogue(5), NAMES).choose(choices(range(5), features=CONTEXT), size=3)
    assert slate.features.tolist() == CONTEXT[slate.actions].tolist()


def test_weights__equal_candidates__go_to_the_earlier():
    policy = fit_learner(weights(floor=1e-9), catalogue(4), NAMES)
    slate = policy.choose(choices(range(4), features=np.ones((4, 2))), size=4)
    assert slate.actions.tolist() == [0, 1, 2, 3]
    assert slate.propensities == pytest.approx((1.0,) * 4)


@pytest.mark.parametrize(
    "features",
    [None, np.ones((5, 3)), np.ones((4, 2)), np.full((5, 2), np.nan), np.full((5, 2), np.inf), np.full((5, 2), 1e10)],
)
def test_weights__features_that_cannot_be__are_refused(features):
    with pytest.raises(FeaturesUnusable) as raised:
        fit_learner(weights(), catalogue(5), NAMES).choose(choices(range(5), features=features), size=1)
    assert raised.value.code == "FEATURES_UNUSABLE"


def test_fit_learner__other_features_than_it_knows__is_refused():
    with pytest.raises(LearnerMismatch):
        fit_learner(weights(), catalogue(5), ("one", "y"))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.just(0.0), st.floats(1e-300, 1.0)), min_size=1, max_size=40),
    st.floats(1e-6, 1.0),
    st.integers(0, 2**64 - 1),
)
def test_remaining__any_shares__takes_each_once_with_what_the_formula_says(shares, floor, seed):
    weights_ = np.array(shares)
    left = Remaining(weights_, floor=floor)
    rng = np.random.default_rng(seed)
    taken: list[int] = []
    while left.count:
        rest = np.array([0.0 if place in taken else share for place, share in enumerate(shares)])
        place, probability = left.take(rng)
        even = 1.0 / (len(shares) - len(taken))
        owned = rest[place] / rest.sum() if rest.sum() > 1e-200 else even
        assert probability == pytest.approx(floor * even + (1.0 - floor) * owned, rel=1e-9)
        taken.append(place)
    assert sorted(taken) == list(range(len(shares)))


def test_best_arm__a_hundred_thousand_candidates__are_drawn_from_without_a_copy_for_each_place():
    shares = np.full(100_000, 1e-5)
    policy = BestArm(shares, shares.astype(np.float32), 0.1)
    slate = policy.choose(choices(range(100_000)), size=20)
    assert len(set(slate.actions.tolist())) == 20
    assert slate.propensities[0] == pytest.approx(1e-5)
