"""A learning policy finds what is best, logs what it did, learns of what is over alone, and misleads no analysis."""

from collections import Counter
from datetime import timedelta
from types import MappingProxyType

import numpy as np
import pytest
from scipy.stats import norm

from decisions.actions.learner_states import verified_state
from decisions.actions.learning import update_learner
from decisions.learning import LearnerKind
from decisions.learning.updating import fold, prior_state
from decisions.moment import Catalogue
from decisions.policies.learned import fit_learner
from decisions.policy import Choices
from decisions.queries.learners import latest_state
from experiments.statistics.adaptive_batches import batched_contrast
from experiments.statistics.moments import Moments
from tests.decisions.learning.states import FEATURES, batch, reopened, scheme
from tests.fixtures.learning import CLOSED, log_choice, log_click, make_learner
from tests.fixtures.messages import minutes
from tests.fixtures.records import NOW, make_project
from tests.fixtures.registry import make_point

RATES = np.array([0.05, 0.06, 0.04, 0.11, 0.07])
BEST = int(RATES.argmax())


def catalogue(size):
    items = tuple(f"i{place}" for place in range(size))
    places = MappingProxyType({item: place for place, item in enumerate(items)})
    return Catalogue(items, places, np.ones(size, dtype=np.bool_), np.zeros(size, dtype=np.float32))


def play(chosen, *, batches, decisions, seed, context=None):
    """Return the places chosen in each batch, by a policy that learns after each of the rewards of RATES."""
    rng = np.random.default_rng(seed)
    shelf, candidates, state = catalogue(len(RATES)), np.arange(len(RATES)), prior_state(chosen)
    history = []
    for _ in range(batches):
        policy = fit_learner(reopened(state), shelf, chosen.features)
        slates = [
            policy.choose(Choices(candidates, np.zeros(5, np.float32), None, context, int(seed)), size=1)
            for seed in rng.integers(0, 2**63, decisions)
        ]
        places = np.array([slate.actions[0] for slate in slates])
        rewards = (rng.random(decisions) < RATES[places]).astype(float)
        features = None if context is None else context[places]
        rows = batch(rewards, items=[shelf.items[place] for place in places], features=features)
        state, folded = fold(state, rows, chosen)
        assert folded.rows == decisions
        history.append(places)
    return history


CONTEXT = np.column_stack([np.ones(5), 20.0 * (RATES - 0.066), [0.3, -0.2, 0.1, 0.0, -0.4]])
CASES = [
    pytest.param(scheme(LearnerKind.BETA, prior_misses=9.0), None, id="rates"),
    pytest.param(scheme(LearnerKind.LINEAR, noise_variance=0.06), CONTEXT, id="linear"),
    pytest.param(scheme(LearnerKind.LOGISTIC, prior_mean={"one": -2.5}), CONTEXT, id="logistic"),
]


@pytest.mark.parametrize(("chosen", "context"), CASES)
def test_bandit__five_arms_with_one_that_is_best__finds_it_with_less_regret_than_an_even_split(chosen, context):
    assert context is None or len(chosen.features) == len(FEATURES)
    history = play(chosen, batches=10, decisions=400, seed=8, context=context)
    assert Counter(history[-1].tolist()).most_common(1)[0][0] == BEST
    assert np.mean(history[-1] == BEST) > 0.6
    regret = float(np.mean(RATES[BEST] - RATES[np.concatenate(history)]))
    assert regret < 0.6 * float(np.mean(RATES[BEST] - RATES))


@pytest.mark.parametrize(("chosen", "context"), CASES)
def test_bandit__floor__goes_on_trying_every_arm(chosen, context):
    history = np.concatenate(play(chosen, batches=10, decisions=400, seed=9, context=context))
    tried = np.bincount(history, minlength=5)
    assert (tried >= 0.5 * 4_000 * chosen.floor / 5).all()


def adaptive_histories(*, repetitions, batches, size, seed):
    """Return (n, mean, scatter) of both arms in each batch: equal rewards under Thompson sampling with a floor."""
    rng = np.random.default_rng(seed)
    count, total = np.zeros((repetitions, 2)), np.zeros((repetitions, 2))
    found = []
    for _ in range(batches):
        mean, spread = total / (1.0 + count), np.sqrt((1.0 / (1.0 + count)).sum(axis=1))
        share = 0.02 + 0.96 * norm.cdf((mean[:, 1] - mean[:, 0]) / spread)
        treated = rng.binomial(size, share)
        n = np.column_stack([size - treated, treated])
        means = rng.normal(size=n.shape) / np.sqrt(n)
        found.append((n, means, rng.chisquare(n - 1)))
        count, total = count + n, total + n * means
    return found


def rejects(estimate, se):
    return abs(estimate / se) > 1.959964


def moments(n, mean, scatter):
    return Moments(int(n), ("y",), np.array([mean]), np.array([[scatter]]))


def test_bandit__two_equal_arms_over_25_batches__are_told_apart_as_rarely_as_they_may_when_stratified():
    repetitions = 1_000
    history = adaptive_histories(repetitions=repetitions, batches=25, size=2_000, seed=4)
    stratified = pooled = 0
    for place in range(repetitions):
        pairs = [[moments(*(part[place, arm] for part in told)) for arm in (0, 1)] for told in history]
        found = batched_contrast((control, treatment) for control, treatment in pairs)
        stratified += rejects(found.estimate, found.se)
        total = sum(n[place] for n, _, _ in history)
        means = sum(n[place] * mean[place] for n, mean, _ in history) / total
        pooled += rejects(means[1] - means[0], np.sqrt((1.0 / total).sum()))
    assert 0.035 < stratified / repetitions < 0.075
    assert pooled / repetitions > 0.075


@pytest.mark.django_db
def test_bandit__clicks_that_come_late_but_in_time__bias_no_rate():
    """Every click takes 55 minutes. Whoever learnt of decisions at once would take the newest of them for failures."""
    learner = make_learner(make_point(make_project()), update_minutes=60)
    clicked = {number for number in range(240) if number % 4 == 0}
    for number in range(240):
        at, visitor = NOW + minutes(number + 1), f"v{number}"
        log_choice(learner, f"d{number}", at=at, visitor=visitor)
        if number in clicked:
            log_click(learner.project_id, f"c{number}", at=at + minutes(55), visitor=visitor)
    for hours in range(1, 6):
        until = NOW + timedelta(hours=hours)
        update_learner(learner_id=learner.id, until=until, now=until + CLOSED)
        (counts,) = verified_state(learner, latest_state(learner.id)).counts.tolist()
        made = min(240, 60 * hours - 1)
        assert counts == [1.0 + len([number for number in clicked if number < made]), 1.0 + made - (counts[0] - 1.0)]
