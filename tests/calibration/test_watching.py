"""A simulated experiment takes the way of a real one, history included."""

import numpy as np

from experiments.analysis.inputs import History
from experiments.calibration import plans
from experiments.calibration.sums import rates
from experiments.calibration.watching import Observed, single, watch
from experiments.vocabulary import VerdictState


def looks(lift, days=14):
    rng = np.random.default_rng(3)
    counts = [rng.binomial(400, rate, days).cumsum() for rate in (0.1, 0.1 * (1.0 + lift))]
    for k in range(days):
        pairs = zip(plans.arm_keys(), counts, strict=True)
        yield Observed(k + 1.0, {("conversion", key): rates(400 * (k + 1), int(found[k])) for key, found in pairs})


def test_watch__every_look__has_the_history_that_all_earlier_scorecards_leave():
    plan = plans.daily(plans.decision(plans.conversion()), days=14)
    cards = [card for card, _verdict in watch(plan, looks(0.0))]
    grown = History()
    for card in cards:
        grown = grown.after(card)
    assert grown == History.of(cards)
    assert [card.look for card in cards] == list(range(1, 15))


def test_watch__a_large_lift__ends_in_ship():
    plan = plans.daily(plans.decision(plans.conversion()), days=14)
    states = [verdict.state for _card, verdict in watch(plan, looks(0.5))]
    assert states[0] is VerdictState.CONTINUE
    assert states[-1] is VerdictState.SHIP


def test_single__a_finished_test__is_judged_at_once():
    plan = plans.one_look(plans.decision(plans.conversion()))
    sums = {("conversion", "control"): rates(5_000, 500), ("conversion", "treatment"): rates(5_000, 600)}
    card, verdict = single(plan, sums)
    assert card.is_last
    assert verdict.state is VerdictState.SHIP
