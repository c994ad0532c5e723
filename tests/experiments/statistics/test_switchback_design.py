import numpy as np
import pytest

from experiments.statistics.rows import RowsInvalid
from experiments.statistics.switchback_design import (
    CoinDesign,
    SwitchbackInvalid,
    best_points,
    coin_propensities,
    constant_windows,
    redrawn_propensities,
    schedule,
    touched,
)


def test_best_points__eight_blocks_worth__are_double_at_both_ends():
    assert best_points(16, 2) == (1, 5, 7, 9, 11, 13)
    assert best_points(4, 1) == (1, 3)
    assert best_points(3, 0) == (1, 2, 3)
    with pytest.raises(SwitchbackInvalid):
        best_points(7, 2)


def test_design__blocks_and_draws__follow_the_points():
    design = CoinDesign(6, (1, 3, 4))
    assert design.blocks.tolist() == [0, 0, 1, 2, 2, 2]
    drawn = design.draw(np.random.default_rng(1), 500)
    assert drawn.shape == (500, 6)
    assert np.array_equal(drawn[:, 0], drawn[:, 1])
    every, chances = CoinDesign(6, (1, 3, 4), 0.3).every()
    assert every.shape == (8, 6)
    assert chances.sum() == pytest.approx(1.0)
    assert chances @ every[:, 3] == pytest.approx(0.3)


@pytest.mark.parametrize("points", [(), (2, 3), (1, 1), (1, 4, 3), (1, 8)])
def test_design__points_that_cut_nothing__are_refused(points):
    with pytest.raises(SwitchbackInvalid):
        CoinDesign(7, points)


def test_design__impossible_chance_or_too_many_blocks__is_refused():
    with pytest.raises(RowsInvalid):
        CoinDesign(7, (1,), 0.0)
    with pytest.raises(SwitchbackInvalid):
        CoinDesign(20, tuple(range(1, 21))).every()


def test_schedule__that_changes_within_a_block__is_refused():
    design = CoinDesign(4, (1, 3))
    assert schedule(design, [1, 1, 0, 0]).tolist() == [True, True, False, False]
    with pytest.raises(SwitchbackInvalid, match="period 4"):
        schedule(design, [1, 1, 0, 1])
    with pytest.raises(RowsInvalid):
        schedule(design, [1, 1, 0])


@pytest.mark.parametrize("carry_over", [0, 1, 3])
def test_propensities__by_blocks_touched__are_those_of_all_schedules(carry_over):
    design = CoinDesign(9, (1, 3, 6, 7), 0.4)
    every, chances = design.every()
    ones, zeros = constant_windows(every, carry_over)
    found = coin_propensities(design, carry_over)
    assert chances @ ones == pytest.approx(found.treatment)
    assert chances @ zeros == pytest.approx(found.control)
    assert touched(design, carry_over).shape == (9 - carry_over, 2)


def test_redrawn_propensities__balanced_schedules__differ_from_coins():
    rng = np.random.default_rng(2)
    half = rng.permuted(np.tile([True, False, True, False], (20_000, 1)), axis=1)
    found = redrawn_propensities(half, 1)
    assert found.treatment == pytest.approx([1 / 6] * 3, abs=0.01)
    assert found.control == pytest.approx([1 / 6] * 3, abs=0.01)
