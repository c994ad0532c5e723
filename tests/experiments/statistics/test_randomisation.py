import math

import numpy as np
import pytest

from experiments.statistics import randomisation
from experiments.statistics.randomisation import complete, exact_test, monte_carlo_test, units
from experiments.statistics.results import Alternative, Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid


def test_exact_test__four_units__counts_all_six_assignments():
    found = exact_test(units([1.0, 2.0, 3.0, 6.0]), [0, 0, 1, 1])
    assert found == randomisation.RandomisationTest(3.0, 2 / 6, 6)
    assert exact_test(units([1.0, 2.0, 3.0, 6.0]), [0, 0, 1, 1], Alternative.GREATER).p_value == pytest.approx(1 / 6)
    assert exact_test(units([1.0, 2.0, 3.0, 6.0]), [0, 0, 1, 1], Alternative.LESS).p_value == 1.0


def test_exact_test__clusters_of_different_size__compares_means_of_rows():
    found = exact_test(units([10.0, 3.0, 8.0, 1.0], [5.0, 1.0, 2.0, 1.0]), [0, 0, 1, 1])
    assert found.estimate == pytest.approx(9.0 / 3.0 - 13.0 / 6.0)


@pytest.mark.parametrize("level", [1e15, -1e9, 1e-200, 1e307])
def test_exact_test__huge_or_tiny_values__count_ties_as_before(level):
    values = np.array([1.0, 2.0, 3.0, 6.0, 2.0, 3.0])
    plain = exact_test(units(values), [0, 1, 0, 1, 0, 1])
    assert exact_test(units(values * level), [0, 1, 0, 1, 0, 1]).p_value == plain.p_value
    if 1.0 < abs(level) <= 1e15:
        assert exact_test(units(values * 1024 + level), [0, 1, 0, 1, 0, 1]).p_value == plain.p_value


def test_exact_test__nothing_to_compare__is_undefined():
    assert exact_test(units([1.0, 2.0]), [0, 0]) == Undefined(UndefinedReason.NO_DATA)
    assert exact_test(units([]), []) == Undefined(UndefinedReason.NO_DATA)
    assert exact_test(units([0.1] * 6), [0, 1] * 3) == Undefined(UndefinedReason.NO_VARIANCE)


def test_exact_test__too_many_assignments__is_refused():
    with pytest.raises(randomisation.TooManyAssignments) as refused:
        exact_test(units(np.arange(40.0)), np.arange(40) % 2)
    assert refused.value.code == "TOO_MANY_ASSIGNMENTS"
    assert str(math.comb(40, 20)) in refused.value.message


def test_monte_carlo_test__many_draws__comes_near_the_exact_test():
    rng = np.random.default_rng(1)
    values, treated = rng.normal(size=16) + np.repeat([0.0, 1.0], 8), np.repeat([0, 1], 8)
    exact = exact_test(units(values), treated)
    found = monte_carlo_test(units(values), treated, complete(treated, rng, draws=20_000))
    assert found.p_value == pytest.approx(exact.p_value, abs=0.012)
    assert found.assignments == 20_000


def test_monte_carlo_test__few_draws__never_gives_p_zero():
    treated = np.repeat([0, 1], 50)
    found = monte_carlo_test(units(treated * 9.0), treated, complete(treated, np.random.default_rng(2), draws=19))
    assert found.p_value == 1 / 20


def test_monte_carlo_test__few_clusters_without_an_effect__keeps_its_size():
    rng = np.random.default_rng(3)
    treated, rejected = np.repeat([0, 1], 4), 0
    for _ in range(500):
        sizes = 5.0 + rng.geometric(0.05, 8)
        sums = sizes * rng.standard_t(2, 8)
        rejected += exact_test(units(sums, sizes), treated).p_value <= 0.05
    assert rejected / 500 <= 0.075


def test_monte_carlo_test__coins_that_leave_an_arm_empty__do_not_count():
    treated = np.array([0, 1, 1])
    draws = [np.array([[False, False, False], [True, True, True], [False, True, True], [True, False, True]])]
    found = monte_carlo_test(units([1.0, 2.0, 3.0]), treated, draws)
    assert found.assignments == 2
    assert found.p_value == pytest.approx(2 / 3)
    empty = monte_carlo_test(units([1.0, 2.0, 3.0]), treated, [draws[0][:2]])
    assert empty == Undefined(UndefinedReason.NO_DATA)


def test_coins__share__is_kept_and_the_seed_decides():
    blocks = list(randomisation.coins(1000, 0.2, np.random.default_rng(4), draws=2000))
    assert sum(block.shape[0] for block in blocks) == 2000
    assert len(blocks) == 2
    assert np.mean(np.concatenate(blocks)) == pytest.approx(0.2, abs=0.005)
    again = list(randomisation.coins(1000, 0.2, np.random.default_rng(4), draws=2000))
    assert np.array_equal(blocks[0], again[0])


@pytest.mark.parametrize(
    ("sums", "sizes", "treatment"),
    [([1.0, np.nan], None, [0, 1]), ([1.0, 2.0], [1.0, 0.0], [0, 1]), ([1.0, 2.0], [1.0], [0, 1]), ([1.0], None, [2])],
)
def test_units__rows_that_cannot_be__are_refused(sums, sizes, treatment):
    with pytest.raises(RowsInvalid):
        exact_test(units(sums, sizes), treatment)


def test_monte_carlo_test__draws_of_another_shape_or_none__are_refused():
    given = units([1.0, 2.0, 3.0])
    with pytest.raises(RowsInvalid):
        monte_carlo_test(given, [0, 1, 1], [np.ones((4, 2), dtype=bool)])
    with pytest.raises(RowsInvalid):
        monte_carlo_test(given, [0, 1, 1], complete([0, 1, 1], np.random.default_rng(5), draws=0))
