"""Figures: exact intervals, states, and distances."""

import numpy as np
import pytest

from experiments.calibration.figures import clopper_pearson, distance_from_uniform, mean, median, ratio_of_totals, share
from experiments.calibration.records import State, Tally, Target, merged


def test_clopper_pearson__one_of_ten__gives_the_exact_ends():
    # 1 of 10 at 99%: 0.0005011 and 0.5442871 (scipy.stats.binomtest, R's binom.test)
    lower, upper = clopper_pearson(1, 10)
    assert lower == pytest.approx(0.0005011286, abs=1e-9)
    assert upper == pytest.approx(0.5442870569, abs=1e-9)


def test_clopper_pearson__nothing_and_everything__end_at_the_edges():
    assert clopper_pearson(0, 50)[0] == 0.0
    assert clopper_pearson(50, 50)[1] == 1.0
    assert clopper_pearson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("count", "target", "state"),
    [
        (50, Target(high=0.05), State.MET),
        (55, Target(high=0.05), State.WITHIN_NOISE),
        (100, Target(high=0.05), State.MISSED),
        (20, Target(0.045, 0.055), State.MISSED),
        (100, None, State.SHOWN),
    ],
)
def test_share__beside_its_target__has_the_state_of_its_interval(count, target, state):
    assert share("claims", count, 1_000, target).state is state


def test_distance__of_evenly_spaced_values__is_half_a_step():
    p = (np.arange(1_000) + 0.5) / 1_000
    assert distance_from_uniform("distance", p).value == pytest.approx(0.0005)
    assert distance_from_uniform("distance", p**2).value == pytest.approx(0.25, abs=0.002)


def test_mean_and_median__of_a_constant_shift__hold_it():
    values = np.arange(101.0)
    assert (mean("m", values).value, median("m", values).value) == (50.0, 50.0)
    assert median("m", values).lower < 50.0 < median("m", values).upper


def test_ratio_of_totals__of_proportional_values__is_exact():
    found = ratio_of_totals("kept", np.arange(1.0, 11.0), 2.0 * np.arange(1.0, 11.0))
    assert (found.value, found.lower, found.upper) == (0.5, 0.5, 0.5)


def test_merged__several_blocks__adds_counts_and_keeps_the_order_of_values():
    blocks = [Tally({"a": 1}, {"v": np.array([1.0])}), Tally({"a": 2, "b": 1}, {"v": np.array([3.0, 2.0])})]
    found = merged(blocks)
    assert dict(found.counts) == {"a": 3, "b": 1}
    assert found.values["v"].tolist() == [1.0, 3.0, 2.0]
