"""Designs of price and restock tests, with fewer replicates than the document: who is right, and who ships what."""

import numpy as np
import pytest

from experiments.calibration.pages import CALIBRATION, INTERFERENCE, PAGES
from experiments.calibration.records import Effort, State, Tally
from experiments.calibration.studies import interference, replenishment
from experiments.calibration.studies.catalogue import all_studies, interference_studies, named, studies_of
from experiments.calibration.studies.replenishment import RestockTest, View

SEEDS = range(120)
RESTOCK_SEEDS = range(40)


def setting(name):
    return next(s for study in interference_studies() for s in study.settings if s.name == name)


def price_figures(name):
    test = setting(name).simulate.args[0]
    return interference.simulated(test, SEEDS)


def test_price_tests__the_default_design__is_unbiased_and_covers_the_truth():
    found = price_figures("default: cluster x period, 14 days, burn-in 7")
    states = {r.figure: r.state for r in interference.evaluate(interference.COVERS, found, len(SEEDS))}
    assert State.MISSED not in states.values()
    assert found.count("inside") >= 0.89 * len(SEEDS)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("naive: item, once and for all", 3.0),
        ("item x period, 14 days, burn-in 7", 3.0),
        ("cluster x period, 14 days, no burn-in", 1.0),
    ],
)
def test_price_tests__other_designs__take_a_loss_for_a_gain(name, least):
    found = price_figures(name)
    assert found.values["error"].mean() > least
    assert found.count("inside") <= 0.2 * len(SEEDS)


def test_carry_over__a_burn_in_that_is_too_short__pulls_the_effect_towards_nothing():
    long = price_figures("carry-over of 7 days, burn-in 7")
    none = price_figures("carry-over of 7 days, burn-in 0")
    assert none.values["error"].mean() < -0.4 < abs(long.values["error"].mean()) < 0.1
    assert none.count("inside") < 0.5 * len(SEEDS) < 0.89 * len(SEEDS) <= long.count("inside")


def test_restock_tests__the_default_design__ships_what_is_better_in_the_long_run():
    found = replenishment.simulated(setting("default: profit, burn-in 7").simulate.args[0], RESTOCK_SEEDS)
    assert found.count("ships") >= 38
    assert found.count("harms") == 0
    assert found.count("inside") >= 34
    assert abs(found.values["error"].mean()) < 0.15


def test_restock_tests__by_cash__never_ship_it():
    found = replenishment.simulated(setting("cash, no burn-in").simulate.args[0], RESTOCK_SEEDS)
    assert (found.count("ships"), found.count("inside")) == (0, 0)
    assert found.count("harms") > 5
    assert found.values["error"].mean() < -1.0


def test_plan__of_a_restock_test__has_its_periods_and_one_metric():
    test = setting("default: profit, burn-in 7").simulate.args[0]
    plan = replenishment.planned(test)
    assert plan.periods is not None
    assert (plan.periods.minutes, plan.periods.burn_in, plan.periods.block) == (21 * 1440, 7 * 1440, 2)
    assert (plan.horizon_days, [metric.spec.key for metric in plan.metrics]) == (126, ["profit"])


def test_power_sums__of_cells__are_exact():
    sums = replenishment.power_sums([3, -1, 0])
    assert (sums.n, sums.sums, sums.products, sums.nonzero, sums.cubes) == (3, (2,), (10,), (2,), 26)


def test_restock_test__by_shelf__has_one_unit_for_each_shelf():
    shared = setting("shelf x period").simulate.args[0]
    separate = RestockTest(shared.inventory, shared.calendar, View.PROFIT)
    assert (shared.units, separate.units) == (24, 96)


def test_settings_with_seeds__another_seed_of_the_run__change_nothing():
    studies = named(interference_studies(), ["price-carry-over"])
    settings = [s for s in studies[0].settings if s.full == interference.SEEDS]
    tallies = [s.simulate(np.random.default_rng(seed), 5) for s in settings[:1] for seed in (1, 2)]
    assert isinstance(tallies[0], Tally)
    assert np.array_equal(tallies[0].values["error"], tallies[1].values["error"])
    more = next(s for s in studies[0].settings if s.full == interference.MORE)
    drawn = [more.simulate(np.random.default_rng(seed), 5).values["error"] for seed in (1, 2)]
    assert not np.array_equal(drawn[0], drawn[1])


def test_studies_of__each_page__are_its_own_and_distinct():
    assert set(PAGES) == {"calibration", "interference"}
    mine, others = ({s.name for s in studies_of(page)} for page in (INTERFERENCE, CALIBRATION))
    assert mine.isdisjoint(others)
    assert len(all_studies()) == len(others)
    for study in interference_studies():
        assert len({s.name for s in study.settings}) == len(study.settings)
        assert all(s.replicates(effort) > 0 for s in study.settings for effort in Effort)
